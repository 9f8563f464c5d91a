//! Evaluates sealed values in clear text, as the host does on the real ones.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Digest as _;

use crate::sealed::{Encoding, Expression, Hash, Part, Parts, Sealed, Source};

/// Why a sealed value has no bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EvaluationError {
    /// A secret with this key is not set, or the message has no such part.
    Missing(String),
    /// `JsonString` or `Xml` of bytes that are not UTF-8.
    NotText,
    /// `decode` of bytes that are not in that encoding.
    NotEncoded,
    /// `decode` of anything but one whole secret or received value.
    NotDecodable,
}

impl std::fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(what) => write!(f, "`{what}` is not set"),
            Self::NotText => f.write_str("a sealed value that should be text is not UTF-8"),
            Self::NotEncoded => f.write_str("a sealed value is not in the encoding that it is decoded from"),
            Self::NotDecodable => f.write_str("only one whole secret or received value may be decoded"),
        }
    }
}

/// The clear text of the sealed values of a message, a configuration and a callback.
#[derive(Clone, Default)]
pub(super) struct Values {
    pub(super) e164: String,
    pub(super) calling_code: String,
    pub(super) text: Option<String>,
    pub(super) variables: Vec<(String, String)>,
    pub(super) client_ip: Option<String>,
    pub(super) secrets: BTreeMap<String, String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) form: Vec<(String, String)>,
    pub(super) url: String,
    pub(super) body: String,
}

impl Values {
    pub(super) fn source(&self, source: &Source) -> Option<&str> {
        let digits = || self.e164.strip_prefix('+');
        match source {
            Source::RecipientE164 => Some(&self.e164),
            Source::RecipientDigits => digits(),
            Source::RecipientNational => digits()?.strip_prefix(&self.calling_code),
            Source::Text => self.text.as_deref(),
            Source::Variable(index) => self.variables.get(*index).map(|(_, value)| value.as_str()),
            Source::ClientIp => self.client_ip.as_deref(),
            Source::Secret(key) => self.secrets.get(key).map(String::as_str),
            Source::CallbackHeader(index) => self.headers.get(*index).map(|(_, value)| value.as_str()),
            Source::CallbackQuery(index) => self.query.get(*index).map(|(_, value)| value.as_str()),
            Source::CallbackForm(index) => self.form.get(*index).map(|(_, value)| value.as_str()),
            Source::CallbackUrl => Some(&self.url),
            Source::CallbackBody => Some(&self.body),
        }
    }

    /// The bytes of `value`.
    pub(super) fn bytes(&self, value: &Sealed) -> Result<Vec<u8>, EvaluationError> {
        Ok(match &*value.0 {
            Expression::Source(source) => {
                let clear = self.source(source).ok_or_else(|| match source {
                    Source::Secret(key) => EvaluationError::Missing(key.clone()),
                    other => EvaluationError::Missing(format!("{other:?}")),
                })?;
                clear.as_bytes().to_vec()
            }
            Expression::Encode(data, encoding) => encode(&self.bytes(data)?, *encoding)?.into_bytes(),
            Expression::Decode(data, encoding) if is_decodable(data) => decode(&self.bytes(data)?, *encoding)?,
            Expression::Decode(..) => return Err(EvaluationError::NotDecodable),
            Expression::Digest(data, hash) => digest(&self.bytes(data)?, *hash),
            Expression::Hmac { data, hash, key } => hmac(&self.bytes(data)?, *hash, &self.bytes(key)?),
            Expression::Join(parts) => self.join(parts)?,
        })
    }

    /// The bytes of all parts.
    pub(super) fn join(&self, parts: &Parts) -> Result<Vec<u8>, EvaluationError> {
        let mut bytes = Vec::new();
        for part in parts.as_slice() {
            match part {
                Part::Text(text) => bytes.extend_from_slice(text.as_bytes()),
                Part::Sealed(value) => bytes.extend(self.bytes(value)?),
            }
        }
        Ok(bytes)
    }
}

fn encode(bytes: &[u8], encoding: Encoding) -> Result<String, EvaluationError> {
    let escaped = |keep: fn(u8) -> bool, plus: bool| {
        bytes
            .iter()
            .map(|&byte| match byte {
                b' ' if plus => "+".to_owned(),
                _ if keep(byte) => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect()
    };
    Ok(match encoding {
        Encoding::Base64 => STANDARD.encode(bytes),
        Encoding::Base64Url => URL_SAFE_NO_PAD.encode(bytes),
        Encoding::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Encoding::Percent => escaped(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte), false),
        Encoding::Form => escaped(|byte| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte), true),
        Encoding::JsonString => crate::json::escape(std::str::from_utf8(bytes).map_err(|_| EvaluationError::NotText)?),
        Encoding::Xml => xml(std::str::from_utf8(bytes).map_err(|_| EvaluationError::NotText)?),
    })
}

