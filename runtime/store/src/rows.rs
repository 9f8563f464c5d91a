//! Rows, as the operations see them. What is sealed is bytes here; what is a number is masked or hashed.

use std::collections::{BTreeMap, BTreeSet};

use sendbox_contract::{DeliveryState, FailureClass, RecordedFailure, Usage};
use sendbox_domain::AttemptRecord;
use sendbox_domain::model::{
    AttemptOutcome, DecisionView, Environment, Flows, MessageStatus, Mode, Policy, Scope, ShapeOrigin, Timestamp,
    VerificationStatus, VersionState,
};
use sendbox_domain::rules::capability_diff::Description;
use sendbox_domain::rules::release::Versions;
use sendbox_policy::RequestShape;
use serde_json::{Map, Value};

/// A tenant, with what it decides.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantRow {
    /// Stable; unique over all tenants.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it is for.
    pub environment: Environment,
    /// The name of the connection that sends.
    pub active_connection: Option<String>,
    /// Which flows are on.
    pub flows: Flows,
    /// What the tenant decides about codes, limits, countries and delivery.
    pub policy: Policy,
    /// The tenant's data key, sealed with a master key.
    pub wrapped_key: Vec<u8>,
    /// Which master key that is.
    pub master_key: String,
    /// Sealed JSON.
    pub test_numbers: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An API key of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Unique over all tenants.
    pub id: String,
    /// Whose it is.
    pub tenant: String,
    /// For people.
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// Of the secret.
    pub hash: Vec<u8>,
    /// Of the secret before, while that still works.
    pub old_hash: Option<Vec<u8>>,
    /// Until when the secret before still works.
    pub old_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its secret was last changed.
    pub rotated_at: Option<Timestamp>,
    /// When it ends. `None`: never.
    pub expires_at: Option<Timestamp>,
}

/// Somebody who is signed in to the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// The hash of what the cookie holds.
    pub id: Vec<u8>,
    /// The key that it was opened with. `None`: the platform key.
    pub api_key: Option<String>,
    /// Fits the key's secret only together with what the cookie holds.
    pub proof: Vec<u8>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
}

/// A connection.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionRow {
    /// Whose it is.
    pub tenant: String,
    /// Unique within the tenant.
    pub name: String,
    /// The connector's id.
    pub connector: String,
    /// `sha256:…`
    pub digest: String,
    /// Those that are no secrets.
    pub parameters: Map<String, Value>,
    /// Sealed JSON object of the secrets.
    pub secrets: Option<Vec<u8>>,
    /// Since when each secret is set.
    pub secret_times: BTreeMap<String, Timestamp>,
    /// As the connector takes them.
    pub templates: Value,
    /// A keyed hash of version, parameters, secrets and templates: what a test vouches for.
    pub fingerprint: Vec<u8>,
    /// Grows by one with each change.
    pub revision: u64,
    /// When it was first saved.
    pub created_at: Timestamp,
    /// When it was last saved.
    pub updated_at: Timestamp,
    /// Sealed: the token in the URL that its provider reports to. `None`: it was last saved before there was one.
    pub report_token: Option<Vec<u8>>,
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageRow {
    /// Stable; unique within the tenant, and random.
    pub id: String,
    /// Whose it is.
    pub tenant: String,
    /// When it was taken.
    pub created_at: Timestamp,
    /// When nothing is sent any more.
    pub expires_at: Timestamp,
    /// Why it is sent.
    pub usage: Usage,
    /// BCP 47.
    pub locale: Option<String>,
    /// Keyed hash of the number.
    pub recipient_hash: Vec<u8>,
    /// `+45…78`
    pub recipient_masked: String,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Sealed: number, code, variables, address. Gone once the message is final.
    pub payload: Option<Vec<u8>>,
    /// The verification that it belongs to.
    pub verification: Option<String>,
    /// Where it is.
    pub status: MessageStatus,
    /// Whether the caller waits for the outcome.
    pub mode: Mode,
    /// To a test number: it never leaves.
    pub test: bool,
    /// Of the last attempt, or the one chosen.
    pub connection: Option<String>,
    /// Parts as billed, for connectors that take texts.
    pub segments: Option<u32>,
    /// The provider's id, once it took it.
    pub provider_message_id: Option<String>,
    /// Why it ended otherwise.
    pub failure: Option<RecordedFailure>,
    /// Attempts begun.
    pub attempts: u32,
    /// Attempts that may have become a physical message.
    pub physical: u32,
    /// What the tenant's price list says one sending costs, in millionths; what was taken from the spend cap.
    pub price_micros: u64,
    /// When the next attempt is due. `None`: at once, if it is not final.
    pub next_attempt_at: Option<Timestamp>,
    /// Who works on it.
    pub lease_owner: Option<String>,
    /// Until when nobody else may.
    pub lease_until: Option<Timestamp>,
}

