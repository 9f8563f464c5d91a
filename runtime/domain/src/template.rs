//! Templates of a connection: parsing, selection and rendering.
//!
//! Templates are a list of `{"usage", "locale"?, "content"}`. Logto's spellings (`usageType: "SignIn"`, `templateCode`) are accepted, so
//! that an existing configuration carries over. `content` is a text with `{{code}}`; a provider's template is in `template` (or
//! `templateCode`): an id, or any JSON that the connector's schema requires.
//!
//! Promises: parsing reports all errors at once; selection goes by usage, then by language, then by `generic`; rendering is a single pass, so
//! placeholders in values are not replaced, and unknown names are reported.
//!
//! Must not know: who sends, and with which connector.

use std::collections::{BTreeMap, BTreeSet};

use sendbox_contract::Usage;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::field_error::{FieldCode, FieldError, FieldErrors};
use crate::model::NoticeTemplate;
use crate::{locale, text};

/// Usages that every connection must have a template for. All others fall back to `generic`.
pub const MANDATORY_USAGES: [Usage; 4] = [Usage::Register, Usage::SignIn, Usage::ForgotPassword, Usage::Generic];
/// Variables that are filled in from the message itself.
pub(crate) const RESERVED_VARIABLES: [&str; 3] = ["code", "minutes", "locale"];
/// Maximum size of a template, in bytes.
pub const MAX_TEMPLATE_BYTES: usize = 8 << 10;
/// Maximum number of templates of a connection: nine usages in more than a hundred languages.
const MAX_TEMPLATES: usize = 1000;

/// The content of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateBody {
    /// A text with `{{code}}`, which Sendbox renders.
    Text(String),
    /// A provider's template: an id as given, or other JSON in compact form.
    Provider(String),
}

/// A template of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The usage that the template is for.
    pub usage: Usage,
    /// The language that the template is for (BCP 47). `None` for every language without a template of its own.
    pub locale: Option<String>,
    /// The content.
    pub body: TemplateBody,
}

/// No template matches. Names what is missing and what exists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no template for `{usage}`{} and none for `generic`; {}", .locale.as_ref().map(|tag| format!(" in `{tag}`")).unwrap_or_default(), list_existing(.existing))]
pub struct NoTemplate {
    /// The requested usage.
    pub usage: Usage,
    /// The requested language.
    pub locale: Option<String>,
    /// The existing templates, like `sign-in` or `sign-in (da)`.
    pub existing: Vec<String>,
}

fn list_existing(existing: &[String]) -> String {
    if existing.is_empty() {
        "there are no templates: add one with the usage `generic`".to_owned()
    } else {
        format!("there is {}. Add one with the usage `generic` and no locale", existing.join(", "))
    }
}

/// Parses the templates of a connection.
///
/// # Errors
/// All errors, by JSON pointer below `at`.
pub fn read(value: &Value, at: &str) -> Result<Vec<Template>, FieldErrors> {
    let Some(entries) = value.as_array() else {
        return Err(FieldErrors(vec![
            FieldError::new(at, "must be a list of {\"usage\", \"content\"}")
                .coded(FieldCode::Type, &[("bound", "array")]),
        ]));
    };
    if entries.len() > MAX_TEMPLATES {
        return Err(FieldErrors(vec![
            FieldError::new(at, format!("has {} templates; {MAX_TEMPLATES} are allowed", entries.len()))
                .coded(FieldCode::MaxItems, &[("bound", &MAX_TEMPLATES.to_string())]),
        ]));
    }
    let mut errors = Vec::new();
    let mut templates = Vec::new();
    let mut seen = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let at = format!("{at}/{index}");
        let Some(template) = read_one(entry, &at, &mut errors) else { continue };
        let key = (template.usage, template.locale.as_deref().map(str::to_ascii_lowercase));
        if let Some(first) = seen.insert(key, at.clone()) {
            errors.push(
                FieldError::new(at, format!("is for the same usage and locale as {first}; remove one"))
                    .coded(FieldCode::TemplateDuplicate, &[]),
            );
        }
        templates.push(template);
    }
    FieldErrors::none_or(errors)?;
    Ok(templates)
}

