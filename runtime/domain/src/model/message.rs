use std::collections::BTreeMap;

use sendbox_contract::{DeliveryState, Usage};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{DecisionView, Delivery, DeliveryReportView, DeliveryStateName, Flow, Sensitive, Timestamp, UsageName};

/// A message to be sent, with a code that the platform made.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewMessage {
    /// E.164, with `+`.
    #[schema(value_type = String, pattern = "^\\+[1-9][0-9]{6,14}$", example = "+4512345678")]
    pub to: Sensitive,
    /// Why it is sent.
    #[schema(value_type = UsageName, example = "sign-in")]
    pub usage: Usage,
    /// The platform's code: 4 to 12 letters and digits.
    #[schema(value_type = String, pattern = "^[0-9A-Za-z]{4,12}$", example = "123456")]
    pub code: Sensitive,
    /// BCP 47.
    #[schema(max_length = 35, example = "en")]
    pub locale: Option<String>,
    /// Further values for the template.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    pub variables: BTreeMap<String, Sensitive>,
    /// The end user's address: counted by the limit per address, and given to providers that ask for it.
    #[schema(value_type = Option<String>)]
    pub client_ip: Option<Sensitive>,
    /// How long the code lives, in seconds: 1 to 3600. Nothing is sent afterwards. Absent: the tenant's.
    #[schema(minimum = 1, maximum = 3600)]
    pub lifetime_seconds: Option<u32>,
    /// Whether to wait for the outcome.
    #[serde(default)]
    pub mode: Mode,
}

/// Whether to wait for the outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Answer when the provider did.
    #[default]
    Sync,
    /// Answer when the message is on disk.
    Async,
}

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MessageStatus {
    /// On disk, to be sent or to be tried again.
    Queued,
    /// An attempt is under way.
    Sending,
    /// A provider took it.
    Accepted,
    /// It was not sent, and will not be.
    Failed,
    /// Nobody knows whether it went out. It will not be tried again.
    InDoubt,
    /// Its code expired first. Not sent.
    Expired,
    /// Its verification ended first. Not sent.
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

    /// Whether nothing will change any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Sending)
    }
}

/// Why something was not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureView {
    /// One of a closed set, like `invalid-recipient`.
    pub class: String,
    /// Who failed: `connector`, `policy`, `network`, `provider`, `host`.
    pub party: String,
    /// Whether bytes of the message had left: `no`, `maybe`, `yes`.
    pub request_sent: String,
    /// What happened, in a sentence.
    pub text: String,
    /// The provider's own code.
    pub provider_code: Option<String>,
    /// Seconds to wait, when the provider said so.
    pub retry_after: Option<u32>,
    /// What to do.
    pub advice: String,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Stable.
    pub id: String,
    /// Where it is.
    pub status: MessageStatus,
    /// Masked.
    #[schema(example = "+45…78")]
    pub to: String,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Why it is sent.
    #[schema(value_type = UsageName)]
    pub usage: Usage,
    /// The flow of that usage.
    pub flow: Option<Flow>,
    /// BCP 47.
    pub locale: Option<String>,
    /// The verification that it belongs to.
    pub verification: Option<String>,
    /// Sent to a test number: it never left.
    pub test: bool,
    /// Parts as billed, for connectors that take texts.
    pub segments: Option<u32>,
    /// The provider's id, once it took it.
    pub provider_message_id: Option<String>,
    /// Why it ended otherwise.
    pub failure: Option<FailureView>,
    /// How far it has come by what its provider reported; `null` while nothing was. It never changes `status`.
    pub delivery: Option<Delivery>,
    /// Every physical call, in order.
    pub attempts: Vec<Attempt>,
    /// When the next attempt is due.
    pub next_attempt_at: Option<Timestamp>,
    /// When it was taken.
    pub created_at: Timestamp,
    /// When nothing is sent any more.
    pub expires_at: Timestamp,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptOutcome {
    /// The provider took it.
    Accepted,
    /// It was certainly not sent by this attempt.
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

/// One physical call of a provider.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// The connection.
    pub connection: String,
    /// The connector.
    pub connector: String,
    /// `sha256:…`
    pub connector_digest: String,
    /// Written before anything left.
    pub started_at: Timestamp,
    /// Absent while it is under way.
    pub finished_at: Option<Timestamp>,
    /// Absent while it is under way.
    pub outcome: Option<AttemptOutcome>,
    /// Why not.
    pub failure: Option<FailureView>,
    /// What follows: why it is tried again, or why not.
    pub decision: Option<DecisionView>,
    /// What the provider reported of it, in the order in which it came.
    pub reports: Vec<DeliveryReportView>,
    /// Why this connection (`route`), what happened, in order (`trace`, `hostsReached`, `used`), and what was sent
    /// (`requests`); masked. Only when one message is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub detail: Option<Value>,
}

/// Which messages to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct MessageFilter {
    /// Where they are.
    pub status: Option<MessageStatus>,
    /// Why they were sent.
    #[param(value_type = Option<UsageName>)]
    pub usage: Option<Usage>,
    /// ISO 3166-1 alpha-2.
    #[param(max_length = 3)]
    pub country: Option<String>,
    /// Exactly this number, as E.164.
    #[param(value_type = Option<String>, pattern = "^\\+[1-9][0-9]{6,14}$")]
    pub to: Option<Sensitive>,
    /// The connection of their last attempt.
    #[param(max_length = 40)]
    pub connection: Option<String>,
    /// The furthest that was reported of them.
    #[param(value_type = Option<DeliveryStateName>)]
    pub delivery: Option<DeliveryState>,
    /// Taken at or after.
    pub since: Option<Timestamp>,
    /// Taken before.
    pub until: Option<Timestamp>,
    /// Entries of a page: 1 to 200, else 50.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next` of the page before.
    #[param(max_length = 200)]
    pub cursor: Option<String>,
}
