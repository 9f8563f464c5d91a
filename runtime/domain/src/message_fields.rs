//! Validation of each field of a message, whether it comes from the REST API, the command line or the store.
//!
//! An error names the field by its JSON pointer in the REST API (`/clientIp`) and never contains its value.

use std::net::IpAddr;
use std::time::Duration;

use sendbox_contract::{Recipient, is_hidden};

use crate::field_error::{FieldCode, FieldError};
use crate::model::PlatformData;
use crate::phone;
use crate::rules::origin;
use crate::{template, text};

/// Maximum number of variables besides the code. Each takes a handle in the sandbox, which has 64.
pub const MAX_VARIABLES: usize = 16;
/// Maximum size of a variable's value, in bytes.
const MAX_VARIABLE_BYTES: usize = 2048;
/// Maximum length of a reference, in characters.
pub const MAX_REFERENCE_CHARACTERS: usize = 128;
/// Maximum number of values of the platform with a message.
const MAX_METADATA: usize = 20;
/// Maximum length of a value of the platform, in characters.
const MAX_METADATA_CHARACTERS: usize = 200;
/// Maximum time that a response waits for an outcome: an attempt has 15 s, and a second one may follow.
pub const MAX_WAIT: Duration = Duration::from_secs(25);
/// Maximum lifetime of a code.
const MAX_LIFETIME: Duration = Duration::from_secs(3600);

/// Parses the recipient's number into the formats that connectors need.
///
/// # Errors
/// An error at `/to`.
pub fn recipient(to: &str) -> Result<Recipient, FieldError> {
    phone::recipient(to).map_err(|error| FieldError::new("/to", error.to_string()).coded(FieldCode::PhoneNumber, &[]))
}

/// Parses the end user's IP address. An IPv4-mapped address becomes IPv4, and an empty text counts as no address.
///
/// # Errors
/// An error at `/clientIp`.
pub fn client_ip(address: Option<&str>) -> Result<Option<IpAddr>, FieldError> {
    let Some(text) = address.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    match text.parse::<IpAddr>() {
        Ok(ip) => Ok(Some(ip.to_canonical())),
        Err(_) => Err(FieldError::new("/clientIp", "must be an IPv4 or IPv6 address").coded(FieldCode::IpAddress, &[])),
    }
}

/// Checks a code against the rule for all connectors: 4 to 12 ASCII letters and digits.
///
/// # Errors
/// An error at `/code`.
pub fn check_code(code: &str) -> Result<(), FieldError> {
    if (4..=12).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(FieldError::new("/code", "must be 4 to 12 letters (a-z, A-Z) and digits")
        .coded(FieldCode::CodeFormat, &[("min", "4"), ("max", "12")]))
}

/// Checks a text that is sent as it is: not empty, no longer than any message, and with the code in it, if there is one.
///
/// # Errors
/// An error at `/text`.
pub fn check_text(text: Option<&str>, code: Option<&str>) -> Result<(), FieldError> {
    let Some(content) = text else { return Ok(()) };
    if content.trim().is_empty() || content.len() > text::MAX_BYTES {
        let message = format!("must have 1 to {} bytes", text::MAX_BYTES);
        return Err(FieldError::new("/text", message));
    }
    if code.is_some_and(|code| !content.contains(code)) {
        return Err(FieldError::new("/text", "must contain the code"));
    }
    Ok(())
}

/// Checks the lifetime of a code: 1 second to 1 hour.
///
/// # Errors
/// An error at `/lifetimeSeconds`.
pub fn check_lifetime(lifetime: Duration) -> Result<(), FieldError> {
    if (Duration::from_secs(1)..=MAX_LIFETIME).contains(&lifetime) {
        return Ok(());
    }
    Err(FieldError::new("/lifetimeSeconds", "must be from 1 second to 1 hour")
        .coded(FieldCode::Range, &[("min", "1"), ("max", "3600")]))
}

/// Checks how long a response waits for an outcome: 1 ms to 25 s.
///
/// # Errors
/// An error at `/waitMs`.
pub fn check_wait(wait: Duration) -> Result<(), FieldError> {
    if (Duration::from_millis(1)..=MAX_WAIT).contains(&wait) {
        return Ok(());
    }
    Err(FieldError::new("/waitMs", "must be from 1 to 25000 milliseconds")
        .coded(FieldCode::Range, &[("min", "1"), ("max", "25000")]))
}

