//! Several processes on one PostgreSQL database: promises P3, P4 and P16 where the store is shared.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sendbox_tests::Database;
use sendbox_tests::process::{Client, Deployment, Process};
use sendbox_tests::recount::assert_counted;
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection, Row, query};

const MESSAGES: usize = 200;
/// Within this time the end of a process is noticed, however slow the machine is.
const NOTICED: Duration = Duration::from_secs(45);

async fn start(deployment: &Deployment, database: &Database) -> Process {
    let keys = deployment.beside("master.keys");
    deployment.start_with(&["--database-url", database.url(), "--master-key-file", keys.to_str().unwrap()]).await
}

fn number(index: usize) -> String {
    format!("+4520{index:06}")
}

async fn send(client: &Client, index: usize, mode: &str) -> Value {
    let body = json!({ "to": number(index), "usage": "sign-in", "code": "123456", "mode": mode });
    let key = format!("key-{index}");
    loop {
        let answer = client.post("messages", &body, Some(&key)).await.unwrap();
        match answer.status {
            200 | 202 => return answer.body,
            409 => tokio::time::sleep(Duration::from_millis(20)).await,
            // Hundreds of requests of one tenant at once may be more than wait for the database; a client repeats those.
            503 if answer.body["type"] == "/problems/busy" => tokio::time::sleep(Duration::from_millis(20)).await,
            other => panic!("{other}: {answer:?}"),
        }
    }
}

fn received_count(deployment: &Deployment, index: usize) -> usize {
    let number = number(index);
    deployment.received_messages().iter().filter(|(to, _)| *to == number).count()
}