/// The templates of notices, which the policy holds, as those of a connection.
pub fn of_notices(templates: &[NoticeTemplate]) -> Vec<Template> {
    let template = |NoticeTemplate { usage, locale, content }: &NoticeTemplate| Template {
        usage: *usage,
        locale: locale.clone(),
        body: TemplateBody::Text(content.clone()),
    };
    templates.iter().map(template).collect()
}

/// The mandatory usages without a template.
pub fn missing_usages(templates: &[Template]) -> Vec<&'static str> {
    let has = |usage: &&Usage| templates.iter().any(|template| template.usage == **usage);
    MANDATORY_USAGES.iter().filter(|usage| !has(usage)).map(|usage| usage.as_str()).collect()
}

/// Checks what a connection needs before it may be saved: templates for the four mandatory usages, and a `generic` one for any language.
///
/// # Errors
/// Everything that is missing.
pub fn check_mandatory(templates: &[Template], at: &str) -> Result<(), FieldErrors> {
    let missing = missing_usages(templates);
    let mut errors = Vec::new();
    if !missing.is_empty() {
        errors.push(
            FieldError::new(at, format!("templates are missing for: {}", missing.join(", ")))
                .coded(FieldCode::TemplatesMissing, &[("bound", &missing.join(", "))]),
        );
    }
    let fallback = |template: &Template| template.usage == Usage::Generic && template.locale.is_none();
    if !missing.contains(&Usage::Generic.as_str()) && !templates.iter().any(fallback) {
        errors.push(
            FieldError::new(at, "`generic` needs a template without a locale, for languages that have none")
                .coded(FieldCode::TemplateFallback, &[]),
        );
    }
    FieldErrors::none_or(errors)
}

/// Selects a template by usage and language (the best for the language, then the one without a locale), or one of `generic` in the same
/// order.
///
/// # Errors
/// [`NoTemplate`], with the existing templates.
pub fn choose<'a>(templates: &'a [Template], usage: Usage, locale: Option<&str>) -> Result<&'a Template, NoTemplate> {
    let of = |usage: Usage| templates.iter().filter(move |template| template.usage == usage);
    let in_language = |usage: Usage| {
        let tags = of(usage).filter_map(|template| template.locale.as_deref());
        let tag = locale::best(locale?, tags)?;
        of(usage).find(|template| template.locale.as_deref() == Some(tag))
    };
    let in_any = |usage: Usage| of(usage).find(|template| template.locale.is_none());
    [usage, Usage::Generic].into_iter().find_map(|usage| in_language(usage).or_else(|| in_any(usage))).ok_or_else(
        || NoTemplate {
            usage,
            locale: locale.map(str::to_owned),
            existing: templates
                .iter()
                .map(|template| match &template.locale {
                    Some(tag) => format!("{} ({tag})", template.usage),
                    None => template.usage.to_string(),
                })
                .collect(),
        },
    )
}

/// A rendered text.
pub struct Rendered {
    /// The text, which is treated as a sealed value from here on.
    pub text: Zeroizing<String>,
    /// Placeholders without a value, which the text keeps unchanged.
    pub unknown: BTreeSet<String>,
}

/// A text would be larger than any message ([`text::MAX_BYTES`]). It was not put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextTooLong;

/// Replaces every placeholder `{{ name }}` by its value.
///
/// A placeholder has two braces, optional white space and a name of `[A-Za-z0-9_.]`. The template is processed in a single pass, so braces
/// in a value have no meaning. An unknown name is kept and reported. A dotted path below a known name becomes empty.
///
/// # Errors
/// [`TextTooLong`], before the text grows beyond that.
pub fn render<'v>(content: &str, value: impl Fn(&str) -> Option<&'v str>) -> Result<Rendered, TextTooLong> {
    // Allocated for the longest text that is accepted: a string that grows leaves copies behind in freed memory.
    let mut text = Zeroizing::new(String::with_capacity(text::MAX_BYTES));
    let mut unknown = BTreeSet::new();
    let mut push = |part: &str| {
        if text.len() + part.len() > text::MAX_BYTES {
            return Err(TextTooLong);
        }
        text.push_str(part);
        Ok(())
    };
    for piece in pieces(content) {
        match piece {
            Piece::Text(part) => push(part)?,
            Piece::Placeholder { name, written } => {
                let below_a_known_name = || name.split_once('.').and_then(|(first, _)| value(first)).map(|_| "");
                match value(name).or_else(below_a_known_name) {
                    Some(known) => push(known)?,
                    None => {
                        unknown.insert(name.to_owned());
                        push(written)?;
                    }
                }
            }
        }
    }
    Ok(Rendered { text, unknown })
}

