//! Phone numbers, normalised once, at the boundary.
//!
//! The normal form is E.164 (`+4512345678`), which providers, limits and the journal use. Numbering plans come from libphonenumber. A
//! number that is impossible by its plan (too short, too long, unknown calling code) is refused. A number that is merely not known to be in
//! use is accepted, because plans change faster than tables, and the provider knows best.
//!
//! Promises: no error shows more than the last two digits.

use std::fmt;

use rlibphonenumber::{PHONE_NUMBER_UTIL, ParseError, PhoneNumberFormat, ValidationError};
use sendbox_contract::Recipient;

/// Characters that people write between digits.
const SEPARATORS: [char; 7] = [' ', '\u{a0}', '-', '.', '(', ')', '/'];
/// Maximum length of a number as written, in characters including separators.
const MAX_WRITTEN_CHARACTERS: usize = 40;
/// Maximum number of digits of an E.164 number (ITU-T E.164, 6.1).
const MAX_DIGITS: usize = 15;

/// The last two digits of a number: enough to tell numbers apart, too few to call one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail([char; 2]);

impl Tail {
    fn of(text: &str) -> Self {
        let mut digits = text.chars().rev().filter(char::is_ascii_digit);
        let last = digits.next().unwrap_or('?');
        // Of a very short number, two digits would be half.
        let before = digits.next().filter(|_| digits.count() >= 3).unwrap_or('?');
        Self([before, last])
    }
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…{}{}", self.0[0], self.0[1])
    }
}

/// Why a text is not a phone number that can receive messages. Says what to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// The text is empty.
    #[error("the number is empty; write it like +4512345678")]
    Empty,
    /// The number does not start with `+`.
    #[error(
        "the number {0} does not start with `+`; write it with `+` and the calling code of its country, like +4512345678"
    )]
    NoPlus(Tail),
    /// The number contains other characters than digits and separators, or is far too long.
    #[error(
        "the number {0} contains characters that are not digits; write `+` and digits, like +4512345678, without extensions or letters"
    )]
    NotDigits(Tail),
    /// The calling code is not assigned, like `+999`.
    #[error("the number {0} starts with a calling code that no country has; check the digits after the `+`")]
    UnknownCallingCode(Tail),
    /// The number has too few digits.
    #[error("the number {tail} is too short for +{calling_code}; digits are missing")]
    TooShort {
        /// The last two digits.
        tail: Tail,
        /// The calling code, like `45`.
        calling_code: String,
    },
    /// The number has too many digits.
    #[error("the number {tail} is too long for +{calling_code}; check for digits that were typed twice")]
    TooLong {
        /// The last two digits.
        tail: Tail,
        /// The calling code, like `45`.
        calling_code: String,
    },
    /// No number with this calling code has this number of digits.
    #[error("the number {tail} has a length that no number of +{calling_code} has; check its digits")]
    WrongLength {
        /// The last two digits.
        tail: Tail,
        /// The calling code, like `45`.
        calling_code: String,
    },
}

/// Parses a number as a person or a platform writes it (`+45 12 34 56 78`) into the formats that connectors need.
///
/// # Errors
/// [`PhoneError`] if it has no `+` or is impossible by its numbering plan.
pub fn recipient(text: &str) -> Result<Recipient, PhoneError> {
    let text = text.trim();
    let tail = Tail::of(text);
    let Some(rest) = text.strip_prefix('+') else {
        return Err(if text.is_empty() { PhoneError::Empty } else { PhoneError::NoPlus(tail) });
    };
    // What libphonenumber accepts leniently (letters, extensions, `tel:` parameters) is refused, because it is usually a mistake.
    let written = |character: char| character.is_ascii_digit() || SEPARATORS.contains(&character);
    if !rest.chars().all(written) || rest.chars().count() > MAX_WRITTEN_CHARACTERS {
        return Err(PhoneError::NotDigits(tail));
    }
    let number = PHONE_NUMBER_UTIL.parse(text, None).map_err(|error| match error {
        ParseError::InvalidCountryCode => PhoneError::UnknownCallingCode(tail),
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => {
            PhoneError::TooShort { tail, calling_code: leading_digits(rest) }
        }
        ParseError::TooLongNsn => PhoneError::TooLong { tail, calling_code: leading_digits(rest) },
        ParseError::NotANumber(_) => PhoneError::NotDigits(tail),
    })?;
    let calling_code = number.country_code.to_string();
    PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number).map_err(|reason| match reason {
        ValidationError::InvalidCountryCode => PhoneError::UnknownCallingCode(tail),
        ValidationError::TooShort => PhoneError::TooShort { tail, calling_code: calling_code.clone() },
        ValidationError::TooLong => PhoneError::TooLong { tail, calling_code: calling_code.clone() },
        ValidationError::InvalidLength => PhoneError::WrongLength { tail, calling_code: calling_code.clone() },
    })?;
    let e164 = number.format_as(PhoneNumberFormat::E164).into_owned();
    if e164.len() > MAX_DIGITS + 1 {
        return Err(PhoneError::TooLong { tail, calling_code });
    }
    let country = number
        .get_region_code()
        .map(|region| region.as_region_str().to_string())
        // Numbers of no country (+800, +883) have region 001.
        .filter(|region| region.len() == 2 && region.bytes().all(|byte| byte.is_ascii_uppercase()));
    Ok(Recipient {
        e164: e164.into(),
        national: number.get_national_significant_number().into(),
        country,
        calling_code,
    })
}

