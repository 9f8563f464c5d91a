//! Percent-encoding by RFC 3986 for path segments and query values.

use crate::sealed::{Encoding, Parts};

/// Encodes one path segment or one query value: everything but `A-Z a-z 0-9 - . _ ~` becomes `%XX`, so that a value cannot
/// add a segment or a parameter.
///
/// URL parsers still resolve a whole segment that is `.` or `..`. Exclude these by the schema of the parameter.
pub fn percent(value: impl Into<Parts>) -> Parts {
    value.into().encode_each(Encoding::Percent, encode)
}

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => push_percent(&mut out, byte),
        }
    }
    out
}

/// `%XX`, upper case.
pub(crate) fn push_percent(out: &mut String, byte: u8) {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0').to_ascii_uppercase();
    out.push('%');
    out.push(digit(byte >> 4));
    out.push(digit(byte & 15));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts;

    #[test]
    fn a_value_cannot_add_a_segment_or_a_parameter() {
        for (text, want) in [("../x?y=#z", "..%2Fx%3Fy%3D%23z"), ("a b+~*", "a%20b%2B~%2A"), ("ø", "%C3%B8")] {
            assert_eq!(percent(text), parts![want]);
        }
    }
}
