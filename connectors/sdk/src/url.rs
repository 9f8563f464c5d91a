//! Pieces of a URL, encoded by RFC 3986: one path segment, one query value.

use crate::sealed::{Encoding, Parts};

/// Text for one path segment or one query value: everything but `A-Z a-z 0-9 - . _ ~` becomes `%XX`, so that a parameter
/// cannot leave its place.
///
/// A segment that is `.` or `..` as a whole would still be resolved away by URL parsers; check such parameters by their
/// schema.
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
    fn a_parameter_cannot_leave_its_place() {
        for (text, want) in [("../x?y=#z", "..%2Fx%3Fy%3D%23z"), ("a b+~*", "a%20b%2B~%2A"), ("ø", "%C3%B8")] {
            assert_eq!(percent(text), parts![want]);
        }
    }
}
