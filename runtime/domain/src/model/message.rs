use std::collections::BTreeMap;

use sendbox_contract::{DeliveryState, FailureClass, Party, RecordedFailure, RequestSent, Usage};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    AttemptDetail, Decision, Delivery, DeliveryStateName, FailureClassName, Flow, PartyName, ReceivedReport,
    RequestSentName, Sensitive, Timestamp, UsageName,
};

/// A message to create, with a code that your platform made, with a text, or both.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewMessage {
    /// The phone number to send to, in E.164 format.
    #[schema(value_type = String, pattern = "^\\+[1-9][0-9]{6,14}$", example = "+4512345678")]
    pub to: Sensitive,
    /// The purpose of the code. It selects the template and the flow.
    #[schema(value_type = UsageName, example = "sign-in")]
    pub usage: Usage,
    /// The code: 4 to 12 letters and digits. Without it, the message has no code: give a text, or use a template without `{{code}}`. Only
    /// connectors that take texts send such messages.
    #[schema(value_type = Option<String>, pattern = "^[0-9A-Za-z]{4,12}$", example = "123456")]
    pub code: Option<Sensitive>,
    /// The text, sent as it is in place of the template: the origin-bound line is not added. It must contain the code, if there is one.
    /// Connectors that take no texts send the code alone.
    #[schema(value_type = Option<String>, min_length = 1, example = "Your Acme code is 123456.")]
    pub text: Option<Sensitive>,
    /// The language of the message (BCP 47). `_` is read as `-`, and of a list, as in `Accept-Language`, the first that is understood.
    /// Without it, or without a template that serves it, the template for any language is used.
    #[schema(example = "en")]
    pub locale: Option<String>,
    /// Values of the template's other variables.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>, example = json!({"app": "Acme"}))]
    pub variables: BTreeMap<String, Sensitive>,
    /// The end user's IP address. It is counted by `ipPerHour`, and passed to providers that ask for it.
    #[schema(value_type = Option<String>, example = "192.0.2.1")]
    pub client_ip: Option<Sensitive>,
    /// How many seconds the code is valid. Nothing is sent afterwards. Defaults to the policy's `lifetimeSeconds`.
    #[schema(minimum = 1, maximum = 3600, example = 300)]
    pub lifetime_seconds: Option<u32>,
    /// Your own id of what this is for, such as a session. It is shown, and lists can be filtered by it. It is stored as it is: write no phone
    /// number and no code into it. Need not be unique.
    #[schema(min_length = 1, max_length = 128, example = "session-8812")]
    pub reference: Option<String>,
    /// Values of your own, by name: at most 20, with names of 1 to 40 characters (a-z, A-Z, 0-9, `_`, `.` and `-`) and values of at most 200.
    /// They are shown, and stored as they are: write no phone number and no code into them.
    #[serde(default)]
    #[schema(example = json!({"plan": "pro"}))]
    pub metadata: BTreeMap<String, String>,
    /// Whether the response waits for the outcome. Defaults to `sync`.
    #[serde(default)]
    pub mode: Mode,
    /// How many milliseconds a response in mode `sync` waits for the outcome. Afterwards it is 202, and sending goes on. Defaults to 25000.
    #[schema(minimum = 1, maximum = 25000, example = 3000)]
    pub wait_ms: Option<u32>,
}

/// Whether a response waits for the outcome of the message.
///
/// - `sync`: respond when the provider has answered.
/// - `async`: respond as soon as the message is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Respond when the provider has answered.
    #[default]
    Sync,
    /// Respond as soon as the message is stored.
    Async,
}

/// The status of a message. All but `queued` and `sending` are final.
///
/// - `queued`: stored, and waiting for its first or next attempt.
/// - `sending`: an attempt is in progress.
/// - `accepted`: a provider accepted it.
/// - `failed`: it was not sent, and will not be.
/// - `in-doubt`: nobody knows whether it was sent. It is not tried again.
/// - `expired`: its code expired before it was sent.
/// - `cancelled`: it was cancelled, or its verification ended, before it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MessageStatus {
    /// Stored, and waiting for its first or next attempt.
    Queued,
    /// An attempt is in progress.
    Sending,
    /// A provider accepted it.
    Accepted,
    /// It was not sent, and will not be.
    Failed,
    /// Nobody knows whether it was sent. It is not tried again.
    InDoubt,
    /// Its code expired before it was sent.
    Expired,
    /// Its verification ended before it was sent.
    Cancelled,
}

impl MessageStatus {
    /// `in-doubt`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Failed => "failed",
            Self::InDoubt => "in-doubt",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the status can no longer change.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Sending)
    }
}

