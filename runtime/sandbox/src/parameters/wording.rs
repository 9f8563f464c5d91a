//! What a schema refuses, in sentences for people who know neither JSON Schema nor regular expressions.
//!
//! No sentence contains a value that was given. The names of unknown members are quoted, because nobody finds the mistake without them.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use sendbox_contract::{FaultKind, ParameterFault};
use serde_json::Value;

/// The fault of a violated keyword, at no field yet. `description` is that of the parameter.
pub(super) fn of(kind: &ValidationErrorKind, description: Option<&str>) -> ParameterFault {
    use ValidationErrorKind as Kind;
    let written = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let fault = |kind, message: String, bound: Option<String>| ParameterFault::new("", kind, message, bound);
    let bounded = |kind, message: String, bound: String| fault(kind, message, Some(bound));
    match kind {
        Kind::Type { kind: TypeKind::Single(one) } => {
            bounded(FaultKind::Type, format!("must be {}", type_name(&one.to_string())), one.to_string())
        }
        Kind::Type { .. } => fault(FaultKind::Type, "has a type that is not expected here".to_owned(), None),
        Kind::Enum { options } => {
            let all: Vec<String> = options.as_array().into_iter().flatten().map(written).collect();
            one_of(&all.join(", "))
        }
        Kind::Constant { expected_value } => one_of(&written(expected_value)),
        Kind::Pattern { pattern } => of_pattern(pattern).unwrap_or_else(|| form(description)),
        Kind::Format { format } if format == "uri" => {
            bounded(FaultKind::Format, "must be a URL".to_owned(), format.clone())
        }
        Kind::Format { format } => {
            bounded(FaultKind::Format, format!("must have the format `{format}`"), format.clone())
        }
        Kind::MinLength { limit: 1 } => bounded(FaultKind::MinLength, "is empty".to_owned(), "1".to_owned()),
        Kind::MinLength { limit } => {
            bounded(FaultKind::MinLength, format!("is too short: at least {limit} characters"), limit.to_string())
        }
        Kind::MaxLength { limit } => {
            bounded(FaultKind::MaxLength, format!("is too long: at most {limit} characters"), limit.to_string())
        }
        Kind::Minimum { limit } => {
            bounded(FaultKind::Minimum, format!("is too small: at least {limit}"), limit.to_string())
        }
        Kind::Maximum { limit } => {
            bounded(FaultKind::Maximum, format!("is too large: at most {limit}"), limit.to_string())
        }
        Kind::MinItems { limit } => {
            bounded(FaultKind::MinItems, format!("has too few entries: at least {limit}"), limit.to_string())
        }
        Kind::MaxItems { limit } => {
            bounded(FaultKind::MaxItems, format!("has too many entries: at most {limit}"), limit.to_string())
        }
        // The names come from the input, and may be secrets in the wrong place: they are in no value.
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let names: Vec<String> = unexpected.iter().map(|name| format!("`{name}`")).collect();
            let are = if names.len() == 1 { "is" } else { "are" };
            fault(FaultKind::Unknown, format!("{} {are} not known here", names.join(", ")), None)
        }
        Kind::FalseSchema => {
            fault(FaultKind::Excluded, "cannot be combined with the other parameters that are set".to_owned(), None)
        }
        _ => form(description),
    }
}

fn one_of(values: &str) -> ParameterFault {
    ParameterFault::new("", FaultKind::Enum, format!("must be one of these: {values}"), Some(values.to_owned()))
}

/// The value has none of the forms that are allowed; the description of the parameter says which those are.
fn form(description: Option<&str>) -> ParameterFault {
    let message = match description {
        Some(description) => format!("does not have the right form. {description}"),
        None => "does not have the right form".to_owned(),
    };
    ParameterFault::new("", FaultKind::Form, message, None)
}

fn type_name(name: &str) -> &str {
    match name {
        "string" => "a text",
        "number" => "a number",
        "integer" => "a whole number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "an object",
        "null" => "null",
        _ => "of another type",
    }
}

/// The fault of a pattern that is a list of characters, with a beginning and a length, or one for URLs. `None` for others.
fn of_pattern(pattern: &str) -> Option<ParameterFault> {
    let rest = pattern.strip_prefix('^')?;
    if rest.starts_with("https://") {
        return Some(url(
            "https://",
            "must be a URL that begins with `https://`, without spaces, user names and fragments",
        ));
    }
    if rest.starts_with("https?://") {
        let message =
            "must be a URL that begins with `https://` or `http://`, without spaces, user names and fragments";
        return Some(url("https://, http://", message));
    }
    let class_at = rest.find('[')?;
    let (prefix, rest) = (rest.get(..class_at)?, rest.get(class_at + 1..)?);
    if !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let (class, rest) = rest.split_once(']')?;
    let (min, max) = length(rest.strip_suffix('$')?)?;
    let mut fault = match class {
        "!-~" if prefix.is_empty() => ParameterFault::new(
            "",
            FaultKind::VisibleAscii,
            format!(
                "must have {} visible ASCII characters, without spaces",
                count(min, max).unwrap_or("only".to_owned())
            ),
            None,
        ),
        _ => {
            let characters = listed(class)?;
            let begins = if prefix.is_empty() { String::new() } else { format!("`{prefix}` and ") };
            let message = match count(min, max) {
                Some(count) => format!("must be {begins}{count} characters of {characters}"),
                None => format!("must be {begins}characters of {characters}"),
            };
            let mut fault = ParameterFault::new("", FaultKind::Characters, message, None);
            fault.details.push(("characters", characters));
            if !prefix.is_empty() {
                fault.details.push(("prefix", prefix.to_owned()));
            }
            fault
        }
    };
    fault.details.extend(max.map(|_| ("min", min.to_string())));
    fault.details.extend(max.map(|max| ("max", max.to_string())));
    Some(fault)
}