fn xml(text: &str) -> String {
    let entity = |character: char| match character {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&#39;".to_owned(),
        plain => plain.to_string(),
    };
    text.chars().map(entity).collect()
}

/// Whether the host decodes this value: a secret, or a received one.
fn is_decodable(value: &Sealed) -> bool {
    matches!(&*value.0, Expression::Source(source) if source.is_received() || matches!(source, Source::Secret(_)))
}

fn decode(bytes: &[u8], encoding: Encoding) -> Result<Vec<u8>, EvaluationError> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let decoded = match encoding {
        Encoding::Base64 => STANDARD.decode(bytes).ok(),
        Encoding::Base64Url => URL_SAFE_NO_PAD.decode(bytes).ok(),
        Encoding::Hex => bytes
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
                _ => None,
            })
            .collect(),
        // No provider issues a secret in one of these.
        Encoding::Percent | Encoding::Form | Encoding::JsonString | Encoding::Xml => None,
    };
    decoded.ok_or(EvaluationError::NotEncoded)
}

fn digest(bytes: &[u8], hash: Hash) -> Vec<u8> {
    match hash {
        Hash::Md5 => md5::Md5::digest(bytes).to_vec(),
        Hash::Sha1 => sha1::Sha1::digest(bytes).to_vec(),
        Hash::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
        Hash::Sha512 => sha2::Sha512::digest(bytes).to_vec(),
    }
}

fn hmac(data: &[u8], hash: Hash, key: &[u8]) -> Vec<u8> {
    fn with<M: Mac + KeyInit>(data: &[u8], key: &[u8]) -> Vec<u8> {
        // HMAC takes a key of any length, so this never fails.
        M::new_from_slice(key).map(|mac| mac.chain_update(data).finalize().into_bytes().to_vec()).unwrap_or_default()
    }
    match hash {
        Hash::Md5 => with::<Hmac<md5::Md5>>(data, key),
        Hash::Sha1 => with::<Hmac<sha1::Sha1>>(data, key),
        Hash::Sha256 => with::<Hmac<sha2::Sha256>>(data, key),
        Hash::Sha512 => with::<Hmac<sha2::Sha512>>(data, key),
    }
}

/// The claims of a token that is signed with HS256 or HS512 under `key`, as the token has them.
pub(super) fn jwt(token: &[u8], key: &[u8]) -> Option<String> {
    let token = std::str::from_utf8(token).ok()?;
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let header: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    let hash = match header.get("alg")?.as_str()? {
        "HS256" => Hash::Sha256,
        "HS512" => Hash::Sha512,
        _ => return None,
    };
    let authentic = URL_SAFE_NO_PAD.decode(signature).ok()? == hmac(signed.as_bytes(), hash, key);
    if !authentic || header.get("crit").is_some() {
        return None;
    }
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&claims).ok()?;
    Some(claims)
}

