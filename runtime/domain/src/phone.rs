//! Phone numbers, normalised once, at the boundary.
//!
//! The normal form is E.164 (`+4512345678`), which providers, limits and the journal use. Numbering plans come from libphonenumber. A
//! number that is impossible by its plan (too short, too long, unknown calling code) is refused. A number that is merely not known to be in
//! use is accepted, because plans change faster than tables, and the provider knows best.
//!
//! Promises
//! - no error shows more than the last two digits;
//! - all spellings that reach one handset have one [`handset`], by which limits count, and two numbers that the numbering plans know
//!   have different ones.

mod kind;
mod written;

use std::fmt;

use rlibphonenumber::{PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberFormat, Region, ValidationError};
use sendbox_contract::Recipient;
use zeroize::Zeroizing;

pub use self::kind::{NumberKind, kind};

/// Maximum length of a number as written, in characters including separators.
const MAX_WRITTEN_CHARACTERS: usize = 40;
/// Maximum number of digits of an E.164 number (ITU-T E.164, 6.1).
const MAX_DIGITS: usize = 15;
/// The calling code of Argentina.
const ARGENTINA: i32 = 54;
/// Number of digits of a number in Argentina. Calls from abroad to a mobile number put a 9 before them, and messages arrive with and
/// without it: the ten digits belong to one subscriber.
const ARGENTINE_DIGITS: usize = 10;
/// The calling code of Mexico.
const MEXICO: i32 = 52;
/// Number of digits of a number in Mexico. Until 2019, calls from abroad to a mobile number put a 1 before them.
const MEXICAN_DIGITS: usize = 10;
/// The calling code of Benin.
const BENIN: i32 = 229;
/// Number of digits of a number in Benin until November 2024. Since then, 01 is before them.
const FORMER_BENINESE_DIGITS: usize = 8;

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
    /// There are no digits, or far too few for a number.
    #[error("the number is not complete; write `+`, the calling code of its country and all digits, like +4512345678")]
    Incomplete,
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

/// How a number is read that does not begin with `+`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutPlus {
    /// It is refused.
    Refused,
    /// It begins with the calling code.
    CallingCodeFirst,
    /// It is written as in this country.
    In(Country),
}

/// A country with a numbering plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country(Region);

impl Country {
    /// The country with this code (ISO 3166-1 alpha-2), if it has a numbering plan.
    pub fn of_code(code: &str) -> Option<Self> {
        let mut regions = PHONE_NUMBER_UTIL.get_supported_regions();
        regions.find(|region| code.len() == 2 && *region.as_region_str() == *code).map(Self)
    }
}

/// Parses a number as a person or a platform writes it (`+45 12 34 56 78`) into the formats that connectors need.
///
/// # Errors
/// [`PhoneError`] if it has no `+` or is impossible by its numbering plan.
pub fn recipient(text: &str) -> Result<Recipient, PhoneError> {
    recipient_written(text, WithoutPlus::Refused)
}

/// [`recipient`], for a platform that may leave the `+` out. A number that begins with `+` is read as it is.
///
/// # Errors
/// [`PhoneError`].
pub fn recipient_written(text: &str, without_plus: WithoutPlus) -> Result<Recipient, PhoneError> {
    let text = &*written::plain(text);
    if text.starts_with('+') || text.is_empty() {
        return read(text, text.strip_prefix('+').unwrap_or_default(), None);
    }
    match without_plus {
        WithoutPlus::Refused => Err(PhoneError::NoPlus(Tail::of(text))),
        WithoutPlus::CallingCodeFirst => {
            let digits = text.strip_prefix("00").unwrap_or(text);
            let with_plus = Zeroizing::new(format!("+{digits}"));
            read(&with_plus, digits, None)
        }
        WithoutPlus::In(Country(region)) => read(text, text, Some(region)),
    }
}