/// A piece of a template.
enum Piece<'c> {
    Text(&'c str),
    Placeholder { name: &'c str, written: &'c str },
}

fn pieces(content: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = content;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let start = rest.find("{{").unwrap_or(rest.len());
        if start > 0 {
            let (before, from) = rest.split_at(start);
            rest = from;
            return Some(Piece::Text(before));
        }
        let (piece, next) = match placeholder(rest) {
            Some((name, after)) => {
                let written = rest.strip_suffix(after).unwrap_or_default();
                (Piece::Placeholder { name, written }, after)
            }
            None => {
                // A third brace may begin a placeholder.
                let (brace, next) = rest.split_at(1);
                (Piece::Text(brace), next)
            }
        };
        rest = next;
        Some(piece)
    })
}

/// The name in a placeholder at the start of a text, and the rest of the text.
fn placeholder(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix("{{")?.trim_start();
    let end = inside.find(|character: char| !(character.is_ascii_alphanumeric() || "_.".contains(character)))?;
    let (name, rest) = inside.split_at(end);
    let after = rest.trim_start().strip_prefix("}}")?;
    (!name.is_empty()).then_some((name, after))
}

/// Whether a text contains the placeholder `{{code}}`.
pub fn has_code_placeholder(content: &str) -> bool {
    pieces(content).any(|piece| matches!(piece, Piece::Placeholder { name: "code", .. }))
}

fn read_one(entry: &Value, at: &str, errors: &mut Vec<FieldError>) -> Option<Template> {
    let Some(fields) = entry.as_object() else {
        errors.push(
            FieldError::new(at, "must be an object with `usage` and `content`")
                .coded(FieldCode::Type, &[("bound", "object")]),
        );
        return None;
    };
    let before = errors.len();
    for key in fields.keys() {
        // `type` occurs in Logto's Aliyun templates, where nothing reads it.
        if !["usage", "usageType", "locale", "content", "template", "templateCode", "type"].contains(&key.as_str()) {
            errors.push(
                FieldError::new(
                    format!("{at}/{}", pointer(key)),
                    "unknown field; a template has `usage`, `locale`, and `content` or `template`",
                )
                .coded(FieldCode::Unknown, &[]),
            );
        }
    }
    let usage = read_usage(fields, at, errors);
    let locale = match fields.get("locale") {
        None | Some(Value::Null) => None,
        Some(Value::String(tag)) if locale::is_language_tag(tag) => Some(tag.clone()),
        Some(_) => {
            errors.push(
                FieldError::new(format!("{at}/locale"), "must be a language tag, like `da` or `pt-BR`")
                    .coded(FieldCode::LanguageTag, &[]),
            );
            None
        }
    };
    let body = read_body(fields, at, errors);
    (errors.len() == before).then_some(())?;
    Some(Template { usage: usage?, locale, body: body? })
}

fn read_usage(fields: &Map<String, Value>, at: &str, errors: &mut Vec<FieldError>) -> Option<Usage> {
    let (key, value) = match (fields.get("usage"), fields.get("usageType")) {
        (Some(value), None) => ("usage", value),
        (None, Some(value)) => ("usageType", value),
        (Some(_), Some(_)) => {
            errors.push(FieldError::new(at, "has both `usage` and `usageType`; keep `usage`"));
            return None;
        }
        (None, None) => {
            errors.push(FieldError::new(format!("{at}/usage"), "is missing").coded(FieldCode::Required, &[]));
            return None;
        }
    };
    let parsed = value.as_str().ok_or_else(|| "must be a text".to_owned());
    match parsed.and_then(|text| text.parse::<Usage>().map_err(|error| error.to_string())) {
        Ok(usage) => Some(usage),
        Err(message) => {
            errors.push(FieldError::new(format!("{at}/{key}"), message));
            None
        }
    }
}

