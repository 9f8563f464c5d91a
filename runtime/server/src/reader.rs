//! Turns JSON and query strings into values of the domain, and says by place what does not fit.
//!
//! serde's own errors quote what they found (`invalid type: string "123456"`). Here the error type itself cannot hold a value:
//! it is made of what was expected and of where. On top of serde's rules, an object is only read from an object (serde would
//! take an array in the order of the fields), and no member is passed over that the type does not know.

use std::fmt::{self, Display};

use sendbox_domain::{FieldCode, Problem, Problems};
use sendbox_service::Error;
use serde::Deserialize;
use serde::de::value::StringDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

/// What does not fit, and where. Holds no value.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// From the inside out.
    place: Vec<String>,
    /// What to do.
    message: String,
    /// The cause, and what is wanted.
    code: Option<(FieldCode, Option<String>)>,
}

impl Wrong {
    /// At this place.
    fn here(message: impl Into<String>) -> Self {
        Self { place: Vec::new(), message: message.into(), code: None }
    }

    /// The same, with its cause.
    fn coded(self, code: FieldCode, bound: Option<String>) -> Self {
        Self { code: Some((code, bound)), ..self }
    }

    fn at(self, field: String) -> Error {
        let problem = Problem::new(field, self.message);
        let problem = match self.code {
            Some((code, bound)) => problem.coded(code, bound.as_deref().map(|bound| ("bound", bound)).as_slice()),
            None => problem,
        };
        Error::Invalid(Problems(vec![problem]))
    }

    /// The same, seen from the member or element above.
    fn under(mut self, step: &str) -> Self {
        self.place.push(shown(step).to_owned());
        self
    }

    /// Of a body: the field is a JSON pointer.
    pub(crate) fn of_body(self) -> Error {
        let pointer: String = self.place.iter().rev().flat_map(|step| ["/", step]).collect();
        self.at(pointer)
    }

    /// Of a query: the field is the parameter's name.
    pub(crate) fn of_query(self) -> Error {
        let name = self.place.iter().rev().map(String::as_str).collect::<Vec<_>>().join("/");
        self.at(name)
    }
}