fn url(beginnings: &str, message: &str) -> ParameterFault {
    ParameterFault::new("", FaultKind::Url, message, Some(beginnings.to_owned()))
}

/// How often a class is repeated: `{32}`, `{1,64}`, `+`, `*`, or once.
fn length(quantifier: &str) -> Option<(u32, Option<u32>)> {
    match quantifier {
        "" => return Some((1, Some(1))),
        "+" => return Some((1, None)),
        "*" => return Some((0, None)),
        _ => {}
    }
    let bounds = quantifier.strip_prefix('{')?.strip_suffix('}')?;
    let (min, max) = bounds.split_once(',').unwrap_or((bounds, bounds));
    Some((min.parse().ok()?, Some(max.parse().ok()?)))
}

/// `32`, or `1 to 64`. `None` without a maximum.
fn count(min: u32, max: Option<u32>) -> Option<String> {
    let max = max?;
    Some(if min == max { max.to_string() } else { format!("{min} to {max}") })
}

/// The characters of a class, like `0-9, a-f`. `None` for one that excludes characters, or has escapes.
fn listed(class: &str) -> Option<String> {
    let characters: Vec<char> = class.chars().collect();
    if characters.first() == Some(&'^') || characters.contains(&'\\') {
        return None;
    }
    let mut parts = Vec::new();
    let mut rest = characters.as_slice();
    loop {
        match rest {
            [] => return (!parts.is_empty()).then(|| parts.join(", ")),
            [first, '-', last, more @ ..] if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => {
                parts.push(format!("{first}-{last}"));
                rest = more;
            }
            // A range of other characters is no list that people read.
            [_, '-', _, ..] => return None,
            [' ', more @ ..] => {
                parts.push("space".to_owned());
                rest = more;
            }
            [one, more @ ..] => {
                parts.push(format!("`{one}`"));
                rest = more;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_are_said_in_words() {
        for (pattern, message) in [
            ("^https://", "must be a URL that begins with `https://`, without spaces, user names and fragments"),
            (
                "^https?://[^/?#@\\s]+$",
                "must be a URL that begins with `https://` or `http://`, without spaces, user names and fragments",
            ),
            ("^AC[0-9a-fA-F]{32}$", "must be `AC` and 32 characters of 0-9, a-f, A-F"),
            ("^[A-Za-z0-9._-]{1,128}$", "must be 1 to 128 characters of A-Z, a-z, 0-9, `.`, `_`, `-`"),
            ("^[a-z0-9]+$", "must be characters of a-z, 0-9"),
            ("^[!-~]+$", "must have only visible ASCII characters, without spaces"),
            ("^[!-~]{1,128}$", "must have 1 to 128 visible ASCII characters, without spaces"),
        ] {
            assert_eq!(of_pattern(pattern).map(|fault| fault.message).as_deref(), Some(message), "{pattern}");
        }
        for pattern in [
            "",
            "^[^\\u0000-\\u001f]+$",
            "^\\+?[0-9]{1,15}$",
            "^[ -~]+$",
            "^[!-9;-~]+$",
            "^[A-Za-z][A-Za-z0-9]*$",
            "^([a-z]{4})*$",
            "[a-z]+",
            "^[a-z]+",
            "^[]+$",
            "^[a-z",
            "^[a-z]{x}$",
        ] {
            assert_eq!(of_pattern(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn every_keyword_is_a_sentence_without_the_value() {
        for (schema, value, kind, message) in [
            (json!({ "type": "integer" }), json!("9876"), FaultKind::Type, "must be a whole number"),
            (json!({ "enum": ["a", 1] }), json!("9876"), FaultKind::Enum, "must be one of these: a, 1"),
            (json!({ "const": "a" }), json!("9876"), FaultKind::Enum, "must be one of these: a"),
            (json!({ "minLength": 1 }), json!(""), FaultKind::MinLength, "is empty"),
            (json!({ "minLength": 5 }), json!("9876"), FaultKind::MinLength, "is too short: at least 5 characters"),
            (json!({ "maxLength": 3 }), json!("9876"), FaultKind::MaxLength, "is too long: at most 3 characters"),
            (json!({ "minimum": 9999 }), json!(9876), FaultKind::Minimum, "is too small: at least 9999"),
            (json!({ "maximum": 9 }), json!(9876), FaultKind::Maximum, "is too large: at most 9"),
            (json!({ "minItems": 2 }), json!([9876]), FaultKind::MinItems, "has too few entries: at least 2"),
            (json!({ "maxItems": 0 }), json!([9876]), FaultKind::MaxItems, "has too many entries: at most 0"),
            (
                json!(false),
                json!(9876),
                FaultKind::Excluded,
                "cannot be combined with the other parameters that are set",
            ),
            (
                json!({ "properties": { "token": {} }, "additionalProperties": false }),
                json!({ "tokn": 9876 }),
                FaultKind::Unknown,
                "`tokn` is not known here",
            ),
            (
                json!({ "anyOf": [{ "pattern": "^[0-9]$" }, { "pattern": "^[a-z]$" }] }),
                json!("9876"),
                FaultKind::Form,
                "does not have the right form. A digit or a letter.",
            ),
            (json!({ "not": {} }), json!(9876), FaultKind::Form, "does not have the right form. A digit or a letter."),
        ] {
            let validator = jsonschema::validator_for(&schema).unwrap();
            let error = validator.iter_errors(&value).next().unwrap();
            let fault = of(error.kind(), Some("A digit or a letter."));
            assert_eq!((fault.kind, fault.message.as_str()), (kind, message), "{schema}");
            assert!(!format!("{fault:?}").contains("9876"), "{fault:?}");
        }
    }
}
