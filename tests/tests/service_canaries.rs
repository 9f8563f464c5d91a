//! No secret, code, number or text in the database, in a log or in an answer: promise P11 for the service.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use sendbox_service::model::{
    AuditFilter, ConnectionTest, Mode, NewMessage, Scope, Sensitive, StatisticsFilter, TestNumber, TestNumbers,
};
use sendbox_service::{Caller, Error};
use sendbox_tests::Database;
use sendbox_tests::house::{House, TENANT, message, twilio};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

const ADMIN: &Caller = &Caller::Platform;
const NUMBER: &str = "+4531415926";
const CODE: &str = "271828";
const LINK: &str = "canary-link-1618033988";
const IP: &str = "198.51.100.231";

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn assert_absent(haystack: &[u8], needles: &[String], place: &str) {
    for needle in needles {
        let found = haystack.windows(needle.len()).any(|window| window == needle.as_bytes());
        assert!(!found, "{place} holds a canary: {needle}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canaries_are_nowhere() {
    let log = Log::default();
    // Everything, the database's own statements included.
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).json().init();
    let database = Database::sqlite();
    let house = House::furnished(&database).await;
    let mut input = twilio();
    let token = input.parameters["authToken"].as_str().unwrap().to_owned();
    input.templates.as_array_mut().unwrap().push(json!({ "usage": "bind-mfa", "content": "{{code}} {{link}} ok" }));
    house.service.save_connection(ADMIN, TENANT, "main", input).await.unwrap();
    let mut answers = String::new();
    let mut keep = |answer: String| answers.push_str(&answer);

    let variables = [("link".to_owned(), Sensitive::from(LINK))].into();
    let new = NewMessage {
        usage: "bind-mfa".parse().unwrap(),
        variables,
        client_ip: Some(Sensitive::from(IP)),
        ..message(NUMBER, CODE)
    };
    let sent = house.service.send_message(ADMIN, TENANT, new, Some("key-with-no-secret")).await.unwrap();
    keep(serde_json::to_string(&sent).unwrap());
    // Refused, in doubt, waiting, echoed: each leaves other traces.
    for fault in ["code:21211", "reset-after", "echo", "status:500"] {
        house.simulator.inject_spec(format!("twilio={fault},times=1").parse().unwrap()).unwrap();
        match house.service.send_message(ADMIN, TENANT, message(NUMBER, CODE), None).await {
            Ok(message) => keep(serde_json::to_string(&message).unwrap()),
            Err(error) => keep(format!("{error} {error:?}")),
        }
        house.clock.advance_millis(600_000);
    }
    house.simulator.clear_faults();
    house.simulator.inject_spec("twilio=retry-after:30,times=1".parse().unwrap()).unwrap();
    let waiting = NewMessage { mode: Mode::Async, ..message("+4531415927", CODE) };
    house.service.send_message(ADMIN, TENANT, waiting, None).await.unwrap();
    while !house.simulator.faults().is_empty() {
        tokio::task::yield_now().await;
    }

    house.clock.advance_millis(600_000);
    let started = house.start_verification(NUMBER).await.unwrap();
    // A message of before may be tried again at any time, and it says another code.
    let newest = || {
        let texts = house.simulator.inbox().into_iter().rev().filter_map(|message| message.text);
        texts.map(|text| text[..6].to_owned()).find(|code| code != CODE).unwrap()
    };
    let made = newest();
    let wrong: Error = house.check(&started.id, "000000").await.err().unwrap_or(Error::Stopping);
    keep(format!("{wrong} {wrong:?}"));
    keep(serde_json::to_string(&house.check(&started.id, &made).await.unwrap()).unwrap());

    let number = TestNumber { number: Sensitive::from("+4527182818"), code: Sensitive::from("31415926") };
    house.service.set_test_numbers(ADMIN, TENANT, TestNumbers { numbers: vec![number] }).await.unwrap();
    let test = ConnectionTest {
        connection: Some("main".to_owned()),
        connector: None,
        version: None,
        parameters: None,
        templates: None,
        to: Sensitive::from(NUMBER),
        usage: None,
        locale: None,
        dry_run: false,
    };
    let report = house.service.test_connection(ADMIN, TENANT, test).await.unwrap();
    keep(serde_json::to_string(&report).unwrap());
    let tested = newest();
    keep(serde_json::to_string(&house.service.connection(ADMIN, TENANT, "main").await.unwrap()).unwrap());
    let statistics = house.service.statistics(ADMIN, TENANT, StatisticsFilter::default()).await.unwrap();
    keep(serde_json::to_string(&statistics).unwrap());
    let scopes = [Scope::Manage].into();
    let new_key = sendbox_service::model::NewKey { name: "k".to_owned(), scopes, expires_at: None };
    let key = house.service.create_key(ADMIN, TENANT, new_key).await.unwrap();
    keep(serde_json::to_string(&house.service.audit(ADMIN, TENANT, AuditFilter::default()).await.unwrap()).unwrap());
    keep(serde_json::to_string(&house.service.messages(ADMIN, TENANT, Default::default()).await.unwrap()).unwrap());
    house.service.stop(std::time::Duration::from_secs(20)).await;

    let needles: Vec<String> =
        [NUMBER.trim_start_matches('+'), "31415926", "31415927", CODE, &made, &tested, &token, LINK, IP]
            .iter()
            .map(|needle| (*needle).to_owned())
            .chain([key.secret.splitn(3, '_').nth(2).unwrap().to_owned()])
            .chain([format!("{CODE} is your code"), "4527182818".to_owned()])
            .collect();
    assert!(house.simulator.inbox().iter().any(|message| message.text.as_deref().unwrap().contains(LINK)));
    assert_absent(answers.as_bytes(), &needles, "an answer");
    let logged = log.0.lock().unwrap().clone();
    assert!(!logged.is_empty(), "something was logged");
    assert_absent(&logged, &needles, "the log");
    let path = house.url.trim_start_matches("sqlite://").to_owned();
    for file in [path.clone(), format!("{path}-wal"), format!("{path}-shm")] {
        if let Ok(bytes) = std::fs::read(&file) {
            assert_absent(&bytes, &needles, "the database");
        }
    }
}
