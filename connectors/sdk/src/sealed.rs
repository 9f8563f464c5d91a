//! Values that a connector uses without reading them.
//!
//! A [`Sealed`] value is an expression: a source (the number, a secret, the text) and what to do with it
//! (encode, sign, join). In a component, the host evaluates it on values that never enter the guest; in a native test,
//! `testing::Harness` evaluates it on values in clear text. So the same code builds the request in both, and a test sees it
//! byte for byte.
//!
//! An expression contains no secret, code, number or text, so printing one is harmless. It is cheap to clone, and one that
//! is used twice is evaluated once.

use std::rc::Rc;

/// How bytes are encoded as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 4648 section 4, with padding.
    Base64,
    /// RFC 4648 section 5, without padding.
    Base64Url,
    /// Lower-case hexadecimal.
    Hex,
    /// RFC 3986: everything but `A-Z a-z 0-9 - . _ ~` becomes `%XX`.
    Percent,
    /// The WHATWG form serialiser: space becomes `+`, everything but `A-Z a-z 0-9 * - . _` becomes `%XX`.
    Form,
    /// The content of a JSON string, without the quotes.
    JsonString,
    /// The text of an XML element or attribute: `&`, `<`, `>`, `"` and `'` become entities.
    Xml,
}

/// Hash functions. MD5 and SHA-1 are included because some providers' signatures need them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// MD5, 16 bytes.
    Md5,
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-512, 64 bytes.
    Sha512,
}

/// The source of a sealed value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(any(target_arch = "wasm32", feature = "testing")),
    allow(dead_code, reason = "messages and callbacks exist only where expressions are evaluated")
)]
pub(crate) enum Source {
    /// `+4512345678`
    RecipientE164,
    /// `4512345678`
    RecipientDigits,
    /// `12345678`
    RecipientNational,
    /// The rendered text.
    Text,
    /// The message's variable of this position.
    Variable(usize),
    /// The end user's address.
    ClientIp,
    /// The connection's secret of this key.
    Secret(String),
    /// The callback's header of this position.
    CallbackHeader(usize),
    /// The callback's query field of this position.
    CallbackQuery(usize),
    /// The callback's form field of this position.
    CallbackForm(usize),
    /// The callback's exact URL.
    CallbackUrl,
    /// The callback's exact body.
    CallbackBody,
}

#[cfg(feature = "testing")]
impl Source {
    /// Whether the value came with a callback.
    pub(crate) fn is_received(&self) -> bool {
        match self {
            Self::CallbackHeader(_)
            | Self::CallbackQuery(_)
            | Self::CallbackForm(_)
            | Self::CallbackUrl
            | Self::CallbackBody => true,
            Self::RecipientE164
            | Self::RecipientDigits
            | Self::RecipientNational
            | Self::Text
            | Self::Variable(_)
            | Self::ClientIp
            | Self::Secret(_) => false,
        }
    }
}

/// A value that a connector can combine, encode, sign and put into a request, but not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed(pub(crate) Rc<Expression>);

/// How the host computes a [`Sealed`] value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expression {
    Source(Source),
    Encode(Sealed, Encoding),
    Decode(Sealed, Encoding),
    Digest(Sealed, Hash),
    Hmac { data: Sealed, hash: Hash, key: Sealed },
    Join(Parts),
}

impl Sealed {
    /// The value of `source`. Connectors get theirs from the message and the configuration.
    pub(crate) fn of(source: Source) -> Self {
        Self(Rc::new(Expression::Source(source)))
    }

    /// The value in this encoding. Bytes that are not UTF-8 have no [`JsonString`](Encoding::JsonString) and no
    /// [`Xml`](Encoding::Xml): a request with such a value ends the send.
    #[must_use]
    pub fn encode(&self, encoding: Encoding) -> Self {
        Self(Rc::new(Expression::Encode(self.clone(), encoding)))
    }

    /// The bytes that this value encodes, for one whole secret (a signing key in base64) or one whole received value (a
    /// signature in hexadecimal). With any other value it ends the send, and so does a request with a value that is not in
    /// this encoding.
    #[must_use]
    pub fn decode(&self, encoding: Encoding) -> Self {
        Self(Rc::new(Expression::Decode(self.clone(), encoding)))
    }

    /// The digest, as raw bytes. [`encode`](Self::encode) it for a request.
    #[must_use]
    pub fn digest(&self, hash: Hash) -> Self {
        Self(Rc::new(Expression::Digest(self.clone(), hash)))
    }

