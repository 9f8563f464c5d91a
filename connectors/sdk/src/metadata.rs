//! What a connector says about itself at installation.

use crate::http::Method;
use crate::message::Usage;

/// What a connector puts into the provider's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentKind {
    /// A finished text, rendered by the host from the tenant's template.
    Text,
    /// The provider's own template id with named variables.
    Template,
    /// The bare variables.
    Variables,
}

/// How a secret may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretUse {
    /// As it is or encoded.
    Sent,
    /// Only as a signature or a digest.
    SigningOnly,
}

/// One step on the way from a request to a value in it, from the outside in. The first step says in which part of the request;
/// a `Json`, `Form` or `Xml` step after another one reads the value found so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The value of this query parameter, decoded.
    Query(&'static str),
    /// The segment of the path at this position, from 0, decoded.
    PathSegment(u32),
    /// The value of this header, in any case. Only where the provider takes it nowhere else.
    Header(&'static str),
    /// The value of this field of a form, decoded.
    Form(&'static str),
    /// The string or number at this JSON pointer (RFC 6901): `/recipients/0/msisdn`. A token `*` stands for any one name or
    /// position, for the names of variables.
    Json(&'static str),
    /// The text of the element at this path of element names: `/request/message/to`.
    Xml(&'static str),
}

/// How the recipient's number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFormat {
    /// `+4512345678`: [`Recipient::e164`](crate::Recipient::e164).
    E164,
    /// `4512345678`: [`Recipient::digits`](crate::Recipient::digits).
    Digits,
    /// `12345678`: [`Recipient::national`](crate::Recipient::national). The provider must know the country from elsewhere.
    National,
}

/// Where a request carries the message. The host reads every request to this host and lets it leave only when the number and
/// the content are there, each exactly once, as the whole value of their place, and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagePlaces {
    /// In which of its formats the number goes out.
    pub recipient_format: NumberFormat,
    /// Where the number stands. A list on the way to it has one element.
    pub recipient: Vec<Step>,
    /// Where the text stands, or each of the variables.
    pub content: Vec<Step>,
    /// Where the end user's address stands, when the connector passes it on.
    pub client_ip: Option<Vec<Step>>,
}

impl MessagePlaces {
    /// For a form: `form(NumberFormat::E164, "To", "Body")`.
    #[must_use]
    pub fn form(format: NumberFormat, recipient: &'static str, content: &'static str) -> Self {
        Self::new(format, [Step::Form(recipient)], [Step::Form(content)])
    }

    /// For JSON, by pointers: `json(NumberFormat::Digits, "/to", "/text")`.
    #[must_use]
    pub fn json(format: NumberFormat, recipient: &'static str, content: &'static str) -> Self {
        Self::new(format, [Step::Json(recipient)], [Step::Json(content)])
    }

    /// For anything: the steps to the number, and the steps to the content.
    pub fn new(
        recipient_format: NumberFormat,
        recipient: impl IntoIterator<Item = Step>,
        content: impl IntoIterator<Item = Step>,
    ) -> Self {
        Self {
            recipient_format,
            recipient: recipient.into_iter().collect(),
            content: content.into_iter().collect(),
            client_ip: None,
        }
    }

    /// And the end user's address here.
    #[must_use]
    pub fn client_ip(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.client_ip = Some(steps.into_iter().collect());
        self
    }
}

/// One host that the connector needs.
#[derive(Clone, Debug)]
pub struct HostNeed {
    /// `https://api.example.com`; a label may contain `{parameter}`, or the whole may be one `{parameter}`.
    pub origin: &'static str,
    /// Allowed methods. At least one.
    pub methods: Vec<Method>,
    /// The path must be this or continue it at a `/`. Empty for any.
    pub path_prefix: &'static str,
    /// Where a request to this host carries the message. `None` for a host that must receive nothing of it.
    pub message: Option<MessagePlaces>,
    /// Which secrets may go here, by parameter key.
    pub secrets: Vec<(&'static str, SecretUse)>,
    /// One sentence for the person who grants it.
    pub purpose: &'static str,
}

/// What a connector is and needs. All of it is known at build time, so it is written with `include_str!` and literals.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// Stable, `[a-z0-9-]{3,64}`.
    pub id: &'static str,
    /// The author's own version, for people: `env!("CARGO_PKG_VERSION")`.
    pub version: &'static str,
    /// For people.
    pub name: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// Markdown: how to set this up at the provider.
    pub readme: &'static str,
    /// An SVG document of at most 32 KiB.
    pub logo: Option<&'static str>,
    /// JSON Schema 2020-12, an object. `writeOnly: true` marks a secret. `x-form` may hold hints: `order`, `placeholder` and `widget`
    /// for a form, and `fill: "report-address"` for a parameter that the host fills, where it is left empty, with the address at
    /// which it takes delivery reports.
    pub parameters_schema: &'static str,
    /// What it puts into the provider's request.
    pub content: ContentKind,
    /// For [`ContentKind::Template`]: JSON Schema of what the tenant gives for each usage.
    pub template_schema: Option<&'static str>,
    /// Everything that it may ever reach.
    pub hosts: Vec<HostNeed>,
    /// The usages that it supports.
    pub usages: Vec<Usage>,
    /// BCP 47 tags. Empty for any.
    pub locales: Vec<&'static str>,
    /// The provider treats a repeated [`Message::message_key`](crate::Message::message_key) as one message, so that an
    /// attempt whose outcome is in doubt may be repeated.
    pub idempotent: bool,
}
