//! A connector's metadata: what it is, what it may reach, and where its requests carry the message.

use crate::http::Method;
use crate::message::Usage;

/// What a connector needs to build the provider's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentKind {
    /// A text, rendered by the host from the tenant's template.
    Text,
    /// The id of a template at the provider, and the variables to fill in.
    Template,
    /// The variables alone.
    Variables,
}

/// How a request may contain a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretUse {
    /// As it is, or encoded.
    Sent,
    /// Only as the key or a part of a signature or digest.
    SigningOnly,
}

/// A step on the path from a request to a value in it. The first step selects a part of the request; each further step, which is
/// `Json`, `Form` or `Xml`, parses the value found so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The decoded value of this query parameter.
    Query(&'static str),
    /// The decoded path segment at this position, from 0.
    PathSegment(u32),
    /// The value of this header; case does not matter. Use it only if the provider accepts the value nowhere else.
    Header(&'static str),
    /// The decoded value of this form field.
    Form(&'static str),
    /// The string or number at this JSON pointer (RFC 6901): `/recipients/0/msisdn`. The token `*` matches any one name or
    /// position, for variables whose names are not known.
    Json(&'static str),
    /// The text of the element at this path of element names: `/request/message/to`.
    Xml(&'static str),
}

/// The format of the recipient's number in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFormat {
    /// `+4512345678`: [`Recipient::e164`](crate::Recipient::e164).
    E164,
    /// `4512345678`: [`Recipient::digits`](crate::Recipient::digits).
    Digits,
    /// `12345678`: [`Recipient::national`](crate::Recipient::national), for a provider that gets the country separately.
    National,
}

/// Where a request carries the message. The host parses every request and sends it only when the number and the content are
/// at these places, each exactly once and as the whole value, and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagePlaces {
    /// The format of the recipient's number.
    pub recipient_format: NumberFormat,
    /// The path to the number. An array on this path must have one element.
    pub recipient: Vec<Step>,
    /// The path to the text, or to each of the variables.
    pub content: Vec<Step>,
    /// The path to the end user's IP address, if the connector passes it on.
    pub client_ip: Option<Vec<Step>>,
}

impl MessagePlaces {
    /// Places in a form body: `form(NumberFormat::E164, "To", "Body")`.
    #[must_use]
    pub fn form(format: NumberFormat, recipient: &'static str, content: &'static str) -> Self {
        Self::new(format, [Step::Form(recipient)], [Step::Form(content)])
    }

    /// Places in a JSON body, by JSON pointers: `json(NumberFormat::Digits, "/to", "/text")`.
    #[must_use]
    pub fn json(format: NumberFormat, recipient: &'static str, content: &'static str) -> Self {
        Self::new(format, [Step::Json(recipient)], [Step::Json(content)])
    }

    /// Any places, by the steps to the number and the steps to the content.
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

    /// Adds the place of the end user's IP address.
    #[must_use]
    pub fn client_ip(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.client_ip = Some(steps.into_iter().collect());
        self
    }
}

/// A host that the connector needs to reach.
#[derive(Clone, Debug)]
pub struct HostNeed {
    /// The origin: `https://api.example.com`. A label may contain the value of a parameter, `https://api.{region}.example.com`, or
    /// the origin may be one parameter that holds a URL, `{endpoint}`.
    pub origin: &'static str,
    /// The allowed methods, at least one.
    pub methods: Vec<Method>,
    /// The path of requests: this one or a path below it. Empty for any path.
    pub path_prefix: &'static str,
    /// Where a request to this host carries the message; `None` for a host that receives nothing of it.
    pub message: Option<MessagePlaces>,
    /// The secrets that requests to this host may contain, by the keys of their parameters.
    pub secrets: Vec<(&'static str, SecretUse)>,
    /// One sentence for the admin who grants access to this host.
    pub purpose: &'static str,
}

/// What a connector is and what it needs. All of it is known at build time.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// The id, which never changes: 3 to 64 of `a-z`, `0-9` and `-`.
    pub id: &'static str,
    /// The version as the author counts: `env!("CARGO_PKG_VERSION")`. Shown to people; the host tells versions apart by
    /// their digest.
    pub version: &'static str,
    /// The name that people see.
    pub name: &'static str,
    /// One sentence about what the connector does.
    pub description: &'static str,
    /// How to set the connector up at the provider, in Markdown.
    pub readme: &'static str,
    /// A logo: an SVG document of at most 32 KiB.
    pub logo: Option<&'static str>,
    /// The JSON Schema (2020-12) of the parameters, an object. `writeOnly: true` marks a secret. `x-form` may have hints for the
    /// form: `order`, `placeholder` and `widget`; and `fill: "report-address"` for a parameter that the host sets, when it is
    /// empty, to the URL at which it receives delivery reports. `x-code` at the top level may have a schema of the codes that the
    /// provider accepts, which the host checks before it sends.
    pub parameters_schema: &'static str,
    /// What the connector needs to build the provider's request.
    pub content: ContentKind,
    /// The JSON Schema of a template, as a tenant enters it for each usage. For [`ContentKind::Template`] only.
    pub template_schema: Option<&'static str>,
    /// Every host that the connector needs to reach. It can reach no other.
    pub hosts: Vec<HostNeed>,
    /// The supported usages.
    pub usages: Vec<Usage>,
    /// The supported languages as BCP 47 tags; empty for any.
    pub locales: Vec<&'static str>,
    /// Whether the provider documents that it sends one message for requests with the same
    /// [`Message::message_key`](crate::Message::message_key). The host then repeats an attempt that is in doubt.
    pub idempotent: bool,
}