fn read_body(fields: &Map<String, Value>, at: &str, errors: &mut Vec<FieldError>) -> Option<TemplateBody> {
    let given: Vec<(&str, &Value)> = ["content", "template", "templateCode"]
        .into_iter()
        .filter_map(|key| Some((key, fields.get(key).filter(|value| !value.is_null())?)))
        .collect();
    let mut wrong = |field: String, message: &str, code: FieldCode| {
        let bound = match code {
            FieldCode::MaxLength => Some(MAX_TEMPLATE_BYTES.to_string()),
            FieldCode::TemplateTooLong => Some(text::MAX_UNITS.to_string()),
            _ => None,
        };
        let bound = bound.as_deref().map(|bound| ("bound", bound));
        errors.push(FieldError::new(field, message).coded(code, bound.as_slice()));
        None
    };
    match given.as_slice() {
        [("content", Value::String(text))] => match text {
            empty if empty.trim().is_empty() => wrong(format!("{at}/content"), "is empty", FieldCode::Empty),
            long if long.len() > MAX_TEMPLATE_BYTES => {
                wrong(format!("{at}/content"), "is longer than any message can be", FieldCode::MaxLength)
            }
            single if let Some(name) = in_single_braces(single) => wrong(
                format!("{at}/content"),
                &format!("has `{{{name}}}`, which is sent as it is; write `{{{{{name}}}}}`, with two braces"),
                FieldCode::TemplateBraces,
            ),
            long if text::measure(&text::composed(&fixed_part(long))).units > text::MAX_UNITS => wrong(
                format!("{at}/content"),
                &format!("has more than {} characters without its placeholders, and no message has", text::MAX_UNITS),
                FieldCode::TemplateTooLong,
            ),
            lacking if !has_code_placeholder(lacking) => wrong(
                format!("{at}/content"),
                "does not hold `{{code}}`, so the message would have no code; put it in",
                FieldCode::TemplateNoCode,
            ),
            text => Some(TemplateBody::Text(text.clone())),
        },
        [("content", _)] => wrong(format!("{at}/content"), "must be a text", FieldCode::Type),
        [(key, Value::String(id))] if id.trim().is_empty() => {
            wrong(format!("{at}/{key}"), "is empty", FieldCode::Empty)
        }
        [(_, Value::String(id))] if id.len() <= MAX_TEMPLATE_BYTES => Some(TemplateBody::Provider(id.clone())),
        [(key, value)] => {
            let compact = value.to_string();
            if compact.len() > MAX_TEMPLATE_BYTES {
                return wrong(format!("{at}/{key}"), "is too long", FieldCode::MaxLength);
            }
            Some(TemplateBody::Provider(compact))
        }
        [] => wrong(
            at.to_owned(),
            "has neither `content` (a text) nor `template` (a template of the provider)",
            FieldCode::Required,
        ),
        _ => wrong(
            at.to_owned(),
            "has more than one of `content`, `template` and `templateCode`; keep one",
            FieldCode::Duplicate,
        ),
    }
}

/// The variables of texts that a message must bring, because Sendbox does not fill them: all but `code`, `minutes` and `locale`.
pub fn needed_variables(templates: &[Template]) -> BTreeSet<&str> {
    let texts = templates.iter().filter_map(|template| match &template.body {
        TemplateBody::Text(content) => Some(content),
        TemplateBody::Provider(_) => None,
    });
    let names = texts.flat_map(|content| pieces(content)).filter_map(|piece| match piece {
        Piece::Placeholder { name, .. } => Some(name),
        Piece::Text(_) => None,
    });
    names.filter(|name| !RESERVED_VARIABLES.contains(&name.split('.').next().unwrap_or_default())).collect()
}

/// What a text has besides its placeholders.
fn fixed_part(content: &str) -> String {
    let fixed = pieces(content).filter_map(|piece| match piece {
        Piece::Text(part) => Some(part),
        Piece::Placeholder { .. } => None,
    });
    fixed.collect()
}

/// The name of a variable that Sendbox fills and that has single braces only, like `{code}`. Who also writes it with two knows the
/// difference.
fn in_single_braces(content: &str) -> Option<&'static str> {
    let fixed = fixed_part(content);
    let has_placeholder =
        |wanted: &str| pieces(content).any(|piece| matches!(piece, Piece::Placeholder { name, .. } if name == wanted));
    RESERVED_VARIABLES.into_iter().find(|name| fixed.contains(&format!("{{{name}}}")) && !has_placeholder(name))
}

/// A key, shortened to 40 characters and escaped for a JSON pointer (RFC 6901).
pub fn pointer(key: &str) -> String {
    key.chars().take(40).collect::<String>().replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests;