    /// The HMAC of this value with `key`, as raw bytes. [`encode`](Self::encode) it for a request.
    #[must_use]
    pub fn hmac(&self, hash: Hash, key: &Self) -> Self {
        Self(Rc::new(Expression::Hmac { data: self.clone(), hash, key: key.clone() }))
    }

    /// The sources of everything that the value is made of.
    #[cfg(feature = "testing")]
    pub(crate) fn sources(&self) -> Vec<&Source> {
        match &*self.0 {
            Expression::Source(source) => vec![source],
            Expression::Encode(data, _) | Expression::Decode(data, _) | Expression::Digest(data, _) => data.sources(),
            Expression::Hmac { data, key, .. } => [data.sources(), key.sources()].concat(),
            Expression::Join(parts) => {
                let sealed = parts.as_slice().iter().filter_map(|part| match part {
                    Part::Sealed(value) => Some(value.sources()),
                    Part::Text(_) => None,
                });
                sealed.flatten().collect()
            }
        }
    }

    /// Whether the expression is used more than once, so that its result is worth keeping.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn is_shared(&self) -> bool {
        Rc::strong_count(&self.0) > 1
    }
}

/// A part of a URL, a header value, a body or a text to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Literal text.
    Text(String),
    /// A sealed value.
    Sealed(Sealed),
}

/// A text, parts of which may be sealed: a URL, a header value, a body, or what is to be signed.
///
/// Write one with the [`parts!`](crate::parts) macro, or `.into()` from a string or a sealed value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts(Vec<Part>);

impl Parts {
    /// An empty text.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends `more`. Adjacent literals become one.
    pub fn push(&mut self, more: impl Into<Self>) {
        for part in more.into().0 {
            match (self.0.last_mut(), part) {
                (_, Part::Text(text)) if text.is_empty() => {}
                (Some(Part::Text(end)), Part::Text(text)) => end.push_str(&text),
                (_, part) => self.0.push(part),
            }
        }
    }

    /// The parts in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Part] {
        &self.0
    }

    /// Whether the text has no parts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All parts joined into one sealed value, to encode, sign or use as a key. A single sealed value stays as it is.
    #[must_use]
    pub fn seal(self) -> Sealed {
        match <[Part; 1]>::try_from(self.0) {
            Ok([Part::Sealed(only)]) => only,
            Ok([text]) => Sealed(Rc::new(Expression::Join(Self(vec![text])))),
            Err(parts) => Sealed(Rc::new(Expression::Join(Self(parts)))),
        }
    }

    /// Encodes every part: literals with `literal`, sealed values by the host. Correct only for an encoding that works byte
    /// by byte.
    pub(crate) fn encode_each(&self, encoding: Encoding, literal: impl Fn(&str) -> String) -> Self {
        let mut encoded = Self::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => encoded.push(literal(text)),
                Part::Sealed(value) => encoded.push(value.encode(encoding)),
            }
        }
        encoded
    }
}

impl From<&str> for Parts {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<String> for Parts {
    fn from(text: String) -> Self {
        if text.is_empty() { Self::new() } else { Self(vec![Part::Text(text)]) }
    }
}

impl From<&String> for Parts {
    fn from(text: &String) -> Self {
        Self::from(text.clone())
    }
}

impl From<Sealed> for Parts {
    fn from(value: Sealed) -> Self {
        Self(vec![Part::Sealed(value)])
    }
}

impl From<&Sealed> for Parts {
    fn from(value: &Sealed) -> Self {
        Self::from(value.clone())
    }
}

impl From<&Self> for Parts {
    fn from(parts: &Self) -> Self {
        parts.clone()
    }
}

/// Joins texts and sealed values: `parts!["Bearer ", token]`.
#[macro_export]
macro_rules! parts {
    ($($piece:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut parts = $crate::Parts::new();
        $(parts.push($piece);)*
        parts
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjacent_literals_become_one() {
        let secret = Sealed::of(Source::Secret("k".into()));
        let joined = parts!["a", "", String::from("b"), &secret, "c", parts!["d", "e"]];
        assert_eq!(joined.as_slice(), [Part::Text("ab".into()), Part::Sealed(secret), Part::Text("cde".into())]);
    }

    #[test]
    fn sealing_one_sealed_value_is_that_value() {
        let secret = Sealed::of(Source::Secret("k".into()));
        assert_eq!(Parts::from(&secret).seal(), secret);
        assert_ne!(parts!["x", &secret].seal(), secret);
    }
}
