//! Sealed contents, and values that are composed of them and of literal text.

use arbitrary::{Result, Unstructured};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};
use sendbox_policy::{Composition, Encoding, Mark, Piece, RecipientForm};

use crate::text;

/// The contents of the marks of a request.
#[derive(Debug)]
pub struct Contents {
    e164: String,
    digits: String,
    national: String,
    text: String,
    code: String,
    link: String,
    name: String,
    client_ip: String,
    secret: String,
    opaque: Vec<u8>,
}

/// The number of sets of contents with which a request is assembled: two from the input, and two probes.
pub const SETS: usize = 4;
/// The contents of [`Contents::probe`].
pub const PROBES: [usize; 2] = [2, 3];

impl Contents {
    /// Contents that a platform could pass, including everything that could end a field.
    pub fn read(u: &mut Unstructured<'_>) -> Result<Self> {
        let calling_code = *u.choose(&["45", "49", "1", "86", "358"])?;
        let national = u.int_in_range(1_000..=999_999_999_u32)?.to_string();
        Ok(Self {
            e164: format!("+{calling_code}{national}"),
            digits: format!("{calling_code}{national}"),
            national,
            text: format!("{}{}", u.choose(&["Your code is ", "", "7", "+45"])?, text::sealed(u)?),
            code: u.int_in_range(1_000..=9_999_999_u32)?.to_string(),
            link: text::sealed(u)?,
            name: text::sealed(u)?,
            client_ip: (*u.choose(&["192.0.2.7", "2001:db8::1"])?).to_owned(),
            secret: text::sealed(u)?,
            opaque: u.arbitrary::<[u8; 8]>()?.repeat(2),
        })
    }

    /// Contents without a character that is special in any format, so that they do not change a request's structure. Two probes
    /// differ in all of them: a value that is the same with both contains nothing sealed.
    pub fn probe(letter: char, digit: char) -> Self {
        let word = |name: &str| format!("{letter}{name}{letter}");
        let national = digit.to_string().repeat(8);
        Self {
            e164: format!("+49{national}"),
            digits: format!("49{national}"),
            national,
            text: word("text"),
            code: word("code"),
            link: word("link"),
            name: word("name"),
            client_ip: word("address"),
            secret: word("secret"),
            opaque: word("signature").into_bytes(),
        }
    }

    /// The bytes of a mark.
    pub fn bytes(&self, mark: &Mark) -> &[u8] {
        match mark {
            Mark::Recipient(RecipientForm::E164) => self.e164.as_bytes(),
            Mark::Recipient(RecipientForm::Digits) => self.digits.as_bytes(),
            Mark::Recipient(RecipientForm::National) => self.national.as_bytes(),
            Mark::Text => self.text.as_bytes(),
            Mark::Code => self.code.as_bytes(),
            Mark::Variable(name) if &**name == "link" => self.link.as_bytes(),
            Mark::Variable(_) => self.name.as_bytes(),
            Mark::ClientIp => self.client_ip.as_bytes(),
            Mark::Secret(_) => self.secret.as_bytes(),
            Mark::Opaque => &self.opaque,
        }
    }
}

/// A value with each set of contents.
#[derive(Clone)]
pub struct Value {
    /// Its composition.
    pub made_of: Composition,
    /// `None` where the bytes cannot be encoded: such a request is not sent.
    bytes: [Option<Vec<u8>>; SETS],
}

impl Value {
    pub fn literal(text: &str) -> Self {
        Self { made_of: Composition::literal(text), bytes: std::array::from_fn(|_| Some(text.as_bytes().to_vec())) }
    }

    pub fn mark(mark: Mark, contents: &[Contents; SETS]) -> Self {
        let bytes = std::array::from_fn(|set| Some(contents[set].bytes(&mark).to_vec()));
        Self { made_of: Composition::mark(mark), bytes }
    }

    pub fn push(&mut self, other: &Self) {
        self.made_of.extend(&other.made_of);
        for (own, other) in self.bytes.iter_mut().zip(&other.bytes) {
            match (own.as_mut(), other) {
                (Some(own), Some(other)) => own.extend_from_slice(other),
                _ => *own = None,
            }
        }
    }

    pub fn push_text(&mut self, text: &str) {
        self.push(&Self::literal(text));
    }

    pub fn encode(&self, encoding: Encoding) -> Self {
        let bytes = self.bytes.clone().map(|bytes| bytes.and_then(|bytes| encode(&bytes, encoding)));
        // The bytes are inspected only where they are the same in every set.
        let made_of = self.made_of.encoded(encoding, bytes[0].as_deref().unwrap_or_default());
        Self { made_of, bytes }
    }

    /// Leaves the value unchanged where decoding is not allowed.
    pub fn decode(self, encoding: Encoding) -> Self {
        let bytes = self.bytes.clone().map(|bytes| bytes.and_then(|bytes| decode(&bytes, encoding)));
        let is_literal = matches!(self.made_of.pieces(), [Piece::Literal(_)] | []);
        match self.made_of.decoded(bytes[0].as_deref().unwrap_or_default()) {
            Some(made_of) if !is_literal || bytes[0].is_some() => Self { made_of, bytes },
            _ => self,
        }
    }

    /// The bytes with one set of contents.
    pub fn bytes(&self, set: usize) -> Option<&[u8]> {
        self.bytes[set].as_deref()
    }
}

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encode(bytes: &[u8], encoding: Encoding) -> Option<Vec<u8>> {
    let text = || std::str::from_utf8(bytes).ok();
    Some(match encoding {
        Encoding::Base64 => STANDARD.encode(bytes).into_bytes(),
        Encoding::Base64Url => URL_SAFE_NO_PAD.encode(bytes).into_bytes(),
        Encoding::Hex => hex::encode(bytes).into_bytes(),
        Encoding::Percent => percent_encode(bytes, UNRESERVED).to_string().into_bytes(),
        Encoding::Form => url::form_urlencoded::byte_serialize(bytes).collect::<String>().into_bytes(),
        Encoding::JsonString => {
            let quoted = serde_json::to_string(text()?).ok()?;
            quoted.get(1..quoted.len() - 1)?.as_bytes().to_vec()
        }
        Encoding::Xml => {
            let escapes = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")];
            let escaped = escapes.iter().fold(text()?.to_owned(), |text, (from, to)| text.replace(from, to));
            escaped.into_bytes()
        }
    })
}

fn decode(bytes: &[u8], encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Base64 => STANDARD.decode(bytes).ok(),
        Encoding::Base64Url => URL_SAFE_NO_PAD.decode(bytes).ok(),
        Encoding::Hex => hex::decode(bytes).ok(),
        Encoding::Percent => Some(percent_decode(bytes).collect()),
        Encoding::Form | Encoding::JsonString | Encoding::Xml => None,
    }
}