/// One attempt of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRow {
    /// Whose it is.
    pub tenant: String,
    /// The message's id.
    pub message: String,
    /// 1 for the first.
    pub number: u32,
    /// The name of the connection.
    pub connection: String,
    /// The connector's id.
    pub connector: String,
    /// `sha256:…`
    pub digest: String,
    /// Written before anything left.
    pub started_at: Timestamp,
    /// `None` while it is under way.
    pub finished_at: Option<Timestamp>,
    /// `None` while it is under way.
    pub outcome: Option<AttemptOutcome>,
    /// Why not.
    pub failure: Option<RecordedFailure>,
    /// What follows.
    pub decision: Option<DecisionView>,
    /// What happened, for people. `None` in lists.
    pub record: Option<AttemptRecord>,
    /// The HTTP status with which the request that carried the message was answered, as the host saw it.
    pub response_status: Option<u16>,
    /// Whether the connector misbehaved.
    pub fault: bool,
    /// Keyed hash of the provider's id, once the provider took it.
    pub provider_id: Option<Vec<u8>>,
}

/// What a provider reported of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRow {
    /// Whose.
    pub tenant: String,
    /// The name of the connection that the provider was asked through.
    pub connection: String,
    /// Keyed hash of the provider's id.
    pub provider_id: Vec<u8>,
    /// Where the message is.
    pub state: DeliveryState,
    /// Why it was not delivered.
    pub class: Option<FailureClass>,
    /// The provider's own code.
    pub provider_code: Option<String>,
    /// The provider's own text.
    pub text: Option<String>,
    /// The provider's time of it, as it was written.
    pub provider_at: Option<String>,
    /// When it was here.
    pub received_at: Timestamp,
    /// The message and the number of its attempt, once one is known that the provider gave this id.
    pub of: Option<(String, u32)>,
}

/// A verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationRow {
    /// Stable; unique within the tenant, and random.
    pub id: String,
    /// Whose it is.
    pub tenant: String,
    /// Why the code is sent; it is bound to that.
    pub usage: Usage,
    /// BCP 47.
    pub locale: Option<String>,
    /// Keyed hash of the number.
    pub recipient_hash: Vec<u8>,
    /// `+45…78`
    pub recipient_masked: String,
    /// Sealed: number and variables, for a resend. Gone once it has ended.
    pub payload: Option<Vec<u8>>,
    /// Of a test number: its code is fixed and was not sent.
    pub test: bool,
    /// Keyed hash of the current code.
    pub code_mac: Vec<u8>,
    /// Which key.
    pub code_key: String,
    /// Where it is.
    pub status: VerificationStatus,
    /// Tries of the current code.
    pub tries: u32,
    /// Tries of a code at most.
    pub max_tries: u32,
    /// Codes sent, the first included.
    pub sends: u32,
    /// Codes at most.
    pub max_sends: u32,
    /// When it was started.
    pub created_at: Timestamp,
    /// When the current code ends.
    pub expires_at: Timestamp,
    /// When a resend is possible.
    pub resend_at: Timestamp,
    /// When the right code was given.
    pub approved_at: Option<Timestamp>,
    /// The message with the current code. Absent for test numbers.
    pub message: Option<String>,
}

