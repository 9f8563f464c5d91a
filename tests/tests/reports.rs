//! Delivery reports from the provider's callback to the message in the API: through the real server, the built-in connector and
//! the store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use hmac::{Hmac, KeyInit, Mac};
use sendbox_domain::model::Environment;
use sendbox_domain::rules::report::MAX_CALLS_PER_CONNECTION;
use sendbox_tests::api::{Api, ApiResponse, LIVE, NUMBER, text};
use sendbox_tests::simulator_setup::connection;
use sendbox_tests::test_service::{PUBLIC_URL, START, TENANT, TestService, templates, twilio};
use sendbox_tests::{Database, on_every_database};
use serde_json::{Value, json};

const FORM: &str = "application/x-www-form-urlencoded";
/// The response to an accepted report.
const TAKEN: &str = r#"{"code":0,"errmsg":"OK","msg":"OK","result":0}"#;

on_every_database!(
    a_signed_report_is_shown_and_a_forged_one_is_not,
    reports_repeat_and_overtake_each_other,
    a_report_may_arrive_before_the_response_is_stored,
    a_report_and_the_response_may_arrive_at_once,
    only_messages_of_that_connection_are_found,
    what_is_reported_is_counted,
    a_flood_of_one_tenants_reports_costs_the_others_nothing,
    reports_are_deleted_with_their_message,
);

fn at(tenant: &str, rest: &str) -> String {
    format!("/v1/tenants/{tenant}/{rest}")
}

/// The path of the callback URL that a connection shows.
async fn address(api: &Api, tenant: &str, name: &str) -> String {
    let shown = api.platform().get(&at(tenant, &format!("connections/{name}"))).await.expect(200);
    text(&shown["deliveryReports"]["callbackUrl"]).strip_prefix(PUBLIC_URL).unwrap().to_owned()
}

/// Sends a message with the tenant's active connection. Returns its id, and the provider's id.
async fn send(api: &Api, tenant: &str) -> (String, String) {
    let new = json!({ "to": NUMBER, "usage": "sign-in", "code": "271828" });
    let sent = api.platform().post(&at(tenant, "messages"), &new).await.expect(200);
    (text(&sent["id"]), text(&sent["providerMessageId"]))
}

async fn read(api: &Api, tenant: &str, message: &str) -> Value {
    api.platform().get(&at(tenant, &format!("messages/{message}"))).await.expect(200)
}

/// A callback of Twilio: the body, and the signature over the public URL and the sorted fields.
fn twilio_call(path: &str, sid: &str, status: &str, error: Option<&str>) -> (String, String) {
    let (parameters, _) = connection("twilio");
    let mut fields = vec![
        ("AccountSid", text(&parameters["accountSID"])),
        ("MessageSid", sid.to_owned()),
        ("MessageStatus", status.to_owned()),
        ("To", NUMBER.to_owned()),
    ];
    fields.extend(error.map(|code| ("ErrorCode", code.to_owned())));
    let mut sorted = fields.clone();
    sorted.sort();
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(text(&parameters["authToken"]).as_bytes()).unwrap();
    mac.update(format!("{PUBLIC_URL}{path}").as_bytes());
    sorted.iter().for_each(|(name, value)| mac.update(format!("{name}{value}").as_bytes()));
    let body: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", value.replace('+', "%2B"))).collect();
    (body.join("&"), STANDARD.encode(mac.finalize().into_bytes()))
}

async fn call(api: &Api, path: &str, signature: &str, body: &str) -> ApiResponse {
    let headers = [("Content-Type", FORM), ("X-Twilio-Signature", signature)];
    api.wire("POST", path, &headers, body.as_bytes()).await
}

/// Delivers a report with Twilio's signature, which must be accepted.
async fn report(api: &Api, path: &str, sid: &str, status: &str, error: Option<&str>) {
    let (body, signature) = twilio_call(path, sid, status, error);
    let answer = call(api, path, &signature, &body).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, TAKEN));
}

