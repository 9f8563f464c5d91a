//! Sealed values: bytes that know what they were made from.
//!
//! Everything that a connector does to a code, a number, a text or a credential happens here, on the host's side. The guest has
//! only a handle. A value knows
//! - its **labels**: which secret, code, recipient or text it was made from, and whether a secret was only used to sign;
//! - its **composition**: the position of each of these in it, and the literal text around them, as it was before encoding. The
//!   egress rules read it ([`sendbox_policy::RequestView`]);
//! - its **bound**: its maximum size according to what the guest knows. Budgets are charged by bounds.
//!
//! Guarantees: no operation fails, and only [`Sealed::bytes`] depends on the bytes. An operation without a result for these bytes
//! creates a void value with the same labels, composition and bound as any other; the send ends when it is used in a request.
//!
//! This module is pure. It must not know wasmtime, HTTP or the limits of a call: the caller charges for operations with
//! [`Sealed::cost`].

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use sendbox_contract::{NotDecodable, Void};
use sendbox_policy::{self as policy, Composition, Encoding, Label, Labels, Mark};
use sha2::Digest;
use zeroize::Zeroizing;

/// Hash functions that providers' signatures require.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// RFC 1321.
    Md5,
    /// FIPS 180-4.
    Sha1,
    /// FIPS 180-4.
    Sha256,
    /// FIPS 180-4.
    Sha512,
}

/// The bound of a secret: the maximum size of one.
pub(crate) const SECRET_BOUND: usize = 4_096;
/// The bound of a variable of the message.
pub(crate) const VARIABLE_BOUND: usize = 2_048;
/// The bound of a code.
pub(crate) const CODE_BOUND: usize = 64;
/// The bound of a number: `+` and 15 digits.
pub(crate) const NUMBER_BOUND: usize = 16;
/// The bound of a client's address.
pub(crate) const ADDRESS_BOUND: usize = 64;
/// Maximum number of UTF-8 bytes for one septet or one UTF-16 code unit of a text.
const BYTES_PER_UNIT: usize = 3;

/// The bound of a text with this number of septets or UTF-16 code units.
pub(crate) fn text_bound(units: u32) -> usize {
    usize::try_from(units).unwrap_or(usize::MAX).saturating_mul(BYTES_PER_UNIT)
}

/// RFC 3986 section 2.3: unreserved characters are not encoded.
const PERCENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The percent-encode set of application/x-www-form-urlencoded (WHATWG URL). Spaces become `+` afterwards.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b' ');

/// Bytes that a connector holds but cannot read. Wiped when dropped; has no `Debug`.
pub struct Sealed {
    bytes: Result<Bytes, Void>,
    labels: Labels,
    made_of: Composition,
    bound: usize,
    origin: Origin,
    /// Intermediate results that are part of this value: each digest and each encoded value with a label. A response may repeat any
    /// of them alone.
    made: Vec<Bytes>,
}

/// Bytes that several values share. Wiped with the last of them.
pub(crate) type Bytes = Arc<Zeroizing<Vec<u8>>>;

/// How a value was derived from a value of the host.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Not derived: the value as the host provided it.
    Given,
    /// Decoded, and nothing else.
    Decoded,
    /// Anything else.
    Made,
}

