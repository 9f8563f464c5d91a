use std::collections::BTreeMap;

use sendbox_contract::Usage;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
    /// The language of the message (BCP 47). Without it, or without a template in it, the template for any language is used.
    #[schema(max_length = 35, example = "en")]
    pub locale: Option<String>,
    /// The end user's IP address. It is counted by `ipPerHour`, and passed to providers that ask for it.
    #[schema(value_type = Option<String>, example = "192.0.2.1")]
    pub client_ip: Option<Sensitive>,
    /// Values of the template's other variables.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>, example = json!({"app": "Acme"}))]
    pub variables: BTreeMap<String, Sensitive>,
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
