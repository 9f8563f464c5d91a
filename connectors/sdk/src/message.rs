//! A message as a connector sees it: recipient, content and client address are sealed, what routing needs is not.

use crate::failure::{Failure, FailureClass};
use crate::sealed::Sealed;

/// The purpose of a one-time password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Sign-up.
    Register,
    /// Sign-in.
    SignIn,
    /// Password reset.
    ForgotPassword,
    /// Anything else, and a usage that the host does not know.
    Generic,
    /// An invitation to an organization.
    OrganizationInvitation,
    /// The user confirms their identity before a sensitive change.
    UserPermissionValidation,
    /// A phone number is added to an account.
    BindNewIdentifier,
    /// A second factor at sign-in.
    MfaVerification,
    /// A phone number is set up as a second factor.
    BindMfa,
}

impl Usage {
    /// Every usage.
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

/// The recipient's phone number, sealed in three formats, and what is known about it.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The number in E.164 format: `+4512345678`.
    pub e164: Sealed,
    /// The number in digits only: `4512345678`.
    pub digits: Sealed,
    /// The national number, without calling code and trunk prefix: `12345678`.
    pub national: Sealed,
    /// ISO 3166-1 alpha-2 country code in upper case: `DK`. `None` for a number of no country, such as a satellite phone.
    pub country: Option<String>,
    /// Country calling code without `+`: `45`.
    pub calling_code: String,
}

/// The encoding that a text needs in an SMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextEncoding {
    /// The default alphabet of GSM 03.38 with its extension table; units are septets.
    Gsm7,
    /// UCS-2, for every other text; units are UTF-16 code units.
    Ucs2,
}

/// A text, rendered by the host from the tenant's template.
#[derive(Clone, Debug)]
pub struct TextContent {
    /// The text.
    pub text: Sealed,
    /// The encoding that the text needs.
    pub encoding: TextEncoding,
    /// Number of SMS segments: of 160 septets or 70 UTF-16 code units if there is one, else of 153 or 67.
    pub segments: u32,
    /// Length in septets ([`Gsm7`](TextEncoding::Gsm7)) or UTF-16 code units ([`Ucs2`](TextEncoding::Ucs2)).
    pub units: u32,
}

/// A variable of the message.
#[derive(Clone, Debug)]
pub struct Variable {
    /// The name: `code`, `minutes`, or another one that the platform gave.
    pub name: String,
    /// The value.
    pub value: Sealed,
}

/// The content of a message, of the kind that the metadata asks for ([`ContentKind`](crate::ContentKind)).
#[derive(Clone, Debug)]
pub enum Content {
    /// A text.
    Text(TextContent),
    /// A template of the provider and the variables to fill in.
    Template {
        /// What the tenant entered for this usage and locale: an id, or compact JSON as the
        /// [template schema](crate::Metadata::template_schema) describes it.
        template: String,
        /// The variables, in the order of the message.
        variables: Vec<Variable>,
    },
    /// The variables alone, in the order of the message.
    Variables(Vec<Variable>),
}

/// An attempt to send a message.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The number of the attempt, from 1.
    pub number: u32,
    /// When the attempt began: Unix time in milliseconds.
    pub started_at: u64,
    /// 32 hexadecimal digits, different for every attempt.
    pub nonce: String,
}

/// A message to send.
#[derive(Clone, Debug)]
pub struct Message {
    /// The recipient.
    pub recipient: Recipient,
    /// The purpose of the one-time password.
    pub usage: Usage,
    /// The language as a BCP 47 tag, as resolved by the host: `pt-BR`. `None` when it is unknown.
    pub locale: Option<String>,
    /// The text, the template or the variables. See also [`text`](Self::text), [`template`](Self::template) and
    /// [`code`](Self::code).
    pub content: Content,
    /// For how many seconds the code is valid, from the start of this attempt.
    pub lifetime_seconds: u32,
    /// The end user's IP address, if the platform passed it on.
    pub client_ip: Option<Sealed>,
    /// 32 hexadecimal digits, the same for all attempts of this message and unique to it: for the provider's idempotency
    /// key.
    pub message_key: String,
    /// The current attempt.
    pub attempt: Attempt,
}

impl Message {
    /// The text, for a connector of content kind [`Text`](crate::ContentKind::Text).
    pub fn text(&self) -> Result<&TextContent, Failure> {
        match &self.content {
            Content::Text(text) => Ok(text),
            _ => Err(Failure::new(FailureClass::InvalidRequest).text("the message has no text")),
        }
    }

    /// The template that the tenant entered, an id or compact JSON, for a connector of content kind
    /// [`Template`](crate::ContentKind::Template).
    pub fn template(&self) -> Result<&str, Failure> {
        match &self.content {
            Content::Template { template, .. } => Ok(template),
            _ => Err(Failure::new(FailureClass::InvalidRequest).text("the message has no template")),
        }
    }

    /// The variables, for a connector of content kind [`Template`](crate::ContentKind::Template) or
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

/// What the provider charges for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// A decimal number, as the provider writes it.
    pub amount: String,
    /// ISO 4217 currency code, or the provider's own unit.
    pub currency: String,
}

/// The provider accepted the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The provider's id of the message. Delivery reports are matched by it.
    pub message_id: Option<String>,
    /// The provider's status of the message, as the provider writes it.
    pub status: Option<String>,
    /// Number of segments, as the provider counts them.
    pub segments: Option<u32>,
    /// The price, if the provider names it in the response.
    pub price: Option<Price>,
}
