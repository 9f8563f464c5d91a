//! Rows, as operations read and write them. Sealed values are bytes, and phone numbers are masked or hashed.

use std::collections::{BTreeMap, BTreeSet};

use sendbox_contract::{DeliveryState, FailureClass, RecordedFailure, Usage};
use sendbox_domain::AttemptRecord;
use sendbox_domain::ingress::twilio_callback::StatusCallback;
use sendbox_domain::model::{
    AttemptOutcome, Decision, DisabledReason, Environment, EventAttempt, EventDeliveryStatus, EventType, Flows,
    IngressAuthenticationType, IngressKind, IngressOutcome, IngressSettings, MessageStatus, Mode, PlatformData, Policy,
    Scope, ShapeOrigin, Timestamp, VerificationStatus, VersionState,
};
use sendbox_domain::rules::capability_diff::Description;
use sendbox_domain::rules::release::Versions;
use sendbox_domain::rules::subscriptions::Subscriptions;
use sendbox_policy::RequestShape;
use serde_json::{Map, Value};

/// A tenant, with its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantRow {
    /// Unique over all tenants; never changes.
    pub id: String,
    pub name: String,
    pub environment: Environment,
    /// The name of the active connection.
    pub active_connection: Option<String>,
    pub flows: Flows,
    pub policy: Policy,
    /// The tenant's data key, wrapped with a master key.
    pub wrapped_key: Vec<u8>,
    /// The id of the master key that wraps the data key.
    pub master_key: String,
    /// Sealed JSON: numbers with their fixed codes.
    pub test_numbers: Option<Vec<u8>>,
    pub created_at: Timestamp,
    /// Which enabled webhook endpoints want which events.
    pub subscriptions: Subscriptions,
}

/// An API key of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Unique over all tenants.
    pub id: String,
    pub tenant: String,
    pub name: String,
    pub scopes: BTreeSet<Scope>,
    /// SHA-256 of the secret.
    pub hash: Vec<u8>,
    /// SHA-256 of the previous secret, if it was rotated with a grace period.
    pub old_hash: Option<Vec<u8>>,
    /// The end of that grace period.
    pub old_until: Option<Timestamp>,
    pub created_at: Timestamp,
    /// When the secret was last rotated.
    pub rotated_at: Option<Timestamp>,
    /// `None`: never.
    pub expires_at: Option<Timestamp>,
}

/// An ingress of a tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct IngressRow {
    pub tenant: String,
    /// Unique within the tenant.
    pub name: String,
    /// Unique over all tenants, and new when an ingress of the same name is created again.
    pub id: String,
    pub kind: IngressKind,
    pub enabled: bool,
    /// SHA-256 of the token in its address.
    pub token_hash: Vec<u8>,
    /// SHA-256 of the previous token, if it was rotated with a grace period.
    pub old_token_hash: Option<Vec<u8>>,
    /// The end of that grace period.
    pub old_token_until: Option<Timestamp>,
    pub method: IngressAuthenticationType,
    /// The header, the user name or the audience that the method needs.
    pub method_name: Option<String>,
    /// Sealed JSON: the token and the secrets.
    pub sealed: Vec<u8>,
    pub settings: IngressSettings,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A call of an ingress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressCallRow {
    pub tenant: String,
    /// The id of the ingress.
    pub ingress: String,
    /// Ordered by time.
    pub id: String,
    pub received_at: Timestamp,
    pub outcome: IngressOutcome,
    /// The HTTP status of the response.
    pub status: Option<u16>,
    pub recipient_masked: Option<String>,
    pub usage: Option<Usage>,
    pub message: Option<String>,
    pub detail: Option<String>,
}

/// A console session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of the cookie's value.
    pub id: Vec<u8>,
    /// The id of the API key that opened it. `None`: the platform key.
    pub api_key: Option<String>,
    /// A keyed hash of the API key's hash, under the cookie's value.
    pub proof: Vec<u8>,
    pub created_at: Timestamp,
    /// When it was last used, accurate to a minute.
    pub seen_at: Timestamp,
}

