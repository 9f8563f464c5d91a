//! Sample rows: every field is set, with values that are easy to lose (empty, long, negative, not ASCII).

use std::collections::{BTreeMap, BTreeSet};

use sendbox_contract::{FailureClass, MaskedRequest, Party, RecordedFailure, RequestSent};
use sendbox_domain::AttemptRecord;
use sendbox_domain::ingress::twilio_callback::StatusCallback;
use sendbox_domain::model::{
    AttemptOutcome, Cause, Decision, DecisionCode, DecisionValues, Environment, EventType, Flow, Flows,
    IngressAuthenticationType, IngressKind, IngressOutcome, IngressSettings, MessageStatus, Mode, NoFallback, NotAgain,
    PlatformData, Policy, Scope, ShapeOrigin, Timestamp, VerificationStatus, VersionState,
};
use sendbox_domain::rules::release::Versions;
use sendbox_domain::rules::subscriptions::{Subscription, Subscriptions};
use sendbox_sandbox::{DeliveryState, Usage};
use sendbox_store::buckets::BucketState;
use sendbox_store::rows::*;
use sendbox_store::{Store, tenants};
use sendbox_tests::Database;
use serde_json::json;

pub const NOW: Timestamp = Timestamp(1_795_465_293_250);

pub fn tenant(id: &str) -> TenantRow {
    TenantRow {
        id: id.to_owned(),
        name: "Åcme «1» 漢字 🦀".to_owned(),
        environment: Environment::Production,
        active_connection: Some("main".to_owned()),
        flows: Flows(BTreeMap::from([(Flow::SignIn, true), (Flow::Mfa, false)])),
        policy: Policy { origin_domain: Some("example.com".to_owned()), ..Policy::default() },
        wrapped_key: vec![0, 255, 1],
        master_key: "m1".to_owned(),
        test_numbers: Some(Vec::new()),
        created_at: NOW,
        subscriptions: Subscriptions(vec![Subscription {
            endpoint: "w1".to_owned(),
            events: [EventType::MessageAccepted, EventType::HoldCreated].into(),
            is_sent: true,
        }]),
    }
}

pub fn key(tenant: &str, id: &str) -> KeyRow {
    KeyRow {
        id: id.to_owned(),
        tenant: tenant.to_owned(),
        name: "back-end".to_owned(),
        scopes: BTreeSet::from([Scope::Send, Scope::Read]),
        hash: vec![7; 32],
        old_hash: Some(vec![8; 32]),
        old_until: Some(Timestamp(1)),
        created_at: NOW,
        rotated_at: Some(Timestamp(-5)),
        expires_at: Some(NOW.plus_seconds(60)),
    }
}

pub fn ingress(tenant: &str, name: &str) -> IngressRow {
    IngressRow {
        tenant: tenant.to_owned(),
        name: name.to_owned(),
        id: format!("g-{tenant}-{name}"),
        kind: IngressKind::Auth0Gateway,
        enabled: true,
        token_hash: format!("hash of {tenant} {name}").into_bytes(),
        old_token_hash: Some(format!("old hash of {tenant} {name}").into_bytes()),
        old_token_until: Some(NOW.plus_seconds(60)),
        method: IngressAuthenticationType::JwtHs256,
        method_name: Some("urn:«1»".to_owned()),
        sealed: vec![0, 255, 1],
        settings: IngressSettings {
            default_region: Some("DK".to_owned()),
            usages: BTreeMap::from([("*".to_owned(), Usage::BindMfa)]),
            wait_ms: Some(0),
            ..IngressSettings::default()
        },
        created_at: NOW,
        updated_at: Timestamp(-5),
    }
}

