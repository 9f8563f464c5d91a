//! From a connection and a request to the one message that a connector is handed.
//!
//! Everything is checked here, and all faults are named at once, by field, before anything is sent.

use std::net::IpAddr;
use std::time::Duration;

use sendbox_contract::{Attempt, Content, ContentKind, Message, Metadata, Usage, Variable};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::phone;
use crate::problem::{Problem, Problems};
use crate::rules::origin;
use crate::template::{self, Template, TemplateBody};
use crate::text::{self, TextSize};

/// Units of a rendered text at most. Providers refuse more (Twilio: 1600).
pub const LONGEST_TEXT: u32 = 1600;
/// Variables beside the code at most: each is a handle in the sandbox, which has 64.
pub const MOST_VARIABLES: usize = 16;
/// Bytes of a variable's value at most.
const LONGEST_VARIABLE: usize = 2048;
/// How long a code may live at most.
const LONGEST_LIFETIME: Duration = Duration::from_secs(3600);
/// Names that the message itself gives a value.
const OWN_NAMES: [&str; 3] = ["code", "minutes", "locale"];

/// What a tenant has set up for one connector. Has no `Debug`: the parameters hold secrets.
pub struct ConnectionConfig {
    /// As given; the connector's schema judges them.
    pub parameters: Value,
    /// What messages say. May be empty for a connector that takes bare variables.
    pub templates: Vec<Template>,
}

impl ConnectionConfig {
    /// Reads `{"parameters": {…}, "templates": […]}`.
    ///
    /// # Errors
    /// Everything that is wrong, by JSON pointer.
    pub fn read(value: Value) -> Result<Self, Problems> {
        let Value::Object(mut fields) = value else {
            let message = "the configuration must be an object {\"parameters\": {…}, \"templates\": […]}";
            return Err(Problems(vec![Problem::new("", message)]));
        };
        let mut problems = Vec::new();
        let parameters = fields.remove("parameters").unwrap_or_else(|| {
            problems.push(Problem::new("/parameters", "is missing: put the connector's parameters there"));
            Value::Null
        });
        match &parameters {
            Value::Object(given) if given.contains_key("templates") => {
                problems.push(Problem::new(
                    "/parameters/templates",
                    "templates belong next to `parameters`, not in it; move them up",
                ));
            }
            Value::Object(_) | Value::Null => {}
            _ => problems.push(Problem::new("/parameters", "must be an object")),
        }
        let templates = match fields.remove("templates").map(|value| template::read(&value, "/templates")) {
            None => Vec::new(),
            Some(Ok(templates)) => templates,
            Some(Err(Problems(more))) => {
                problems.extend(more);
                Vec::new()
            }
        };
        for key in fields.keys() {
            let message = "unknown field; a configuration has `parameters` and `templates`, and a connector's own parameters stand in `parameters`";
            problems.push(Problem::new(format!("/{}", template::pointer(key)), message));
        }
        Problems::none_or(problems)?;
        Ok(Self { parameters, templates })
    }
}

/// What a platform wants to be sent. Has no `Debug`: it holds the number and the code.
pub struct MessageRequest {
    /// As written; see [`phone::recipient`].
    pub to: Zeroizing<String>,
    /// Why it is sent.
    pub usage: Usage,
    /// BCP 47.
    pub locale: Option<String>,
    /// 4 to 12 letters and digits.
    pub code: Zeroizing<String>,
    /// Further named values (`link`, …), in their order.
    pub variables: Vec<(String, Zeroizing<String>)>,
    /// The end user's address. Empty is none.
    pub client_ip: Option<Zeroizing<String>>,
    /// The domain of the origin-bound line `@domain #code` that the host puts under a text: a DNS name in lower case. Texts
    /// that a provider renders from its own template get none.
    pub origin_domain: Option<String>,
    /// How long the code lives: 1 second to 1 hour.
    pub lifetime: Duration,
    /// The same over all attempts of one request: 1 to 255 visible ASCII characters.
    pub idempotency_key: String,
    /// Which try this is, when it began, and its nonce.
    pub attempt: Attempt,
}

