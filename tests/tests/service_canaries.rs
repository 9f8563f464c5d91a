//! No secret, code, number or text is in the database, a log or a response: promise P11 for the service.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sendbox_domain::model::{
    AuditFilter, Mode, NewMessage, Scope, Sensitive, StatisticsFilter, TestNumber, TestNumbers,
};
use sendbox_service::{Caller, Error};
use sendbox_tests::Database;
use sendbox_tests::test_service::{PUBLIC_URL, TENANT, TestService, message, test_of_main, twilio};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
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
        assert!(!found, "{place} contains a canary: {needle}");
    }
}

/// Sends Twilio's callbacks to the server: with a wrong signature, with a correct one, and to an unknown URL.
async fn provider_calls(fixture: &TestService, report_token: &str, sid: &str) {
    let listener = sendbox_server::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let grace = std::time::Duration::from_secs(20);
    let serving = tokio::spawn(sendbox_server::serve(listener, fixture.service.clone(), std::future::pending(), grace));
    let path = format!("/reports/{TENANT}/main/{report_token}");
    let fields = [("MessageSid", sid), ("MessageStatus", "delivered"), ("To", NUMBER)];
    let token = twilio().parameters["authToken"].as_str().unwrap().to_owned();
    for (path, secret, status) in
        [(path.clone(), "wrong", 403), (path.clone(), token.as_str(), 200), (format!("{path}x"), token.as_str(), 404)]
    {
        let mut mac = <Hmac<sha1::Sha1> as KeyInit>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{PUBLIC_URL}{path}").as_bytes());
        fields.iter().for_each(|(name, value)| mac.update(format!("{name}{value}").as_bytes()));
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let body = fields.map(|(name, value)| format!("{name}={}", value.replace('+', "%2B"))).join("&");
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Twilio-Signature: {signature}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        // Without an HTTP client, which would log the request in this process.
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert!(!answer.contains(report_token) && !answer.contains("31415926"), "{answer}");
    }
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canaries_are_nowhere() {
    let log = Log::default();
    // Everything, including the database's own statements.
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).json().init();
    let database = Database::sqlite();
    let fixture = TestService::new(&database).await;
    let mut input = twilio();
    let token = input.parameters["authToken"].as_str().unwrap().to_owned();
    input.templates.as_array_mut().unwrap().push(json!({ "usage": "bind-mfa", "content": "{{code}} {{link}} ok" }));
    fixture.service.save_connection(ADMIN, TENANT, "main", input).await.unwrap();
    let mut answers = String::new();
    let mut keep = |answer: String| answers.push_str(&answer);

    let variables = [("link".to_owned(), Sensitive::from(LINK))].into();
    let new = NewMessage {
        usage: "bind-mfa".parse().unwrap(),
        variables,
        client_ip: Some(Sensitive::from(IP)),
        ..message(NUMBER, CODE)
    };
    let sent = fixture.service.send_message(ADMIN, TENANT, new, Some("key-with-no-secret")).await.unwrap();
    keep(serde_json::to_string(&sent).unwrap());
    // Refused, in doubt, waiting, echoed: each leaves different traces.
    for fault in ["code:21211", "reset-after", "echo", "status:500"] {
        fixture.simulator.inject_spec(format!("twilio={fault},times=1").parse().unwrap()).unwrap();
        match fixture.service.send_message(ADMIN, TENANT, message(NUMBER, CODE), None).await {
            Ok(message) => keep(serde_json::to_string(&message).unwrap()),
            Err(error) => keep(format!("{error} {error:?}")),
        }
        fixture.clock.advance_millis(600_000);
    }
    fixture.simulator.clear_faults();
    fixture.simulator.inject_spec("twilio=retry-after:30,times=1".parse().unwrap()).unwrap();
    let waiting = NewMessage { mode: Mode::Async, ..message("+4531415927", CODE) };
    fixture.service.send_message(ADMIN, TENANT, waiting, None).await.unwrap();
    while !fixture.simulator.faults().is_empty() {
        tokio::task::yield_now().await;
    }

    fixture.clock.advance_millis(600_000);
    let started = fixture.start_verification(NUMBER).await.unwrap();
    // An earlier message may be retried at any time, with another code.
    let newest = || {
        let texts = fixture.simulator.inbox().into_iter().rev().filter_map(|message| message.text);
        texts.map(|text| text[..6].to_owned()).find(|code| code != CODE).unwrap()
    };
    let made = newest();
    let wrong: Error = fixture.check(&started.id, "000000").await.err().unwrap_or(Error::Stopping);
    keep(format!("{wrong} {wrong:?}"));
    keep(serde_json::to_string(&fixture.check(&started.id, &made).await.unwrap()).unwrap());

    let number = TestNumber { number: Sensitive::from("+4527182818"), code: Sensitive::from("31415926") };
    fixture.service.set_test_numbers(ADMIN, TENANT, TestNumbers { numbers: vec![number] }).await.unwrap();
    let test = test_of_main(NUMBER);
    let report = fixture.service.test_connection(ADMIN, TENANT, test).await.unwrap();
    keep(serde_json::to_string(&report).unwrap());
    let tested = newest();
    let shown = fixture.service.connection(ADMIN, TENANT, "main").await.unwrap();
    // The callback URL is a secret too: it is shown to managers only, and only here.
    let address = shown.delivery_reports.callback_url.clone().unwrap();
    let report_token = address.rsplit_once('/').unwrap().1.to_owned();
    keep(serde_json::to_string(&shown).unwrap().replace(&report_token, ""));
    provider_calls(&fixture, &report_token, sent.provider_message_id.as_deref().unwrap()).await;
    keep(serde_json::to_string(&fixture.service.message(ADMIN, TENANT, &sent.id).await.unwrap()).unwrap());
    let statistics = fixture.service.statistics(ADMIN, TENANT, StatisticsFilter::default()).await.unwrap();
    keep(serde_json::to_string(&statistics).unwrap());
    let scopes = [Scope::Manage].into();
    let new_key = sendbox_domain::model::NewKey { name: "k".to_owned(), scopes, expires_at: None };
    let key = fixture.service.create_key(ADMIN, TENANT, new_key).await.unwrap();
    keep(
        serde_json::to_string(&fixture.service.audit(ADMIN, Some(TENANT), AuditFilter::default()).await.unwrap())
            .unwrap(),
    );
    keep(serde_json::to_string(&fixture.service.messages(ADMIN, TENANT, Default::default()).await.unwrap()).unwrap());
    fixture.service.stop(std::time::Duration::from_secs(20)).await;

    let needles: Vec<String> =
        [NUMBER.trim_start_matches('+'), "31415926", "31415927", CODE, &made, &tested, &token, LINK, IP, &report_token]
            .iter()
            .map(|needle| (*needle).to_owned())
            .chain([key.secret.splitn(3, '_').nth(2).unwrap().to_owned()])
            .chain([format!("{CODE} is your code"), "4527182818".to_owned()])
            .collect();
    assert!(fixture.simulator.inbox().iter().any(|message| message.text.as_deref().unwrap().contains(LINK)));
    assert_absent(answers.as_bytes(), &needles, "an answer");
    let logged = log.0.lock().unwrap().clone();
    assert!(!logged.is_empty(), "something was logged");
    assert_absent(&logged, &needles, "the log");
    let path = fixture.url.trim_start_matches("sqlite://").to_owned();
    for file in [path.clone(), format!("{path}-wal"), format!("{path}-shm")] {
        if let Ok(bytes) = std::fs::read(&file) {
            assert_absent(&bytes, &needles, "the database");
        }
    }
}