/// Records repeatedly which processes lease messages.
async fn note_workers(connection: &mut AnyConnection, workers: &mut BTreeSet<String>) {
    loop {
        let held = "SELECT DISTINCT lease_process FROM messages WHERE lease_process IS NOT NULL";
        for row in query(held).fetch_all(&mut *connection).await.unwrap() {
            workers.insert(row.try_get(0).unwrap());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_send_each_message_once_also_when_one_is_killed() {
    let Some(database) = Database::postgres().await else { return };
    // Two folders, one database, the same keys.
    let deployment = Deployment::new().await;
    let one = start(&deployment, &database).await;
    one.client.add_tenant().await;
    let mut connection = database.connect().await;

    let two = start(&deployment, &database).await;

    // Half of the messages to each, and every fourth to both at once.
    let asks = (0..MESSAGES).map(|index| {
        let (one, two) = (one.client.clone(), two.client.clone());
        async move {
            let (here, there) = if index % 2 == 0 { (one, two) } else { (two, one) };
            if index % 4 == 0 {
                let both = tokio::join!(send(&here, index, "async"), send(&there, index, "async"));
                assert_eq!(both.0["id"], both.1["id"]);
            } else {
                send(&here, index, "async").await;
            }
        }
    });
    // Each message is leased until then, and its holder is visible.
    deployment.simulator.inject_spec("twilio=delay:300ms".parse().unwrap()).unwrap();
    let mut workers = BTreeSet::new();
    let sent = async {
        join_all(asks).await;
        two.client.until_all_are_final().await;
    };
    tokio::select! {
        () = sent => {}
        () = note_workers(&mut connection, &mut workers) => {}
    }
    deployment.simulator.clear_faults();
    assert_eq!(workers.len(), 2, "both have worked");
    for index in 0..MESSAGES {
        let messages = two.client.messages_to(&number(index)).await;
        assert_eq!((messages.len(), messages[0]["status"].as_str().unwrap()), (1, "accepted"), "{messages:?}");
        assert_eq!(messages[0]["attempts"].as_array().unwrap().len(), 1, "{messages:?}");
        assert_eq!(received_count(&deployment, index), 1);
    }

    // One process is killed while the provider has its message and others are queued.
    deployment.simulator.inject_spec("twilio=delay:5s".parse().unwrap()).unwrap();
    let mut arrivals = deployment.simulator.subscribe();
    let more = MESSAGES..MESSAGES + 20;
    join_all(more.clone().map(|index| send(&one.client, index, "async"))).await;
    for _ in 0..5 {
        arrivals.recv().await.unwrap();
    }
    one.kill().await;
    deployment.simulator.clear_faults();
    two.client.until_all_are_final().await;
    let mut in_doubt = 0;
    for index in more {
        let messages = two.client.messages_to(&number(index)).await;
        assert_eq!(messages.len(), 1);
        match messages[0]["status"].as_str().unwrap() {
            "accepted" => assert_eq!(received_count(&deployment, index), 1, "{messages:?}"),
            "in-doubt" => {
                in_doubt += 1;
                assert!(received_count(&deployment, index) <= 1, "{messages:?}");
            }
            other => panic!("{other}: {messages:?}"),
        }
    }
    assert!(in_doubt > 0, "the kill interrupted nothing");
    assert_counted(&mut connection).await;
    two.stop().await;
    connection.close().await.unwrap();
    database.remove().await;
}

/// A request with an idempotency key is in flight as long as its process is alive, or could be. Then the key has an outcome.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_is_noticed_within_seconds() {
    let Some(database) = Database::postgres().await else { return };
    let deployment = Deployment::new().await;
    let one = start(&deployment, &database).await;
    one.client.add_tenant().await;
    let two = start(&deployment, &database).await;
    deployment.simulator.inject_spec("twilio=stall,times=1".parse().unwrap()).unwrap();
    let mut arrivals = deployment.simulator.subscribe();
    let body = json!({ "to": number(1), "usage": "sign-in", "code": "123456" });
    let (client, request) = (one.client.clone(), body.clone());
    let cut = tokio::spawn(async move { client.post("messages", &request, Some("key-1")).await });
    arrivals.recv().await.unwrap();
    let in_flight = two.client.post("messages", &body, Some("key-1")).await.unwrap();
    assert_eq!((in_flight.status, in_flight.text("/type")), (409, "/problems/idempotency-in-flight"), "{in_flight:?}");
    one.kill().await;
    assert!(cut.await.unwrap().is_err(), "its response was lost");

    let killed = Instant::now();
    let answer = loop {
        let answer = two.client.post("messages", &body, Some("key-1")).await.unwrap();
        // 202 without an outcome: the message is free, and not taken over yet.
        if answer.status != 409 && answer.body["status"] != "sending" {
            break answer;
        }
        assert!(killed.elapsed() < NOTICED, "{answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!((answer.status, answer.text("/status")), (202, "in-doubt"), "{answer:?}");
    assert_eq!(received_count(&deployment, 1), 1);
    two.stop().await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_database_it_refuses_and_later_resumes() {
    let Some(database) = Database::postgres().await else { return };
    let deployment = Deployment::new().await;
    let process = start(&deployment, &database).await;
    process.client.add_tenant().await;
    let client = &process.client;
    let body = json!({ "to": number(1), "usage": "sign-in", "code": "123456" });
    assert_eq!(client.post("messages", &body, None).await.unwrap().status, 200);

    let name = database.name().to_owned();
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    database.command_server(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
    database.command_server(&end).await;
    let sent = deployment.simulator.counters().requests;
    for path in ["messages", "verifications"] {
        let mut body = json!({ "to": number(2), "usage": "sign-in" });
        if path == "messages" {
            body["code"] = "123456".into();
        }
        let refused = client.post(path, &body, Some("key-2")).await.unwrap();
        assert_eq!((refused.status, refused.text("/type")), (503, "/problems/store-unavailable"), "{refused:?}");
    }
    assert_eq!(deployment.simulator.counters().requests, sent, "refused, but sent");

    database.command_server(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await;
    loop {
        // A request that was refused because of the store can be repeated with the same key.
        let body = json!({ "to": number(2), "usage": "sign-in", "code": "123456" });
        let answer = client.post("messages", &body, Some("key-2")).await.unwrap();
        if answer.status == 200 {
            break;
        }
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    assert_eq!((received_count(&deployment, 1), received_count(&deployment, 2)), (1, 1));
    process.stop().await;
    database.remove().await;
}
