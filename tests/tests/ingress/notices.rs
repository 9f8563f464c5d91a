//! Messages without a code: their templates, their limits, and the switch.

use sendbox_tests::api::{Api, text};
use sendbox_tests::test_service::{TestService, open_limits};
use sendbox_tests::{Database, on_every_database};
use serde_json::{Value, json};

use super::{CODE, DIGITS, Ingress, JSON, at, call};

on_every_database!(
    an_invitation_is_sent_with_a_template_of_its_own,
    notices_and_codes_take_no_place_of_each_other,
    a_tenant_without_notices_is_answered_as_if_they_were_sent
);

/// Sets the policy of notices.
async fn notices(api: &Api, notices: Value) {
    let policy = json!({ "limits": open_limits(), "countries": { "all": true }, "notices": notices });
    api.platform().put(&at("policy"), &policy).await.expect(200);
}

/// An ingress of Logto that sends messages without a code.
async fn logto(api: &Api) -> Ingress {
    let input = json!({ "kind": "logto", "settings": { "messagesWithoutCode": "send" } });
    Ingress::create(api, "logto", &input).await
}

fn invitation(locale: &str) -> String {
    let payload = json!({ "link": "https://example.com/invited", "locale": locale });
    json!({ "to": DIGITS, "type": "OrganizationInvitation", "payload": payload }).to_string()
}

fn newest_text(api: &Api) -> Option<String> {
    api.backend.simulator.inbox().pop().and_then(|message| message.text)
}

async fn an_invitation_is_sent_with_a_template_of_its_own(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    let ingress = logto(&api).await;
    // The connection's templates have a code.
    let refused = call(&api, "logto", &ingress, "", JSON, &invitation("en")).await;
    assert_eq!((refused.status, api.backend.received_count(DIGITS)), (400, 0), "{}", refused.text);
    let templates = json!([
        { "usage": "generic", "content": "See {{link}}" },
        { "usage": "organization-invitation", "content": "You are invited: {{link}}" },
        { "usage": "organization-invitation", "locale": "da", "content": "Du er inviteret: {{link}}" },
    ]);
    notices(&api, json!({ "templates": templates })).await;
    for (locale, expected) in [
        ("en", "You are invited: https://example.com/invited"),
        ("da-DK", "Du er inviteret: https://example.com/invited"),
    ] {
        // The same link to the same number is a repetition for a while.
        api.backend.clock.advance_millis(3_600_000);
        call(&api, "logto", &ingress, "", JSON, &invitation(locale)).await.expect(200);
        assert_eq!(newest_text(&api).as_deref(), Some(expected));
    }
    // A code has the connection's template, and a usage without a notice of its own the generic one.
    let send = async |new: Value| api.platform().post(&at("messages"), &new).await;
    send(json!({ "to": "+4531415927", "usage": "organization-invitation", "code": CODE })).await.expect(200);
    assert!(newest_text(&api).unwrap().contains(CODE));
    send(json!({ "to": "+4531415927", "usage": "sign-in", "variables": { "link": "https://example.com/" } }))
        .await
        .expect(200);
    assert_eq!(newest_text(&api).as_deref(), Some("See https://example.com/"));
}

async fn notices_and_codes_take_no_place_of_each_other(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    notices(&api, json!({ "numberPerDay": 2 })).await;
    let send = async |new: Value| {
        let mut message = json!({ "to": "+4531415927", "usage": "sign-in" });
        message.as_object_mut().unwrap().extend(new.as_object().unwrap().clone());
        api.platform().post(&at("messages"), &message).await
    };
    for _ in 0..2 {
        send(json!({ "text": "A key was added." })).await.expect(200);
    }
    let limited = send(json!({ "text": "A key was added." })).await.problem(429, "limit-reached");
    assert_eq!(limited["limit"], "notice-number-per-day");
    send(json!({ "code": CODE })).await.expect(200);

    // The other way around, and with the pause between codes.
    let limits = json!({ "numberPerHour": 1, "cooldownSeconds": 30 });
    let policy =
        json!({ "limits": limits, "countries": { "all": true }, "notices": { "numberPerDay": 10, "tenantPerDay": 4 } });
    api.platform().put(&at("policy"), &policy).await.expect(200);
    send(json!({ "code": CODE })).await.problem(429, "limit-reached");
    for _ in 0..2 {
        send(json!({ "text": "A key was added.", "to": "+4531415928" })).await.expect(200);
    }
    let limited = send(json!({ "text": "A key was added.", "to": "+4531415929" })).await;
    assert_eq!(limited.problem(429, "limit-reached")["limit"], "notice-tenant-per-day");
}

async fn a_tenant_without_notices_is_answered_as_if_they_were_sent(database: &Database) {
    let api = Api::over(TestService::new(database).await).await;
    let ingress = logto(&api).await;
    notices(&api, json!({ "enabled": false, "templates": [{ "usage": "generic", "content": "See {{link}}" }] })).await;
    call(&api, "logto", &ingress, "", JSON, &invitation("en")).await.expect(200);
    let calls = ingress.calls(&api.platform()).await;
    assert_eq!((&calls[0]["outcome"], &calls[0]["to"]), (&json!("ignored"), &json!("+45…26")));
    let new = json!({ "to": format!("+{DIGITS}"), "usage": "sign-in", "text": "A key was added." });
    let problem = api.platform().post(&at("messages"), &new).await.problem(409, "notices-disabled");
    assert!(text(&problem["detail"]).contains("notices.enabled"), "{problem}");
    assert_eq!(api.backend.received_count(DIGITS), 0);
    let code = json!({ "to": DIGITS, "type": "SignIn", "payload": { "code": CODE } }).to_string();
    call(&api, "logto", &ingress, "", JSON, &code).await.expect(200);
    assert_eq!(api.backend.received_count(DIGITS), 1);
}
