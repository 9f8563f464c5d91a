//! JSON documents, parsed strictly.

use std::fmt::{self, Display};

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// PostgreSQL cannot store U+0000, and no value needs it.
pub const NO_NUL: &str = "must not hold U+0000";

/// A JSON document without duplicate members (parsers differ in which one they use, RFC 8259 section 4) and without U+0000.
pub struct Document(pub Value);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor).map(Self)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Value, E> {
        if text.contains('\0') { Err(E::custom(Flaw::Nul)) } else { Ok(Value::String(text)) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(Document(element)) = access.next_element()? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if name.contains('\0') {
                return Err(de::Error::custom(Flaw::Nul));
            }
            if object.contains_key(&name) {
                return Err(de::Error::custom(Flaw::Duplicate));
            }
            let Document(value) = access.next_value()?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// The flaws of a document that is valid JSON.
pub enum Flaw {
    Duplicate,
    Nul,
}

/// An object has two members with the same name.
const NO_DUPLICATE: &str = "must not hold a member twice in one object";

impl Flaw {
    /// The message of the flaw that an error is about. serde_json appends the position to the message.
    pub fn message(error: &serde_json::Error) -> &'static str {
        if error.to_string().starts_with(NO_NUL) { NO_NUL } else { NO_DUPLICATE }
    }
}

impl Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duplicate => NO_DUPLICATE,
            Self::Nul => NO_NUL,
        })
    }
}