/// The first use of an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRow {
    /// Whose it is.
    pub tenant: String,
    /// `messages`, `verifications`
    pub operation: String,
    /// Keyed hash.
    pub key_hash: Vec<u8>,
    /// Keyed hash.
    pub body_hash: Vec<u8>,
    /// The message or verification that it made.
    pub resource: String,
    /// From when on the key is free again.
    pub expires_at: Timestamp,
}

/// An entry of the audit.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    /// The tenant that was changed. `None`: the platform.
    pub tenant: Option<String>,
    /// When.
    pub at: Timestamp,
    /// `platform`, or `key:` and the key's id.
    pub actor: String,
    /// `connection.save`
    pub action: String,
    /// What was changed, like `connection:main`.
    pub target: String,
    /// What changed, before. `None`: it is new.
    pub before: Option<Value>,
    /// What changed, after. `None`: it is gone.
    pub after: Option<Value>,
}

/// A hold on a thousand numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// Whose.
    pub tenant: String,
    /// Stable, within the tenant.
    pub id: String,
    /// Keyed hash of the prefix.
    pub prefix_hash: Vec<u8>,
    /// Masked.
    pub prefix: String,
    /// In words.
    pub reason: String,
    /// The message that led to it.
    pub message: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A version of a connector that was uploaded. Its file is read apart.
#[derive(Clone, Debug)]
pub struct VersionRow {
    /// Whose. Empty: all tenants'.
    pub tenant: String,
    /// `sha256:…`
    pub digest: String,
    /// Once the file has been read.
    pub connector: Option<String>,
    /// How far it has come.
    pub state: VersionState,
    /// Of the check, from 1.
    pub step: u32,
    /// Why it may not run.
    pub refusal: Option<String>,
    /// Once the file has been read.
    pub description: Option<Description>,
    /// Of the file.
    pub bytes: u64,
    /// When.
    pub uploaded_at: Timestamp,
    /// By whom.
    pub uploaded_by: String,
    /// Checks that were begun.
    pub checks: u32,
    /// Who checks it.
    pub lease_owner: Option<String>,
    /// Until when nobody else does.
    pub lease_until: Option<Timestamp>,
}

/// Which versions of a connector send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseRow {
    /// For whom. Empty: for all tenants that have none of their own.
    pub tenant: String,
    /// The connector's id.
    pub connector: String,
    /// Whose the connector is. Empty: all tenants'.
    pub owner: String,
    /// Grows by one with each change.
    pub generation: u64,
    /// Which.
    pub versions: Versions,
}

/// A shape of requests of an uploaded version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeRow {
    /// Whose sends it counts for. Empty: those of all tenants.
    pub tenant: String,
    /// The connector's id.
    pub connector: String,
    /// The version.
    pub digest: String,
    /// SHA-256 of the shape, in hexadecimal.
    pub shape: String,
    /// Where it was seen, or that it was approved.
    pub origin: ShapeOrigin,
    /// The shape.
    pub description: RequestShape,
    /// How many requests had it.
    pub requests: u64,
    /// When it was seen first.
    pub first_seen_at: Timestamp,
    /// When it was seen last.
    pub last_seen_at: Timestamp,
    /// Who approved it.
    pub approved_by: Option<String>,
}

/// A difference that somebody has read and approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRow {
    /// For whom. Empty: for all tenants.
    pub tenant: String,
    /// The connector's id.
    pub connector: String,
    /// SHA-256 of the approved difference, in hexadecimal.
    pub fingerprint: String,
    /// When.
    pub approved_at: Timestamp,
    /// By whom.
    pub approved_by: String,
}
