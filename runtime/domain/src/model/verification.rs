use std::collections::BTreeMap;

use sendbox_contract::Usage;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{MessageStatus, Mode, Sensitive, Timestamp, UsageName};

/// A verification to create: Sendbox makes the code, sends it and checks it.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewVerification {
    /// The phone number to verify, in E.164 format.
    #[schema(value_type = String, pattern = "^\\+[1-9][0-9]{6,14}$", example = "+4512345678")]
    pub to: Sensitive,
    /// The purpose of the code. It selects the template and the flow, and a code is valid for its own usage only.
    #[schema(value_type = UsageName, example = "sign-in")]
    pub usage: Usage,
    /// The language of the message (BCP 47). `_` is read as `-`, and of a list, as in `Accept-Language`, the first that is understood.
    /// Without it, or without a template that serves it, the template for any language is used.
    #[schema(example = "en")]
    pub locale: Option<String>,
    /// The end user's IP address. It is counted by `ipPerHour`, and passed to providers that ask for it.
    #[schema(value_type = Option<String>, example = "192.0.2.1")]
    pub client_ip: Option<Sensitive>,
    /// Values of the template's other variables.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>, example = json!({"app": "Acme"}))]
    pub variables: BTreeMap<String, Sensitive>,
    /// Your own id of what this is for, such as a session. It is shown, and lists can be filtered by it. It is stored as it is: write no phone
    /// number and no code into it. Need not be unique.
    #[schema(min_length = 1, max_length = 128, example = "session-8812")]
    pub reference: Option<String>,
    /// Values of your own, by name: at most 20, with names of 1 to 40 characters (a-z, A-Z, 0-9, `_`, `.` and `-`) and values of at most 200.
    /// They are shown, and stored as they are: write no phone number and no code into them.
    #[serde(default)]
    #[schema(example = json!({"plan": "pro"}))]
    pub metadata: BTreeMap<String, String>,
    /// Whether the response waits for the outcome of the message. Defaults to `sync`.
    #[serde(default)]
    pub mode: Mode,
}

/// A further code for the same verification.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resend {
    /// The end user's IP address. It is counted by `ipPerHour`, and passed to providers that ask for it.
    #[schema(value_type = Option<String>, example = "192.0.2.1")]
    pub client_ip: Option<Sensitive>,
    /// Whether the response waits for the outcome of the message. Defaults to `sync`.
    #[serde(default)]
    pub mode: Mode,
}

/// A code to check.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Check {
    /// What the user entered. White space and `-` between digits are ignored.
    #[schema(value_type = String, example = "123456", max_length = 40)]
    pub code: Sensitive,
}

/// The status of a verification. All but `pending` and `exhausted` are final.
///
/// - `pending`: a code can be checked.
/// - `approved`: the right code was given, once.
/// - `expired`: the code expired.
/// - `exhausted`: the code was checked too often. A new one may be sent.
/// - `cancelled`: your platform cancelled it.
/// - `superseded`: a later verification of the same number and usage replaced it, when its message may have been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerificationStatus {
    /// A code can be checked.
    Pending,
    /// The right code was given, once.
    Approved,
    /// The code expired.
    Expired,
    /// The code was checked too often.
    Exhausted,
    /// The platform cancelled it.
    Cancelled,
    /// A later verification of the same number and usage replaced it, when its message may have been sent.
    Superseded,
}

impl VerificationStatus {
    /// `approved`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Expired => "expired",
            Self::Exhausted => "exhausted",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }
}

