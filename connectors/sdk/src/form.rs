//! `application/x-www-form-urlencoded` bodies and queries, by the WHATWG serialiser
//! (<https://url.spec.whatwg.org/#urlencoded-serializing>). Literals are encoded here exactly as the host encodes sealed
//! values.

use crate::sealed::{Encoding, Parts};

/// Encodes a form, `name=value&name=value`, in the order of the pairs.
pub fn form<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Parts
where
    N: AsRef<str>,
    V: Into<Parts>,
{
    let mut written = Parts::new();
    for (name, value) in pairs {
        if !written.is_empty() {
            written.push("&");
        }
        written.push(encode(name.as_ref()));
        written.push("=");
        written.push(value.into().encode_each(Encoding::Form, encode));
    }
    written
}

/// Encodes one name or value.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 2);
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'*' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => crate::url::push_percent(&mut out, byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed::{Part, Sealed, Source};

    #[test]
    fn literals_follow_the_whatwg_serialiser() {
        for (text, want) in [("a b", "a+b"), ("+45", "%2B45"), ("~*-._", "%7E*-._"), ("æ=&", "%C3%A6%3D%26"), ("", "")]
        {
            assert_eq!(encode(text), want);
        }
    }

    #[test]
    fn sealed_values_are_encoded_by_the_host() {
        let text = Sealed::of(Source::Text);
        let body = form([("To", Parts::from("+1")), ("Body", Parts::from(&text))]);
        assert_eq!(body.as_slice(), [Part::Text("To=%2B1&Body=".into()), Part::Sealed(text.encode(Encoding::Form))]);
    }
}
