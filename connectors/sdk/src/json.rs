//! JSON bodies with sealed values in them, and text from received JSON.
//!
//! Output is compact, in the order written. Every string is escaped, sealed ones by the host, so that no value can end the
//! string that it is in.

use serde_json::Value;

use crate::sealed::{Encoding, Parts, Sealed};

/// A JSON value to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// A number, a boolean or `null`, as JSON text.
    Literal(String),
    /// A string, parts of which may be sealed.
    String(Parts),
    /// An array.
    Array(Vec<Self>),
    /// An object, in the order of its members.
    Object(Vec<(String, Self)>),
}

impl Json {
    /// An object with these members, in this order.
    pub fn object<K: Into<String>>(members: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// An array of these items.
    pub fn array(items: impl IntoIterator<Item = Self>) -> Self {
        Self::Array(items.into_iter().collect())
    }

    /// A string of several parts: `Json::string(parts!["+", digits])`.
    pub fn string(pieces: impl Into<Parts>) -> Self {
        Self::String(pieces.into())
    }

    /// The value as compact JSON text, for a request's body.
    #[must_use]
    pub fn to_parts(&self) -> Parts {
        let mut out = Parts::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Parts) {
        match self {
            Self::Literal(text) => out.push(text),
            Self::String(parts) => {
                out.push("\"");
                out.push(parts.encode_each(Encoding::JsonString, escape));
                out.push("\"");
            }
            Self::Array(items) => {
                out.push("[");
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(",");
                    }
                    item.write(out);
                }
                out.push("]");
            }
            Self::Object(members) => {
                out.push("{");
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(",");
                    }
                    out.push(format!("\"{}\":", escape(key)));
                    value.write(out);
                }
                out.push("}");
            }
        }
    }
}

/// A string or a number of a received JSON value as text; `None` for an empty string and for anything else. For ids,
/// codes and prices, which many providers write as either.
#[must_use]
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<Sealed> for Json {
    fn from(value: Sealed) -> Self {
        Self::String(value.into())
    }
}

impl From<&Sealed> for Json {
    fn from(value: &Sealed) -> Self {
        Self::String(value.into())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Literal(value.to_string())
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Self::Literal(value.to_string())
    }
}

/// The inside of a JSON string literal: `"`, `\` and the control characters are escaped, in the short form where JSON
/// has one; everything else stays as it is (RFC 8259 section 7).
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                out.push_str("\\u00");
                out.push(if u32::from(control) < 16 { '0' } else { '1' });
                out.push(char::from_digit(u32::from(control) & 15, 16).unwrap_or('0'));
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed::{Part, Source};

    #[test]
    fn escaping_agrees_with_serde_json() {
        let every_ascii: String = (0..128u8).map(char::from).collect();
        for text in [every_ascii.as_str(), "smørrebrød 未 🎈", "\u{7f}\u{2028}"] {
            assert_eq!(format!("\"{}\"", escape(text)), serde_json::to_string(text).unwrap());
        }
    }

    #[test]
    fn scalars_are_text() {
        for (json, want) in [
            (r#""SM1""#, Some("SM1")),
            ("7", Some("7")),
            ("5.49", Some("5.49")),
            (r#""""#, None),
            ("null", None),
            ("true", None),
            ("[1]", None),
            ("{}", None),
        ] {
            let value: Value = serde_json::from_str(json).unwrap();
            assert_eq!(scalar(&value).as_deref(), want, "{json}");
        }
    }

    #[test]
    fn members_keep_their_order_and_sealed_strings_their_quotes() {
        let code = Sealed::of(Source::Variable(0));
        let body = Json::object([
            ("z", Json::array([1.into(), true.into()])),
            ("a\"", Json::object([("code", Json::from(&code))])),
            ("e", Json::object::<String>([])),
        ]);
        assert_eq!(
            body.to_parts().as_slice(),
            [
                Part::Text(r#"{"z":[1,true],"a\"":{"code":""#.into()),
                Part::Sealed(code.encode(Encoding::JsonString)),
                Part::Text(r#""},"e":{}}"#.into()),
            ]
        );
    }
}
