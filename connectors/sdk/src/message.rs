//! What a connector is told about one message: what routing and limits need in clear, the rest sealed.

use crate::failure::{Failure, FailureClass};
use crate::sealed::Sealed;

/// Why a code is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Sign-up.
    Register,
    /// Sign-in.
    SignIn,
    /// Password reset.
    ForgotPassword,
    /// Anything else; what an unknown usage is treated as.
    Generic,
    /// An invitation to an organization.
    OrganizationInvitation,
    /// The user proves that they are still themselves.
    UserPermissionValidation,
    /// A number is linked to an account.
    BindNewIdentifier,
    /// A second factor at sign-in.
    MfaVerification,
    /// A number becomes a second factor.
    BindMfa,
}

impl Usage {
    /// All nine.
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
}

/// Whom the message is for.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// `+4512345678`
    pub e164: Sealed,
    /// `4512345678`
    pub digits: Sealed,
    /// `12345678`: without the calling code and without a trunk prefix.
    pub national: Sealed,
    /// ISO 3166-1 alpha-2, upper case. `None` for numbers of no country.
    pub country: Option<String>,
    /// `45`
    pub calling_code: String,
}

/// How the text goes over the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextEncoding {
    /// GSM 03.38 default alphabet and its extension table.
    Gsm7,
    /// UTF-16 units.
    Ucs2,
}

/// A finished text.
#[derive(Clone, Debug)]
pub struct TextContent {
    /// The text itself.
    pub text: Sealed,
    /// How it goes over the air.
    pub encoding: TextEncoding,
    /// Parts as billed: 160/153 septets or 70/67 UTF-16 units.
    pub segments: u32,
    /// Septets or UTF-16 units.
    pub units: u32,
}

/// One variable of the message.
#[derive(Clone, Debug)]
pub struct Variable {
    /// `code`, `link`, …
    pub name: String,
    /// Its value.
    pub value: Sealed,
}

/// What goes into the provider's request, as the metadata's [`ContentKind`](crate::ContentKind) asked.
#[derive(Clone, Debug)]
pub enum Content {
    /// A finished text.
    Text(TextContent),
    /// The provider's own template with named variables.
    Template {
        /// What the tenant gave for this usage and locale.
        template: String,
        /// In the order of the message.
        variables: Vec<Variable>,
    },
    /// The bare variables.
    Variables(Vec<Variable>),
}

/// This try.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// Unix time in milliseconds when it began.
    pub started_at: u64,
    /// 32 hexadecimal digits, new for every attempt.
    pub nonce: String,
}

/// One request to send.
#[derive(Clone, Debug)]
pub struct Message {
    /// Whom it is for.
    pub recipient: Recipient,
    /// Why it is sent.
    pub usage: Usage,
    /// BCP 47, as resolved by the host.
    pub locale: Option<String>,
    /// What is sent.
    pub content: Content,
    /// How long the code lives, in seconds, from the start of this attempt.
    pub lifetime_seconds: u32,
    /// The end user's address, when the platform passed it on.
    pub client_ip: Option<Sealed>,
    /// 32 hexadecimal digits, made by the host: the same over all attempts of one message, and of no other one. For a
    /// provider's own idempotency key.
    pub message_key: String,
    /// This try.
    pub attempt: Attempt,
}

impl Message {
    /// The finished text of a connector of content kind [`Text`](crate::ContentKind::Text).
    pub fn text(&self) -> Result<&TextContent, Failure> {
        match &self.content {
            Content::Text(text) => Ok(text),
            _ => Err(Failure::new(FailureClass::InvalidRequest).text("the message has no text")),
        }
    }

    /// The template that the tenant gave, an id or compact JSON, for a connector of content kind
    /// [`Template`](crate::ContentKind::Template).
    pub fn template(&self) -> Result<&str, Failure> {
        match &self.content {
            Content::Template { template, .. } => Ok(template),
            _ => Err(Failure::new(FailureClass::InvalidRequest).text("the message has no template")),
        }
    }

    /// The variables of a connector of content kind [`Template`](crate::ContentKind::Template) or
    /// [`Variables`](crate::ContentKind::Variables), in the order of the message.
    pub fn variables(&self) -> Result<&[Variable], Failure> {
        match &self.content {
            Content::Template { variables, .. } | Content::Variables(variables) => Ok(variables),
            Content::Text(_) => Err(Failure::new(FailureClass::InvalidRequest).text("the message has no variables")),
        }
    }

    /// The variable `code`, the one-time password.
    pub fn code(&self) -> Result<&Sealed, Failure> {
        let code = self.variables()?.iter().find(|variable| variable.name == "code");
        let code = code.map(|variable| &variable.value);
        code.ok_or_else(|| Failure::new(FailureClass::InvalidRequest).text("the message has no variable `code`"))
    }
}

/// What the provider charges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// Decimal, as the provider wrote it.
    pub amount: String,
    /// ISO 4217, or the provider's own unit.
    pub currency: String,
}

/// The provider took the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The provider's id of the message, to match a delivery report.
    pub message_id: Option<String>,
    /// The provider's own word for the state.
    pub status: Option<String>,
    /// Parts, as the provider counted them.
    pub segments: Option<u32>,
    /// What it costs.
    pub price: Option<Price>,
}