pub fn ingress_call(tenant: &str, id: &str) -> IngressCallRow {
    IngressCallRow {
        tenant: tenant.to_owned(),
        ingress: format!("g-{tenant}-main"),
        id: id.to_owned(),
        received_at: NOW,
        outcome: IngressOutcome::Refused,
        status: Some(503),
        recipient_masked: Some("+45…78".to_owned()),
        usage: Some(Usage::SignIn),
        message: Some("m1".to_owned()),
        detail: Some("wrong «1» 漢字 🦀".to_owned()),
    }
}

pub fn session(api_key: Option<&str>, id: u8) -> SessionRow {
    SessionRow {
        id: vec![id, 0, 255],
        api_key: api_key.map(str::to_owned),
        proof: vec![9; 32],
        created_at: NOW,
        seen_at: NOW.plus_seconds(1),
    }
}

pub fn hold(tenant: &str, id: &str) -> HoldRow {
    HoldRow {
        tenant: tenant.to_owned(),
        id: id.to_owned(),
        prefix_hash: vec![0, 255],
        prefix: "+4512…".to_owned(),
        reason: "«fraud»".to_owned(),
        message: "m1".to_owned(),
        created_at: NOW,
        expires_at: NOW.plus_seconds(60),
    }
}

pub fn connection(tenant: &str, name: &str) -> ConnectionRow {
    let serde_json::Value::Object(parameters) =
        json!({"url": "https://x.example/\u{0}", "retries": 3, "ratio": 0.1, "deep": {"list": [null, true, "é"]}})
    else {
        unreachable!()
    };
    ConnectionRow {
        tenant: tenant.to_owned(),
        name: name.to_owned(),
        connector: "twilio".to_owned(),
        digest: "sha256:00".to_owned(),
        parameters,
        secrets: Some(vec![1, 0, 2]),
        secret_times: BTreeMap::from([("authToken".to_owned(), Timestamp(1_795_465_293_257))]),
        templates: json!([{"usage": "sign-in", "text": "{{code}}"}]),
        fingerprint: vec![3; 32],
        revision: 1 << 40,
        created_at: NOW,
        updated_at: NOW.plus_seconds(1),
        report_token: Some(vec![4, 0, 4]),
        secret_hosts: Some(BTreeMap::from([(
            "authToken".to_owned(),
            BTreeSet::from(["https://api.twilio.com".to_owned()]),
        )])),
    }
}

pub fn failure() -> RecordedFailure {
    RecordedFailure {
        class: FailureClass::InvalidRecipient,
        party: Party::Provider,
        request_sent: RequestSent::Yes,
        text: "It said \"no\"\u{0}.".to_owned(),
        provider_code: Some("21211".to_owned()),
        retry_after: Some(u32::MAX),
        denied_by_settings: true,
    }
}

/// A claim of a process.
pub fn lease(process: &str, claim: u64) -> Lease {
    Lease { process: process.to_owned(), claim }
}

/// What the platform keeps with a message or a verification.
fn platform_data() -> PlatformData {
    PlatformData {
        reference: Some("session-1".to_owned()),
        metadata: [("plan".to_owned(), "pro \"ø\"".to_owned())].into(),
    }
}

pub fn message(tenant: &str, id: &str) -> MessageRow {
    MessageRow {
        status_callback: Some(StatusCallback {
            ingress: "g1".to_owned(),
            account: "AC1".to_owned(),
            url: "https://example.com/status".to_owned(),
        }),
        id: id.to_owned(),
        tenant: tenant.to_owned(),
        created_at: NOW,
        expires_at: NOW.plus_seconds(600),
        usage: Usage::SignIn,
        locale: Some("da".to_owned()),
        recipient_hash: vec![9; 32],
        recipient_masked: "+45…78".to_owned(),
        country: Some("DK".to_owned()),
        payload: Some(vec![5; 300]),
        verification: Some("v1".to_owned()),
        status: MessageStatus::Queued,
        mode: Mode::Async,
        test: true,
        connection: Some("main".to_owned()),
        segments: Some(2),
        provider_message_id: Some("SM1".to_owned()),
        failure: Some(failure()),
        attempts: 1,
        physical_messages: 1,
        price_micros: 80_000,
        next_attempt_at: Some(NOW.plus_seconds(5)),
        lease: Some(lease("w1", 7)),
        platform_data: platform_data(),
    }
}