/// A masked number: its calling code and its last two digits (`+45…78`).
pub fn masked(recipient: &Recipient) -> String {
    format!("+{}{}", recipient.calling_code, Tail::of(&recipient.national))
}

/// The likely calling code of a number that does not parse: its first two digits, which are too few to reveal the number.
fn leading_digits(rest: &str) -> String {
    rest.chars().filter(char::is_ascii_digit).take(2).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn written_in_many_ways_it_is_one_number() {
        for text in [
            "+4512345678",
            "+45 12 34 56 78",
            " +45 12-34-56-78 ",
            "+45(12)345678",
            "+45.12.34.56.78",
            "+45\u{a0}12345678",
        ] {
            let number = recipient(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(number.e164.as_str(), "+4512345678");
            assert_eq!(number.digits(), "4512345678");
            assert_eq!(number.national.as_str(), "12345678");
            assert_eq!((number.country.as_deref(), number.calling_code.as_str()), (Some("DK"), "45"));
        }
    }

    #[test]
    fn countries_and_national_forms() {
        for (text, national, country, calling_code) in [
            ("+14155550100", "4155550100", Some("US"), "1"),
            ("+1 604 555 0100", "6045550100", Some("CA"), "1"),
            ("+447400123456", "7400123456", Some("GB"), "44"),
            // A trunk zero in brackets is how Britons write it.
            ("+44 (0)7400 123456", "7400123456", Some("GB"), "44"),
            // Italian numbers keep their zero.
            ("+390612345678", "0612345678", Some("IT"), "39"),
            ("+8613812345678", "13812345678", Some("CN"), "86"),
            ("+85251234567", "51234567", Some("HK"), "852"),
            // International freephone: of no country.
            ("+80012345678", "12345678", None, "800"),
        ] {
            let number = recipient(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(number.national.as_str(), national, "{text}");
            assert_eq!(number.country.as_deref(), country, "{text}");
            assert_eq!(number.calling_code, calling_code, "{text}");
        }
    }

    #[test]
    fn possible_is_enough() {
        // 555-1… is in no table of numbers in use.
        assert_eq!(recipient("+15551234567").map(|number| number.country).ok(), Some(None));
    }

    #[test]
    fn each_refusal_says_what_to_change() {
        for (text, want) in [
            ("", "is empty"),
            ("12345678", "does not start with `+`"),
            ("004512345678", "does not start with `+`"),
            ("+45 1234", "too short for +45"),
            ("+451234567890123", "too long for +45"),
            ("+99912345678", "calling code that no country has"),
            ("+45 1234567x", "not digits"),
            ("+45 12345678 ext. 9", "not digits"),
            ("+1 800 FLOWERS", "not digits"),
            ("+", "not digits"),
            ("+45 12345678;phone-context=+1", "not digits"),
        ] {
            let Err(error) = recipient(text) else { panic!("{text} was taken") };
            assert!(error.to_string().contains(want), "{text}: {error}");
        }
    }

    #[test]
    fn two_digits_are_shown_and_no_more() {
        let Err(error) = recipient("+45 98 76 54 32 10 98 76 54") else { panic!() };
        let text = format!("{error} {error:?}");
        assert!(text.contains("…54"), "{text}");
        assert!(!text.contains("76") && !text.contains("98"), "{text}");
        let Err(error) = recipient("123") else { panic!() };
        assert!(!error.to_string().contains("23 "), "{error}");
    }

    proptest! {
        #[test]
        fn whatever_is_typed_nothing_panics_and_the_normal_form_is_stable(text in "[+0-9 ()./x-]{0,24}") {
            if let Ok(number) = recipient(&text) {
                prop_assert!(number.e164.starts_with('+') && number.e164.len() <= 16);
                prop_assert_eq!(format!("+{}{}", number.calling_code, number.national.as_str()), number.e164.as_str());
                let again = recipient(&number.e164).unwrap();
                prop_assert_eq!(again.e164.as_str(), number.e164.as_str());
            }
        }
    }
}