/// A member's name as it may be shown. One that does not look like a name may be a number or a code in the wrong place.
fn shown(step: &str) -> &str {
    let bytes = step.as_bytes();
    let index = bytes.len() <= 4 && bytes.iter().all(u8::is_ascii_digit);
    let name = bytes.len() <= 64
        && bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte))
        && bytes.iter().filter(|byte| byte.is_ascii_digit()).count() < 4;
    if index || name { step } else { "…" }
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    /// The domain's own types say what must be, without the value. What others say is not repeated.
    fn custom<T: Display>(message: T) -> Self {
        let message = message.to_string();
        Self::here(if message.starts_with("must ") || message.starts_with("is ") {
            message
        } else {
            "is not accepted".to_owned()
        })
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::here(format!("must be {}, not {}", wanted(expected), kind(&found)))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::here(format!("must be {}", wanted(expected)))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::here(format!("must be {}", wanted(expected)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::here(format!("must be one of {}", list(expected))).coded(FieldCode::Enum, Some(expected.join(", ")))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::here(format!("is not known; what is known here: {}", list(expected)))
            .coded(FieldCode::Unknown, None)
            .under(field)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::here("must be given").coded(FieldCode::Required, None).under(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::here("must stand once").coded(FieldCode::Twice, None).under(field)
    }
}

/// What serde expects, in words of JSON.
fn wanted(expected: &dyn Expected) -> String {
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

/// What was found, without its value.
fn kind(found: &Unexpected<'_>) -> &'static str {
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

fn list(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// A JSON value.
pub(crate) struct Json(pub(crate) Value);

impl<'de> Deserializer<'de> for Json {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (None, Some(value), _) => visitor.visit_i64(value),
                (None, None, Some(value)) => visitor.visit_f64(value),
                (None, None, None) => Err(Wrong::here("must be a number that can be kept")),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(elements) => visitor.visit_seq(Elements { left: elements.into_iter().enumerate() }),
            Value::Object(object) => members(object).deserialize_map(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.0 {
            Value::Object(object) => members(object).deserialize_struct(name, fields, visitor),
            Value::Array(_) => Err(de::Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.0 {
            Value::String(text) => named(text).deserialize_enum(name, variants, visitor),
            _ => Err(Wrong::here(format!("must be one of {}", list(variants)))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// The value of a query parameter, which is what its type makes of the text.
pub(crate) struct Text(pub(crate) String);

/// Numbers and booleans are read from their JSON spelling.
macro_rules! from_text {
    ($($method:ident => $type:ty, $visit:ident, $expected:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            // `+5` and `-0` are no JSON.
            match self.0.parse::<$type>() {
                Ok(value) if value.to_string() == self.0 => visitor.$visit(value),
                _ => Err(Wrong::here(concat!("must be ", $expected))),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Text {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.0.contains('\0') {
            return Err(Wrong::here(NO_NUL));
        }
        visitor.visit_string(self.0)
    }

    from_text! {
        deserialize_bool => bool, visit_bool, "true or false";
        deserialize_u8 => u64, visit_u64, "a whole number, 0 or more";
        deserialize_u16 => u64, visit_u64, "a whole number, 0 or more";
        deserialize_u32 => u64, visit_u64, "a whole number, 0 or more";
        deserialize_u64 => u64, visit_u64, "a whole number, 0 or more";
        deserialize_i32 => i64, visit_i64, "a whole number";
        deserialize_i64 => i64, visit_i64, "a whole number";
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        named(self.0).deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

fn named(text: String) -> StringDeserializer<Wrong> {
    text.into_deserializer()
}

/// Named values in order: the members of an object, or the parameters of a query.
pub(crate) struct Members<D>(pub(crate) Vec<(String, D)>);

fn members(object: Map<String, Value>) -> Members<Json> {
    Members(object.into_iter().map(|(name, value)| (name, Json(value))).collect())
}

impl<'de, D: Deserializer<'de, Error = Wrong>> Deserializer<'de> for Members<D> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_map(MembersLeft { left: self.0.into_iter(), next: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.0.iter().find(|(name, _)| !fields.contains(&name.as_str())) {
            Some((name, _)) => Err(de::Error::unknown_field(name, fields)),
            None => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct MembersLeft<D> {
    left: std::vec::IntoIter<(String, D)>,
    next: Option<(String, D)>,
}

impl<'de, D: Deserializer<'de, Error = Wrong>> MapAccess<'de> for MembersLeft<D> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        let Some((name, value)) = self.left.next() else { return Ok(None) };
        let key = seed.deserialize(named(name.clone())).map_err(|wrong| wrong.under(&name))?;
        self.next = Some((name, value));
        Ok(Some(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        let (name, value) = self.next.take().ok_or_else(|| Wrong::here("is not accepted"))?;
        seed.deserialize(value).map_err(|wrong| wrong.under(&name))
    }
}

struct Elements {
    left: std::iter::Enumerate<std::vec::IntoIter<Value>>,
}

impl<'de> SeqAccess<'de> for Elements {
    type Error = Wrong;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        let Some((index, value)) = self.left.next() else { return Ok(None) };
        seed.deserialize(Json(value)).map(Some).map_err(|wrong| wrong.under(&index.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// Why a text with U+0000 is refused: PostgreSQL cannot keep it, and no value of ours needs it.
const NO_NUL: &str = "must not hold U+0000";

/// A JSON document, as it stands: no member twice (readers differ in which one counts, RFC 8259 4), no U+0000.
pub(crate) struct Document(pub(crate) Value);

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
                return Err(de::Error::custom(Flaw::Twice));
            }
            let Document(value) = access.next_value()?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// What can be wrong with a document that is JSON.
pub(crate) enum Flaw {
    /// A member stands twice.
    Twice,
    /// U+0000.
    Nul,
}

impl Flaw {
    /// Which of both it was. serde_json puts the place behind the message.
    pub(crate) fn of(error: &serde_json::Error) -> &'static str {
        if error.to_string().starts_with(NO_NUL) { NO_NUL } else { "must not hold a member twice in one object" }
    }
}

impl Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Twice => "must not hold a member twice in one object",
            Self::Nul => NO_NUL,
        })
    }
}
