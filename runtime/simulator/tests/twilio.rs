//! The simulated Twilio over real TLS: a good request, and every way to be wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails; clippy's allowance covers test functions and not what they call"
)]

mod client;

use client::*;
use sendbox_simulator::TwilioAccount;

#[tokio::test]
async fn a_valid_request_gets_a_twilio_response() {
    let simulator = start().await;
    let mut events = simulator.subscribe();
    let answer = good_twilio().to(&simulator).await;

    assert_eq!(answer.status, 201, "{}", answer.head);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.header("date").unwrap().ends_with("GMT"));
    let json = answer.json();
    let sid = json["sid"].as_str().unwrap();
    let account = TwilioAccount::default().account_sid;
    assert!(sid.len() == 34 && sid.starts_with("SM"), "{sid}");
    assert_eq!(json["status"], "accepted");
    assert_eq!(json["num_segments"], "0", "a messaging service has picked no sender yet");
    assert_eq!((&json["to"], &json["body"]), (&TO.into(), &TEXT.into()));
    assert_eq!(json["messaging_service_sid"], service());
    assert!(json["from"].is_null() && json["error_code"].is_null());
    assert_eq!(json["uri"], format!("/2010-04-01/Accounts/{account}/Messages/{sid}.json"));

    let message = next_message(&mut events).await;
    assert_eq!((message.number, message.provider.as_str(), message.to.as_str()), (1, "twilio", TO));
    assert_eq!(message.text.as_deref(), Some(TEXT));
    assert_eq!(message.provider_id.as_deref(), Some(sid));
    assert_eq!(message.fault, None);
    let shown = serde_json::to_string(&*message).unwrap();
    assert!(!shown.contains(&TwilioAccount::default().auth_token) && !shown.contains("Basic "), "{shown}");
    assert_eq!(simulator.inbox().len(), 1);
    let requests = simulator.requests();
    assert_eq!((requests.len(), requests[0].method.as_str(), requests[0].host.as_str()), (1, "POST", TWILIO));
    assert_eq!(requests[0].body, good_twilio().body);
    assert!(requests[0].header("authorization").unwrap().starts_with("Basic "));
}

#[tokio::test]
async fn a_sender_of_its_own_is_queued_and_counted() {
    let simulator = start().await;
    let long = "a".repeat(161);
    for (from, body, segments) in
        [("+15017122661", "hej", "1"), ("Sendbox", long.as_str(), "2"), ("12345", TEXT, "1"), ("12345", "1600", "1")]
    {
        let json = twilio(&[("To", TO), ("From", from), ("Body", body)]).to(&simulator).await.json();
        assert_eq!(
            (&json["status"], &json["num_segments"], &json["from"]),
            (&"queued".into(), &segments.into(), &from.into())
        );
    }
    let both = twilio(&[("To", TO), ("From", "Sendbox"), ("MessagingServiceSid", &service()), ("Body", "x")]);
    assert_eq!(both.to(&simulator).await.json()["status"], "accepted");
}

#[tokio::test]
async fn every_field_is_checked() {
    let simulator = start().await;
    let (mg, longest, too_long) = (service(), "æ".repeat(1600), "a".repeat(1601));
    let to = ("To", TO);
    let from = ("From", "Sendbox");
    let body = ("Body", "hej");
    let cases: &[(&[(&str, &str)], u32)] = &[
        (&[to, ("Body", &longest), from], 0),
        (&[to, ("Body", &too_long), from], 21617),
        (&[to, ("Body", ""), from], 21602),
        (&[to, from], 21602),
        (&[body, from], 21604),
        (&[("To", ""), body, from], 21604),
        (&[("To", "4512345678"), body, from], 21211),
        (&[("To", "+45 12345678"), body, from], 21211),
        (&[("To", "+"), body, from], 21211),
        (&[("To", "+4512345678,+4587654321"), body, from], 21211),
        (&[("To", "+15005550002"), body, from], 21612),
        (&[("To", "+15005550009"), body, from], 21614),
        (&[to, to, body, from], 20001),
        (&[to, ("To", "+4587654321"), body, from], 20001),
        (&[to, body], 21603),
        (&[to, body, ("From", "")], 21212),
        (&[to, body, ("From", "TwelveLetter")], 21212),
        (&[to, body, ("From", "12345678901")], 21212),
        (&[to, body, ("From", "S\u{e6}ndbox")], 21212),
        (&[to, body, ("MessagingServiceSid", "MG12")], 21705),
        (&[to, body, ("MessagingServiceSid", &mg.replace("MG", "AC"))], 21705),
        (&[to, body, ("MessagingServiceSid", &mg.replace('0', "x"))], 21705),
        (&[to, body, from, ("RiskCheck", "disable")], 0),
        (&[to, body, from, ("RiskCheck", "off")], 20001),
        (&[to, body, from, ("ValidityPeriod", "1")], 0),
        (&[to, body, from, ("ValidityPeriod", "36000")], 0),
        (&[to, body, from, ("ValidityPeriod", "0")], 20001),
        (&[to, body, from, ("ValidityPeriod", "36001")], 20001),
        (&[to, body, from, ("ValidityPeriod", "+5")], 20001),
        (&[to, body, from, ("ValidityPeriod", "10m")], 20001),
        (&[to, body, from, ("StatusCallback", "https://example.com/report?a=b")], 0),
        (&[to, body, from, ("StatusCallback", "http://example.com/report")], 21609),
        (&[to, body, from, ("StatusCallback", "/report")], 21609),
        (&[to, body, from, ("StatusCallback", "https://bad_name.example.com/")], 21609),
        (&[to, body, from, ("SmartEncoded", "true"), ("ContentRetention", "discard")], 0),
        (&[to, body, from, ("AddressRetention", "obfuscate"), ("MessageIntent", "otp"), ("Attempt", "2")], 0),
        (&[to, body, from, ("SmartEncoded", "yes")], 20001),
        (&[to, body, from, ("ContentRetention", "keep")], 20001),
        (&[to, body, from, ("AddressRetention", "keep")], 20001),
        (&[to, body, from, ("MessageIntent", "OTP!")], 20001),
        (&[to, body, from, ("Attempt", "0")], 20001),
        (&[to, body, from, ("MaxPrice", "0.05")], 0),
        (&[to, body, from, ("MaxPrice", "NaN")], 20001),
        (&[to, body, from, ("Pody", "x")], 20001),
        (&[to, body, from, ("to", TO)], 20001),
    ];
    let mut taken = 0;
    for (number, (fields, code)) in cases.iter().enumerate() {
        let answer = twilio(fields).to(&simulator).await;
        let json = answer.json();
        if *code == 0 {
            taken += 1;
            assert_eq!(answer.status, 201, "case {number}: {json}");
        } else {
            assert_eq!((answer.status, &json["code"]), (400, &(*code).into()), "case {number}: {json}");
            assert_eq!(json["status"], 400);
            assert_eq!(json["more_info"], format!("https://www.twilio.com/docs/errors/{code}"));
            assert!(!json["message"].as_str().unwrap().is_empty());
        }
    }
    assert_eq!(simulator.inbox().len(), taken, "a refused request leaves nothing in the inbox");
    assert_eq!(simulator.requests().len(), cases.len());
    let counters = simulator.counters();
    assert_eq!((counters.accepted, counters.refused), (taken as u64, (cases.len() - taken) as u64));
}

