//! Validation of the settings of an ingress.

use std::collections::BTreeSet;

use super::kind::KindFacts;
use crate::field_error::{FieldCode, FieldError, FieldErrors};
use crate::model::{
    IngressAuthenticationInput, IngressAuthenticationType as Method, IngressFields, IngressKind, IngressSettings,
};
use crate::phone::Country;

/// Maximum wait for an outcome, in milliseconds.
const MAX_WAIT_MS: u32 = 25_000;
/// Maximum time in which requests are repetitions, in seconds.
const MAX_REPEAT_SECONDS: u32 = 3600;
/// Maximum number of words with a usage.
const MAX_WORDS: usize = 50;
/// Maximum length of a word, in bytes.
const MAX_WORD: usize = 100;
/// Maximum length of a field's name, in bytes.
const MAX_FIELD: usize = 128;
/// Minimum and maximum length of a secret, in bytes.
const SECRET: std::ops::RangeInclusive<usize> = 8..=512;
/// Headers that a platform cannot use for its secret, because they have a meaning of their own.
const OTHER_HEADERS: [&str; 6] =
    ["host", "content-type", "content-length", "transfer-encoding", "connection", "cookie"];

/// Checks settings of an ingress of this kind.
///
/// # Errors
/// All errors, by JSON pointer.
pub fn check(kind: IngressKind, settings: &IngressSettings) -> Result<(), FieldErrors> {
    let facts = kind.facts();
    let mut errors = Vec::new();
    if settings.default_region.as_deref().is_some_and(|code| Country::of_code(code).is_none()) {
        errors.push(FieldError::new("/settings/defaultRegion", "must be a country of two capital letters, like `DK`"));
    }
    let range = |field: &str, max: u32| {
        FieldError::new(format!("/settings/{field}"), format!("must be at most {max}"))
            .coded(FieldCode::Maximum, &[("bound", &max.to_string())])
    };
    if settings.wait_ms.is_some_and(|wait| wait > MAX_WAIT_MS) {
        errors.push(range("waitMs", MAX_WAIT_MS));
    }
    if settings.repeat_seconds.is_some_and(|seconds| seconds > MAX_REPEAT_SECONDS) {
        errors.push(range("repeatSeconds", MAX_REPEAT_SECONDS));
    }
    if settings.usages.len() > MAX_WORDS || settings.usages.keys().any(|word| word.is_empty() || word.len() > MAX_WORD)
    {
        let message = format!("may hold {MAX_WORDS} words of 1 to {MAX_WORD} bytes");
        errors.push(FieldError::new("/settings/usages", message));
    }
    if let Some(fields) = &settings.fields {
        errors.extend(check_fields(&facts, fields));
    }
    FieldErrors::none_or(errors)
}

fn check_fields(facts: &KindFacts, fields: &IngressFields) -> Vec<FieldError> {
    if !facts.has_fields {
        let message = "belongs to the kinds `generic`, `casdoor` and `keycloak`; this platform's fields are known";
        return vec![FieldError::new("/settings/fields", message)];
    }
    let IngressFields { to, code, text, usage, locale, client_ip, repeat_id } = fields;
    let named = [
        ("to", to),
        ("code", code),
        ("text", text),
        ("usage", usage),
        ("locale", locale),
        ("clientIp", client_ip),
        ("repeatId", repeat_id),
    ];
    let mut seen = BTreeSet::new();
    let mut errors = Vec::new();
    for (field, name) in named {
        let Some(name) = name else { continue };
        let at = format!("/settings/fields/{field}");
        if name.is_empty() || name.len() > MAX_FIELD || name.chars().any(char::is_control) {
            errors.push(FieldError::new(at, format!("must have 1 to {MAX_FIELD} characters that can be seen")));
        } else if !seen.insert(name) {
            errors.push(FieldError::new(at, "names the same field as another one"));
        }
    }
    errors
}