async fn a_signed_report_is_shown_and_a_forged_one_is_not(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    let path = address(&api, TENANT, "main").await;
    let (message, sid) = send(&api, TENANT).await;
    let before = read(&api, TENANT, &message).await;
    assert_eq!((&before["delivery"], &before["attempts"][0]["deliveryReports"]), (&Value::Null, &json!([])));

    // Forged in every possible way.
    let (body, signature) = twilio_call(&path, &sid, "delivered", None);
    let (_, of_another) = twilio_call(&path, "SM00000000000000000000000000000000", "delivered", None);
    for (path, signature, body) in [
        (path.clone(), of_another.as_str(), body.clone()),
        (path.clone(), "", body.clone()),
        (path.clone(), signature.as_str(), body.replace("delivered", "undelivered")),
        (format!("{path}?a=b"), signature.as_str(), body.clone()),
    ] {
        call(&api, &path, signature, &body).await.problem(403, "report-not-authentic");
    }
    let (nothing, signed) = twilio_call(&path, "", "", None);
    call(&api, &path, &signed, &nothing).await.problem(400, "report-malformed");
    assert_eq!(read(&api, TENANT, &message).await, before);

    assert_eq!(call(&api, &path, &signature, &body).await.expect(200)["code"], 0);
    let after = read(&api, TENANT, &message).await;
    assert_eq!(after["delivery"], json!({ "state": "delivered", "reportedAt": START.to_string() }));
    assert_eq!(
        after["attempts"][0]["deliveryReports"],
        json!([{ "state": "delivered", "signed": true, "reportedAt": START.to_string() }])
    );
    assert_eq!((&after["status"], &after["attempts"][0]["outcome"]), (&json!("accepted"), &json!("accepted")));
    let list = api.platform().get(&at(TENANT, "messages?delivery=delivered")).await.expect(200);
    assert_eq!(list["items"][0]["delivery"]["state"], "delivered");
    let none = api.platform().get(&at(TENANT, "messages?delivery=undelivered")).await.expect(200);
    assert_eq!(none["items"], json!([]));
}

async fn reports_repeat_and_overtake_each_other(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    let path = address(&api, TENANT, "main").await;
    let (message, sid) = send(&api, TENANT).await;
    for (status, error, expected) in [
        ("sent", None, json!(["sent"])),
        ("undelivered", Some("30003"), json!(["sent", "undelivered"])),
        // A repeated report, and one that is out of order.
        ("undelivered", Some("30003"), json!(["sent", "undelivered"])),
        ("queued", None, json!(["sent", "undelivered", "queued"])),
    ] {
        report(&api, &path, &sid, status, error).await;
        api.backend.clock.advance_millis(1000);
        let shown = read(&api, TENANT, &message).await;
        let states: Vec<&Value> =
            shown["attempts"][0]["deliveryReports"].as_array().unwrap().iter().map(|report| &report["state"]).collect();
        assert_eq!(json!(states), expected);
    }
    let shown = read(&api, TENANT, &message).await;
    assert_eq!(
        (&shown["delivery"]["state"], &shown["delivery"]["providerCode"]),
        (&json!("undelivered"), &json!("30003"))
    );
    assert!(shown["delivery"]["class"].is_string(), "{shown}");
    assert_eq!(shown["delivery"]["reportedAt"], START.plus_seconds(1).to_string());
    // The message was delivered after all.
    report(&api, &path, &sid, "delivered", None).await;
    report(&api, &path, &sid, "sent", None).await;
    assert_eq!(read(&api, TENANT, &message).await["delivery"]["state"], "delivered");
    assert_eq!(api.backend.received_count(NUMBER), 1, "no report causes a send");
}