/// A queued message that is due immediately and has no lease.
pub fn waiting(tenant: &str, id: &str) -> MessageRow {
    MessageRow {
        locale: None,
        country: None,
        payload: None,
        verification: None,
        test: false,
        connection: None,
        segments: None,
        provider_message_id: None,
        failure: None,
        next_attempt_at: None,
        lease: None,
        ..message(tenant, id)
    }
}

pub fn attempt(tenant: &str, message: &str, number: u32) -> AttemptRow {
    AttemptRow {
        tenant: tenant.to_owned(),
        message: message.to_owned(),
        number,
        connection: "main".to_owned(),
        connector: "twilio".to_owned(),
        digest: "sha256:00".to_owned(),
        started_at: NOW,
        finished_at: None,
        outcome: None,
        failure: None,
        decision: None,
        record: None,
        response_status: None,
        fault: false,
        provider_id: None,
    }
}

pub fn decision() -> Decision {
    let values = DecisionValues {
        cause: Cause::InDoubt,
        class: FailureClass::InDoubt,
        number: None,
        max: Some(3),
        no_retry: Some(NotAgain::MaxTries),
        no_fallback: Some(NoFallback::Silence),
    };
    Decision::of(DecisionCode::Nothing, values)
}

pub fn finished(attempt: AttemptRow) -> AttemptRow {
    AttemptRow {
        finished_at: Some(NOW.plus_seconds(1)),
        outcome: Some(AttemptOutcome::InDoubt),
        failure: Some(failure()),
        decision: Some(decision()),
        record: Some(AttemptRecord {
            requests: vec![MaskedRequest {
                method: "POST".to_owned(),
                url: "https://x.example/\u{0}".to_owned(),
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: "{\"to\":\"[recipient]\"}".to_owned(),
                carries_message: true,
            }],
            hosts_reached: vec!["https://x.example".to_owned()],
            ..AttemptRecord::default()
        }),
        response_status: Some(429),
        fault: true,
        provider_id: Some(vec![8, 0, 8]),
        ..attempt
    }
}

pub fn report(tenant: &str, provider_id: u8, state: DeliveryState) -> ReportRow {
    ReportRow {
        tenant: tenant.to_owned(),
        connection: "main".to_owned(),
        provider_id: vec![provider_id; 32],
        state,
        class: Some(FailureClass::InvalidRecipient),
        provider_code: Some("30003".to_owned()),
        text: Some("It said \"no\", «nej», 不.".to_owned()),
        provider_at: Some("2026-11-23 08:03:04".to_owned()),
        signed: true,
        received_at: NOW,
        attempt: None,
    }
}

pub fn verification(tenant: &str, id: &str) -> VerificationRow {
    VerificationRow {
        id: id.to_owned(),
        tenant: tenant.to_owned(),
        usage: Usage::MfaVerification,
        locale: Some("de-AT".to_owned()),
        recipient_hash: vec![9; 32],
        recipient_masked: "+45…78".to_owned(),
        payload: Some(vec![4; 40]),
        test: true,
        code_mac: vec![6; 32],
        code_key: "c1".to_owned(),
        status: VerificationStatus::Pending,
        tries: 0,
        max_tries: 5,
        sends: 1,
        max_sends: 4,
        created_at: NOW,
        expires_at: NOW.plus_seconds(600),
        resend_at: NOW.plus_seconds(30),
        approved_at: None,
        message: Some("m1".to_owned()),
        code_order: 1,
        previous: None,
        platform_data: platform_data(),
    }
}

