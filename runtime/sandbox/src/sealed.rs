//! Sealed values: bytes with a memory of what they were made of.
//!
//! Everything a connector does to a code, a number, a text or a credential happens here, on the host's side. The guest
//! holds a handle. A value knows
//! - its **labels**: which secret, code, recipient or text had a part in it, and whether a secret was only signed with;
//! - its **composition**: where in it each of these stands and what literal text stands around them, as it was before
//!   encoding. The egress rules read it ([`sendbox_policy::RequestView`]).
//!
//! This module is pure. It must not know wasmtime, HTTP or the limits of a call: whoever calls it charges for it with
//! [`Sealed::cost`].

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use sendbox_policy::{self as policy, Composition, Label, Labels, Mark};
use sha2::Digest;
use zeroize::Zeroizing;

/// How bytes are written down as text. See `wit/connector/v1/sealed.wit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 4648 section 4, padded.
    Base64,
    /// RFC 4648 section 5, not padded.
    Base64Url,
    /// Lower-case hexadecimal.
    Hex,
    /// RFC 3986, everything but the unreserved characters.
    Percent,
    /// The WHATWG form serialiser.
    Form,
    /// The inside of a JSON string literal.
    JsonString,
}

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

/// What an operation on a sealed value may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    /// `json-string` of bytes that are not UTF-8.
    #[error("the value is not text")]
    NotText,
    /// `decode` of something not so encoded, or of something that is not a secret.
    #[error("the value cannot be decoded")]
    NotDecodable,
}

/// RFC 3986 section 2.3: the unreserved characters stay.
const PERCENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// WHATWG URL, application/x-www-form-urlencoded percent-encode set. The space is turned into `+` afterwards.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b' ');

/// Bytes that a connector holds but cannot read. Wiped when dropped; has no `Debug`.
pub struct Sealed {
    bytes: Zeroizing<Vec<u8>>,
    labels: Labels,
    made_of: Composition,
}

/// One piece for [`Sealed::concat`].
pub enum Piece<'a> {
    /// Literal text.
    Text(&'a str),
    /// A sealed value.
    Sealed(&'a Sealed),
}

impl Sealed {
    /// A value that is one thing: a secret, the code, one form of the recipient.
    pub fn root(bytes: Vec<u8>, label: Label, mark: Mark) -> Self {
        Self { bytes: Zeroizing::new(bytes), labels: Labels::from(label), made_of: Composition::mark(mark) }
    }

    /// The bytes. Only the host reads them.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Who had a part in this value.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Where each of them stands.
    pub fn made_of(&self) -> &Composition {
        &self.made_of
    }

    /// What keeping this value costs, in bytes: its own, and its composition's. An empty value is not free, else a guest
    /// could double an empty one for ever.
    pub fn cost(&self) -> usize {
        self.bytes.len() + cost(&self.made_of) + 64
    }

    /// Joins pieces without separators.
    pub fn concat(pieces: &[Piece<'_>]) -> Self {
        let length = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.len(),
                Piece::Sealed(value) => value.bytes.len(),
            })
            .sum();
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        let mut labels = Labels::default();
        let mut made_of = Composition::default();
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    bytes.extend_from_slice(text.as_bytes());
                    made_of.push(policy::Piece::Literal((*text).to_owned()));
                }
                Piece::Sealed(value) => {
                    bytes.extend_from_slice(&value.bytes);
                    labels = labels.union(&value.labels);
                    made_of.extend(&value.made_of);
                }
            }
        }
        Self { bytes, labels, made_of }
    }

    /// The same value, written down as `encoding` says. Labels and composition stay.
    pub fn encode(&self, encoding: Encoding) -> Result<Self, SealedError> {
        Ok(Self {
            bytes: Zeroizing::new(encode_bytes(&self.bytes, encoding)?),
            labels: self.labels.clone(),
            made_of: self.made_of.encoded(),
        })
    }

    /// The bytes that this value writes down. Only for secrets, literals and received bytes: of a code or a text, the
    /// mere success of decoding would tell something.
    pub fn decode(&self, encoding: Encoding) -> Result<Self, SealedError> {
        if self.labels.is_message() || self.labels.contains(&Label::Recipient) {
            return Err(SealedError::NotDecodable);
        }
        let bytes = match encoding {
            Encoding::Base64 => STANDARD.decode(&*self.bytes).map_err(|_| SealedError::NotDecodable)?,
            Encoding::Base64Url => URL_SAFE_NO_PAD.decode(&*self.bytes).map_err(|_| SealedError::NotDecodable)?,
            Encoding::Hex => hex::decode(&*self.bytes).map_err(|_| SealedError::NotDecodable)?,
            Encoding::Percent => percent_encoding::percent_decode(&self.bytes).collect(),
            Encoding::Form => {
                let spaced: Vec<u8> = self.bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
                percent_encoding::percent_decode(&spaced).collect()
            }
            Encoding::JsonString => {
                let quoted = [b"\"", self.bytes.as_slice(), b"\""].concat();
                let text: String = serde_json::from_slice(&quoted).map_err(|_| SealedError::NotDecodable)?;
                text.into_bytes()
            }
        };
        // What was literal before is other text now, and the rules must see that text.
        let made_of = self.made_of.decoded(&bytes).ok_or(SealedError::NotDecodable)?;
        Ok(Self { bytes: Zeroizing::new(bytes), labels: self.labels.clone(), made_of })
    }

    /// The raw digest. What went in no longer *stands* in it, but still labels it.
    pub fn digest(&self, hash: Hash) -> Self {
        let bytes = match hash {
            Hash::Md5 => md5::Md5::digest(&*self.bytes).to_vec(),
            Hash::Sha1 => sha1::Sha1::digest(&*self.bytes).to_vec(),
            Hash::Sha256 => sha2::Sha256::digest(&*self.bytes).to_vec(),
            Hash::Sha512 => sha2::Sha512::digest(&*self.bytes).to_vec(),
        };
        Self::derived(bytes, self.labels.signed())
    }

    /// The raw HMAC (RFC 2104) of this value under `key`.
    pub fn hmac(&self, hash: Hash, key: &Self) -> Self {
        let bytes = match hash {
            Hash::Md5 => mac::<Hmac<md5::Md5>>(&key.bytes, &self.bytes),
            Hash::Sha1 => mac::<Hmac<sha1::Sha1>>(&key.bytes, &self.bytes),
            Hash::Sha256 => mac::<Hmac<sha2::Sha256>>(&key.bytes, &self.bytes),
            Hash::Sha512 => mac::<Hmac<sha2::Sha512>>(&key.bytes, &self.bytes),
        };
        Self::derived(bytes, self.labels.union(&key.labels).signed())
    }

    fn derived(bytes: Vec<u8>, labels: Labels) -> Self {
        Self { bytes: Zeroizing::new(bytes), labels, made_of: Composition::mark(Mark::Opaque) }
    }
}

