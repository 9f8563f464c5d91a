//! Values of the domain from JSON values and from query strings.
//!
//! Beyond serde's rules, an object is only read from an object (serde would accept an array in the order of the fields), and no
//! member is ignored that the type does not have.

use serde::de::value::StringDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use super::error::{DecodeError, list};
use sendbox_domain::json_document::NO_NUL;

/// A JSON value.
pub(crate) struct Json(pub(crate) Value);

impl<'de> Deserializer<'de> for Json {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (None, Some(value), _) => visitor.visit_i64(value),
                (None, None, Some(value)) => visitor.visit_f64(value),
                (None, None, None) => Err(DecodeError::new("must be a number that can be stored")),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(elements) => visitor.visit_seq(Elements { remaining: elements.into_iter().enumerate() }),
            Value::Object(object) => members(object).deserialize_map(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
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
    ) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::String(text) => named(text).deserialize_enum(name, variants, visitor),
            _ => Err(DecodeError::new(format!("must be one of {}", list(variants)))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// The value of a query parameter. The type that is read decides what the text means.
pub(crate) struct Text(pub(crate) String);

/// Numbers and booleans are read from their JSON spelling.
macro_rules! from_text {
    ($($method:ident => $type:ty, $visit:ident, $expected:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            // `+5` and `-0` are not JSON.
            match self.0.parse::<$type>() {
                Ok(value) if value.to_string() == self.0 => visitor.$visit(value),
                _ => Err(DecodeError::new(concat!("must be ", $expected))),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Text {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.0.contains('\0') {
            return Err(DecodeError::new(NO_NUL));
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

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        named(self.0).deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

fn named(text: String) -> StringDeserializer<DecodeError> {
    text.into_deserializer()
}

/// Named values in their order: the members of an object, or the parameters of a query.
pub(crate) struct Members<D>(pub(crate) Vec<(String, D)>);

fn members(object: Map<String, Value>) -> Members<Json> {
    Members(object.into_iter().map(|(name, value)| (name, Json(value))).collect())
}

impl<'de, D: Deserializer<'de, Error = DecodeError>> Deserializer<'de> for Members<D> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_map(RemainingMembers { remaining: self.0.into_iter(), next: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
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

struct RemainingMembers<D> {
    remaining: std::vec::IntoIter<(String, D)>,
    next: Option<(String, D)>,
}

impl<'de, D: Deserializer<'de, Error = DecodeError>> MapAccess<'de> for RemainingMembers<D> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let Some((name, value)) = self.remaining.next() else { return Ok(None) };
        let key = seed.deserialize(named(name.clone())).map_err(|error| error.within(&name))?;
        self.next = Some((name, value));
        Ok(Some(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DecodeError> {
        let (name, value) = self.next.take().ok_or_else(|| DecodeError::new("is not accepted"))?;
        seed.deserialize(value).map_err(|error| error.within(&name))
    }
}

struct Elements {
    remaining: std::iter::Enumerate<std::vec::IntoIter<Value>>,
}

impl<'de> SeqAccess<'de> for Elements {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DecodeError> {
        let Some((index, value)) = self.remaining.next() else { return Ok(None) };
        seed.deserialize(Json(value)).map(Some).map_err(|error| error.within(&index.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.remaining.len())
    }
}
