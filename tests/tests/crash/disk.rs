//! A full disk, a damaged database file, missing keys, and a shared data folder: promise P16.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Output;

use sendbox_tests::process::{Deployment, Process};
use serde_json::json;

use crate::load::{Ask, Kind, audit};

/// How a process that must not start has ended: the exit code and its output.
fn ending(output: &Output) -> (i32, String) {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(stderr.contains("error: "), "{stderr}");
    (output.status.code().expect("an exit code"), stderr)
}

fn ask(number: &str) -> Ask {
    let body = json!({ "to": number, "usage": "sign-in", "code": "123456" });
    Ask {
        kind: Kind::Message,
        number: number.to_owned(),
        body,
        key: None,
        answer: None,
        approved: 0,
        check_unknown: false,
    }
}

/// A command that runs another one with a small disk mounted over a folder. `None` if this machine does not allow
/// that.
async fn with_small_disk(deployment: &Deployment) -> Option<tokio::process::Command> {
    let data = deployment.data();
    fs::create_dir(&data).unwrap();
    let script = "mount -t tmpfs -o size=12m,mode=700 tmpfs \"$1\" || exit 99; shift; exec \"$@\"";
    for rights in [&["--mount"][..], &["--user", "--map-root-user", "--mount"]] {
        let mut command = tokio::process::Command::new("unshare");
        command.args(rights).args(["sh", "-c", script, "sh"]).arg(&data);
        let mut probe = tokio::process::Command::new("unshare");
        probe.args(rights).args(["sh", "-c", script, "sh"]).arg(&data).arg("true");
        if probe.output().await.is_ok_and(|output| output.status.success()) {
            let serve = deployment.command(&[]).await;
            let serve = serve.as_std();
            command.arg(serve.get_program()).args(serve.get_args());
            return Some(command);
        }
    }
    None
}

/// A file that fills the disk of a process.
struct Filler(PathBuf);

impl Filler {
    fn new(process: &Process, deployment: &Deployment) -> Self {
        let inside = deployment.data().join("filler");
        let path = PathBuf::from(format!("/proc/{}/root", process.id())).join(inside.strip_prefix("/").unwrap());
        let mut file = fs::File::create(&path).unwrap();
        for piece in [vec![1; 64 * 1024], vec![1; 512]] {
            while file.write_all(&piece).is_ok() {}
        }
        Self(path)
    }