/// Why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Failure)]
pub struct SendFailure {
    /// The class of the failure.
    #[schema(value_type = FailureClassName, example = "rate-limited")]
    pub class: FailureClass,
    /// Who failed.
    #[schema(value_type = PartyName, example = "provider")]
    pub party: Party,
    /// Whether the request with the message was sent.
    #[schema(value_type = RequestSentName, example = "yes")]
    pub request_sent: RequestSent,
    /// What happened.
    #[schema(example = "the provider answered 429: too many requests")]
    pub message: String,
    /// The provider's error code. `null` if it gave none.
    #[schema(example = "20429")]
    pub provider_code: Option<String>,
    /// How many seconds the provider asks to wait. `null` if it does not.
    #[schema(example = 30)]
    pub retry_after: Option<u32>,
    /// What to do.
    #[schema(example = "the message was not sent: try again later, not before the time given")]
    pub advice: String,
}

impl From<&RecordedFailure> for SendFailure {
    fn from(failure: &RecordedFailure) -> Self {
        Self {
            class: failure.class,
            party: failure.party,
            request_sent: failure.request_sent,
            message: failure.text.clone(),
            provider_code: failure.provider_code.clone(),
            retry_after: failure.retry_after,
            advice: failure.advice().to_owned(),
        }
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "m7k3x9q2v5t8w4n6p1r0d",
    "status": "accepted",
    "to": "+45…78",
    "country": "DK",
    "usage": "sign-in",
    "flow": "sign-in",
    "locale": "en",
    "verification": null,
    "reference": "session-8812",
    "metadata": {"plan": "pro"},
    "test": false,
    "segments": 1,
    "providerMessageId": "SM4f1e8d7c9a0b4e3f",
    "failure": null,
    "delivery": {"state": "delivered", "reportedAt": "2026-11-23T20:21:39Z"},
    "attempts": [{
        "number": 1,
        "connection": "main",
        "connector": "twilio",
        "connectorDigest": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        "startedAt": "2026-11-23T20:21:33Z",
        "finishedAt": "2026-11-23T20:21:33.184Z",
        "outcome": "accepted",
        "failure": null,
        "decision": null,
        "deliveryReports": [{"state": "delivered", "signed": true, "reportedAt": "2026-11-23T20:21:39Z"}],
    }],
    "nextAttemptAt": null,
    "createdAt": "2026-11-23T20:21:33Z",
    "expiresAt": "2026-11-23T20:31:33Z",
}))]
pub struct Message {
    /// The message's id.
    #[schema(example = "m7k3x9q2v5t8w4n6p1r0d")]
    pub id: String,
    /// The status of the message.
    pub status: MessageStatus,
    /// The phone number, masked.
    #[schema(example = "+45…78")]
    pub to: String,
    /// The country of the number (ISO 3166-1 alpha-2). `null` for numbers of no country.
    #[schema(example = "DK")]
    pub country: Option<String>,
    /// The purpose of the code.
    #[schema(value_type = UsageName, example = "sign-in")]
    pub usage: Usage,
    /// The flow that the usage belongs to. `null` for `generic`.
    pub flow: Option<Flow>,
    /// The language that was requested (BCP 47).
    #[schema(example = "en")]
    pub locale: Option<String>,
    /// The id of the verification that the message belongs to. `null` for a message with a code of your platform.
    #[schema(example = "v7k3x9q2v5t8w4n6p1r0d")]
    pub verification: Option<String>,
    /// Your platform's own id of what this is for. `null` if it gave none.
    #[schema(example = "session-8812")]
    pub reference: Option<String>,
    /// Your platform's own values.
    #[schema(example = json!({"plan": "pro"}))]
    pub metadata: BTreeMap<String, String>,
    /// Whether the number is a test number, in which case nothing was sent.
    pub test: bool,
    /// The number of segments, which are what providers bill. `null` if the provider composes the text.
    #[schema(example = 1)]
    pub segments: Option<u32>,
    /// The provider's id of the message. `null` until the provider accepts it, and if it gives none.
    #[schema(example = "SM4f1e8d7c9a0b4e3f")]
    pub provider_message_id: Option<String>,
    /// Why the message was not accepted. `null` while it may still be.
    pub failure: Option<SendFailure>,
    /// The delivery according to the provider. `null` until the first delivery report. It never changes `status`.
    pub delivery: Option<Delivery>,
    /// The attempts to send the message, in order.
    pub attempts: Vec<Attempt>,
    /// When the next attempt is due. `null` if none is.
    pub next_attempt_at: Option<Timestamp>,
    /// When the message was created.
    pub created_at: Timestamp,
    /// When the code expires. Nothing is sent afterwards.
    pub expires_at: Timestamp,
}

