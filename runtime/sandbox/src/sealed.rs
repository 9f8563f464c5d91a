//! Sealed values: bytes that know what they were made of.
//!
//! Everything a connector does to a code, a number, a text or a credential happens here, on the host's side. The guest
//! holds a handle. A value knows
//! - its **labels**: which secret, code, recipient or text had a part in it, and whether a secret was only signed with;
//! - its **composition**: where in it each of these is, and the literal text around them, as it was before
//!   encoding. The egress rules read it ([`sendbox_policy::RequestView`]);
//! - its **bound**: how many bytes it has at most, by what the guest knows of it. Budgets are charged by bounds.
//!
//! Guarantees: no operation fails, and nothing but [`Sealed::bytes`] depends on the bytes. An operation that has no result
//! for these bytes makes a void value, whose labels, composition and bound are those of any other one; the send ends when
//! it is placed in a request.
//!
//! This module is pure. It must not know wasmtime, HTTP or the limits of a call: whoever calls it charges for it with
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

/// Hash functions that providers' signatures ask for.
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

/// What a secret counts as: the most bytes that one may have.
pub(crate) const SECRET_BOUND: usize = 4_096;
/// What a variable of the message counts as.
pub(crate) const VARIABLE_BOUND: usize = 2_048;
/// What a code counts as.
pub(crate) const CODE_BOUND: usize = 64;
/// What a number counts as: `+` and 15 digits.
pub(crate) const NUMBER_BOUND: usize = 16;
/// What a client's address counts as.
pub(crate) const ADDRESS_BOUND: usize = 64;
/// Bytes of UTF-8 that one septet or one UTF-16 unit of a text can stand for.
const BYTES_PER_UNIT: usize = 3;

/// What a text of so many septets or UTF-16 units counts as.
pub(crate) fn text_bound(units: u32) -> usize {
    usize::try_from(units).unwrap_or(usize::MAX).saturating_mul(BYTES_PER_UNIT)
}

/// RFC 3986 section 2.3: the unreserved characters stay.
const PERCENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// WHATWG URL, application/x-www-form-urlencoded percent-encode set. The space is turned into `+` afterwards.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b' ');

/// Bytes that a connector holds but cannot read. Wiped when dropped; has no `Debug`.
pub struct Sealed {
    bytes: Result<Bytes, Void>,
    labels: Labels,
    made_of: Composition,
    bound: usize,
    origin: Origin,
    /// What was made on the way and is part of this value: each digest and each encoded value that has a label. An answer may
    /// repeat any of them alone.
    made: Vec<Bytes>,
}

/// Bytes that several values share. Wiped with the last of them.
pub(crate) type Bytes = Arc<Zeroizing<Vec<u8>>>;

/// How far a value is from what the host handed out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// As it was handed out.
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
    /// A value that is one thing: a secret, the code, one form of the recipient. `bound` is what it counts as, by what the
    /// guest knows; it never holds more bytes.
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

    /// One received value of a callback. It counts as its length rounded up: what is not masked of it, the guest reads anyway.
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

    /// This value, and what was made on the way to it and is part of it.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Bytes> {
        self.made.iter().chain(self.bytes.as_ref().ok())
    }

    /// What had a part in this value.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// What it is made of, in order.
    pub fn made_of(&self) -> &Composition {
        &self.made_of
    }

    /// How many bytes it has at most, by what the guest knows.
    pub fn bound(&self) -> usize {
        self.bound
    }

    /// What keeping this value costs: its bound, and its composition. An empty value is not free, else a guest could double
    /// an empty one for ever.
    pub fn cost(&self) -> usize {
        self.bound.saturating_add(cost(&self.made_of)).saturating_add(64)
    }

    /// Joins the pieces.
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

    /// The same value, written down as `encoding` says. Labels and composition stay.
    pub fn encode(&self, encoding: Encoding) -> Self {
        let bytes = self.bytes().and_then(|bytes| encode_bytes(bytes, encoding).ok_or(Void::NotText));
        let bytes = bytes.map(|bytes| Arc::new(Zeroizing::new(bytes)));
        Self {
            made: with(&self.made, &bytes, &self.labels),
            labels: self.labels.clone(),
            // Reads the bytes of what is all literal, and of nothing else.
            made_of: self.made_of.encoded(encoding, bytes.as_ref().map_or(&[], |bytes| bytes.as_slice())),
            bytes,
            bound: encoded_bound(self.bound, encoding),
            origin: Origin::Made,
        }
    }

    /// The bytes that this value writes down. Only of one whole secret or one whole received value: of a code or a text the
    /// outcome would tell something, and literals need no decoding.
    ///
    /// # Errors
    /// By what the value is made of, and never by its bytes.
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

    /// The raw digest. Its input is no longer part of it, but still labels it.
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

/// The parts of a value that was just made.
fn with(before: &[Bytes], bytes: &Result<Bytes, Void>, labels: &Labels) -> Vec<Bytes> {
    let own = bytes.as_ref().ok().filter(|_| !labels.is_empty());
    before.iter().chain(own).map(Arc::clone).collect()
}

impl Hash {
    /// Bytes of a raw digest.
    pub fn bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// Room for the joined bytes, so that none of them is moved and left behind unwiped.
fn length(pieces: &[Piece<'_>]) -> usize {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Sealed(value) => value.bytes.as_ref().map_or(0, |bytes| bytes.len()),
        })
        .sum()
}

/// How long `bound` bytes can become.
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
    // HMAC takes a key of any length, so this branch cannot be reached; an empty result signs nothing and fails closed.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

/// Writes `bytes` down as `encoding` says; `None` when they cannot be. The scrubber uses it too: what a provider echoes, it
/// echoes encoded.
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
        // No provider hands anything out like this.
        Encoding::Xml => return None,
    })
}

/// XML 1.0 section 2.4, for elements and for attributes in either quotes.
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