/// A message, ready for a connector, and what to tell a person about it.
pub struct Plan {
    /// The message.
    pub message: Message,
    /// What the text takes on the air, for connectors that take texts.
    pub size: Option<TextSize>,
    /// Names in the template for which there is no value; they stand in the text as they were.
    pub unknown_variables: Vec<String>,
}

/// Makes the message that a connector with this metadata is handed.
///
/// # Errors
/// Everything that is wrong, by field.
pub fn plan(config: &ConnectionConfig, request: MessageRequest, metadata: &Metadata) -> Result<Plan, Problems> {
    let mut problems = Vec::new();
    check_code(&request.code, metadata, &mut problems);
    check_variables(&request.variables, &mut problems);
    let client_ip = client_ip(request.client_ip.as_deref().map(String::as_str), &mut problems);
    let recipient =
        phone::recipient(&request.to).map_err(|error| problems.push(Problem::new("to", error.to_string()))).ok();
    if request.lifetime < Duration::from_secs(1) || request.lifetime > LONGEST_LIFETIME {
        problems.push(Problem::new("lifetime", "must be from 1 second to 1 hour"));
    }
    let key = &request.idempotency_key;
    if key.is_empty() || key.len() > 255 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        problems.push(Problem::new("idempotencyKey", "must be 1 to 255 visible ASCII characters without spaces"));
    }
    if request.origin_domain.as_deref().is_some_and(|domain| !origin::is_domain(domain)) {
        problems.push(Problem::new("originDomain", "must be a domain in lower case, like `example.com`"));
    }
    let wanted = request.locale.as_deref().filter(|tag| !tag.is_empty());
    if wanted.is_some_and(|tag| !template::is_language_tag(tag)) {
        problems.push(Problem::new("locale", "must be a language tag, like `da` or `pt-BR`"));
    }
    let usage = supported_usage(metadata, request.usage).unwrap_or_else(|| {
        let known = metadata.usages.iter().map(|usage| usage.as_str()).collect::<Vec<_>>().join(", ");
        problems.push(Problem::new("usage", format!("the connector sends only: {known}")));
        request.usage
    });
    let lifetime_seconds = u32::try_from(request.lifetime.as_secs()).unwrap_or(u32::MAX);
    let said = said(config, metadata, usage, wanted, &request, lifetime_seconds, &mut problems);

    Problems::none_or(problems)?;
    let (Some(recipient), Some((content, size, unknown_variables))) = (recipient, said) else {
        // Each `None` above has left its problem; this is only what the compiler cannot know.
        return Err(Problems(vec![Problem::new("", "the message cannot be made")]));
    };
    let message = Message {
        recipient,
        usage,
        locale: supported_locale(metadata, wanted).map(str::to_owned),
        content,
        code: request.code,
        lifetime_seconds,
        client_ip,
        idempotency_key: request.idempotency_key,
        attempt: request.attempt,
    };
    Ok(Plan { message, size, unknown_variables })
}

/// The usage, or `generic` for a connector that does not know it.
fn supported_usage(metadata: &Metadata, usage: Usage) -> Option<Usage> {
    [usage, Usage::Generic].into_iter().find(|usage| metadata.usages.contains(usage))
}

/// The language as the connector knows it: the longest prefix that it names; any, when it names none.
fn supported_locale<'a>(metadata: &Metadata, locale: Option<&'a str>) -> Option<&'a str> {
    if metadata.locales.is_empty() {
        return locale;
    }
    template::ranges(locale)
        .flatten()
        .find(|range| metadata.locales.iter().any(|known| known.eq_ignore_ascii_case(range)))
}

type Said = (Content, Option<TextSize>, Vec<String>);

