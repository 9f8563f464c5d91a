//! Builds the message for a connector from a connection and a request.
//!
//! Everything is checked here before anything is sent, and all errors are reported at once, by field.

use std::time::Duration;

use sendbox_contract::{Attempt, Content, ContentKind, Message, Metadata, Usage, Variable};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::field_error::{FieldCode, FieldError, FieldErrors};
use crate::rules::origin;
use crate::template::{self, Template, TemplateBody};
use crate::text::{self, TextSize};
use crate::{locale, message_fields};

/// The configuration of a connection. Has no `Debug`, because the parameters contain secrets.
pub struct ConnectionConfig {
    /// The parameters, not yet checked against the connector's schema.
    pub parameters: Value,
    /// The templates. May be empty for a connector that takes only variables.
    pub templates: Vec<Template>,
}

impl ConnectionConfig {
    /// Parses `{"parameters": {…}, "templates": […]}`.
    ///
    /// # Errors
    /// All errors, by JSON pointer.
    pub fn read(value: Value) -> Result<Self, FieldErrors> {
        let Value::Object(mut fields) = value else {
            let message = "the configuration must be an object {\"parameters\": {…}, \"templates\": […]}";
            return Err(FieldErrors(vec![FieldError::new("", message)]));
        };
        let mut errors = Vec::new();
        let parameters = fields.remove("parameters").unwrap_or_else(|| {
            errors.push(FieldError::new("/parameters", "is missing: put the connector's parameters there"));
            Value::Null
        });
        match &parameters {
            Value::Object(given) if given.contains_key("templates") => {
                errors.push(FieldError::new(
                    "/parameters/templates",
                    "templates belong next to `parameters`, not in it; move them up",
                ));
            }
            Value::Object(_) | Value::Null => {}
            _ => errors.push(FieldError::new("/parameters", "must be an object")),
        }
        let templates = match fields.remove("templates").map(|value| template::read(&value, "/templates")) {
            None => Vec::new(),
            Some(Ok(templates)) => templates,
            Some(Err(FieldErrors(more))) => {
                errors.extend(more);
                Vec::new()
            }
        };
        for key in fields.keys() {
            let message = "unknown field; a configuration has `parameters` and `templates`, and a connector's own parameters stand in `parameters`";
            errors.push(FieldError::new(format!("/{}", template::pointer(key)), message));
        }
        FieldErrors::none_or(errors)?;
        Ok(Self { parameters, templates })
    }
}

/// A message to send. Has no `Debug`, because it contains the number and the code.
pub struct MessageRequest {
    /// The recipient's number as given; see [`phone::recipient`](crate::phone::recipient).
    pub to: Zeroizing<String>,
    /// The purpose of the message.
    pub usage: Usage,
    /// The language of the message, as in [`locale::understood`].
    pub locale: Option<String>,
    /// The code: 4 to 12 letters and digits. `None` for a message without a code, which only connectors that take texts can send.
    pub code: Option<Zeroizing<String>>,
    /// The text, sent as it is in place of a template. Connectors that take no texts send the code.
    pub text: Option<Zeroizing<String>>,
    /// The templates of notices, for a message without a code and a text.
    pub notice_templates: Vec<Template>,
    /// The other variables (`link`, …), in order.
    pub variables: Vec<(String, Zeroizing<String>)>,
    /// The end user's IP address. An empty text counts as none.
    pub client_ip: Option<Zeroizing<String>>,
    /// The domain of the origin-bound line `@domain #code` that is appended to texts: a DNS name in lower case. Does not apply to messages that
    /// the provider renders from its own template.
    pub origin_domain: Option<String>,
    /// The lifetime of the code: 1 second to 1 hour.
    pub lifetime: Duration,
    /// The idempotency key, which is the same for all attempts: 1 to 255 visible ASCII characters.
    pub idempotency_key: String,
    /// The attempt: its number, start and nonce.
    pub attempt: Attempt,
}

/// A message that is ready for a connector, with details for display.
pub struct Plan {
    /// The message.
    pub message: Message,
    /// The size of the text. `None` for connectors that do not take texts.
    pub size: Option<TextSize>,
    /// Variables of the template that have no value. The text keeps their placeholders.
    pub unknown_variables: Vec<String>,
}