/// HMAC-SHA1 in base64, to sign what a provider would send.
#[must_use]
pub fn hmac_sha1_base64(key: &[u8], data: &[u8]) -> String {
    STANDARD.encode(hmac(data, Hash::Sha1, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{basic_auth, parts};

    fn values() -> Values {
        Values {
            e164: "+4512345678".into(),
            calling_code: "45".into(),
            text: Some("a \"b\"\n+~*ø".into()),
            secrets: BTreeMap::from([
                ("key".into(), "Jefe".into()),
                ("password".into(), "open sesame".into()),
                ("encoded".into(), "SmVmZQ==".into()),
                ("input".into(), "\u{b}".repeat(22)),
            ]),
            ..Values::default()
        }
    }

    fn text(parts: Parts) -> String {
        String::from_utf8(values().join(&parts).unwrap()).unwrap()
    }

    fn secret(key: &str) -> Sealed {
        Sealed::of(Source::Secret(key.into()))
    }

    #[test]
    fn every_form_of_the_recipient() {
        let all = parts![
            Sealed::of(Source::RecipientE164),
            " ",
            Sealed::of(Source::RecipientDigits),
            " ",
            Sealed::of(Source::RecipientNational)
        ];
        assert_eq!(text(all), "+4512345678 4512345678 12345678");
    }

    #[test]
    fn every_encoding() {
        for (encoding, want) in [
            (Encoding::Base64, "YSAiYiIKK34qw7g="),
            (Encoding::Base64Url, "YSAiYiIKK34qw7g"),
            (Encoding::Hex, "6120226222 0a2b7e2ac3b8".replace(' ', "").as_str()),
            (Encoding::Percent, "a%20%22b%22%0A%2B~%2A%C3%B8"),
            (Encoding::Form, "a+%22b%22%0A%2B%7E*%C3%B8"),
            (Encoding::JsonString, r#"a \"b\"\n+~*ø"#),
            (Encoding::Xml, "a &quot;b&quot;\n+~*ø"),
        ] {
            assert_eq!(text(Sealed::of(Source::Text).encode(encoding).into()), want, "{encoding:?}");
        }
    }

    #[test]
    fn published_hmacs() {
        // RFC 2202 and RFC 4231, test case 2.
        let data = parts!["what do ya want for nothing?"].seal();
        for (hash, want) in [
            (Hash::Md5, "750c783e6ab0b503eaa86e310a5db738"),
            (Hash::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (Hash::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ] {
            assert_eq!(text(data.hmac(hash, &secret("key")).encode(Encoding::Hex).into()), want);
            let decoded = secret("encoded").decode(Encoding::Base64);
            assert_eq!(text(data.hmac(hash, &decoded).encode(Encoding::Hex).into()), want);
        }
    }

    #[test]
    fn a_token_is_read_only_with_its_key() {
        // HS512 with the key `secret`, computed with Python's `hmac`.
        let [header, payload, signature] = [
            "eyJhbGciOiJIUzUxMiJ9",
            "eyJpZCI6MSwibXNpc2RuIjo0NTEyMzQ1Njc4fQ",
            "I2kR9Eq96bPz37hfaGP6iFUfDaViDKYkTJLdgIgHk-7VP9IibrujWU6RiRWBKsff0Q76QUPa5H7i8NFYjZdvWg",
        ];
        let token = [header, payload, signature].join(".");
        assert_eq!(jwt(token.as_bytes(), b"secret").as_deref(), Some(r#"{"id":1,"msisdn":4512345678}"#));
        let [sha256, none] = [r#"{"alg":"HS256"}"#, r#"{"alg":"none"}"#].map(|header| URL_SAFE_NO_PAD.encode(header));
        for (token, key) in [
            (token.clone(), "Secret"),
            (format!("Bearer {token}"), "secret"),
            ([&sha256, payload, signature].join("."), "secret"),
            ([&none, payload, signature].join("."), "secret"),
            ([&none, payload, ""].join("."), "secret"),
        ] {
            assert_eq!(jwt(token.as_bytes(), key.as_bytes()), None, "{token}");
        }
    }

    #[test]
    fn basic_auth_of_rfc_7617() {
        assert_eq!(text(basic_auth("Aladdin", secret("password"))), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }

    /// A chain of keys that begins with a secret: HKDF with SHA-256, test case 3 of RFC 5869.
    #[test]
    fn a_chain_of_keys_is_hkdf() {
        let pseudorandom_key = secret("input").hmac(Hash::Sha256, &Parts::new().seal());
        let first = parts!["\u{1}"].seal().hmac(Hash::Sha256, &pseudorandom_key);
        let second = parts![&first, "\u{2}"].seal().hmac(Hash::Sha256, &pseudorandom_key);
        let output = text(parts![first, second].seal().encode(Encoding::Hex).into());
        let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8";
        assert_eq!(&output[..84], expected);
    }

    #[test]
    fn an_impossible_operation_has_no_bytes() {
        let values = values();
        assert_eq!(values.bytes(&secret("key").decode(Encoding::Base64)), Ok(vec![0x25, 0xe7, 0xde]));
        assert_eq!(values.bytes(&secret("password").decode(Encoding::Base64)), Err(EvaluationError::NotEncoded));
        assert_eq!(values.bytes(&Sealed::of(Source::Text).decode(Encoding::Hex)), Err(EvaluationError::NotDecodable));
        let raw = parts!["x"].seal().digest(Hash::Sha256).encode(Encoding::JsonString);
        assert_eq!(values.bytes(&raw), Err(EvaluationError::NotText));
        assert!(matches!(values.bytes(&secret("absent")), Err(EvaluationError::Missing(key)) if key == "absent"));
        assert!(matches!(values.bytes(&Sealed::of(Source::ClientIp)), Err(EvaluationError::Missing(_))));
    }
}
