//! Delivery reports: a provider's callback, and what a connector gets of it.
//!
//! A connector reads a callback blind. In every field that it gets in plain text, runs of digits that could be a phone number are
//! replaced, and so are tokens that could contain one. The exact values are sealed, for checking the signature.

use zeroize::Zeroizing;

use crate::digits::{Run, run};
use crate::jwt;

/// A provider's callback: the HTTP request as the server received it.
pub struct Callback {
    /// The HTTP method, like `POST`.
    pub method: String,
    /// The public URL that the provider called, with its query. Providers sign it, so it must be exact.
    pub url: String,
    /// The names, in any case, and values of the headers.
    pub headers: Vec<(String, String)>,
    /// The exact bytes of the body. Wiped when dropped.
    pub body: Zeroizing<Vec<u8>>,
}

/// A header, query or form field, as the guest gets it.
pub(crate) struct CallbackField {
    pub(crate) name: String,
    pub(crate) clear: String,
    pub(crate) exact: Zeroizing<String>,
}

/// Maximum number of headers, query fields and form fields that are read, each.
const MAX_FIELDS: usize = 100;

impl Callback {
    pub(crate) fn headers(&self, stand_ins: &mut StandIns) -> Vec<CallbackField> {
        let named = self.headers.iter().take(MAX_FIELDS);
        named
            .map(|(name, value)| CallbackField {
                name: name.to_ascii_lowercase(),
                clear: stand_ins.mask(value),
                exact: Zeroizing::new(value.clone()),
            })
            .collect()
    }

    pub(crate) fn query(&self, stand_ins: &mut StandIns) -> Vec<CallbackField> {
        self.url.split_once('?').map_or_else(Vec::new, |(_, query)| fields(query.as_bytes(), stand_ins))
    }

    pub(crate) fn form(&self, stand_ins: &mut StandIns) -> Vec<CallbackField> {
        let is_form = self.headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("content-type")
                && value.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
        });
        if is_form { fields(&self.body, stand_ins) } else { Vec::new() }
    }
}

fn fields(encoded: &[u8], stand_ins: &mut StandIns) -> Vec<CallbackField> {
    url::form_urlencoded::parse(encoded)
        .take(MAX_FIELDS)
        .map(|(name, value)| CallbackField {
            name: stand_ins.mask(&name),
            clear: stand_ins.mask(&value),
            exact: Zeroizing::new(value.into_owned()),
        })
        .collect()
}

/// Separators between the digits of a number.
const SEPARATORS: &[u8] = b" -.()";

/// The first stand-in. It has seven digits, so a stand-in is itself a run that is always replaced, and an original run with this
/// value cannot be confused with it.
const FIRST_STAND_IN: usize = 1_000_001;

/// Replaces every run of digits that could be a phone number by a stand-in, and restores ids.
///
/// A run has 7 to 15 digits, with or without separators, and is not part of a longer word such as a hexadecimal id. Providers' ids
/// may be such runs, too: a connector returns the stand-in, and the host knows the original.
#[derive(Default)]
pub(crate) struct StandIns {
    runs: Vec<Zeroizing<String>>,
}

impl StandIns {
    /// Restores the originals of all stand-ins. An id may contain one next to other characters (`1000001^0`).
    pub(crate) fn restore(&self, text: &str) -> String {
        let mut restored = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
            let (before, from) = rest.split_at(start);
            let end = from.find(|character: char| !character.is_ascii_digit()).unwrap_or(from.len());
            let (digits, after) = from.split_at(end);
            restored.push_str(before);
            restored.push_str(self.original(digits).unwrap_or(digits));
            rest = after;
        }
        restored.push_str(rest);
        restored
    }

    /// The original of a stand-in, if it is one.
    fn original(&self, stand_in: &str) -> Option<&str> {
        let index = stand_in.parse::<usize>().ok()?.checked_sub(FIRST_STAND_IN)?;
        self.runs.get(index).map(|run| run.as_str())
    }

    fn stand_in(&mut self, run: String) -> String {
        let index = self.runs.iter().position(|known| **known == run).unwrap_or_else(|| {
            self.runs.push(Zeroizing::new(run));
            self.runs.len() - 1
        });
        (FIRST_STAND_IN + index).to_string()
    }

    /// Replaces numbers by stand-ins, and removes tokens.
    pub(crate) fn mask(&mut self, text: &str) -> String {
        self.mask_numbers(&jwt::without_tokens(text))
    }

    fn mask_numbers(&mut self, text: &str) -> String {
        let is_of_word = |character: char| character.is_alphanumeric() || character == '_';
        let mut masked = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
            let (before, from) = rest.split_at(start);
            masked.push_str(before);
            let Run { end, in_row, digits } = run(from, SEPARATORS);
            let after_word = before.chars().next_back().is_some_and(is_of_word);
            let (number, after) = from.split_at(if after_word { in_row } else { end });
            let before_word = after.chars().next().is_some_and(is_of_word);
            if !after_word && !before_word && (7..=15).contains(&digits) {
                masked.push_str(&self.stand_in(number.to_owned()));
            } else {
                masked.push_str(number);
            }
            rest = after;
        }
        masked.push_str(rest);
        masked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_get_stand_ins_and_ids_stay() {
        let cases = [
            ("+4512345678", "+1000001"),
            ("To 45 12 34 56 78.", "To 1000001."),
            (r#"{"id":4512345678,"n":200}"#, r#"{"id":1000001,"n":200}"#),
            // Two numbers that touch by one space are one run of 14 digits.
            ("1234567 7654321 x 1234567", "1000001 x 1000002"),
            ("SM0123456789abcdef0123456789abcdef", "SM0123456789abcdef0123456789abcdef"),
            ("30003", "30003"),
            ("8f1e4512345678ab", "8f1e4512345678ab"),
            ("1234567890123456", "1234567890123456"),
        ];
        for (input, expected) in cases {
            assert_eq!(StandIns::default().mask(input), expected, "{input}");
        }
    }

    #[test]
    fn headers_are_masked_and_sealed() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJuIjo0NTEyMzQ1Njc4fQ.c2lnbmF0dXJl";
        let headers = vec![("X-To".to_owned(), "4512345678".to_owned()), ("X-Token".into(), format!("Bearer {token}"))];
        let callback = Callback { method: "POST".into(), url: String::new(), headers, body: Vec::new().into() };
        let fields = callback.headers(&mut StandIns::default());
        let seen: Vec<_> =
            fields.iter().map(|field| (field.name.as_str(), field.clear.as_str(), field.exact.as_str())).collect();
        let exact = format!("Bearer {token}");
        assert_eq!(seen, [("x-to", "1000001", "4512345678"), ("x-token", "Bearer [jwt]", exact.as_str())]);
    }

    #[test]
    fn a_stand_in_is_turned_back() {
        let mut stand_ins = StandIns::default();
        assert_eq!(stand_ins.mask("id=1000001, to=4512345678, id=1000001"), "id=1000001, to=1000002, id=1000001");
        for (given, expected) in [
            ("1000002", "4512345678"),
            ("1000002^0", "4512345678^0"),
            ("2019:1000002", "2019:4512345678"),
            ("1000003", "1000003"),
            ("11000002", "11000002"),
            ("SM1", "SM1"),
        ] {
            assert_eq!(stand_ins.restore(given), expected, "{given}");
        }
        let time = stand_ins.mask("2018-10-25 12:10:29");
        assert_eq!(stand_ins.restore(&time), "2018-10-25 12:10:29");
    }
}