/// Checks how an ingress of this kind is authenticated.
///
/// # Errors
/// All errors, by JSON pointer.
pub fn check_authentication(kind: IngressKind, input: &IngressAuthenticationInput) -> Result<(), FieldErrors> {
    let facts = kind.facts();
    let at = |field: &str| format!("/authentication/{field}");
    let mut errors = Vec::new();
    if !facts.methods.contains(&input.method) {
        let names: Vec<String> = facts.methods.iter().map(|method| format!("`{}`", method.as_str())).collect();
        errors.push(FieldError::new(at("type"), format!("must be one of {} for this kind", names.join(", "))));
    }
    let only_for = |field: &str, method: &str| FieldError::new(at(field), format!("belongs to `{method}`"));
    match (&input.header, input.method) {
        (None, Method::Header) => errors.push(FieldError::new(at("header"), "must be given for `header`")),
        (Some(_), method) if method != Method::Header => errors.push(only_for("header", "header")),
        (Some(name), _) if !is_header_name(name) => {
            errors
                .push(FieldError::new(at("header"), "must be the name of a header that holds nothing but the secret"));
        }
        _ => {}
    }
    match &input.username {
        Some(_) if input.method != Method::Basic => errors.push(only_for("username", "basic")),
        Some(name) if name.is_empty() || name.len() > 64 || name.contains(':') || !is_visible(name) => {
            errors.push(FieldError::new(at("username"), "must be 1 to 64 visible ASCII characters without `:`"));
        }
        _ => {}
    }
    match &input.audience {
        Some(_) if input.method != Method::JwtHs256 => errors.push(only_for("audience", "jwt-hs256")),
        Some(audience) if audience.is_empty() || audience.len() > 200 || !is_visible(audience) => {
            errors.push(FieldError::new(at("audience"), "must be 1 to 200 visible ASCII characters"));
        }
        _ => {}
    }
    if let Some(secrets) = &input.secrets {
        if secrets.is_empty() != (input.method == Method::None) || secrets.len() > 2 {
            let message = "must hold one secret, or two while you replace one; and none for `none`";
            errors.push(FieldError::new(at("secrets"), message));
        }
        for (index, secret) in secrets.iter().enumerate() {
            if !SECRET.contains(&secret.expose().len()) || !is_visible(secret.expose()) {
                let message =
                    format!("must have {} to {} visible ASCII characters without spaces", SECRET.start(), SECRET.end());
                errors.push(FieldError::new(at(&format!("secrets/{index}")), message));
            }
        }
    }
    FieldErrors::none_or(errors)
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_header_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&name.len())
        && name.bytes().all(is_token)
        && !OTHER_HEADERS.iter().any(|other| other.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Sensitive;

    fn pointers(checked: Result<(), FieldErrors>) -> Vec<String> {
        checked.err().map(|errors| errors.0.into_iter().map(|error| error.field).collect()).unwrap_or_default()
    }

    #[test]
    fn settings() {
        let settings = IngressSettings::default;
        let fields = |to: &str, code: &str| {
            Some(IngressFields { to: Some(to.into()), code: Some(code.into()), ..IngressFields::default() })
        };
        for (kind, given, wrong) in [
            (IngressKind::Logto, settings(), vec![]),
            (IngressKind::Generic, IngressSettings { fields: fields("a", "/b/c"), ..settings() }, vec![]),
            (IngressKind::Logto, IngressSettings { fields: fields("a", "b"), ..settings() }, vec!["fields"]),
            (IngressKind::Generic, IngressSettings { fields: fields("a", "a"), ..settings() }, vec!["fields/code"]),
            (IngressKind::Generic, IngressSettings { fields: fields("", "a"), ..settings() }, vec!["fields/to"]),
            (
                IngressKind::Logto,
                IngressSettings { default_region: Some("dk".into()), ..settings() },
                vec!["defaultRegion"],
            ),
            (
                IngressKind::Logto,
                IngressSettings { wait_ms: Some(25_001), repeat_seconds: Some(3601), ..settings() },
                vec!["waitMs", "repeatSeconds"],
            ),
        ] {
            let expected: Vec<String> = wrong.into_iter().map(|field| format!("/settings/{field}")).collect();
            assert_eq!(pointers(check(kind, &given)), expected);
        }
    }

    #[test]
    fn authentication() {
        let input = |method, secrets: &[&str]| IngressAuthenticationInput {
            method,
            header: None,
            username: None,
            audience: None,
            secrets: (!secrets.is_empty()).then(|| secrets.iter().copied().map(Sensitive::from).collect()),
            rotate_api_key: None,
        };
        let with_header = |name: &str| IngressAuthenticationInput {
            header: Some(name.to_owned()),
            ..input(Method::Header, &["long-enough"])
        };
        for (kind, given, wrong) in [
            (IngressKind::Logto, input(Method::Bearer, &["long-enough"]), vec![]),
            (IngressKind::Logto, input(Method::Bearer, &[]), vec![]),
            (IngressKind::Kratos, with_header("X-Api-Key"), vec![]),
            (IngressKind::Kratos, with_header("Content-Type"), vec!["header"]),
            (IngressKind::Kratos, with_header("a b"), vec!["header"]),
            (IngressKind::Kratos, input(Method::Header, &[]), vec!["header"]),
            (IngressKind::Logto, input(Method::Bearer, &["short"]), vec!["secrets/0"]),
            (IngressKind::Logto, input(Method::Bearer, &["long enough", "long-enough"]), vec!["secrets/0"]),
            (IngressKind::Logto, input(Method::None, &["long-enough"]), vec!["secrets"]),
            (IngressKind::Supabase, input(Method::None, &[]), vec!["type"]),
            (IngressKind::Twilio, input(Method::Bearer, &[]), vec!["type"]),
        ] {
            let expected: Vec<String> = wrong.into_iter().map(|field| format!("/authentication/{field}")).collect();
            assert_eq!(pointers(check_authentication(kind, &given)), expected);
        }
    }
}