/// Builds the message for a connector with this metadata.
///
/// # Errors
/// All errors, by field.
pub fn plan(config: &ConnectionConfig, request: MessageRequest, metadata: &Metadata) -> Result<Plan, FieldErrors> {
    let mut errors = Vec::new();
    if let Some(code) = &request.code {
        check(check_code(code, metadata), &mut errors);
    }
    let request = MessageRequest { text: request.text.as_deref().map(|text| text::composed(text)), ..request };
    let text = request.text.as_deref().map(String::as_str);
    check(message_fields::check_text(text, request.code.as_deref().map(String::as_str)), &mut errors);
    let variables = request.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    errors.extend(message_fields::check_variables(variables));
    let client_ip = request.client_ip.as_deref().map(String::as_str);
    let client_ip = check(message_fields::client_ip(client_ip), &mut errors).flatten();
    let recipient = check(message_fields::recipient(&request.to), &mut errors);
    check(message_fields::check_lifetime(request.lifetime), &mut errors);
    check(message_fields::check_idempotency_key(&request.idempotency_key), &mut errors);
    if let Some(domain) = request.origin_domain.as_deref() {
        check(message_fields::check_origin_domain(domain), &mut errors);
    }
    let locale = request.locale.as_deref().and_then(locale::understood);
    let locale = locale.as_deref();
    let usage = supported_usage(metadata, request.usage).unwrap_or_else(|| {
        let known = metadata.usages.iter().map(|usage| usage.as_str()).collect::<Vec<_>>().join(", ");
        errors.push(FieldError::new("/usage", format!("the connector sends only: {known}")));
        request.usage
    });
    let lifetime_seconds = u32::try_from(request.lifetime.as_secs()).unwrap_or(u32::MAX);
    let content = content(config, metadata, usage, locale, &request, lifetime_seconds, &mut errors);

    FieldErrors::none_or(errors)?;
    let (Some(recipient), Some((content, size, unknown_variables))) = (recipient, content) else {
        // Each `None` above has left its error; this is only what the compiler cannot know.
        return Err(FieldErrors(vec![FieldError::new("", "the message cannot be made")]));
    };
    let message = Message {
        recipient,
        usage,
        locale: supported_locale(metadata, locale).map(str::to_owned),
        content,
        code: request.code,
        lifetime_seconds,
        client_ip: client_ip.map(|ip| Zeroizing::new(ip.to_string())),
        idempotency_key: request.idempotency_key,
        attempt: request.attempt,
    };
    Ok(Plan { message, size, unknown_variables })
}

/// The usage, or `generic` for a connector that does not support it.
fn supported_usage(metadata: &Metadata, usage: Usage) -> Option<Usage> {
    [usage, Usage::Generic].into_iter().find(|usage| metadata.usages.contains(usage))
}

/// The best language that the connector supports, or the requested one if it supports any.
fn supported_locale<'a>(metadata: &'a Metadata, requested: Option<&'a str>) -> Option<&'a str> {
    if metadata.locales.is_empty() {
        return requested;
    }
    locale::best(requested?, metadata.locales.iter().map(String::as_str))
}

