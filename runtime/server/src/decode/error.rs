//! Errors of an input: what is wrong, and where.
//!
//! serde's own errors quote what they found (`invalid type: string "123456"`). This type cannot hold a value of the input: it is
//! made only of what was expected and where.

use std::fmt::{self, Display};

use sendbox_domain::{FieldCode, FieldError, FieldErrors};
use sendbox_service::Error;
use serde::de::{self, Expected, Unexpected};

/// What is wrong, and where. Holds no value of the input.
#[derive(Debug)]
pub(crate) struct DecodeError {
    /// Names and indices, innermost first.
    path: Vec<String>,
    message: String,
    /// The code and its `bound`.
    code: Option<(FieldCode, Option<String>)>,
}

impl DecodeError {
    /// An error at the current value.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { path: Vec::new(), message: message.into(), code: None }
    }

    fn with_code(self, code: FieldCode, bound: Option<String>) -> Self {
        Self { code: Some((code, bound)), ..self }
    }

    fn for_field(self, field: String) -> Error {
        let error = FieldError::new(field, self.message);
        let error = match self.code {
            Some((code, bound)) => error.coded(code, bound.as_deref().map(|bound| ("bound", bound)).as_slice()),
            None => error,
        };
        Error::Invalid(FieldErrors(vec![error]))
    }

    /// The same error, inside the member or element of this name.
    pub(super) fn within(mut self, step: &str) -> Self {
        self.path.push(shown(step).to_owned());
        self
    }

    /// For a body: the field is a JSON pointer.
    pub(crate) fn in_body(self) -> Error {
        let pointer: String = self.path.iter().rev().flat_map(|step| ["/", step]).collect();
        self.for_field(pointer)
    }

    /// For a query: the field is the name of the parameter.
    pub(crate) fn in_query(self) -> Error {
        let name = self.path.iter().rev().map(String::as_str).collect::<Vec<_>>().join("/");
        self.for_field(name)
    }
}

/// A member's name, if it may be shown. Text that does not look like a name could be a phone number or a code in the wrong
/// position.
fn shown(step: &str) -> &str {
    let bytes = step.as_bytes();
    let index = bytes.len() <= 4 && bytes.iter().all(u8::is_ascii_digit);
    let name = bytes.len() <= 64
        && bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte))
        && bytes.iter().filter(|byte| byte.is_ascii_digit()).count() < 4;
    if index || name { step } else { "…" }
}

impl Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    /// The domain's own types say what a value must be, without quoting it. Other messages are not repeated.
    fn custom<T: Display>(message: T) -> Self {
        let message = message.to_string();
        Self::new(if message.starts_with("must ") || message.starts_with("is ") {
            message
        } else {
            "is not accepted".to_owned()
        })
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("must be {}, not {}", expectation(expected), type_of(&found)))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("must be {}", expectation(expected)))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::new(format!("must be {}", expectation(expected)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("must be one of {}", list(expected))).with_code(FieldCode::Enum, Some(expected.join(", ")))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let expected = if expected.is_empty() { "nothing".to_owned() } else { format!("one of {}", list(expected)) };
        Self::new(format!("is unknown; expected {expected}")).with_code(FieldCode::Unknown, None).within(field)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new("must be given").with_code(FieldCode::Required, None).within(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new("must be given once").with_code(FieldCode::Duplicate, None).within(field)
    }
}

/// What serde expects, in the terms of JSON.
fn expectation(expected: &dyn Expected) -> String {
    let expected = expected.to_string();
    match expected.as_str() {
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" => "a whole number from 0 to 4294967295".to_owned(),
        "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "an array".to_owned(),
        "a map" => "an object".to_owned(),
        structure if structure.starts_with("struct ") => "an object".to_owned(),
        _ => expected,
    }
}

/// The type of what was found, without its value.
fn type_of(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "an array",
        Unexpected::Map => "an object",
        _ => "this",
    }
}

pub(super) fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