async fn a_report_may_arrive_before_the_response_is_stored(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    let path = address(&api, TENANT, "main").await;
    let mut arrivals = api.backend.simulator.subscribe();
    api.backend.simulator.inject_spec("twilio=delay:2s,times=1".parse().unwrap()).unwrap();
    let new = json!({ "to": NUMBER, "usage": "sign-in", "code": "271828", "mode": "async" });
    let taken = api.platform().post(&at(TENANT, "messages"), &new).await.expect(202);
    let message = text(&taken["id"]);
    let sid = loop {
        if let sendbox_simulator::InboxEvent::Message(arrived) = arrivals.recv().await.unwrap() {
            break arrived.provider_id.clone().unwrap();
        }
    };
    report(&api, &path, &sid, "delivered", None).await;
    let between = read(&api, TENANT, &message).await;
    assert_eq!((&between["status"], &between["delivery"]), (&json!("sending"), &Value::Null));
    let mut after = between;
    while after["status"] == "sending" {
        after = read(&api, TENANT, &message).await;
    }
    assert_eq!((&after["status"], &after["delivery"]["state"]), (&json!("accepted"), &json!("delivered")));
    assert_eq!(after["attempts"][0]["deliveryReports"][0]["state"], "delivered");
}

async fn a_report_and_the_response_may_arrive_at_once(database: &Database) {
    const MESSAGES: usize = 40;
    let api = Api::over(TestService::new(database).await).await;
    let path = address(&api, TENANT, "main").await;
    let mut arrivals = api.backend.simulator.subscribe();
    let new = json!({ "to": NUMBER, "usage": "sign-in", "code": "271828", "mode": "async" });
    let sending = async {
        for _ in 0..MESSAGES {
            // 202, or 200 if the report is stored already.
            let taken = api.platform().post(&at(TENANT, "messages"), &new).await;
            assert!(taken.status < 300, "{}", taken.text);
        }
    };
    let reporting = async {
        let mut reported = 0;
        while reported < MESSAGES {
            if let sendbox_simulator::InboxEvent::Message(arrived) = arrivals.recv().await.unwrap() {
                report(&api, &path, arrived.provider_id.as_deref().unwrap(), "delivered", None).await;
                reported += 1;
            }
        }
    };
    tokio::join!(sending, reporting);
    let accepted = at(TENANT, "messages?status=accepted&limit=200");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let list = api.platform().get(&accepted).await.expect(200);
        let items = list["items"].as_array().unwrap();
        if items.len() == MESSAGES {
            assert!(items.iter().all(|message| message["delivery"]["state"] == "delivered"), "{list}");
            return;
        }
        assert!(std::time::Instant::now() < deadline, "not all messages were accepted");
        tokio::task::yield_now().await;
    }
}

async fn only_messages_of_that_connection_are_found(database: &Database) {
    let fixture = TestService::new(database).await;
    fixture.add_tenant(LIVE, Environment::Development).await;
    fixture.service.save_connection(&sendbox_service::Caller::Platform, TENANT, "second", twilio()).await.unwrap();
    let api = Api::over(fixture).await;
    let (message, sid) = send(&api, TENANT).await;
    // The same account with another connection or another tenant: their reports are signed, and match nothing.
    for (tenant, name) in [(TENANT, "second"), (LIVE, "main")] {
        let path = address(&api, tenant, name).await;
        report(&api, &path, &sid, "delivered", None).await;
    }
    assert_eq!(read(&api, TENANT, &message).await["delivery"], Value::Null);
    report(&api, &address(&api, TENANT, "main").await, &sid, "delivered", None).await;
    assert_eq!(read(&api, TENANT, &message).await["delivery"]["state"], "delivered");
}