fn said(
    config: &ConnectionConfig,
    metadata: &Metadata,
    usage: Usage,
    locale: Option<&str>,
    request: &MessageRequest,
    lifetime_seconds: u32,
    problems: &mut Vec<Problem>,
) -> Option<Said> {
    let kind = metadata.content;
    if kind == ContentKind::Variables {
        return Some((Content::Variables(variables(request)), None, Vec::new()));
    }
    let chosen = template::choose(&config.templates, usage, locale)
        .map_err(|error| problems.push(Problem::new("/templates", error.to_string())))
        .ok()?;
    match (kind, &chosen.body) {
        (ContentKind::Template, TemplateBody::Provider(template)) => {
            if let Err(fault) = metadata.check_template(template) {
                problems.push(Problem::new("/templates", format!("the template for `{}`: {fault}", chosen.usage)));
            }
            Some((Content::Template { template: template.clone(), variables: variables(request) }, None, Vec::new()))
        }
        (ContentKind::Text, TemplateBody::Text(content)) => {
            let minutes = lifetime_seconds.div_ceil(60).to_string();
            let rendered = template::render(content, |name| match name {
                "code" => Some(request.code.as_str()),
                "minutes" => Some(minutes.as_str()),
                "locale" => Some(locale.unwrap_or_default()),
                other => request.variables.iter().find(|(known, _)| known == other).map(|(_, value)| value.as_str()),
            });
            let text = match request.origin_domain.as_deref() {
                Some(domain) => origin::bind(&rendered.text, domain, &request.code),
                None => rendered.text,
            };
            let size = text::measure(&text);
            if size.units > LONGEST_TEXT {
                let message = format!(
                    "the text has {} characters; {LONGEST_TEXT} fit into a message. Shorten the template or its variables",
                    size.units
                );
                problems.push(Problem::new("/templates", message));
                return None;
            }
            let TextSize { encoding, segments, units } = size;
            let content = Content::Text { text, encoding, segments, units };
            Some((content, Some(size), rendered.unknown.into_iter().collect()))
        }
        (kind, _) => {
            let (has, wants) = match kind {
                ContentKind::Text => ("`template`", "`content`, a text with `{{code}}`"),
                _ => ("`content`", "`template`, a template of the provider"),
            };
            let message = format!("the template for `{}` has {has}, and this connector needs {wants}", chosen.usage);
            problems.push(Problem::new("/templates", message));
            None
        }
    }
}

/// `code` first, then the others as given. The language is not among them: it has a field of its own.
fn variables(request: &MessageRequest) -> Vec<Variable> {
    let code = Variable { name: "code".to_owned(), value: request.code.clone() };
    let others = request.variables.iter().map(|(name, value)| Variable { name: name.clone(), value: value.clone() });
    std::iter::once(code).chain(others).collect()
}

fn check_code(code: &str, metadata: &Metadata, problems: &mut Vec<Problem>) {
    if !(4..=12).contains(&code.len()) || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        problems.push(Problem::new("code", "must be 4 to 12 letters (a-z, A-Z) and digits"));
    } else if !metadata.takes_code(code) {
        let taken = metadata.parameters_schema.pointer("/x-code/description").and_then(Value::as_str);
        let message = format!("{} does not take such a code: {}", metadata.name, taken.unwrap_or("use digits"));
        problems.push(Problem::new("code", message));
    }
}

fn check_variables(variables: &[(String, Zeroizing<String>)], problems: &mut Vec<Problem>) {
    if variables.len() > MOST_VARIABLES {
        problems
            .push(Problem::new("variables", format!("there are {}; {MOST_VARIABLES} are allowed", variables.len())));
    }
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in variables {
        let field = || format!("variables/{}", template::pointer(name));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            problems.push(Problem::new("variables", "a name must be 1 to 64 of a-z, A-Z, 0-9, `_` and `.`"));
        } else if OWN_NAMES.contains(&name.as_str()) {
            problems.push(Problem::new(field(), "has its value from the message itself; use another name"));
        } else if seen.contains(&name.as_str()) {
            problems.push(Problem::new(field(), "is given twice"));
        }
        if value.len() > LONGEST_VARIABLE {
            problems.push(Problem::new(field(), format!("has {} bytes; {LONGEST_VARIABLE} are allowed", value.len())));
        }
        seen.push(name);
    }
}

fn client_ip(address: Option<&str>, problems: &mut Vec<Problem>) -> Option<Zeroizing<String>> {
    let address = address.map(str::trim).filter(|address| !address.is_empty())?;
    match address.parse::<IpAddr>() {
        Ok(address) => Some(Zeroizing::new(address.to_canonical().to_string())),
        Err(_) => {
            problems.push(Problem::new("clientIp", "must be an IPv4 or IPv6 address"));
            None
        }
    }
}

#[cfg(test)]
mod tests;
