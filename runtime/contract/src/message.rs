//! A message on its way into the sandbox, where its values become sealed.
//!
//! None of these types implements `Debug`, and texts are wiped when dropped, so that a number, a code or a text cannot reach a log
//! by accident.

use std::fmt;
use std::str::FromStr;

use sendbox_policy::{Label, Mark, RecipientForm};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The purpose of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Usage {
    Register,
    SignIn,
    ForgotPassword,
    Generic,
    OrganizationInvitation,
    UserPermissionValidation,
    BindNewIdentifier,
    MfaVerification,
    BindMfa,
}

impl Usage {
    /// All nine usages, in the order of the contract.
    pub const ALL: [Self; 9] = [
        Self::Register,
        Self::SignIn,
        Self::ForgotPassword,
        Self::Generic,
        Self::OrganizationInvitation,
        Self::UserPermissionValidation,
        Self::BindNewIdentifier,
        Self::MfaVerification,
        Self::BindMfa,
    ];

    /// The usage's name in the API, like `sign-in`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::SignIn => "sign-in",
            Self::ForgotPassword => "forgot-password",
            Self::Generic => "generic",
            Self::OrganizationInvitation => "organization-invitation",
            Self::UserPermissionValidation => "user-permission-validation",
            Self::BindNewIdentifier => "bind-new-identifier",
            Self::MfaVerification => "mfa-verification",
            Self::BindMfa => "bind-mfa",
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text does not name a usage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid usage `{0}`; expected one of register, sign-in, forgot-password, generic, organization-invitation, user-permission-validation, bind-new-identifier, mfa-verification, bind-mfa"
)]
pub struct UnknownUsage(pub String);

impl FromStr for Usage {
    type Err = UnknownUsage;

    /// Accepts Sendbox's spelling (`sign-in`) and Logto's (`SignIn`), so that stored templates carry over.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |name: &str| name.replace('-', "").to_ascii_lowercase();
        let wanted = plain(text);
        Self::ALL
            .into_iter()
            .find(|usage| plain(usage.as_str()) == wanted)
            .ok_or_else(|| UnknownUsage(text.chars().take(40).collect()))
    }
}

/// The recipient's number, already normalised: this crate does not parse numbers.
pub struct Recipient {
    /// E.164, like `+4512345678`.
    pub e164: Zeroizing<String>,
    /// The national significant number, like `12345678`.
    pub national: Zeroizing<String>,
    /// The country (ISO 3166-1 alpha-2). `None` for numbers of no country.
    pub country: Option<String>,
    /// The calling code, like `45`.
    pub calling_code: String,
}

impl Recipient {
    /// E.164 without the `+`, like `4512345678`.
    pub fn digits(&self) -> &str {
        self.e164.strip_prefix('+').unwrap_or(&self.e164)
    }
}

/// How a text is encoded for transmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextEncoding {
    /// The GSM 03.38 default alphabet with its extension table.
    Gsm7,
    /// UTF-16 code units.
    Ucs2,
}

/// A named value from the platform, such as the code or a link.
pub struct Variable {
    /// The name: `code`, `link`, …
    pub name: String,
    /// The value.
    pub value: Zeroizing<String>,
}

impl Variable {
    /// The label of its sealed value.
    pub fn label(&self) -> Label {
        if self.name == CODE { Label::Code } else { Label::Variable(self.name.as_str().into()) }
    }
}

/// The name of the variable that holds the code.
pub const CODE: &str = "code";

/// The content of a message, in the kind that the connector's metadata requests.
pub enum Content {
    /// A rendered text.
    Text {
        /// The text, including the code.
        text: Zeroizing<String>,
        /// The encoding for transmission.
        encoding: TextEncoding,
        /// The number of segments that are billed.
        segments: u32,
        /// The length in septets or UTF-16 code units.
        units: u32,
    },
    /// A provider's template with variables.
    Template {
        /// A template id, or compact JSON that matches the connector's template schema.
        template: String,
        /// The variables, `code` first.
        variables: Vec<Variable>,
    },
    /// The variables only.
    Variables(Vec<Variable>),
}

/// An attempt to send a message.
#[derive(Clone)]
pub struct Attempt {
    /// The number of the attempt, from 1.
    pub number: u32,
    /// When the attempt began: Unix time in milliseconds.
    pub started_at: u64,
    /// A nonce of 32 hexadecimal digits, new for every attempt.
    pub nonce: String,
}

impl Attempt {
    /// A first attempt that begins now, with a nonce from the operating system.
    pub fn first() -> Result<Self, NoRandomness> {
        let mut nonce = [0_u8; 16];
        getrandom::fill(&mut nonce).map_err(|_| NoRandomness)?;
        Ok(Self { number: 1, started_at: unix_millis(), nonce: hex::encode(nonce) })
    }
}

/// The operating system provided no random bytes.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gave no random bytes; nothing was sent")]
pub struct NoRandomness;

/// The current Unix time in milliseconds.
pub fn unix_millis() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A message for one call of one connector.
pub struct Message {
    /// The recipient.
    pub recipient: Recipient,
    /// The purpose of the code.
    pub usage: Usage,
    /// The language (BCP 47).
    pub locale: Option<String>,
    /// The content.
    pub content: Content,
    /// The code itself, even if the content contains it: the scrubber has to know it. `None` for a message without a code.
    pub code: Option<Zeroizing<String>>,
    /// The lifetime of the code, in seconds.
    pub lifetime_seconds: u32,
    /// The end user's IP address.
    pub client_ip: Option<Zeroizing<String>>,
    /// Identifies the message across all its attempts. The connector never sees this key, which the platform may have chosen, but
    /// one that is derived from it and the owner.
    pub idempotency_key: String,
    /// The attempt.
    pub attempt: Attempt,
}

impl Message {
    /// The idempotency key for the provider, as the connector gets it: 32 hexadecimal digits.
    pub fn key_for(&self, owner: &str) -> String {
        let mut hash = Sha256::new();
        for part in ["sendbox message key", owner, &self.idempotency_key] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut key = hex::encode(hash.finalize());
        key.truncate(32);
        key
    }

    /// The bytes that a mark refers to, if they are part of the message.
    pub fn value_of(&self, mark: &Mark) -> Option<&[u8]> {
        let text = match (mark, &self.content) {
            (Mark::Recipient(RecipientForm::E164), _) => self.recipient.e164.as_str(),
            (Mark::Recipient(RecipientForm::Digits), _) => self.recipient.digits(),
            (Mark::Recipient(RecipientForm::National), _) => &self.recipient.national,
            (Mark::Text, Content::Text { text, .. }) => text,
            (Mark::Code, Content::Template { variables, .. } | Content::Variables(variables)) => {
                variable(variables, CODE)?
            }
            (Mark::Variable(name), Content::Template { variables, .. } | Content::Variables(variables)) => {
                variable(variables, name)?
            }
            (Mark::ClientIp, _) => self.client_ip.as_deref()?,
            _ => return None,
        };
        Some(text.as_bytes())
    }
}

fn variable<'v>(variables: &'v [Variable], name: &str) -> Option<&'v str> {
    variables.iter().find(|variable| variable.name == name).map(|variable| variable.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usages_are_read_in_both_spellings() {
        for usage in Usage::ALL {
            assert_eq!(usage.as_str().parse(), Ok(usage));
        }
        assert_eq!("SignIn".parse(), Ok(Usage::SignIn));
        assert_eq!("MfaVerification".parse(), Ok(Usage::MfaVerification));
        assert!("signing".parse::<Usage>().is_err());
    }
}