/// Origins without paths, like `https://api.example.com`, by the name of the secret.
pub type SecretHosts = BTreeMap<String, BTreeSet<String>>;

/// A connection.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionRow {
    pub tenant: String,
    /// Unique within the tenant.
    pub name: String,
    /// The connector's id.
    pub connector: String,
    /// The version that it was saved with: `sha256:…`.
    pub digest: String,
    /// All parameters but secrets.
    pub parameters: Map<String, Value>,
    /// Sealed JSON object of the secrets.
    pub secrets: Option<Vec<u8>>,
    /// When each secret was set.
    pub secret_times: BTreeMap<String, Timestamp>,
    /// JSON array, as it was saved.
    pub templates: Value,
    /// A keyed hash of version, parameters, secrets and templates. A successful test counts for this fingerprint.
    pub fingerprint: Vec<u8>,
    /// Starts at 1 and increases by one with each change.
    pub revision: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The sealed token in the URL for delivery reports. `None`: it was last saved by a release of Sendbox without reports.
    pub report_token: Option<Vec<u8>>,
    /// The hosts that each secret was given for. `None`: it was last saved by a release of Sendbox that did not store them.
    pub secret_hosts: Option<SecretHosts>,
}

/// A process that uses the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessRow {
    /// Random. A process that was taken for dead gets another one.
    pub id: String,
    /// The heartbeats that it has counted.
    pub beats: u64,
}

/// The claim of a row by a process, which then works on it. It differs from every other claim, also of the same process, so that work
/// under an earlier one changes nothing. It counts as long as the row of the process exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The id of the process.
    pub process: String,
    /// Unique within the process.
    pub claim: u64,
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageRow {
    /// Random; unique within the tenant.
    pub id: String,
    pub tenant: String,
    pub created_at: Timestamp,
    /// Nothing is sent from this time on.
    pub expires_at: Timestamp,
    pub usage: Usage,
    /// A BCP 47 tag.
    pub locale: Option<String>,
    /// A keyed hash of the phone number.
    pub recipient_hash: Vec<u8>,
    /// For example `+45…78`.
    pub recipient_masked: String,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Sealed: number, code, variables, client IP address and lifetime. Wiped when the message is final.
    pub payload: Option<Vec<u8>>,
    pub verification: Option<String>,
    pub status: MessageStatus,
    /// Whether the request waits for the outcome.
    pub mode: Mode,
    /// Whether it is addressed to a test number, and never sent.
    pub test: bool,
    /// The connection of the last attempt, or the one chosen for the next.
    pub connection: Option<String>,
    /// Billed segments of the text; `None` when the provider composes the text.
    pub segments: Option<u32>,
    /// The provider's id of the message, after the provider accepted it.
    pub provider_message_id: Option<String>,
    /// Why it was not accepted, or why the last attempt failed.
    pub failure: Option<RecordedFailure>,
    /// Attempts that were started.
    pub attempts: u32,
    /// Attempts that may have caused a physical message.
    pub physical_messages: u32,
    /// The price of one physical message, in millionths of the currency, as it was charged to the spend cap.
    pub price_micros: u64,
    /// When the next attempt is due. `None`: at once, unless the message is final.
    pub next_attempt_at: Option<Timestamp>,
    /// The claim by which a process works on the message.
    pub lease: Option<Lease>,
    pub platform_data: PlatformData,
    /// Where its statuses are reported in Twilio's format.
    pub status_callback: Option<StatusCallback>,
}

/// One attempt of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRow {
    pub tenant: String,
    pub message: String,
    /// Counted from 1.
    pub number: u32,
    pub connection: String,
    /// The connector's id.
    pub connector: String,
    /// The version of the connector: `sha256:…`.
    pub digest: String,
    /// Stored before anything was sent.
    pub started_at: Timestamp,
    /// `None` while it is in progress.
    pub finished_at: Option<Timestamp>,
    /// `None` while it is in progress.
    pub outcome: Option<AttemptOutcome>,
    /// Why the message was not accepted.
    pub failure: Option<RecordedFailure>,
    pub decision: Option<Decision>,
    /// The trace and other details that are shown to users. `None` in lists.
    pub record: Option<AttemptRecord>,
    /// The HTTP status of the response to the request that carried the message, as the host received it.
    pub response_status: Option<u16>,
    /// Whether the connector misbehaved.
    pub fault: bool,
    /// A keyed hash of the provider's id of the message, after the provider accepted it.
    pub provider_id: Option<Vec<u8>>,
}