/// A piece for [`Sealed::concat`].
pub enum Piece<'a> {
    /// Literal text.
    Text(&'a str),
    /// A sealed value.
    Sealed(&'a Sealed),
}

impl Sealed {
    /// A value that is one thing: a secret, the code, one format of the recipient. `bound` is its size according to what the guest
    /// knows; it never has more bytes.
    pub fn root(bytes: Vec<u8>, bound: usize, label: Label, mark: Mark) -> Self {
        Self {
            bytes: Ok(Arc::new(Zeroizing::new(bytes))),
            made: Vec::new(),
            labels: Labels::from(label),
            made_of: Composition::mark(mark),
            bound,
            origin: Origin::Given,
        }
    }

    /// A received value of a callback. Its bound is its length rounded up: the guest can read everything of it that is not masked.
    pub fn received(bytes: &[u8]) -> Self {
        Self::root(bytes.to_vec(), bytes.len().next_multiple_of(1_024), Label::Received, Mark::Opaque)
    }

    /// The bytes, or why there are none. Only the host reads them.
    ///
    /// # Errors
    /// For a void value.
    pub fn bytes(&self) -> Result<&[u8], Void> {
        self.bytes.as_ref().map(|bytes| bytes.as_slice()).map_err(Clone::clone)
    }

    /// This value and its intermediate results.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Bytes> {
        self.made.iter().chain(self.bytes.as_ref().ok())
    }

    /// The labels: what this value was made from.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The composition.
    pub fn made_of(&self) -> &Composition {
        &self.made_of
    }

    /// The maximum size of the value, according to what the guest knows.
    pub fn bound(&self) -> usize {
        self.bound
    }

    /// The cost of keeping this value: its bound and its composition. An empty value is not free, or a guest could double an empty
    /// one forever.
    pub fn cost(&self) -> usize {
        self.bound.saturating_add(cost(&self.made_of)).saturating_add(64)
    }

    /// Concatenates the pieces.
    pub fn concat(pieces: &[Piece<'_>]) -> Self {
        let mut bytes = Ok(Zeroizing::new(Vec::with_capacity(length(pieces))));
        let mut labels = Labels::default();
        let mut made_of = Composition::default();
        let mut bound = 0_usize;
        let mut made: Vec<Bytes> = Vec::new();
        for piece in pieces {
            let more = match piece {
                Piece::Text(text) => {
                    made_of.push(policy::Piece::Literal((*text).to_owned()));
                    bound = bound.saturating_add(text.len());
                    Ok(text.as_bytes())
                }
                Piece::Sealed(value) => {
                    labels = labels.union(&value.labels);
                    made_of.extend(&value.made_of);
                    bound = bound.saturating_add(value.bound);
                    for one in &value.made {
                        if !made.iter().any(|known| Arc::ptr_eq(known, one)) {
                            made.push(Arc::clone(one));
                        }
                    }
                    value.bytes()
                }
            };
            bytes = bytes.and_then(|mut bytes: Zeroizing<Vec<u8>>| {
                bytes.extend_from_slice(more?);
                Ok(bytes)
            });
        }
        Self { bytes: bytes.map(Arc::new), labels, made_of, bound, origin: Origin::Made, made }
    }

    /// Encodes the value. Labels and composition are kept.
    pub fn encode(&self, encoding: Encoding) -> Self {
        let bytes = self.bytes().and_then(|bytes| encode_bytes(bytes, encoding).ok_or(Void::NotText));
        let bytes = bytes.map(|bytes| Arc::new(Zeroizing::new(bytes)));
        Self {
            made: with(&self.made, &bytes, &self.labels),
            labels: self.labels.clone(),
            // Reads the bytes of literal values only.
            made_of: self.made_of.encoded(encoding, bytes.as_ref().map_or(&[], |bytes| bytes.as_slice())),
            bytes,
            bound: encoded_bound(self.bound, encoding),
            origin: Origin::Made,
        }
    }

    /// Decodes the value. Only for one whole secret or one whole received value: for a code or a text the result would reveal
    /// something, and literals need no decoding.
    ///
    /// # Errors
    /// Depends on what the value is made from, and never on its bytes.
    pub fn decode(&self, encoding: Encoding) -> Result<Self, NotDecodable> {
        let void = match self.made_of.pieces() {
            [policy::Piece::Mark(Mark::Secret(key))] if self.origin == Origin::Given => {
                Void::Secret { key: Arc::clone(key), encoding }
            }
            [policy::Piece::Mark(Mark::Opaque)] if self.origin == Origin::Given => Void::Received(encoding),
            _ => return Err(NotDecodable),
        };
        let bytes = self.bytes().and_then(|bytes| decode_bytes(bytes, encoding).ok_or(void));
        let bytes = bytes.map(|bytes| Arc::new(Zeroizing::new(bytes)));
        Ok(Self {
            made: with(&self.made, &bytes, &self.labels),
            bytes,
            labels: self.labels.clone(),
            made_of: self.made_of.clone(),
            bound: self.bound,
            origin: Origin::Decoded,
        })
    }

    /// Whether this is one received value: as it came, or decoded.
    pub fn is_received(&self) -> bool {
        self.labels == Labels::from(Label::Received) && self.origin != Origin::Made
    }

    /// The raw digest. The input is no longer part of it, but still labels it.
    pub fn digest(&self, hash: Hash) -> Self {
        let bytes = self.bytes().map(|bytes| match hash {
            Hash::Md5 => md5::Md5::digest(bytes).to_vec(),
            Hash::Sha1 => sha1::Sha1::digest(bytes).to_vec(),
            Hash::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
            Hash::Sha512 => sha2::Sha512::digest(bytes).to_vec(),
        });
        Self::derived(bytes, self.labels.signed(), hash)
    }

    /// The raw HMAC (RFC 2104) of this value under `key`.
    pub fn hmac(&self, hash: Hash, key: &Self) -> Self {
        let bytes = self.bytes().and_then(|data| {
            let key = key.bytes()?;
            Ok(match hash {
                Hash::Md5 => mac::<Hmac<md5::Md5>>(key, data),
                Hash::Sha1 => mac::<Hmac<sha1::Sha1>>(key, data),
                Hash::Sha256 => mac::<Hmac<sha2::Sha256>>(key, data),
                Hash::Sha512 => mac::<Hmac<sha2::Sha512>>(key, data),
            })
        });
        Self::derived(bytes, self.labels.union(&key.labels).signed(), hash)
    }

    fn derived(bytes: Result<Vec<u8>, Void>, labels: Labels, hash: Hash) -> Self {
        let bytes = bytes.map(|bytes| Arc::new(Zeroizing::new(bytes)));
        let made_of = Composition::mark(Mark::Opaque);
        Self { made: with(&[], &bytes, &labels), bytes, labels, made_of, bound: hash.bytes(), origin: Origin::Made }
    }
}

/// The intermediate results of a new value.
fn with(before: &[Bytes], bytes: &Result<Bytes, Void>, labels: &Labels) -> Vec<Bytes> {
    let own = bytes.as_ref().ok().filter(|_| !labels.is_empty());
    before.iter().chain(own).map(Arc::clone).collect()
}

impl Hash {
    /// Size of a raw digest, in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// The capacity for the joined bytes, so that they are never reallocated and left behind unwiped.
fn length(pieces: &[Piece<'_>]) -> usize {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Sealed(value) => value.bytes.as_ref().map_or(0, |bytes| bytes.len()),
        })
        .sum()
}

/// The maximum size of an encoded value.
fn encoded_bound(bound: usize, encoding: Encoding) -> usize {
    match encoding {
        Encoding::Base64 | Encoding::Base64Url => bound.div_ceil(3).saturating_mul(4),
        Encoding::Hex => bound.saturating_mul(2),
        Encoding::Percent | Encoding::Form => bound.saturating_mul(3),
        // `\u0000`, `&quot;`
        Encoding::JsonString | Encoding::Xml => bound.saturating_mul(6),
    }
}

fn cost(made_of: &Composition) -> usize {
    made_of
        .pieces()
        .iter()
        .map(|piece| match piece {
            policy::Piece::Literal(text) => text.len() + 32,
            policy::Piece::Mark(_) => 32,
            policy::Piece::Encoded(_, inner) => cost(inner) + 32,
        })
        .sum()
}

fn mac<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> Vec<u8> {
    // HMAC accepts keys of any length, so this branch is unreachable; an empty result signs nothing and fails closed.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

/// Encodes `bytes`; `None` if that is impossible. The scrubber uses it as well, because providers echo values in encoded form.
pub(crate) fn encode_bytes(bytes: &[u8], encoding: Encoding) -> Option<Vec<u8>> {
    Some(match encoding {
        Encoding::Base64 => STANDARD.encode(bytes).into_bytes(),
        Encoding::Base64Url => URL_SAFE_NO_PAD.encode(bytes).into_bytes(),
        Encoding::Hex => hex::encode(bytes).into_bytes(),
        Encoding::Percent => percent_encode(bytes, PERCENT).to_string().into_bytes(),
        Encoding::Form => {
            let mut encoded = percent_encode(bytes, FORM).to_string().into_bytes();
            for byte in &mut encoded {
                if *byte == b' ' {
                    *byte = b'+';
                }
            }
            encoded
        }
        Encoding::JsonString => {
            let quoted = serde_json::to_vec(std::str::from_utf8(bytes).ok()?).ok()?;
            quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_vec()
        }
        Encoding::Xml => xml(std::str::from_utf8(bytes).ok()?).into_bytes(),
    })
}

fn decode_bytes(bytes: &[u8], encoding: Encoding) -> Option<Vec<u8>> {
    Some(match encoding {
        Encoding::Base64 => STANDARD.decode(bytes).ok()?,
        Encoding::Base64Url => URL_SAFE_NO_PAD.decode(bytes).ok()?,
        Encoding::Hex => hex::decode(bytes).ok()?,
        Encoding::Percent => percent_encoding::percent_decode(bytes).collect(),
        Encoding::Form => {
            let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
            percent_encoding::percent_decode(&spaced).collect()
        }
        Encoding::JsonString => {
            let quoted = [b"\"", bytes, b"\""].concat();
            serde_json::from_slice::<String>(&quoted).ok()?.into_bytes()
        }
        // No provider issues secrets in this encoding.
        Encoding::Xml => return None,
    })
}

/// XML 1.0 section 2.4, for elements and for attributes in either kind of quotes.
fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