#[tokio::test]
async fn the_envelope_around_the_fields_is_checked() {
    let simulator = start().await;
    let account = TwilioAccount::default();
    let other = format!("AC{}", "00".repeat(16));
    type Change<'a> = Box<dyn Fn(&mut Sent) + 'a>;
    let cases: Vec<(&str, Change<'_>, u16, u32)> = vec![
        ("no authorization", Box::new(|s| s.remove("Authorization")), 401, 20003),
        ("bearer", Box::new(|s| s.set("Authorization", "Bearer x")), 401, 20003),
        ("wrong token", Box::new(|s| s.set("Authorization", &basic(&account.account_sid, "nope"))), 401, 20003),
        ("wrong user", Box::new(|s| s.set("Authorization", &basic(&other, &account.auth_token))), 401, 20003),
        (
            "wrong secret",
            Box::new(|s| s.set("Authorization", &basic(&account.api_key_sid, &account.auth_token))),
            401,
            20003,
        ),
        ("not base64", Box::new(|s| s.set("Authorization", "Basic %%%")), 401, 20003),
        ("twice", Box::new(|s| s.headers.push(s.headers[0].clone())), 401, 20003),
        ("other account", Box::new(|s| s.path = s.path.replace(&account.account_sid, &other)), 404, 20404),
        ("other resource", Box::new(|s| s.path = s.path.replace("Messages", "Calls")), 404, 20404),
        ("query", Box::new(|s| s.path.push_str("?To=1")), 404, 20404),
        ("GET", Box::new(|s| s.method = "GET".into()), 405, 20004),
        ("JSON", Box::new(|s| s.set("Content-Type", "application/json")), 415, 20415),
        ("no type", Box::new(|s| s.remove("Content-Type")), 415, 20415),
        ("Latin-1", Box::new(|s| s.body = b"To=%2B4512345678&Body=%E6".to_vec()), 400, 20001),
        ("raw UTF-8", Box::new(|s| s.body = "To=%2B4512345678&Body=\u{e6}".into()), 400, 20001),
    ];
    for (name, change, status, code) in cases {
        let mut request = good_twilio();
        change(&mut request);
        let answer = request.to(&simulator).await;
        assert_eq!((answer.status, &answer.json()["code"]), (status, &code.into()), "{name}");
        assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{name}");
    }
    let mut with_charset = good_twilio();
    with_charset.set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    assert_eq!(with_charset.to(&simulator).await.status, 201);
    assert_eq!(simulator.inbox().len(), 1);
}

#[tokio::test]
async fn regions_are_served_by_pattern() {
    let simulator = start().await;
    for host in ["api.dublin.ie1.twilio.com", "api.any-edge.any1.twilio.com"] {
        let mut request = good_twilio();
        request.host = host.into();
        assert_eq!(request.to(&simulator).await.status, 201, "{host}");
    }
    let line = format!("api.dublin.ie1.twilio.com:443={}", simulator.tls_addr());
    assert!(simulator.connect_to().contains(&line), "{:?}", simulator.connect_to());
}
