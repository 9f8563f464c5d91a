//! Values that a connector arranges without reading them.
//!
//! A [`Sealed`] is a *plan*: it says which value is meant (the number, a secret, the text) and what is to be done to it
//! (encode, sign, join). In a component the host carries the plan out on values that never enter the guest; in a native
//! test `testing::Harness` carries out the same plan on values in the clear. So a request is written once and tested byte
//! for byte.
//!
//! Promise: no value of a plan holds a secret, a code, a number or a text, so printing one is harmless. Plans are cheap
//! to clone, and a plan that is used twice is carried out once.
//!
//! Must not know: bindings, HTTP, providers.

use std::rc::Rc;

/// How bytes are written down as text.
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
    /// The inside of a JSON string literal, without its quotes.
    JsonString,
    /// The text of an XML element or attribute: `&`, `<`, `>`, `"` and `'` become entities.
    Xml,
}

/// Hash functions. MD5 and SHA-1 are here because providers' signatures demand them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// 16 bytes.
    Md5,
    /// 20 bytes.
    Sha1,
    /// 32 bytes.
    Sha256,
    /// 64 bytes.
    Sha512,
}

/// Where a sealed value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(any(target_arch = "wasm32", feature = "testing")),
    allow(dead_code, reason = "messages and callbacks are made only where plans are carried out")
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
    /// Whether it came with a callback.
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

/// A value that a connector may combine, encode, sign and place, and never read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed(pub(crate) Rc<Plan>);

/// What a [`Sealed`] stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    Source(Source),
    Encode(Sealed, Encoding),
    Decode(Sealed, Encoding),
    Digest(Sealed, Hash),
    Hmac { data: Sealed, hash: Hash, key: Sealed },
    Join(Parts),
}

impl Sealed {
    /// The value that comes from `source`. Connectors get theirs from the message and the configuration.
    pub(crate) fn of(source: Source) -> Self {
        Self(Rc::new(Plan::Source(source)))
    }

    /// The same value, written down in another way. It never fails; but [`JsonString`](Encoding::JsonString) of bytes that are
    /// not UTF-8 is a value that ends the send when it is placed in a request.
    #[must_use]
    pub fn encode(&self, encoding: Encoding) -> Self {
        Self(Rc::new(Plan::Encode(self.clone(), encoding)))
    }

    /// The bytes that this value writes down: of one whole secret (a base64 signing key) or one whole received value (a
    /// signature in hexadecimal). Of anything else it ends the send, and so does placing a value that was not so encoded.
    #[must_use]
    pub fn decode(&self, encoding: Encoding) -> Self {
        Self(Rc::new(Plan::Decode(self.clone(), encoding)))
    }

    /// The raw digest. Follow with [`encode`](Self::encode).
    #[must_use]
    pub fn digest(&self, hash: Hash) -> Self {
        Self(Rc::new(Plan::Digest(self.clone(), hash)))
    }

    /// The raw HMAC of this value under `key`. Follow with [`encode`](Self::encode).
    #[must_use]
    pub fn hmac(&self, hash: Hash, key: &Self) -> Self {
        Self(Rc::new(Plan::Hmac { data: self.clone(), hash, key: key.clone() }))
    }

    /// Everything that it is made of.
    #[cfg(feature = "testing")]
    pub(crate) fn sources(&self) -> Vec<&Source> {
        match &*self.0 {
            Plan::Source(source) => vec![source],
            Plan::Encode(data, _) | Plan::Decode(data, _) | Plan::Digest(data, _) => data.sources(),
            Plan::Hmac { data, key, .. } => [data.sources(), key.sources()].concat(),
            Plan::Join(parts) => {
                let sealed = parts.as_slice().iter().filter_map(|part| match part {
                    Part::Sealed(value) => Some(value.sources()),
                    Part::Text(_) => None,
                });
                sealed.flatten().collect()
            }
        }
    }

    /// Whether somebody else holds this plan too, so that its result is worth keeping.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn is_shared(&self) -> bool {
        Rc::strong_count(&self.0) > 1
    }
}

/// One piece of something that is being put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Literal text.
    Text(String),
    /// A sealed value.
    Sealed(Sealed),
}

/// Text of which some pieces may be sealed: a URL, a header value, a body, or what is to be signed.
///
/// Write one with the [`parts!`](crate::parts) macro, or `.into()` from a string or a sealed value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts(Vec<Part>);

impl Parts {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts `more` at the end. Neighbouring literals become one.
    pub fn push(&mut self, more: impl Into<Self>) {
        for part in more.into().0 {
            match (self.0.last_mut(), part) {
                (_, Part::Text(text)) if text.is_empty() => {}
                (Some(Part::Text(end)), Part::Text(text)) => end.push_str(&text),
                (_, part) => self.0.push(part),
            }
        }
    }

    /// The pieces in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Part] {
        &self.0
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All pieces joined into one sealed value, to be encoded, signed or used as a key. One that is a sealed value
    /// alone stays that value.
    #[must_use]
    pub fn seal(self) -> Sealed {
        match <[Part; 1]>::try_from(self.0) {
            Ok([Part::Sealed(only)]) => only,
            Ok([text]) => Sealed(Rc::new(Plan::Join(Self(vec![text])))),
            Err(parts) => Sealed(Rc::new(Plan::Join(Self(parts)))),
        }
    }

    /// Writes every piece down in `encoding`: literals by `literal`, here and now, sealed ones by the host. Right for
    /// encodings that work byte by byte, and only for those.
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

/// Puts text and sealed values together: `parts!["Bearer ", token]`.
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
    fn neighbouring_literals_become_one() {
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