/// A verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "v7k3x9q2v5t8w4n6p1r0d",
    "status": "pending",
    "to": "+45…78",
    "usage": "sign-in",
    "locale": "en",
    "reference": "session-8812",
    "metadata": {"plan": "pro"},
    "test": false,
    "triesLeft": 5,
    "sendsLeft": 3,
    "expiresAt": "2026-11-23T20:31:33Z",
    "resendAvailableAt": "2026-11-23T20:22:03Z",
    "createdAt": "2026-11-23T20:21:33Z",
    "approvedAt": null,
    "message": {"id": "m7k3x9q2v5t8w4n6p1r0d", "status": "accepted"},
}))]
pub struct Verification {
    /// The verification's id. Check the code against it.
    #[schema(example = "v7k3x9q2v5t8w4n6p1r0d")]
    pub id: String,
    /// The status of the verification.
    pub status: VerificationStatus,
    /// The phone number, masked.
    #[schema(example = "+45…78")]
    pub to: String,
    /// The purpose of the code.
    #[schema(value_type = UsageName, example = "sign-in")]
    pub usage: Usage,
    /// The language that was requested (BCP 47).
    #[schema(example = "en")]
    pub locale: Option<String>,
    /// Your platform's own id of what this is for. `null` if it gave none.
    #[schema(example = "session-8812")]
    pub reference: Option<String>,
    /// Your platform's own values.
    #[schema(example = json!({"plan": "pro"}))]
    pub metadata: BTreeMap<String, String>,
    /// Whether the number is a test number: its code is fixed, and nothing was sent.
    pub test: bool,
    /// How often the current code can still be checked.
    #[schema(example = 5)]
    pub tries_left: u32,
    /// How many codes can still be sent. A code that was certainly not sent does not count.
    #[schema(example = 3)]
    pub sends_left: u32,
    /// When the current code expires.
    pub expires_at: Timestamp,
    /// From when on you can resend. `null` if no resend is left.
    pub resend_available_at: Option<Timestamp>,
    /// When the verification was created.
    pub created_at: Timestamp,
    /// When the verification was approved. `null` if it is not.
    pub approved_at: Option<Timestamp>,
    /// The message with the current code. `null` for a test number.
    pub message: Option<VerificationMessage>,
}

/// The message with the current code of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationMessage {
    /// The id of the message. Retrieve the message for its attempts.
    #[schema(example = "m7k3x9q2v5t8w4n6p1r0d")]
    pub id: String,
    /// The status of the message.
    pub status: MessageStatus,
}

/// The verifications to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct VerificationFilter {
    /// List verifications with this usage only.
    #[param(value_type = Option<UsageName>)]
    pub usage: Option<Usage>,
    /// List verifications with this reference only.
    #[param(min_length = 1, max_length = 128, example = "session-8812")]
    pub reference: Option<String>,
    /// List verifications that were created at or after this time only.
    pub since: Option<Timestamp>,
    /// List verifications that were created before this time only.
    pub until: Option<Timestamp>,
    /// The number of entries on a page. Defaults to 50.
    #[param(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<u32>,
    /// The `nextCursor` of the previous page. Leave it out for the first page.
    #[param(max_length = 200, example = "1795465293250-v7k3x9q2v5t8w4n6p1r0d")]
    pub cursor: Option<String>,
}

/// The verifications of one phone number to list. The number is in the body of the request, and not in its URL, which proxies log.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerificationSearch {
    /// The phone number, in E.164 format.
    #[schema(value_type = String, pattern = "^\\+[1-9][0-9]{6,14}$", example = "+4512345678")]
    pub to: Sensitive,
    /// List verifications with this usage only.
    #[schema(value_type = Option<UsageName>, example = "sign-in")]
    pub usage: Option<Usage>,
    /// List verifications with this reference only.
    #[schema(min_length = 1, max_length = 128, example = "session-8812")]
    pub reference: Option<String>,
    /// List verifications that were created at or after this time only.
    pub since: Option<Timestamp>,
    /// List verifications that were created before this time only.
    pub until: Option<Timestamp>,
    /// The number of entries on a page. Defaults to 50.
    #[schema(minimum = 1, maximum = 200, example = 50)]
    pub limit: Option<u32>,
    /// The `nextCursor` of the previous page. Leave it out for the first page.
    #[schema(max_length = 200, example = "1795465293250-v7k3x9q2v5t8w4n6p1r0d")]
    pub cursor: Option<String>,
}

impl VerificationSearch {
    /// The number, and the other filters.
    pub fn split(self) -> (Sensitive, VerificationFilter) {
        let Self { to, usage, reference, since, until, limit, cursor } = self;
        (to, VerificationFilter { usage, reference, since, until, limit, cursor })
    }
}