/// Checks the variables of a template: their number, names and sizes.
pub fn check_variables<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<FieldError> {
    let variables: Vec<_> = variables.into_iter().collect();
    if variables.len() > MAX_VARIABLES {
        let message = format!("there are {}; {MAX_VARIABLES} are allowed", variables.len());
        let error =
            FieldError::new("/variables", message).coded(FieldCode::MaxItems, &[("bound", &MAX_VARIABLES.to_string())]);
        return vec![error];
    }
    let mut errors = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in variables {
        let field = || format!("/variables/{}", template::pointer(name));
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
            // The name is not quoted: name and value may have been swapped.
            errors.push(FieldError::new("/variables", "a name must be 1 to 64 of a-z, A-Z, 0-9, `_` and `.`").coded(
                FieldCode::Characters,
                &[("characters", "a-z, A-Z, 0-9, `_`, `.`"), ("min", "1"), ("max", "64")],
            ));
        } else if template::RESERVED_VARIABLES.contains(&name) {
            errors.push(FieldError::new(field(), "gets its value from the message itself; use another name"));
        } else if seen.contains(&name) {
            errors.push(FieldError::new(field(), "is given twice").coded(FieldCode::Duplicate, &[]));
        }
        if value.len() > MAX_VARIABLE_BYTES {
            errors
                .push(FieldError::new(field(), format!("has {} bytes; {MAX_VARIABLE_BYTES} are allowed", value.len())));
        }
        seen.push(name);
    }
    errors
}

/// Checks what the platform keeps with a message.
pub fn check_platform_data(data: &PlatformData) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(reference) = &data.reference {
        check_shown("/reference", reference, 1, MAX_REFERENCE_CHARACTERS, &mut errors);
    }
    if data.metadata.len() > MAX_METADATA {
        let message = format!("has {} values; {MAX_METADATA} are allowed", data.metadata.len());
        let bound = MAX_METADATA.to_string();
        errors.push(FieldError::new("/metadata", message).coded(FieldCode::MaxItems, &[("bound", &bound)]));
        return errors;
    }
    for (name, value) in &data.metadata {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if !(1..=40).contains(&name.len()) || !name.bytes().all(allowed) {
            // The name is not quoted: name and value may have been swapped.
            errors.push(
                FieldError::new("/metadata", "a name must be 1 to 40 of a-z, A-Z, 0-9, `_`, `.` and `-`").coded(
                    FieldCode::Characters,
                    &[("characters", "a-z, A-Z, 0-9, `_`, `.`, `-`"), ("min", "1"), ("max", "40")],
                ),
            );
            continue;
        }
        check_shown(&format!("/metadata/{name}"), value, 0, MAX_METADATA_CHARACTERS, &mut errors);
    }
    errors
}

/// Checks a text that is shown as it is: its length in characters, and that it hides nothing.
fn check_shown(field: &str, text: &str, least: usize, most: usize, errors: &mut Vec<FieldError>) {
    if text.chars().count() > most {
        let message = format!("has more than {most} characters");
        errors.push(FieldError::new(field, message).coded(FieldCode::MaxLength, &[("bound", &most.to_string())]));
    } else if text.chars().count() < least {
        errors.push(FieldError::new(field, "is empty").coded(FieldCode::Empty, &[]));
    }
    if text.chars().any(is_hidden) {
        errors.push(FieldError::new(field, "contains an invisible character").coded(FieldCode::Hidden, &[]));
    }
}

/// Checks an idempotency key: 1 to 255 visible ASCII characters, so that it fits into a header.
///
/// # Errors
/// An error at the header `Idempotency-Key`.
pub fn check_idempotency_key(key: &str) -> Result<(), FieldError> {
    if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(FieldError::new("Idempotency-Key", "must be 1 to 255 visible ASCII characters without spaces")
        .coded(FieldCode::VisibleAscii, &[("min", "1"), ("max", "255")]))
}