    fn remove(self) {
        fs::remove_file(self.0).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_it_refuses_and_later_resumes() {
    let deployment = Deployment::new().await;
    let Some(command) = with_small_disk(&deployment).await else {
        let line = "\nSKIPPED: crash::disk::on_a_full_disk…, because this machine mounts no tmpfs for a test (`unshare --mount`)\n";
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return;
    };
    let process = Process::start(command).await;
    process.client.add_tenant().await;
    let client = process.client.clone();
    let mut book = Vec::new();
    let mut before = ask("+4520000001");
    before.answer = before.put(&client).await;
    assert_eq!(before.answer.as_ref().unwrap().status, 200);
    book.push(before);

    // Full before anything is accepted.
    let filler = Filler::new(&process, &deployment);
    let sent = deployment.simulator.counters().requests;
    for index in 0..5 {
        let mut refused = ask(&format!("+452000001{index}"));
        refused.answer = refused.put(&client).await;
        let answer = refused.answer.as_ref().unwrap();
        assert_eq!((answer.status, answer.text("/type")), (503, "/problems/store-unavailable"));
        book.push(refused);
    }
    let verification = json!({ "to": "+4520000020", "usage": "sign-in" });
    assert_eq!(client.post("verifications", &verification, None).await.unwrap().status, 503);
    assert_eq!(deployment.simulator.counters().requests, sent, "refused, but sent");
    // Stored data can be read.
    assert_eq!(client.messages_to("+4520000001").await[0]["status"], "accepted");
    filler.remove();
    let mut after = ask("+4520000002");
    after.answer = after.put(&client).await;
    assert_eq!(after.answer.as_ref().unwrap().status, 200, "{after:?}");
    book.push(after);

    // Full while the provider has a message: the outcome is written when there is space again.
    deployment.simulator.inject_spec("twilio=delay:3s,times=1".parse().unwrap()).unwrap();
    let mut arrivals = deployment.simulator.subscribe();
    let mut during = ask("+4520000003");
    let waits = {
        let (client, during) = (client.clone(), ask("+4520000003"));
        tokio::spawn(async move { during.put(&client).await })
    };
    arrivals.recv().await.unwrap();
    let filler = Filler::new(&process, &deployment);
    while !process.log().contains("could not be written") {
        assert!(!waits.is_finished(), "the outcome was written to a full disk");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(
        client.messages_to("+4520000003").await[0]["status"],
        "sending",
        "nothing is reported that is not on disk"
    );
    filler.remove();
    during.answer = waits.await.unwrap();
    let answer = during.answer.as_ref().unwrap();
    assert_eq!((answer.status, answer.text("/status")), (200, "accepted"));
    book.push(during);

    audit(&deployment, &client, &mut book, 1).await;
    process.stop().await;
}

/// Uses a folder for one verification whose code is on a phone. Returns its id.
async fn used(deployment: &Deployment) -> String {
    let process = deployment.start().await;
    process.client.add_tenant().await;
    let started = process.client.post("verifications", &json!({ "to": "+4520000001", "usage": "sign-in" }), None).await;
    let id = started.unwrap().text("/id").to_owned();
    process.stop().await;
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_a_database_is_reported_and_not_changed() {
    let deployment = Deployment::new().await;
    let id = used(&deployment).await;
    let path = deployment.data().join("sendbox.db");
    let whole = fs::read(&path).unwrap();
    let mut spoiled = whole.clone();
    spoiled[..4096].fill(0x5a);
    let half = whole[..whole.len() / 2].to_vec();
    for (what, bytes) in [
        ("other bytes", b"not a database at all, but long enough".repeat(200)),
        ("no header", spoiled),
        ("half of it", half),
    ] {
        fs::write(&path, &bytes).unwrap();
        let (code, stderr) = ending(&deployment.refused(&[]).await);
        assert!(code == 2 || code == 7, "{what}: {code}: {stderr}");
        assert!(stderr.contains("the store"), "{what}: {stderr}");
        assert!(fs::read(&path).unwrap() == bytes, "{what}: a file was changed");
    }
    // A backup restores everything.
    fs::write(&path, &whole).unwrap();
    let process = deployment.start().await;
    let code = crate::load::received_code(&deployment, "+4520000001").unwrap();
    let checked = process.client.post(&format!("verifications/{id}/check"), &json!({ "code": code }), None).await;
    assert_eq!(checked.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_master_key_it_does_not_start_and_changes_nothing() {
    let deployment = Deployment::new().await;
    let id = used(&deployment).await;
    let (database, key) = (deployment.data().join("sendbox.db"), deployment.data().join("master.keys"));
    let (whole, right) = (fs::read(&database).unwrap(), fs::read(&key).unwrap());
    let other = Deployment::new().await;
    used(&other).await;
    let wrong = fs::read(other.data().join("master.keys")).unwrap();
    let cases: [(&str, Option<&[u8]>, &str); 4] = [
        ("missing", None, "is missing"),
        ("of another folder", Some(&wrong), "which was not given"),
        ("empty", Some(b"\n"), "there is no master key"),
        ("no key", Some(b"hunter2\n"), "line 1 is not a master key"),
    ];
    for (what, content, says) in cases {
        match content {
            Some(bytes) => fs::write(&key, bytes).unwrap(),
            None => fs::remove_file(&key).unwrap(),
        }
        let (code, stderr) = ending(&deployment.refused(&[]).await);
        assert_eq!(code, 2, "{what}: {stderr}");
        assert!(stderr.contains(says), "{what}: {stderr}");
        assert!(!stderr.contains("hunter2"), "a key is not repeated: {stderr}");
        assert!(fs::read(&database).unwrap() == whole, "{what}: the database was changed");
        assert_eq!(fs::read(&key).ok().as_deref(), content, "{what}: the file of the key was changed");
    }
    fs::write(&key, &right).unwrap();
    let process = deployment.start().await;
    let code = crate::load::received_code(&deployment, "+4520000001").unwrap();
    let checked = process.client.post(&format!("verifications/{id}/check"), &json!({ "code": code }), None).await;
    assert_eq!(checked.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_belongs_to_one_process() {
    let deployment = Deployment::new().await;
    let first = deployment.start().await;
    first.client.add_tenant().await;
    let (code, stderr) = ending(&deployment.refused(&[]).await);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("another sendbox is running"), "{stderr}");
    let mut taken = ask("+4520000001");
    taken.answer = taken.put(&first.client).await;
    assert_eq!(taken.answer.as_ref().unwrap().status, 200, "the first one continues");
    // A killed process leaves no lock behind.
    first.kill().await;
    let second = deployment.start().await;
    audit(&deployment, &second.client, &mut [taken], 1).await;
    second.stop().await;
}