pub fn first_use(tenant: &str, resource: &str) -> IdempotencyRow {
    IdempotencyRow {
        tenant: tenant.to_owned(),
        operation: "messages".to_owned(),
        key_hash: vec![1; 32],
        body_hash: vec![2; 32],
        resource: resource.to_owned(),
        expires_at: NOW.plus_seconds(86_400),
    }
}

pub fn entry(tenant: Option<&str>, action: &str) -> AuditRow {
    AuditRow {
        tenant: tenant.map(str::to_owned),
        at: NOW,
        actor: "key:k1".to_owned(),
        actor_name: Some("backend".to_owned()),
        action: action.to_owned(),
        target: "connection:main".to_owned(),
        before: None,
        after: Some(json!({"name": "main"})),
    }
}

/// A store with the tenant `acme`.
pub async fn store(database: &Database) -> Store {
    let store = Store::open(database.url()).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert!(tenants::insert(&mut tx, &tenant("acme")).await.unwrap());
    tx.commit().await.unwrap();
    store
}

pub fn version(tenant: &str, digest: &str) -> VersionRow {
    VersionRow {
        tenant: tenant.to_owned(),
        digest: digest.to_owned(),
        connector: Some("acme-sms".to_owned()),
        state: VersionState::Ready,
        step: 3,
        refusal: None,
        description: None,
        bytes: 6,
        uploaded_at: NOW,
        uploaded_by: "platform".to_owned(),
        checks: 1,
        lease: None,
    }
}

pub fn release(tenant: &str, connector: &str) -> ReleaseRow {
    ReleaseRow {
        tenant: tenant.to_owned(),
        connector: connector.to_owned(),
        owner: tenant.to_owned(),
        generation: 1,
        versions: Versions::first("sha256:01".to_owned(), NOW),
    }
}

pub fn shape(tenant: &str, connector: &str) -> ShapeRow {
    let shape = json!({ "carries": "message", "lines": ["POST https://a.test/", "form To = [recipient e164]"] });
    ShapeRow {
        tenant: tenant.to_owned(),
        connector: connector.to_owned(),
        digest: "sha256:01".to_owned(),
        shape: "5f".repeat(32),
        origin: ShapeOrigin::Test,
        description: serde_json::from_value(shape).unwrap(),
        requests: 1,
        first_seen_at: NOW,
        last_seen_at: NOW,
        approved_by: None,
    }
}

pub fn approval(tenant: &str, connector: &str) -> ApprovalRow {
    ApprovalRow {
        tenant: tenant.to_owned(),
        connector: connector.to_owned(),
        fingerprint: "5e".repeat(32),
        approved_at: NOW,
        approved_by: "platform".to_owned(),
    }
}

/// A state of a limit, to be stored.
pub fn bucket<'a>(key: &'a str, state: &'a str, expires_at: Timestamp) -> BucketState<'a> {
    BucketState { key, state, expires_at }
}

pub fn endpoint(id: &str) -> WebhookEndpointRow {
    WebhookEndpointRow {
        tenant: "acme".to_owned(),
        id: id.to_owned(),
        name: "back-end".to_owned(),
        url: Some("https://hooks.example/?a=\u{e5}".to_owned()),
        events: [EventType::MessageAccepted, EventType::VersionRolledBack].into(),
        disabled_reason: None,
        secret: vec![1, 0, 255],
        old_secret: Some(vec![2]),
        old_until: Some(NOW.plus_seconds(5)),
        failing_since: None,
        dropped: 0,
        created_at: NOW,
        updated_at: NOW.plus_seconds(1),
    }
}

/// An event of a subject, so many seconds after [`NOW`].
pub fn event(id: &str, subject: &str, seconds: u64) -> EventRow {
    EventRow {
        tenant: "acme".to_owned(),
        id: id.to_owned(),
        kind: EventType::MessageAccepted,
        subject: subject.to_owned(),
        happened_at: NOW.plus_seconds(seconds),
        data: json!({ "id": subject, "text": "漢字" }),
    }
}
