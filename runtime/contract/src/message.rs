//! One message, as the caller hands it to the sandbox: in clear, for the last time.
//!
//! None of these types has `Debug`, and the texts are wiped when dropped: a number, a code or a text must not reach a log
//! by accident.

use std::fmt;
use std::str::FromStr;

use sendbox_policy::{Label, Mark, RecipientForm};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Why a code is sent.
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
    /// All nine, in the order of the contract.
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

    /// `sign-in`
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

/// The text is no usage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no usage; use one of register, sign-in, forgot-password, generic, organization-invitation, user-permission-validation, bind-new-identifier, mfa-verification, bind-mfa"
)]
pub struct UnknownUsage(pub String);

impl FromStr for Usage {
    type Err = UnknownUsage;

    /// Takes our spelling (`sign-in`) and Logto's (`SignIn`), so that stored templates carry over.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |name: &str| name.replace('-', "").to_ascii_lowercase();
        let wanted = plain(text);
        Self::ALL
            .into_iter()
            .find(|usage| plain(usage.as_str()) == wanted)
            .ok_or_else(|| UnknownUsage(text.chars().take(40).collect()))
    }
}

/// Whom the message is for. Already normalised: this crate does not parse numbers.
pub struct Recipient {
    /// `+4512345678`
    pub e164: Zeroizing<String>,
    /// `12345678`
    pub national: Zeroizing<String>,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: Option<String>,
    /// `45`
    pub calling_code: String,
}

impl Recipient {
    /// `4512345678`
    pub fn digits(&self) -> &str {
        self.e164.strip_prefix('+').unwrap_or(&self.e164)
    }
}

/// How a text goes over the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextEncoding {
    /// GSM 03.38 default alphabet and its extension table.
    Gsm7,
    /// UTF-16 units.
    Ucs2,
}

/// A named value of the platform: the code, a link.
pub struct Variable {
    /// `code`, `link`, …
    pub name: String,
    /// Its value.
    pub value: Zeroizing<String>,
}

impl Variable {
    /// What its sealed value is labelled with.
    pub fn label(&self) -> Label {
        if self.name == CODE { Label::Code } else { Label::Variable(self.name.as_str().into()) }
    }
}

/// The variable that holds the code.
pub const CODE: &str = "code";

/// What is to be said, in the kind that the connector's metadata asked for.
pub enum Content {
    /// A finished text.
    Text {
        /// The text, with the code in it.
        text: Zeroizing<String>,
        /// How it goes over the air.
        encoding: TextEncoding,
        /// Parts as billed.
        segments: u32,
        /// Septets or UTF-16 units.
        units: u32,
    },
    /// A template of the provider, with named variables.
    Template {
        /// A template id, or compact JSON in the shape of the connector's template schema.
        template: String,
        /// `code` first.
        variables: Vec<Variable>,
    },
    /// Only the variables.
    Variables(Vec<Variable>),
}

/// Which try this is.
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// Unix time in milliseconds.
    pub started_at: u64,
    /// 32 hexadecimal digits, new for every attempt.
    pub nonce: String,
}

impl Attempt {
    /// The first attempt, now, with a nonce from the OS.
    pub fn first() -> Result<Self, NoRandomness> {
        let mut nonce = [0_u8; 16];
        getrandom::fill(&mut nonce).map_err(|_| NoRandomness)?;
        Ok(Self { number: 1, started_at: unix_millis(), nonce: hex::encode(nonce) })
    }
}

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gave no random bytes; nothing was sent")]
pub struct NoRandomness;

/// Unix time in milliseconds.
pub fn unix_millis() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// One message for one call of one connector.
pub struct Message {
    /// Whom it is for.
    pub recipient: Recipient,
    /// Why it is sent.
    pub usage: Usage,
    /// BCP 47.
    pub locale: Option<String>,
    /// What it says.
    pub content: Content,
    /// The code itself, wherever the content contains it: the scrubber must know it.
    pub code: Zeroizing<String>,
    /// How long the code lives, in seconds.
    pub lifetime_seconds: u32,
    /// The end user's address.
    pub client_ip: Option<Zeroizing<String>>,
    /// Identifies the message over all its attempts. The connector is given a key that is made of it and of the owner, never
    /// this one: a platform may have chosen it.
    pub idempotency_key: String,
    /// Which try this is.
    pub attempt: Attempt,
}

impl Message {
    /// What the connector is given for the provider's own idempotency key: 32 hexadecimal digits.
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

    /// The bytes that a mark refers to, where they belong to the message.
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