async fn what_is_reported_is_counted(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    let path = address(&api, TENANT, "main").await;
    for index in 0..20 {
        let (_, sid) = send(&api, TENANT).await;
        let (status, error) = if index < 10 { ("delivered", None) } else { ("undelivered", Some("30003")) };
        report(&api, &path, &sid, status, error).await;
    }
    send(&api, TENANT).await;
    api.backend.clock.advance_millis(1);
    let found = api.platform().get(&at(TENANT, "statistics")).await.expect(200);
    for counted in [&found["totals"], &found["countries"][0]] {
        let counts = ["accepted", "delivered", "undelivered"].map(|name| counted[name].as_u64().unwrap());
        assert_eq!(counts, [21, 10, 10], "{counted}");
    }
    let in_series = |name: &str| -> u64 {
        found["series"].as_array().unwrap().iter().map(|point| point[name].as_u64().unwrap()).sum()
    };
    assert_eq!((in_series("delivered"), in_series("undelivered")), (10, 10));
    let attention = found["alerts"].to_string();
    assert!(attention.contains("Of the 20 messages") && attention.contains("50 % were not delivered"), "{attention}");
}

/// Calls for one tenant that hold all the slots that it may have, and wait for more.
async fn a_flood_of_one_tenants_reports_costs_the_others_nothing(database: &Database) {
    const CALLS: usize = 2 * MAX_CALLS_PER_CONNECTION;
    let fixture = TestService::new(database).await;
    fixture.add_tenant(LIVE, Environment::Development).await;
    let api = Api::over(fixture).await;
    let (flooded, path) = (address(&api, TENANT, "main").await, address(&api, LIVE, "main").await);
    let (message, sid) = send(&api, LIVE).await;
    // More than there are connections, so that what the calls read has to wait.
    let reads = (0..40).map(|_| {
        let store = api.backend.store.for_owner(TENANT);
        async move {
            let tx = store.begin_read().await;
            std::future::pending::<()>().await;
            drop(tx);
        }
    });
    let held = join_all(reads);
    let (body, signature) = twilio_call(&flooded, &sid, "delivered", None);
    let flood = async {
        let mut calls: FuturesUnordered<_> = (0..CALLS).map(|_| call(&api, &flooded, &signature, &body)).collect();
        // The others are being read, or wait.
        for _ in 0..CALLS - MAX_CALLS_PER_CONNECTION {
            let refused = calls.next().await.unwrap();
            assert_eq!((refused.status, &refused.json["type"]), (503, &json!("/problems/busy")), "{}", refused.text);
        }
        report(&api, &path, &sid, "delivered", None).await;
    };
    tokio::select! {
        // First, so that they are held when the calls arrive.
        biased;
        _ = held => unreachable!("they never end"),
        () = flood => {}
    }
    assert_eq!(read(&api, LIVE, &message).await["delivery"]["state"], "delivered");
}