/// A delivery report of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRow {
    pub tenant: String,
    /// The connection that the message was sent over.
    pub connection: String,
    /// A keyed hash of the provider's id of the message.
    pub provider_id: Vec<u8>,
    pub state: DeliveryState,
    /// Why the message was not delivered.
    pub class: Option<FailureClass>,
    pub provider_code: Option<String>,
    /// The provider's description.
    pub text: Option<String>,
    /// When the event happened, according to the provider.
    pub provider_at: Option<String>,
    /// Whether the call had a signature that is right under a secret of the connection.
    pub signed: bool,
    pub received_at: Timestamp,
    /// The message and the number of the attempt to which the provider gave this id. `None` while the report waits for one.
    pub attempt: Option<(String, u32)>,
}

/// An earlier code of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousCode {
    pub code_mac: Vec<u8>,
    pub code_key: String,
    pub tries: u32,
    pub expires_at: Timestamp,
    pub message: Option<String>,
    pub code_order: i64,
}

/// A verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationRow {
    /// Random; unique within the tenant.
    pub id: String,
    pub tenant: String,
    /// The usage that the code is bound to.
    pub usage: Usage,
    /// A BCP 47 tag.
    pub locale: Option<String>,
    /// A keyed hash of the phone number.
    pub recipient_hash: Vec<u8>,
    /// For example `+45…78`.
    pub recipient_masked: String,
    /// Sealed: number and variables, for a resend. Wiped when the verification ends.
    pub payload: Option<Vec<u8>>,
    /// Whether it is for a test number: its code is fixed, and not sent.
    pub test: bool,
    /// A keyed hash of the current code.
    pub code_mac: Vec<u8>,
    /// The id of the master key from which the key of that hash is derived.
    pub code_key: String,
    pub status: VerificationStatus,
    /// Checks of the current code.
    pub tries: u32,
    /// Maximum number of checks of one code.
    pub max_tries: u32,
    /// Codes that may have been sent, including the first.
    pub sends: u32,
    /// Maximum number of codes.
    pub max_sends: u32,
    pub created_at: Timestamp,
    /// When the current code expires.
    pub expires_at: Timestamp,
    /// When the next resend is allowed.
    pub resend_at: Timestamp,
    pub approved_at: Option<Timestamp>,
    /// The message with the current code. `None` for test numbers.
    pub message: Option<String>,
    /// The order in which codes were made for the number and usage: a time in milliseconds, or later than that. 0 for one that was
    /// certainly not sent.
    pub code_order: i64,
    /// The code before, as long as the message with the current one has certainly not left.
    pub previous: Option<PreviousCode>,
    pub platform_data: PlatformData,
}

/// The first use of an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRow {
    pub tenant: String,
    /// `messages` or `verifications`.
    pub operation: String,
    /// A keyed hash of the idempotency key.
    pub key_hash: Vec<u8>,
    /// A keyed hash of the request.
    pub body_hash: Vec<u8>,
    /// The id of the message or verification that the request created.
    pub resource: String,
    /// When the key can be used again.
    pub expires_at: Timestamp,
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    /// The tenant that was changed. `None`: the platform.
    pub tenant: Option<String>,
    pub at: Timestamp,
    /// `platform`, `sendbox`, or `key:` and the key's id.
    pub actor: String,
    /// The name that the key had. `None` for who has no key.
    pub actor_name: Option<String>,
    /// For example `connection.save`.
    pub action: String,
    /// The changed object, for example `connection:main`.
    pub target: String,
    /// The changed members before the change. `None`: the object was created.
    pub before: Option<Value>,
    /// The changed members after the change. `None`: the object was deleted.
    pub after: Option<Value>,
}

