//! The fields of a request: JSON, a form, or a query string.
//!
//! Promises: a name that occurs twice is refused, because platforms and proxies differ in which one counts; a value that is no text is
//! not read as one.

use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use crate::json_document::Document;

/// Maximum number of fields of a form.
const MAX_FORM_FIELDS: usize = 200;

/// The fields of a request. Wiped when dropped, and has no `Debug`, because they contain numbers and codes.
pub struct Fields(Source);

enum Source {
    Json(Value),
    Form(Vec<(String, Zeroizing<String>)>),
}

/// Why the fields of a request cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldsError {
    /// The content type is neither JSON nor a form.
    #[error(
        "the request must be JSON or a form; set its content type to `application/json` or `application/x-www-form-urlencoded`"
    )]
    ContentType,
    /// The body is not valid.
    #[error("the body is not valid JSON with an object, or has a member twice")]
    Json,
    /// The form has a field twice, or too many fields.
    #[error("the form has a field twice, or more than 200 fields")]
    Form,
}

impl Drop for Fields {
    fn drop(&mut self) {
        if let Source::Json(document) = &mut self.0 {
            wipe(document);
        }
    }
}

/// Wipes the texts of a document. It is as deep as the parser allows.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(elements) => elements.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl Fields {
    /// Reads the fields of a body of this content type or, if there is no body, of a query string.
    ///
    /// # Errors
    /// [`FieldsError`].
    pub fn read(content_type: &str, query: &str, body: &[u8]) -> Result<Self, FieldsError> {
        if body.is_empty() {
            return Self::form(query.as_bytes());
        }
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => Self::json(body),
            "application/x-www-form-urlencoded" => Self::form(body),
            _ => Err(FieldsError::ContentType),
        }
    }

    fn json(body: &[u8]) -> Result<Self, FieldsError> {
        match serde_json::from_slice(body) {
            Ok(Document(document @ Value::Object(_))) => Ok(Self(Source::Json(document))),
            _ => Err(FieldsError::Json),
        }
    }

    fn form(bytes: &[u8]) -> Result<Self, FieldsError> {
        let mut fields: Vec<(String, Zeroizing<String>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(bytes) {
            let is_known = fields.iter().any(|(known, _)| *known == name);
            if is_known || fields.len() >= MAX_FORM_FIELDS {
                return Err(FieldsError::Form);
            }
            fields.push((name.into_owned(), Zeroizing::new(value.into_owned())));
        }
        Ok(Self(Source::Form(fields)))
    }

    /// The text of a field, unless it is empty. `name` is a member at the top, or a JSON pointer if it begins with `/`.
    pub fn text(&self, name: &str) -> Option<&str> {
        let text = match &self.0 {
            Source::Json(document) => {
                let value = if name.starts_with('/') { document.pointer(name) } else { document.get(name) };
                value?.as_str()
            }
            Source::Form(fields) => {
                let plain = name.strip_prefix('/').unwrap_or(name);
                fields.iter().find(|(known, _)| known == plain).map(|(_, value)| value.as_str())
            }
        };
        text.filter(|text| !text.is_empty())
    }

    /// The first of these fields that has a text.
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.text(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = "application/json; charset=utf-8";
    const FORM: &str = "application/x-www-form-urlencoded";

    fn read(content_type: &str, body: &str) -> Result<Fields, FieldsError> {
        Fields::read(content_type, "", body.as_bytes())
    }

    #[test]
    fn fields_are_found_by_name_and_by_pointer() {
        let json = read(JSON, r#"{"to": "+45", "n": 4, "empty": "", "a": {"b": "c"}}"#).ok().unwrap();
        let form = read(FORM, "to=%2B45&a=b+c&empty=").ok().unwrap();
        let query = Fields::read("", "to=1&x=2", b"").ok().unwrap();
        for (fields, name, text) in [
            (&json, "to", Some("+45")),
            (&json, "/a/b", Some("c")),
            (&json, "n", None),
            (&json, "a", None),
            (&json, "empty", None),
            (&form, "to", Some("+45")),
            (&form, "/a", Some("b c")),
            (&form, "empty", None),
            (&query, "x", Some("2")),
        ] {
            assert_eq!(fields.text(name), text, "{name}");
        }
    }

    #[test]
    fn what_is_ambiguous_or_of_another_type_is_refused() {
        let many: String = (0..201).map(|number| format!("f{number}=1&")).collect();
        for (content_type, body, error) in [
            (JSON, r#"{"to": "1", "to": "2"}"#, FieldsError::Json),
            (JSON, r#"["to"]"#, FieldsError::Json),
            (JSON, "to=1", FieldsError::Json),
            (JSON, r#"{"to": "a\u0000"}"#, FieldsError::Json),
            (FORM, "to=1&to=2", FieldsError::Form),
            (FORM, &many, FieldsError::Form),
            ("text/plain", "to=1", FieldsError::ContentType),
            ("", "{}", FieldsError::ContentType),
        ] {
            assert_eq!(read(content_type, body).err(), Some(error), "{body:.30}");
        }
    }
}