/// The outcome of an attempt.
///
/// - `accepted`: the provider accepted the message.
/// - `rejected`: this attempt certainly did not send the message.
/// - `in-doubt`: nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptOutcome {
    /// The provider accepted the message.
    Accepted,
    /// This attempt certainly did not send the message.
    Rejected,
    /// Nobody knows.
    InDoubt,
}

impl AttemptOutcome {
    /// `in-doubt`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::InDoubt => "in-doubt",
        }
    }
}

/// One attempt to send a message through one connection.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The number of the attempt, from 1.
    #[schema(example = 1)]
    pub number: u32,
    /// The name of the connection.
    #[schema(example = "main")]
    pub connection: String,
    /// The id of the connector.
    #[schema(example = "twilio")]
    pub connector: String,
    /// The digest of the connector's version.
    #[schema(example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub connector_digest: String,
    /// When the attempt began. It is stored before anything is sent.
    pub started_at: Timestamp,
    /// When the attempt ended. `null` while it is in progress.
    pub finished_at: Option<Timestamp>,
    /// The outcome. `null` while the attempt is in progress.
    pub outcome: Option<AttemptOutcome>,
    /// Why the message was not accepted. `null` if it was.
    pub failure: Option<SendFailure>,
    /// What happens next, and why. `null` if the message was accepted.
    pub decision: Option<Decision>,
    /// The delivery reports of the provider, in the order in which they arrived.
    pub delivery_reports: Vec<ReceivedReport>,
    /// What happened in detail. Present only when you retrieve a single message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<AttemptDetail>,
}

/// The messages to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct MessageFilter {
    /// List messages with this status only.
    pub status: Option<MessageStatus>,
    /// List messages with this usage only.
    #[param(value_type = Option<UsageName>)]
    pub usage: Option<Usage>,
    /// List messages to this country only (ISO 3166-1 alpha-2).
    #[param(max_length = 3, example = "DK")]
    pub country: Option<String>,
    /// List messages with this reference only.
    #[param(min_length = 1, max_length = 128, example = "session-8812")]
    pub reference: Option<String>,
    /// List messages whose last attempt used this connection only.
    #[param(max_length = 40, example = "main")]
    pub connection: Option<String>,
    /// List messages with this delivery state only.
    #[param(value_type = Option<DeliveryStateName>)]
    pub delivery: Option<DeliveryState>,
    /// List messages that were created at or after this time only.
    pub since: Option<Timestamp>,
    /// List messages that were created before this time only.
    pub until: Option<Timestamp>,
    /// The number of entries on a page. Defaults to 50.
    #[param(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<u32>,
    /// The `nextCursor` of the previous page. Leave it out for the first page.
    #[param(max_length = 200, example = "1795465293250-m7k3x9q2v5t8w4n6p1r0d")]
    pub cursor: Option<String>,
}

/// The messages to one phone number to list. The number is in the body of the request, and not in its URL, which proxies log.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MessageSearch {
    /// The phone number, in E.164 format.
    #[schema(value_type = String, pattern = "^\\+[1-9][0-9]{6,14}$", example = "+4512345678")]
    pub to: Sensitive,
    /// List messages with this status only.
    pub status: Option<MessageStatus>,
    /// List messages with this usage only.
    #[schema(value_type = Option<UsageName>, example = "sign-in")]
    pub usage: Option<Usage>,
    /// List messages whose last attempt used this connection only.
    #[schema(max_length = 40, example = "main")]
    pub connection: Option<String>,
    /// List messages with this delivery state only.
    #[schema(value_type = Option<DeliveryStateName>, example = "delivered")]
    pub delivery: Option<DeliveryState>,
    /// List messages with this reference only.
    #[schema(min_length = 1, max_length = 128, example = "session-8812")]
    pub reference: Option<String>,
    /// List messages that were created at or after this time only.
    pub since: Option<Timestamp>,
    /// List messages that were created before this time only.
    pub until: Option<Timestamp>,
    /// The number of entries on a page. Defaults to 50.
    #[schema(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<u32>,
    /// The `nextCursor` of the previous page. Leave it out for the first page.
    #[schema(max_length = 200, example = "1795465293250-m7k3x9q2v5t8w4n6p1r0d")]
    pub cursor: Option<String>,
}

impl MessageSearch {
    /// The number, and the other filters.
    pub fn split(self) -> (Sensitive, MessageFilter) {
        let Self { to, status, usage, connection, delivery, reference, since, until, limit, cursor } = self;
        let filter = MessageFilter {
            status,
            usage,
            country: None,
            connection,
            delivery,
            reference,
            since,
            until,
            limit,
            cursor,
        };
        (to, filter)
    }
}