/// Checks the domain of the origin-bound line: a DNS name in lower case.
///
/// # Errors
/// An error at `/originDomain`.
pub fn check_origin_domain(domain: &str) -> Result<(), FieldError> {
    if origin::is_domain(domain) {
        return Ok(());
    }
    let message = "must be a domain in lower case, like `example.com`, without `https://` and without a port";
    Err(FieldError::new("/originDomain", message).coded(FieldCode::Domain, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(lifetime: u64) -> Duration {
        Duration::from_secs(lifetime)
    }

    #[test]
    fn codes() {
        for (code, valid) in [
            ("1234", true),
            ("123456789012", true),
            ("aB3dE6", true),
            ("", false),
            ("123", false),
            ("1234567890123", false),
            ("12 456", false),
            ("12-456", false),
            ("１２３４５６", false),
        ] {
            assert_eq!(check_code(code).is_ok(), valid, "{code}");
        }
    }

    #[test]
    fn texts() {
        let long = "x".repeat(text::MAX_BYTES + 1);
        for (content, code, valid) in [
            (None, Some("1234"), true),
            (Some("1234 is your code"), Some("1234"), true),
            (Some("Hello"), None, true),
            (Some("Hello"), Some("1234"), false),
            (Some(" "), None, false),
            (Some(long.as_str()), None, false),
        ] {
            assert_eq!(check_text(content, code).is_ok(), valid, "{content:.20?}");
        }
    }

    #[test]
    fn lifetimes() {
        for (lifetime, valid) in [
            (Duration::ZERO, false),
            (Duration::from_millis(999), false),
            (seconds(1), true),
            (seconds(3600), true),
            (seconds(3600) + Duration::from_nanos(1), false),
            (Duration::MAX, false),
        ] {
            assert_eq!(check_lifetime(lifetime).is_ok(), valid, "{lifetime:?}");
        }
    }

    #[test]
    fn client_addresses() {
        for (text, want) in [
            ("192.0.2.1", Ok(Some("192.0.2.1"))),
            (" 192.0.2.1 ", Ok(Some("192.0.2.1"))),
            ("::ffff:192.0.2.1", Ok(Some("192.0.2.1"))),
            ("2001:DB8::1", Ok(Some("2001:db8::1"))),
            ("", Ok(None)),
            (" ", Ok(None)),
            ("987.6.5.4", Err(())),
            ("192.0.2.1:80", Err(())),
            ("192.0.2.0/24", Err(())),
            ("localhost", Err(())),
        ] {
            let read = client_ip(Some(text)).map(|ip| ip.map(|ip| ip.to_string())).map_err(drop);
            assert_eq!(read, want.map(|ip| ip.map(str::to_owned)), "{text}");
        }
        assert_eq!(client_ip(None).map_err(drop), Ok(None));
    }

    #[test]
    fn variables() {
        let long = "x".repeat(65);
        let large = "9".repeat(2049);
        for (name, value, field) in [
            ("link", "https://example.com", None),
            ("a.B_9", "", None),
            (&*"x".repeat(64), &*"9".repeat(2048), None),
            ("", "", Some("/variables")),
            ("a b", "", Some("/variables")),
            ("ø", "", Some("/variables")),
            (long.as_str(), "", Some("/variables")),
            ("code", "", Some("/variables/code")),
            ("minutes", "", Some("/variables/minutes")),
            ("locale", "", Some("/variables/locale")),
            ("link", large.as_str(), Some("/variables/link")),
        ] {
            let errors = check_variables([(name, value)]);
            let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
            assert_eq!(fields, Vec::from_iter(field), "{name}");
        }
        let twice = check_variables([("x", "1"), ("x", "2")]);
        assert_eq!(twice.iter().map(|error| error.code).collect::<Vec<_>>(), [Some(FieldCode::Duplicate)]);
        let names: Vec<String> = (0..=MAX_VARIABLES).map(|number| format!("v{number}")).collect();
        let named = |count: usize| check_variables(names.iter().take(count).map(|name| (name.as_str(), "")));
        assert!(named(MAX_VARIABLES).is_empty());
        assert_eq!(named(MAX_VARIABLES + 1)[0].code, Some(FieldCode::MaxItems));
    }

    #[test]
    fn data_of_the_platform() {
        let with_reference =
            |reference: &str| PlatformData { reference: Some(reference.to_owned()), ..PlatformData::default() };
        let with = |name: &str, value: &str| PlatformData {
            metadata: [(name.to_owned(), value.to_owned())].into(),
            ..PlatformData::default()
        };
        for (data, field) in [
            (PlatformData::default(), None),
            (with_reference("session-8812"), None),
            (with_reference(&"ø".repeat(128)), None),
            (with_reference(&"ø".repeat(129)), Some("/reference")),
            (with_reference(""), Some("/reference")),
            (with_reference("a\nb"), Some("/reference")),
            (with_reference("a\u{202e}b"), Some("/reference")),
            (with("plan", ""), None),
            (with("a.B-9_", &"ø".repeat(200)), None),
            (with("plan", &"ø".repeat(201)), Some("/metadata/plan")),
            (with("plan", "\u{0}"), Some("/metadata/plan")),
            (with("", "x"), Some("/metadata")),
            (with("a b", "x"), Some("/metadata")),
            (with(&"a".repeat(41), "x"), Some("/metadata")),
        ] {
            let errors = check_platform_data(&data);
            let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
            assert_eq!(fields, Vec::from_iter(field), "{data:?}");
        }
        let of = |count: usize| PlatformData {
            metadata: (0..count).map(|number| (format!("n{number}"), String::new())).collect(),
            ..PlatformData::default()
        };
        assert!(check_platform_data(&of(20)).is_empty());
        assert_eq!(check_platform_data(&of(21))[0].code, Some(FieldCode::MaxItems));
    }

    #[test]
    fn idempotency_keys() {
        let (longest, longer) = ("k".repeat(255), "k".repeat(256));
        for (key, valid) in [
            ("a", true),
            ("3f0c-!~", true),
            (longest.as_str(), true),
            ("", false),
            ("a b", false),
            ("a\n", false),
            ("ä", false),
            (longer.as_str(), false),
        ] {
            assert_eq!(check_idempotency_key(key).is_ok(), valid, "{key}");
        }
    }

    #[test]
    fn no_error_contains_the_value() {
        let errors = [
            recipient("4598765432").map(drop),
            check_code("98-76"),
            client_ip(Some("987.6.5.4")).map(drop),
            check_idempotency_key("98 76"),
            check_origin_domain("98.76"),
        ];
        let errors = errors.into_iter().map(|checked| checked.unwrap_err());
        let variables = check_variables([("98 76", ""), ("x", &*"98 76 ".repeat(1000))]);
        for error in errors.chain(variables) {
            let text = error.to_string();
            assert!(!text.contains("98") && !text.contains("76"), "{text}");
        }
    }
}