fn cost(made_of: &Composition) -> usize {
    made_of
        .pieces()
        .iter()
        .map(|piece| match piece {
            policy::Piece::Literal(text) => text.len() + 32,
            policy::Piece::Mark(_) => 32,
            policy::Piece::Encoded(inner) => cost(inner) + 32,
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

/// Writes `bytes` down as `encoding` says. The scrubber uses it too: what a provider echoes, it echoes encoded.
pub(crate) fn encode_bytes(bytes: &[u8], encoding: Encoding) -> Result<Vec<u8>, SealedError> {
    Ok(match encoding {
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
            let text = std::str::from_utf8(bytes).map_err(|_| SealedError::NotText)?;
            let quoted = serde_json::to_vec(text).map_err(|_| SealedError::NotText)?;
            quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_vec()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Sealed {
        Sealed::concat(&[Piece::Text(text)])
    }

    fn secret(text: &str) -> Sealed {
        Sealed::root(text.as_bytes().to_vec(), Label::Secret("key".into()), Mark::Secret("key".into()))
    }

    fn text(value: &Sealed) -> &str {
        std::str::from_utf8(value.bytes()).unwrap()
    }

    #[test]
    fn encodings_follow_their_rules() {
        let cases = [
            (Encoding::Base64, "a+b/ü?", "YStiL8O8Pw=="),
            (Encoding::Base64Url, "a+b/ü?", "YStiL8O8Pw"),
            (Encoding::Hex, "a\n", "610a"),
            (Encoding::Percent, "a b*~'()!-._+", "a%20b%2A~%27%28%29%21-._%2B"),
            (Encoding::Form, "a b*~'()!-._+ü", "a+b*%7E%27%28%29%21-._%2B%C3%BC"),
            (Encoding::JsonString, "a\"\\\n\u{1}ü😀", "a\\\"\\\\\\n\\u0001ü😀"),
        ];
        for (encoding, input, expected) in cases {
            let encoded = literal(input).encode(encoding).unwrap();
            assert_eq!(text(&encoded), expected, "{encoding:?}");
            assert_eq!(text(&encoded.decode(encoding).unwrap()), input, "{encoding:?} back");
        }
    }

    #[test]
    fn json_of_bytes_that_are_no_text_is_refused() {
        let raw = literal("x").digest(Hash::Sha256);
        assert_eq!(raw.encode(Encoding::JsonString).err(), Some(SealedError::NotText));
    }

    #[test]
    fn a_code_cannot_be_decoded() {
        let code = Sealed::root(b"123456".to_vec(), Label::Code, Mark::Code);
        assert_eq!(code.decode(Encoding::Hex).err(), Some(SealedError::NotDecodable));
    }

    /// Tencent's published TC3 vector (PROVIDERS.md B.6), through the algebra a connector has.
    #[test]
    fn tc3_vector() {
        let body = r#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#;
        let body_hash = literal(body).digest(Hash::Sha256).encode(Encoding::Hex).unwrap();
        let canonical = Sealed::concat(&[
            Piece::Text(
                "POST\n/\n\ncontent-type:application/json; charset=utf-8\nhost:cvm.tencentcloudapi.com\n\ncontent-type;host\n",
            ),
            Piece::Sealed(&body_hash),
        ]);
        let canonical_hash = canonical.digest(Hash::Sha256).encode(Encoding::Hex).unwrap();
        assert_eq!(text(&canonical_hash), "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031");
        let to_sign = Sealed::concat(&[
            Piece::Text("TC3-HMAC-SHA256\n1551113065\n2019-02-25/cvm/tc3_request\n"),
            Piece::Sealed(&canonical_hash),
        ]);
        let key = secret("Gu5t9xGARNpq86cd98joQYCN3EXAMPLE");
        let k0 = Sealed::concat(&[Piece::Text("TC3"), Piece::Sealed(&key)]);
        let k1 = literal("2019-02-25").hmac(Hash::Sha256, &k0);
        let k2 = literal("cvm").hmac(Hash::Sha256, &k1);
        let k3 = literal("tc3_request").hmac(Hash::Sha256, &k2);
        let signature = to_sign.hmac(Hash::Sha256, &k3).encode(Encoding::Hex).unwrap();
        assert_eq!(text(&signature), "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168");
        assert!(signature.labels().secrets().next().is_some(), "a signature remembers its key");
    }

    /// Aliyun's RPC signature of these parameters, the way a connector makes it: each value a sealed one.
    fn aliyun(method: &str, secret_key: &str, parameters: &[(&str, &str)]) -> String {
        let mut sorted = parameters.to_vec();
        sorted.sort_unstable();
        let mut query = literal("");
        for (index, (name, value)) in sorted.iter().enumerate() {
            let value = Sealed::root(value.as_bytes().to_vec(), Label::Code, Mark::Code);
            let value = value.encode(Encoding::Percent).unwrap();
            let before = if index == 0 { format!("{name}=") } else { format!("&{name}=") };
            query = Sealed::concat(&[Piece::Sealed(&query), Piece::Text(&before), Piece::Sealed(&value)]);
        }
        let query = query.encode(Encoding::Percent).unwrap();
        let to_sign = Sealed::concat(&[Piece::Text(method), Piece::Text("&%2F&"), Piece::Sealed(&query)]);
        let key = Sealed::concat(&[Piece::Sealed(&secret(secret_key)), Piece::Text("&")]);
        let signature = to_sign.hmac(Hash::Sha1, &key).encode(Encoding::Base64).unwrap();
        text(&signature).to_owned()
    }

    /// Aliyun's three published vectors (PROVIDERS.md B.5): ECS, SMS and DirectMail.
    #[test]
    fn aliyun_vectors() {
        let ecs = [
            ("AccessKeyId", "testid"),
            ("Action", "DescribeRegions"),
            ("Format", "XML"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"),
            ("SignatureVersion", "1.0"),
            ("Timestamp", "2016-02-23T12:46:24Z"),
            ("Version", "2014-05-26"),
        ];
        assert_eq!(aliyun("GET", "testsecret", &ecs), "OLeaidS1JvxuMvnyHOwuJ+uX5qY=");
        let sms = [
            ("AccessKeyId", "testId"),
            ("Action", "SendSms"),
            ("Format", "XML"),
            ("OutId", "123"),
            ("PhoneNumbers", "15300000001"),
            ("RegionId", "cn-hangzhou"),
            ("SignName", "阿里云短信测试专用"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", "45e25e9b-0a6f-4070-8c85-2956eda1b466"),
            ("SignatureVersion", "1.0"),
            ("TemplateCode", "SMS_71390007"),
            ("TemplateParam", r#"{"customer":"test"}"#),
            ("Timestamp", "2017-07-12T02:42:19Z"),
            ("Version", "2017-05-25"),
        ];
        assert_eq!(aliyun("GET", "testSecret", &sms), "zJDF+Lrzhj/ThnlvIToysFRq6t4=");
        let mail = [
            ("AccessKeyId", "testid"),
            ("AccountName", "<a%b'>"),
            ("Action", "SingleSendMail"),
            ("AddressType", "1"),
            ("Format", "XML"),
            ("HtmlBody", "4"),
            ("RegionId", "cn-hangzhou"),
            ("ReplyToAddress", "true"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", "c1b2c332-4cfb-4a0f-b8cc-ebe622aa0a5c"),
            ("SignatureVersion", "1.0"),
            ("Subject", "3"),
            ("TagName", "2"),
            ("Timestamp", "2016-10-20T06:27:56Z"),
            ("ToAddress", "1@test.com"),
            ("Version", "2015-11-23"),
        ];
        assert_eq!(aliyun("POST", "testsecret", &mail), "llJfXJjBW3OacrVgxxsITgYaYm0=");
    }

    #[test]
    fn doubling_an_empty_value_costs() {
        let empty = Sealed::root(Vec::new(), Label::Text, Mark::Text);
        let twice = Sealed::concat(&[Piece::Sealed(&empty), Piece::Sealed(&empty)]);
        assert!(twice.cost() > empty.cost());
    }
}
