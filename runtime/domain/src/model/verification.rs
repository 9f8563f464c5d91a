use std::collections::BTreeMap;

use sendbox_contract::Usage;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{MessageStatus, Mode, Sensitive, Timestamp, UsageName};

/// A verification to be started: Sendbox makes the code, sends it, and checks it.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewVerification {
    /// E.164, with `+`.
    #[schema(value_type = String, pattern = "^\\+[1-9][0-9]{6,14}$", example = "+4512345678")]
    pub to: Sensitive,
    /// Why the code is sent. It is part of what the code is bound to.
    #[schema(value_type = UsageName, example = "sign-in")]
    pub usage: Usage,
    /// BCP 47.
    #[schema(max_length = 35, example = "en")]
    pub locale: Option<String>,
    /// The end user's address: counted by the limit per address, and given to providers that ask for it.
    #[schema(value_type = Option<String>)]
    pub client_ip: Option<Sensitive>,
    /// Further values for the template.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    pub variables: BTreeMap<String, Sensitive>,
    /// Whether to wait for the outcome of the message.
    #[serde(default)]
    pub mode: Mode,
}

/// A further code for the same verification.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resend {
    /// The end user's address.
    #[schema(value_type = Option<String>)]
    pub client_ip: Option<Sensitive>,
    /// Whether to wait for the outcome of the message.
    #[serde(default)]
    pub mode: Mode,
}

/// A code to be checked.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Check {
    /// What the user typed. White space and `-` between digits are ignored.
    #[schema(value_type = String, example = "123456", max_length = 40)]
    pub code: Sensitive,
}

/// Where a verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerificationStatus {
    /// A code can be checked.
    Pending,
    /// The right code was given. Once.
    Approved,
    /// Time ran out.
    Expired,
    /// Tries ran out.
    Exhausted,
    /// The platform ended it.
    Cancelled,
    /// A later verification of the same number and usage took its place.
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
pub struct Verification {
    /// Stable.
    pub id: String,
    /// Where it is.
    pub status: VerificationStatus,
    /// Masked.
    #[schema(example = "+45…78")]
    pub to: String,
    /// What it is for.
    #[schema(value_type = UsageName)]
    pub usage: Usage,
    /// BCP 47.
    pub locale: Option<String>,
    /// Of a test number: its code is fixed and was not sent.
    pub test: bool,
    /// Tries left of the current code.
    pub tries_left: u32,
    /// Codes that may still be sent.
    pub sends_left: u32,
    /// When the current code ends.
    pub expires_at: Timestamp,
    /// When a resend is possible, if one is left.
    pub resend_at: Option<Timestamp>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it was approved.
    pub approved_at: Option<Timestamp>,
    /// The message with the current code.
    pub message: Option<VerificationMessage>,
}

/// The message with the current code of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationMessage {
    /// Read the whole at `/messages/{id}`.
    pub id: String,
    /// Where it is.
    pub status: MessageStatus,
}