async fn reports_are_deleted_with_their_message(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    let path = address(&api, TENANT, "main").await;
    let (_, sid) = send(&api, TENANT).await;
    report(&api, &path, &sid, "delivered", None).await;
    // A report waits an hour for its message.
    report(&api, &path, "SM00000000000000000000000000000000", "sent", None).await;
    let count = async || {
        let mut tx = api.backend.store.begin().await.unwrap();
        sendbox_store::reports::waiting(&mut tx, TENANT, "main").await.unwrap()
    };
    assert_eq!(count().await, 1);
    api.backend.clock.advance_millis(3_600_001);
    report(&api, &path, "SM11111111111111111111111111111111", "sent", None).await;
    assert_eq!(count().await, 1, "the older one has waited long enough");
    let mut tx = api.backend.store.begin().await.unwrap();
    let forgotten = sendbox_store::messages::delete_before(&mut tx, api.backend.now(), 10).await.unwrap();
    assert_eq!(forgotten, 1);
    tx.commit().await.unwrap();
    let again = address(&api, TENANT, "main").await;
    report(&api, &again, &sid, "delivered", None).await;
    assert_eq!(count().await, 2, "everything about it was deleted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_callback_url_reveals_nothing() {
    let api = Api::over(TestService::standalone().await).await;
    let spare = json!({ "connector": "http", "parameters": connection("http").0 });
    api.platform().put(&at(TENANT, "connections/spare"), &spare).await.expect(201);
    let path = address(&api, TENANT, "main").await;
    let (start, token) = path.rsplit_once('/').unwrap();
    let wrong: String = token.chars().rev().collect();
    let unknown = api.anonymous().get("/nowhere").await;
    for path in [
        format!("{start}/{wrong}"),
        format!("{start}/{token}a"),
        format!("{start}/a"),
        format!("{start}/"),
        format!("{start}/%00"),
        format!("/reports/{TENANT}/other/{token}"),
        format!("/reports/{TENANT}/spare/{token}"),
        format!("/reports/nobody/main/{token}"),
        format!("/reports/No/main/{token}"),
    ] {
        for method in ["POST", "GET"] {
            let answer = api.anonymous().call(method, &path, None, &[]).await;
            answer.assert_problem();
            assert_eq!(answer.comparable(), unknown.comparable(), "{method} {path}");
            assert!(!answer.text.contains(token), "{}", answer.text);
        }
    }
    // Bodies are bounded, and a callback that is not a report is refused.
    let large = api.wire("POST", &path, &[("Content-Type", FORM)], &vec![b'a'; 64 * 1024 + 1]).await;
    large.problem(413, "body-too-large");
    api.anonymous().get(&path).await.assert_problem();
    assert_eq!(api.anonymous().call("PUT", &path, None, &[]).await.status, 405);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_callback_url_is_shown_to_managers_only() {
    let api = Api::over(TestService::standalone().await).await;
    let (parameters, _) = connection("vonage");
    let input = json!({ "connector": "vonage", "parameters": parameters, "templates": templates() });
    api.platform().put(&at(TENANT, "connections/vonage"), &input).await.expect(201);
    let spare = json!({ "connector": "http", "parameters": connection("http").0 });
    let saved = api.platform().put(&at(TENANT, "connections/spare"), &spare).await.expect(201);
    assert_eq!(
        (&saved["deliveryReports"]["supported"], &saved["deliveryReports"]["callbackUrl"]),
        (&json!(false), &Value::Null)
    );

    let (_, manager) = api.create_key(TENANT, &["manage"]).await;
    let (_, reader) = api.create_key(TENANT, &["read"]).await;
    let seen = async |key: &str, name: &str| {
        let read = api.client(key).get(&at(TENANT, &format!("connections/{name}"))).await.expect(200);
        let list = api.client(key).get(&at(TENANT, "connections")).await.expect(200);
        let listed = list.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
        assert_eq!(listed["deliveryReports"], read["deliveryReports"]);
        read["deliveryReports"].clone()
    };
    let shown = seen(&manager, "main").await;
    let address = text(&shown["callbackUrl"]);
    assert!(address.starts_with(&format!("{PUBLIC_URL}/reports/{TENANT}/main/")), "{address}");
    assert_eq!(shown, json!({ "supported": true, "callbackUrl": address, "automatic": true, "reason": null }));
    let hidden = seen(&reader, "main").await;
    assert_eq!(
        (&hidden["supported"], &hidden["callbackUrl"], &hidden["automatic"]),
        (&json!(true), &Value::Null, &json!(true))
    );
    assert!(text(&hidden["reason"]).contains("manage"), "{hidden}");
    assert_eq!(seen(&manager, "vonage").await["automatic"], true);

    // The URL stays when the connection is saved again, even with another connector, and is deleted with the connection.
    let input = json!({ "connector": "twilio", "parameters": connection("twilio").0, "templates": templates() });
    let again = api.platform().put(&at(TENANT, "connections/main"), &input).await.expect(200);
    assert_eq!(again["deliveryReports"]["callbackUrl"], address);
    // Except if a new one is asked for, since somebody else knows it.
    let mut rotation = input.clone();
    rotation["rotateCallbackUrl"] = json!(true);
    let rotated = api.platform().put(&at(TENANT, "connections/main"), &rotation).await.expect(200);
    assert_ne!(rotated["deliveryReports"]["callbackUrl"], address);
    let old = address.strip_prefix(PUBLIC_URL).unwrap();
    let unknown = api.anonymous().get("/nowhere").await;
    assert_eq!(api.anonymous().call("POST", old, None, &[]).await.comparable(), unknown.comparable());
    let other = api.platform().put(&at(TENANT, "connections/spare"), &input).await.expect(200);
    let of_spare = text(&other["deliveryReports"]["callbackUrl"]);
    let back = api.platform().put(&at(TENANT, "connections/spare"), &spare).await.expect(200);
    assert_eq!(back["deliveryReports"]["callbackUrl"], Value::Null);
    api.platform().delete(&at(TENANT, "connections/spare")).await;
    let replaced = api.platform().put(&at(TENANT, "connections/spare"), &input).await.expect(201);
    assert_ne!(text(&replaced["deliveryReports"]["callbackUrl"]), of_spare);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_parameter_gets_the_callback_url_which_is_not_shown() {
    let api = Api::over(TestService::standalone().await).await;
    let path = address(&api, TENANT, "main").await;
    let token = path.rsplit_once('/').unwrap().1;
    let (message, _) = send(&api, TENANT).await;
    let arrived = api.backend.simulator.requests().pop().unwrap();
    let body = String::from_utf8(arrived.body).unwrap();
    let encoded = format!("{PUBLIC_URL}{path}").replace(':', "%3A").replace('/', "%2F");
    assert!(body.contains(&format!("StatusCallback={encoded}")), "{body}");
    // The displayed request shows that there was a callback URL, but not which.
    let shown = read(&api, TENANT, &message).await.to_string();
    assert!(shown.contains("StatusCallback") && !shown.contains(token), "{shown}");
    let test = json!({ "connection": "main", "to": NUMBER, "dryRun": true });
    let tried = api.platform().post(&at(TENANT, "connection-tests"), &test).await.expect(200).to_string();
    assert!(tried.contains("StatusCallback") && !tried.contains(token), "{tried}");
    let shown = api.platform().get(&at(TENANT, "connections/main")).await.expect(200);
    assert_eq!(shown["parameters"].get("statusCallback"), None, "it is not stored");

    // A value that the tenant has set is kept.
    let mut parameters = connection("twilio").0;
    parameters["statusCallback"] = json!("https://elsewhere.example/r");
    let input = json!({ "connector": "twilio", "parameters": parameters, "templates": templates() });
    let saved = api.platform().put(&at(TENANT, "connections/main"), &input).await.expect(200);
    assert_eq!(saved["deliveryReports"]["automatic"], false);
    assert!(text(&saved["deliveryReports"]["reason"]).contains("statusCallback"), "{saved}");
    send(&api, TENANT).await;
    let body = String::from_utf8(api.backend.simulator.requests().pop().unwrap().body).unwrap();
    assert!(body.contains("StatusCallback=https%3A%2F%2Felsewhere.example%2Fr"), "{body}");

    // Vonage accepts 100 characters.
    let (parameters, _) = connection("vonage");
    let input = json!({ "connector": "vonage", "parameters": parameters, "templates": templates() });
    let long = "a".repeat(40);
    let saved = api.platform().put(&at(TENANT, &format!("connections/{long}")), &input).await.expect(201);
    let address = text(&saved["deliveryReports"]["callbackUrl"]);
    assert_eq!((address.len() > 100, &saved["deliveryReports"]["automatic"]), (true, &json!(false)), "{saved}");
    assert!(text(&saved["deliveryReports"]["reason"]).contains("callbackUrl"), "{saved}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vonage_report_comes_in_the_query() {
    let api = Api::over(TestService::standalone().await).await;
    let (parameters, _) = connection("vonage");
    let input = json!({ "connector": "vonage", "parameters": parameters, "templates": templates() });
    api.platform().put(&at(TENANT, "connections/main"), &input).await.expect(200);
    let path = address(&api, TENANT, "main").await;
    let (message, id) = send(&api, TENANT).await;
    let digits = NUMBER.trim_start_matches('+');
    let query = format!("messageId={id}&status=delivered&msisdn={digits}&err-code=0");
    assert_eq!(api.wire("GET", &format!("{path}?{query}"), &[], b"").await.text, TAKEN);
    let shown = read(&api, TENANT, &message).await;
    assert_eq!(shown["delivery"]["state"], "delivered");
    let reports = &shown["attempts"][0]["deliveryReports"];
    assert_eq!(reports[0]["signed"], false, "Vonage does not sign");
    assert!(!reports.to_string().contains(digits));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_connection_gets_a_callback_url_when_it_is_saved() {
    let api = Api::over(TestService::standalone().await).await;
    let caller = sendbox_service::Caller::Platform;
    let mut tx = api.backend.store.begin().await.unwrap();
    let row = sendbox_store::connections::get(&mut tx, TENANT, "main").await.unwrap().unwrap();
    let of_before = sendbox_store::rows::ConnectionRow { report_token: None, ..row };
    sendbox_store::connections::put(&mut tx, &of_before).await.unwrap();
    tx.commit().await.unwrap();
    let shown = api.platform().get(&at(TENANT, "connections/main")).await.expect(200);
    assert_eq!(
        (&shown["deliveryReports"]["supported"], &shown["deliveryReports"]["callbackUrl"]),
        (&json!(true), &Value::Null)
    );
    assert!(text(&shown["deliveryReports"]["reason"]).contains("save it again"), "{shown}");
    api.backend.service.save_connection(&caller, TENANT, "main", twilio()).await.unwrap();
    let path = address(&api, TENANT, "main").await;
    let (message, sid) = send(&api, TENANT).await;
    report(&api, &path, &sid, "delivered", None).await;
    assert_eq!(read(&api, TENANT, &message).await["delivery"]["state"], "delivered");
}

/// Without any setup: the URL is filled in, the provider calls it, and the message shows its delivery state.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_simulated_providers_report_arrives() {
    let listener = Api::listener().await;
    let fronts = [(PUBLIC_URL.to_owned(), listener.local_addr().unwrap())].into();
    let mut config = sendbox_simulator::SimulatorConfig { fronts, ..Default::default() };
    config.gatewayapi.webhook_secret = Some("made-for-this-test".to_owned());
    let database = Database::sqlite();
    let fixture = TestService::with_simulator(database.url(), config).await;
    fixture.add_tenant(TENANT, Environment::Development).await;
    let api = Api::at(listener, fixture);
    let mut parameters = connection("gatewayapi").0;
    parameters["webhookSecret"] = json!("made-for-this-test");
    let input = json!({ "connector": "gatewayapi", "parameters": parameters, "templates": templates() });
    api.platform().put(&at(TENANT, "connections/gatewayapi"), &input).await.expect(201);

    let shown = async |connection: &str, number: &str| {
        api.platform().put(&at(TENANT, "active-connection"), &json!({ "name": connection })).await.expect(200);
        let new = json!({ "to": number, "usage": "sign-in", "code": "271828" });
        let id = text(&api.platform().post(&at(TENANT, "messages"), &new).await.expect(200)["id"]);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        loop {
            let message = read(&api, TENANT, &id).await;
            if matches!(message["delivery"]["state"].as_str(), Some("delivered" | "undelivered")) {
                return message;
            }
            assert!(std::time::Instant::now() < deadline, "nothing was reported: {message}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    for (name, number, states, code) in [
        ("main", NUMBER, ["sent", "delivered"], None),
        ("main", "+15005550030", ["sent", "undelivered"], Some("30003")),
        ("gatewayapi", NUMBER, ["sent", "delivered"], None),
    ] {
        let message = shown(name, number).await;
        let reports = message["attempts"][0]["deliveryReports"].as_array().unwrap().clone();
        let found: Vec<&str> = reports.iter().map(|report| report["state"].as_str().unwrap()).collect();
        assert_eq!(
            (found.as_slice(), message["delivery"]["providerCode"].as_str()),
            (states.as_slice(), code),
            "{name}"
        );
    }
}