/// Parses a number; `rest` is the text without `+`.
fn read(text: &str, rest: &str, region: Option<Region>) -> Result<Recipient, PhoneError> {
    let tail = Tail::of(text);
    if text.is_empty() {
        return Err(PhoneError::Empty);
    }
    // What libphonenumber accepts leniently (letters, extensions, `tel:` parameters) is refused, because it is usually a mistake.
    if !rest.bytes().all(written::is_digit_or_separator) || rest.len() > MAX_WRITTEN_CHARACTERS {
        return Err(PhoneError::NotDigits(tail));
    }
    let number = PHONE_NUMBER_UTIL.parse(text, region).map_err(|error| match error {
        ParseError::InvalidCountryCode => PhoneError::UnknownCallingCode(tail),
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => {
            PhoneError::TooShort { tail, calling_code: leading_digits(rest) }
        }
        ParseError::TooLongNsn => PhoneError::TooLong { tail, calling_code: leading_digits(rest) },
        ParseError::NotANumber(_) => PhoneError::Incomplete,
    })?;
    let number = without_former_prefix(number);
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
    // Plans change faster than tables: an area that is not known belongs to the main country of the calling code.
    let country = number
        .get_region_code()
        .or_else(|| PHONE_NUMBER_UTIL.get_region_for_country_code(number.country_code))
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

/// The number by which limits count, in E.164: the same for all spellings that reach one handset.
///
/// A number that its numbering plan knows counts as it is. One that the plan does not know because zeros are before it (`+39 0347…`)
/// counts as the number without them, if the plan knows that; an Italian landline keeps its zero. The 9 before mobile numbers of
/// Argentina is left out.
///
/// What is sent is what was read: a plan may be newer than the tables, and a code must not go to a number that nobody wrote.
pub fn handset(recipient: &Recipient) -> Zeroizing<String> {
    let Ok(number) = PHONE_NUMBER_UTIL.parse(recipient.e164.as_str(), None) else { return recipient.e164.clone() };
    let number = without_extra_zeros(number);
    let national = Zeroizing::new(number.get_national_significant_number());
    let has_mobile_digit = number.country_code == ARGENTINA && national.len() == ARGENTINE_DIGITS + 1;
    let subscriber = national.strip_prefix('9').filter(|_| has_mobile_digit).unwrap_or(&national);
    Zeroizing::new(format!("+{}{subscriber}", number.country_code))
}

/// The number with as many of its leading zeros as its plan knows it with; unchanged if the plan knows it with none of these counts.
fn without_extra_zeros(number: PhoneNumber) -> PhoneNumber {
    if number.italian_leading_zero != Some(true) || number.is_valid() {
        return number;
    }
    let zeros = number.number_of_leading_zeros.unwrap_or(1);
    let with_zeros = |zeros: i32| PhoneNumber {
        italian_leading_zero: (zeros > 0).then_some(true),
        number_of_leading_zeros: (zeros > 1).then_some(zeros),
        ..number.clone()
    };
    (0..zeros).rev().map(with_zeros).find(PhoneNumber::is_valid).unwrap_or(number)
}

/// The number as it is today, if it is written as before a change of its country's plan that has ended.
fn without_former_prefix(number: PhoneNumber) -> PhoneNumber {
    let national = Zeroizing::new(number.get_national_significant_number());
    let today = match (number.country_code, national.len()) {
        (MEXICO, length) if length == MEXICAN_DIGITS + 1 => national.strip_prefix('1').map(str::to_owned),
        (BENIN, FORMER_BENINESE_DIGITS) => Some(format!("01{}", *national)),
        _ => None,
    };
    let Some(today) = today.map(Zeroizing::new) else { return number };
    let with_plus = Zeroizing::new(format!("+{}{}", number.country_code, *today));
    PHONE_NUMBER_UTIL.parse(with_plus.as_str(), None).unwrap_or(number)
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
    use rlibphonenumber::PhoneNumberType;

    use super::*;

    #[test]
    fn a_number_without_plus_is_read_as_its_platform_writes_it() {
        let denmark = WithoutPlus::In(Country::of_code("DK").unwrap());
        let states = WithoutPlus::In(Country::of_code("US").unwrap());
        for (text, without_plus, e164) in [
            ("4512345678", WithoutPlus::CallingCodeFirst, Some("+4512345678")),
            ("004512345678", WithoutPlus::CallingCodeFirst, Some("+4512345678")),
            ("+45 12 34 56 78", WithoutPlus::CallingCodeFirst, Some("+4512345678")),
            ("12 34 56 78", denmark, Some("+4512345678")),
            ("+4612345678", denmark, Some("+4612345678")),
            ("3035551212", states, Some("+13035551212")),
            ("(303) 555-1212", states, Some("+13035551212")),
            ("0046701234567", denmark, Some("+46701234567")),
            ("4512345678", WithoutPlus::Refused, None),
            ("1234", denmark, None),
            ("12345678;ext=9", denmark, None),
            ("", denmark, None),
            ("", WithoutPlus::CallingCodeFirst, None),
        ] {
            let read = recipient_written(text, without_plus).map(|recipient| recipient.e164.to_string());
            assert_eq!(read.ok().as_deref(), e164, "{text} {without_plus:?}");
        }
    }

    #[test]
    fn countries_are_known_by_their_code() {
        for (code, is_known) in [("DK", true), ("US", true), ("dk", false), ("XX", false), ("001", false), ("", false)]
        {
            assert_eq!(Country::of_code(code).is_some(), is_known, "{code}");
        }
    }

    #[test]
    fn written_in_many_ways_it_is_one_number() {
        for text in [
            "+4512345678",
            "+45 12 34 56 78",
            " +45 12-34-56-78 ",
            "+45(12)345678",
            "+45.12.34.56.78",
            "+45\u{a0}12345678",
            // Copied from contacts and web pages, with characters that cannot be seen.
            "\u{202a}+45 12 34 56 78\u{202c}",
            "\u{2066}+4512345678\u{2069}\u{feff}",
            "+45\u{200b}12\u{ad}34\u{2060}5678\u{200e}",
            // Hyphens and spaces of every kind.
            "+45\u{2010}12\u{2011}34\u{2013}56\u{2212}78",
            "+45\u{202f}12\u{2009}34\u{3000}56\u{2007}78",
            "+45\u{30fb}12\u{b7}34\u{2022}56\u{ff0d}78",
            // Other scripts.
            "＋４５（１２）３４５６７８",
            "+٤٥١٢٣٤٥٦٧٨",
            "+४५१२३४५६७८",
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

    fn handset_of(text: &str) -> String {
        let number = recipient(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        handset(&number).to_string()
    }

    fn parsed(text: &str) -> PhoneNumber {
        PHONE_NUMBER_UTIL.parse(text, None).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// Spellings of one handset in each row; no two rows share one.
    #[test]
    fn all_spellings_of_a_handset_count_as_one() {
        let rows: [&[&str]; 15] = [
            &["+4915123456789", "+49 0151 23456789", "+49 (0)151 23456789", "+49 00 151 23456789"],
            &["+447400123456", "+44 07400 123456", "+44 (0)7400 123456"],
            &["+33612345678", "+33 06 12 34 56 78"],
            &["+61412345678", "+61 0412 345 678"],
            &["+4512345678"],
            &["+14155550100", "+1 (1) 415 555 0100"],
            // A mobile number in Italy has no zero, and a landline has one.
            &["+393471234567", "+39 0347 1234567", "+39 00347 1234567"],
            &["+390612345678", "+39 006 12345678"],
            // As a mobile number with nine digits and as one of Lecco.
            &["+39341123456"],
            &["+390341123456"],
            &["+5491123456789", "+541123456789", "+54 11 15 2345 6789", "+54 011 15 2345-6789"],
            &["+5493512345678", "+543512345678"],
            &["+525512345678", "+52 (55) 1234 5678", "+52 1 55 1234 5678"],
            &["+378886377", "+3780549886377"],
            &["+80012345678"],
        ];
        let mut handsets = std::collections::BTreeSet::new();
        for spellings in rows {
            let of_row: std::collections::BTreeSet<String> =
                spellings.iter().map(|spelling| handset_of(spelling)).collect();
            assert_eq!(of_row.len(), 1, "{spellings:?}: {of_row:?}");
            assert!(handsets.insert(of_row), "{spellings:?} share a handset with another row");
        }
        assert_eq!(handset_of("+39 0347 1234567"), "+393471234567");
        assert_eq!(recipient("+39 0347 1234567").unwrap().e164.as_str(), "+3903471234567", "it is sent as it was read");
    }

    /// With zeros before it, the number of every country counts as itself, unless that is another number. And numbers that the plans
    /// know are told apart.
    #[test]
    fn in_no_country_do_zeros_make_another_handset() {
        let mut handsets = std::collections::BTreeMap::new();
        let mut others = std::collections::BTreeSet::new();
        for region in PHONE_NUMBER_UTIL.get_supported_regions() {
            for kind in [PhoneNumberType::Mobile, PhoneNumberType::FixedLine] {
                let Ok(example) = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, kind) else {
                    continue;
                };
                let e164 = example.format_as(PhoneNumberFormat::E164).into_owned();
                let of_example = handset_of(&e164);
                let before = handsets.insert(of_example.clone(), e164.clone());
                assert!(
                    example.country_code == ARGENTINA || before.is_none_or(|before| before == e164),
                    "{e164} counts as {of_example}, like another number"
                );
                let national = example.get_national_significant_number();
                for zeros in ["0", "00"] {
                    let spelling = format!("+{} {zeros}{national}", example.country_code);
                    let Ok(read) = recipient(&spelling) else { continue };
                    let handset = handset(&read);
                    if handset.as_str() != of_example {
                        assert!(parsed(&handset).is_valid(), "{spelling} is {}, and not {of_example}", *handset);
                        others.insert(example.country_code);
                    }
                }
            }
        }
        assert!(handsets.len() > 300, "{}", handsets.len());
        // Italy's plan knows some landlines that look like a mobile number with a zero, and Ascension's two lengths.
        assert_eq!(others, [39, 247].into());
    }

    /// Numbers that are in no table of numbers in use.
    #[test]
    fn an_area_that_is_not_known_belongs_to_the_main_country_of_its_calling_code() {
        for (text, country) in [
            ("+15551234567", Some("US")),
            ("+1 624 222 4624", Some("US")),
            ("+1 565 222 3333", Some("US")),
            ("+44 7999 999 99", Some("GB")),
            ("+7 199 123 45 67", Some("RU")),
            ("+800 1234 5678", None),
            ("+881 612345678", None),
            ("+883 510012345678", None),
        ] {
            let number = recipient(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(number.country.as_deref(), country, "{text}");
        }
    }

    #[test]
    fn a_number_from_before_a_change_of_its_plan_is_the_number_of_today() {
        for (text, e164) in [
            // Mexico, 2019.
            ("+52 1 55 1234 5678", "+525512345678"),
            ("+5215512345678", "+525512345678"),
            ("+52 55 1234 5678", "+525512345678"),
            // Benin, 2024.
            ("+229 97 12 34 56", "+2290197123456"),
            ("+229 01 97 12 34 56", "+2290197123456"),
        ] {
            assert_eq!(recipient(text).map(|number| number.e164.to_string()).as_deref(), Ok(e164), "{text}");
        }
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
            ("+", "not complete"),
            ("+1", "not complete"),
            ("+15", "not complete"),
            ("\u{202a}+\u{202c}", "not complete"),
            ("\u{200b} ", "is empty"),
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
                let handset = handset(&number);
                prop_assert!(handset.starts_with('+') && handset.len() <= number.e164.len());
            }
        }
    }
}
