//! Master keys of several processes: they are the same from the first start, and are rotated without a failed send.

use std::fs;
use std::path::{Path, PathBuf};

use sendbox_service::vault::MasterKeys;
use sendbox_tests::Database;
use sendbox_tests::process::{ApiResponse, Client, Deployment, Process};
use serde_json::{Value, json};

use crate::load::received_code;

/// A file of master keys beside the data folder.
fn keys(deployment: &Deployment, name: &str, keys: &[&str]) -> PathBuf {
    let path = deployment.beside(&format!("{name}.keys"));
    fs::write(&path, keys.join("\n")).unwrap();
    path
}

/// Starts a process on a database, with these master keys.
async fn start(deployment: &Deployment, database: &Database, name: &str, with: &[&str]) -> Process {
    let file = keys(deployment, name, with);
    deployment.start_with(&["--database-url", database.url(), "--master-key-file", text(&file)]).await
}

/// The same, where the start must fail. Returns what it says.
async fn refusal(deployment: &Deployment, database: &Database, name: &str, with: &[&str]) -> String {
    let file = keys(deployment, name, with);
    let output = deployment.refused(&["--database-url", database.url(), "--master-key-file", text(&file)]).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn new_key() -> String {
    MasterKeys::generate().unwrap().to_string()
}

async fn send(client: &Client, number: &str) -> ApiResponse {
    let body = json!({ "to": number, "usage": "sign-in", "code": "123456" });
    client.post("messages", &body, None).await.unwrap()
}

/// Starts a verification. Returns its id.
async fn verify(client: &Client, number: &str) -> String {
    let made = client.post("verifications", &json!({ "to": number, "usage": "sign-in" }), None).await.unwrap();
    assert_eq!(made.status, 201, "{made:?}");
    made.text("/id").to_owned()
}

async fn check(deployment: &Deployment, client: &Client, id: &str, number: &str) {
    let body: Value = json!({ "code": received_code(deployment, number).unwrap() });
    let checked = client.post(&format!("verifications/{id}/check"), &body, None).await.unwrap();
    assert_eq!(checked.status, 200, "{checked:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_on_an_empty_database_have_the_keys_of_the_first() {
    let Some(database) = Database::postgres().await else { return };
    let deployment = Deployment::new().await;
    let one = deployment.start_with(&["--database-url", database.url()]).await;
    one.client.add_tenant().await;

    // It would generate other keys in its own folder.
    let other = Deployment::new().await;
    let output = other.refused(&["--database-url", database.url()]).await;
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("the database is sealed with the master keys of another process"), "{stderr}");
    assert!(!other.data().join("master.keys").exists(), "nothing was generated");

    let stderr = refusal(&deployment, &database, "other", &[&new_key()]).await;
    assert!(stderr.contains("which was not given"), "{stderr}");

    let first = fs::read_to_string(deployment.data().join("master.keys")).unwrap();
    let two = start(&deployment, &database, "other", &[first.trim()]).await;
    assert_eq!(send(&two.client, "+4520000001").await.status, 200);
    assert_eq!(send(&one.client, "+4520000002").await.status, 200);
    one.stop().await;
    two.stop().await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_in_two_steps_fails_no_send() {
    let Some(database) = Database::postgres().await else { return };
    let deployment = Deployment::new().await;
    let (old, new) = (new_key(), new_key());
    let mut one = start(&deployment, &database, "one", &[&old]).await;
    let mut two = start(&deployment, &database, "two", &[&old]).await;
    one.client.add_tenant().await;
    let before = verify(&two.client, "+4520000001").await;

    // One process at a time, and after each one both work. The last step removes the old key.
    let steps: [&[&str]; 3] = [&[&old, &new], &[&new, &old], &[&new]];
    let mut number = 4_520_100_000_u64;
    for (step, with) in steps.into_iter().enumerate() {
        for restarts_one in [true, false] {
            if restarts_one {
                one.stop().await;
                one = start(&deployment, &database, "one", with).await;
            } else {
                two.stop().await;
                two = start(&deployment, &database, "two", with).await;
            }
            for (here, there) in [(&one, &two), (&two, &one)] {
                let ready = here.client.ask("GET", "/readyz", None).await.unwrap();
                assert_eq!(ready.status, 200, "step {step}: {ready:?}");
                number += 1;
                let to = format!("+{number}");
                let id = verify(&here.client, &to).await;
                check(&deployment, &there.client, &id, &to).await;
            }
            if step == 1 && restarts_one {
                // Of before the rotation, by a process after it.
                check(&deployment, &one.client, &before, "+4520000001").await;
            }
        }
    }
    one.stop().await;
    two.stop().await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_is_announced_and_a_process_that_lacks_it_is_not_ready() {
    let Some(database) = Database::postgres().await else { return };
    let deployment = Deployment::new().await;
    let (old, new) = (new_key(), new_key());
    let one = start(&deployment, &database, "one", &[&old]).await;
    let two = start(&deployment, &database, "two", &[&old]).await;
    one.client.add_tenant().await;
    one.stop().await;
    let stderr = refusal(&deployment, &database, "one", &[&new, &old]).await;
    assert!(stderr.contains("is new to this database"), "{stderr}");
    assert_eq!(send(&two.client, "+4520000001").await.status, 200, "nothing was changed");

    // The second process is left out.
    start(&deployment, &database, "one", &[&old, &new]).await.stop().await;
    let one = start(&deployment, &database, "one", &[&new, &old]).await;
    let lost = loop {
        let ready = two.client.ask("GET", "/readyz", None).await.unwrap();
        if ready.status != 200 {
            break ready;
        }
    };
    assert_eq!((lost.status, lost.text("/type")), (503, "/problems/master-key-missing"), "{lost:?}");
    assert!(two.log().contains("sealed with a master key that this process was not given"), "{}", two.log());
    let sent = deployment.simulator.counters().requests;
    let refused = send(&two.client, "+4520000002").await;
    assert_eq!((refused.status, refused.text("/type")), (503, "/problems/master-key-missing"), "{refused:?}");
    assert_eq!(deployment.simulator.counters().requests, sent, "refused, but sent");
    assert_eq!(send(&one.client, "+4520000002").await.status, 200, "the other process works");
    two.stop().await;
    let two = start(&deployment, &database, "two", &[&old, &new]).await;
    assert_eq!(send(&two.client, "+4520000003").await.status, 200);
    one.stop().await;
    two.stop().await;
    database.remove().await;
}

/// Nobody else can meet the new key, so it needs no announcement.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_process_rotates_at_once() {
    let deployment = Deployment::new().await;
    let process = deployment.start().await;
    process.client.add_tenant().await;
    let id = verify(&process.client, "+4520000001").await;
    process.stop().await;
    let path = deployment.data().join("master.keys");
    let (old, new) = (fs::read_to_string(&path).unwrap(), new_key());
    fs::write(&path, format!("{new}\n{old}")).unwrap();
    let process = deployment.start().await;
    check(&deployment, &process.client, &id, "+4520000001").await;
    process.stop().await;
    fs::write(&path, new).unwrap();
    let process = deployment.start().await;
    assert_eq!(send(&process.client, "+4520000002").await.status, 200);
    process.stop().await;
    // Not back to what was removed.
    fs::write(&path, old).unwrap();
    let output = deployment.refused(&[]).await;
    assert!(String::from_utf8(output.stderr).unwrap().contains("which was not given"));
}