/// A hold on a block of a thousand numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    pub tenant: String,
    /// Unique within the tenant.
    pub id: String,
    /// A keyed hash of the numbers' common prefix.
    pub prefix_hash: Vec<u8>,
    /// The prefix, masked.
    pub prefix: String,
    /// The reason, as a sentence.
    pub reason: String,
    /// The id of the message that caused the hold.
    pub message: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// An uploaded version of a connector, without its file.
#[derive(Clone, Debug)]
pub struct VersionRow {
    /// Empty for a connector for all tenants.
    pub tenant: String,
    /// `sha256:…`
    pub digest: String,
    /// The connector's id, known after the file was inspected.
    pub connector: Option<String>,
    pub state: VersionState,
    /// The current step of the check, counted from 1.
    pub step: u32,
    /// Why the file was refused.
    pub refusal: Option<String>,
    /// Known after the file was inspected.
    pub description: Option<Description>,
    /// The size of the file.
    pub bytes: u64,
    pub uploaded_at: Timestamp,
    /// `platform`, or `key:` and the key's id.
    pub uploaded_by: String,
    /// Checks that were started.
    pub checks: u32,
    /// The claim by which a process checks the file.
    pub lease: Option<Lease>,
}

/// A release: which versions of a connector send, for one tenant or for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseRow {
    /// Empty for the release for all tenants that have no release of their own.
    pub tenant: String,
    /// The connector's id.
    pub connector: String,
    /// The tenant that owns the connector. Empty for a connector for all tenants.
    pub owner: String,
    /// Starts at 1 and increases by one with each change.
    pub generation: u64,
    pub versions: Versions,
}

/// A request shape of an uploaded version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeRow {
    /// The tenant whose sends the shape applies to. Empty for all tenants.
    pub tenant: String,
    /// The connector's id.
    pub connector: String,
    pub digest: String,
    /// SHA-256 of the shape, in hexadecimal.
    pub shape: String,
    /// Where the shape was first observed, or that it was approved.
    pub origin: ShapeOrigin,
    pub description: RequestShape,
    /// The number of requests with this shape.
    pub requests: u64,
    pub first_seen_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// `platform`, or `key:` and the key's id.
    pub approved_by: Option<String>,
}

/// The approval of a difference between two versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRow {
    /// Empty for an approval for all tenants.
    pub tenant: String,
    /// The connector's id.
    pub connector: String,
    /// SHA-256 of the approved difference, in hexadecimal.
    pub fingerprint: String,
    pub approved_at: Timestamp,
    /// `platform`, or `key:` and the key's id.
    pub approved_by: String,
}

/// A webhook endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookEndpointRow {
    pub tenant: String,
    /// Unique within the tenant.
    pub id: String,
    pub name: String,
    /// `None`: events are stored only.
    pub url: Option<String>,
    pub events: BTreeSet<EventType>,
    /// `None`: it is enabled.
    pub disabled_reason: Option<DisabledReason>,
    /// Sealed: the key that signs.
    pub secret: Vec<u8>,
    /// The previous key, if it was rotated.
    pub old_secret: Option<Vec<u8>>,
    /// Until when the previous key signs as well.
    pub old_until: Option<Timestamp>,
    /// Since when every attempt has failed.
    pub failing_since: Option<Timestamp>,
    /// Events that were deleted before they could be sent.
    pub dropped: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Something that has happened.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    pub tenant: String,
    /// Random; unique within the tenant.
    pub id: String,
    pub kind: EventType,
    /// The id of what it is about. Events of one subject are sent in order.
    pub subject: String,
    pub happened_at: Timestamp,
    pub data: Value,
}

/// An event for one webhook endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDeliveryRow {
    pub tenant: String,
    /// The order in which the rows were written.
    pub sequence: u64,
    pub event: String,
    pub endpoint: String,
    /// That of the event.
    pub subject: String,
    pub status: EventDeliveryStatus,
    /// Failed attempts since the event was written or sent again.
    pub failures: u32,
    /// The last attempts, oldest first.
    pub attempts: Vec<EventAttempt>,
    pub next_attempt_at: Timestamp,
    /// The claim by which a process sends it.
    pub lease: Option<Lease>,
}
