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

/// One host that the connector needs.
#[derive(Clone, Debug)]
pub struct HostNeed {
    /// `https://api.example.com`; a label may contain `{parameter}`, or the whole may be one `{parameter}`.
    pub origin: &'static str,
    /// Allowed methods. At least one.
    pub methods: Vec<Method>,
    /// The path must be this or continue it at a `/`. Empty for any.
    pub path_prefix: &'static str,
    /// Whether the message and the recipient may go here.
    pub receives_message: bool,
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
    /// The provider treats a repeated idempotency key as one message.
    pub idempotent: bool,
}