/// The content, the size of a text, and the variables without a value. `None` if there was an error.
fn content(
    config: &ConnectionConfig,
    metadata: &Metadata,
    usage: Usage,
    locale: Option<&str>,
    request: &MessageRequest,
    lifetime_seconds: u32,
    errors: &mut Vec<FieldError>,
) -> Option<(Content, Option<TextSize>, Vec<String>)> {
    let kind = metadata.content;
    if request.code.is_none() && kind != ContentKind::Text {
        let message = format!("is required: {} sends codes only, and takes no texts", metadata.name);
        errors.push(FieldError::new("/code", message).coded(FieldCode::Required, &[]));
        return None;
    }
    if let Some(text) = request.text.as_ref().filter(|_| kind == ContentKind::Text) {
        // Without the origin-bound line.
        let (content, size) = text_content(text.clone(), "/text", "Shorten it", errors)?;
        return Some((content, Some(size), Vec::new()));
    }
    if kind == ContentKind::Variables {
        return Some((Content::Variables(variables(request)), None, Vec::new()));
    }
    // A notice has templates of its own; without one that fits, those of the connection.
    let of_notice = match request.code {
        None => template::choose(&request.notice_templates, usage, locale).ok(),
        Some(_) => None,
    };
    let chosen = of_notice
        .map_or_else(|| template::choose(&config.templates, usage, locale), Ok)
        .map_err(|error| errors.push(FieldError::new("/templates", error.to_string())))
        .ok()?;
    match (kind, &chosen.body) {
        (ContentKind::Template, TemplateBody::Provider(template)) => {
            if let Err(fault) = metadata.check_template(template) {
                errors.push(FieldError::new("/templates", format!("the template for `{}`: {fault}", chosen.usage)));
            }
            Some((Content::Template { template: template.clone(), variables: variables(request) }, None, Vec::new()))
        }
        (ContentKind::Text, TemplateBody::Text(content)) => {
            if request.code.is_none() && template::has_code_placeholder(content) {
                let message =
                    format!("is required: the template for `{}` has the placeholder `{{{{code}}}}`", chosen.usage);
                errors.push(FieldError::new("/code", message).coded(FieldCode::Required, &[]));
                return None;
            }
            let minutes = lifetime_seconds.div_ceil(60).to_string();
            let rendered = template::render(content, |name| match name {
                "code" => request.code.as_deref().map(String::as_str),
                "minutes" => Some(minutes.as_str()),
                "locale" => Some(locale.unwrap_or_default()),
                other => request.variables.iter().find(|(known, _)| known == other).map(|(_, value)| value.as_str()),
            });
            let Ok(rendered) = rendered else {
                errors.push(too_long("/templates", &format!("more than {}", text::MAX_UNITS), SHORTEN_TEMPLATE));
                return None;
            };
            let text = match (request.origin_domain.as_deref(), &request.code) {
                (Some(domain), Some(code)) => origin::bind(&rendered.text, domain, code),
                _ => rendered.text,
            };
            let (content, size) = text_content(text::composed(&text), "/templates", SHORTEN_TEMPLATE, errors)?;
            Some((content, Some(size), rendered.unknown.into_iter().collect()))
        }
        (kind, _) => {
            let (has, wants) = match kind {
                ContentKind::Text => ("`template`", "`content`, a text with `{{code}}`"),
                _ => ("`content`", "`template`, a template of the provider"),
            };
            let message = format!("the template for `{}` has {has}, and this connector needs {wants}", chosen.usage);
            errors.push(FieldError::new("/templates", message));
            None
        }
    }
}

/// How a rendered text becomes shorter.
const SHORTEN_TEMPLATE: &str = "Shorten the template or its variables";

fn too_long(field: &str, length: &str, advice: &str) -> FieldError {
    let message = format!("the text has {length} characters; {} fit into a message. {advice}", text::MAX_UNITS);
    FieldError::new(field, message)
}

/// The content of a message with this text, and its size. `None` if it is too long.
fn text_content(
    text: Zeroizing<String>,
    field: &str,
    advice: &str,
    errors: &mut Vec<FieldError>,
) -> Option<(Content, TextSize)> {
    let size = text::measure(&text);
    if size.units > text::MAX_UNITS {
        errors.push(too_long(field, &size.units.to_string(), advice));
        return None;
    }
    let TextSize { encoding, segments, units } = size;
    Some((Content::Text { text, encoding, segments, units }, size))
}

/// The variables: `code` first, then the others as given. The language has its own field.
fn variables(request: &MessageRequest) -> Vec<Variable> {
    let code = request.code.iter().map(|code| Variable { name: "code".to_owned(), value: code.clone() });
    let others = request.variables.iter().map(|(name, value)| Variable { name: name.clone(), value: value.clone() });
    code.chain(others).collect()
}

/// Checks the code against the rule for all connectors and that of this one.
fn check_code(code: &str, metadata: &Metadata) -> Result<(), FieldError> {
    message_fields::check_code(code)?;
    if metadata.takes_code(code) {
        return Ok(());
    }
    let accepted = metadata.parameters_schema.pointer("/x-code/description").and_then(Value::as_str);
    let message = format!("{} does not take such a code: {}", metadata.name, accepted.unwrap_or("use digits"));
    Err(FieldError::new("/code", message))
}

/// Returns the value, or records the error.
fn check<T>(checked: Result<T, FieldError>, errors: &mut Vec<FieldError>) -> Option<T> {
    checked.map_err(|error| errors.push(error)).ok()
}

#[cfg(test)]
mod tests;
