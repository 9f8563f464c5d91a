//! Codes: how they are made from random bytes, and how typed ones are normalised.
//!
//! Promises: all codes of a length are equally likely; leading zeros are kept; nothing here compares or stores a code.
//!
//! Must not know: where random bytes come from, what a code is for.

use sendbox_contract::is_hidden;
use zeroize::Zeroizing;

use crate::digit::ascii_digit;

/// Number of random bytes for [`digits`]. The chance that fewer than 10 of 64 bytes are usable is 10^-79.
pub const RANDOM_BYTES: usize = 64;

/// A code with this number of digits, or `None` if the random bytes ran out and the caller must draw new ones.
///
/// Bytes from 250 are discarded, because 256 is not a multiple of ten and the digits would not be equally likely (NIST SP 800-90A,
/// A.5.1).
pub fn digits(random: &[u8], digits: u8) -> Option<Zeroizing<String>> {
    let wanted = usize::from(digits);
    // Allocated at its final size: a string that grows leaves copies behind in freed memory.
    let mut code = Zeroizing::new(String::with_capacity(wanted));
    for byte in random.iter().filter(|byte| **byte < 250).take(wanted) {
        code.push(char::from(b'0' + byte % 10));
    }
    (code.len() == wanted).then_some(code)
}

/// Normalises what a user typed: removes white space, hyphens and invisible characters (which come along when a text is copied), and
/// converts digits of any script to ASCII. Everything else is kept, and matches no code.
pub fn normalise(typed: &str) -> Zeroizing<String> {
    let mut code = Zeroizing::new(String::with_capacity(typed.len()));
    let meant = |character: &char| {
        !character.is_whitespace() && !is_hidden(*character) && !matches!(character, '-' | '\u{2010}' | '\u{2011}')
    };
    for character in typed.chars().filter(meant) {
        code.push(ascii_digit(character).unwrap_or(character));
    }
    code
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// How often each code comes out over all pairs of random bytes; the empty text means none.
    fn over_all_pairs(length: u8) -> HashMap<String, u32> {
        let mut counts = HashMap::new();
        for pair in 0..=u16::MAX {
            let code = digits(&pair.to_be_bytes(), length).map_or_else(String::new, |code| code.to_string());
            *counts.entry(code).or_default() += 1;
        }
        counts
    }

    #[test]
    fn every_code_is_as_likely_as_any_other() {
        let two = over_all_pairs(2);
        assert_eq!(two.len(), 101);
        for code in 0..100 {
            assert_eq!(two[&format!("{code:02}")], 625, "{code:02}");
        }
        // Pairs with a byte that is thrown away.
        assert_eq!(two[""], 65_536 - 250 * 250);

        let one = over_all_pairs(1);
        for code in 0..10 {
            // The first byte decides; or the second, where the first was thrown away.
            assert_eq!(one[&code.to_string()], 25 * 256 + 6 * 25, "{code}");
        }
        assert_eq!(one[""], 6 * 6);
    }

    #[test]
    fn zeros_stay_and_high_bytes_do_not_count() {
        assert_eq!(digits(&[0, 10, 250, 255, 7, 249, 9, 1], 6).unwrap().as_str(), "007991");
        assert!(digits(&[0, 10, 250, 255, 7, 249, 9], 6).is_none(), "one is missing");
        assert!(digits(&[], 6).is_none());
    }

    #[test]
    fn what_was_meant() {
        for (typed, meant) in [
            ("123456", "123456"),
            (" 123 456\n", "123456"),
            ("123-456", "123456"),
            ("123\u{2011}456", "123456"),
            ("\u{202d}123456\u{202c}\u{a0}", "123456"),
            ("١٢٣٤٥٦", "123456"),
            ("۱۲۳۴۵۶", "123456"),
            ("１２３４５６", "123456"),
            ("०१२३४५", "012345"),
            ("𝟗𝟘", "90"),
            ("12345o", "12345o"),
            // A number, and no digit.
            ("½²", "½²"),
            ("", ""),
        ] {
            assert_eq!(normalise(typed).as_str(), meant, "{typed:?}");
        }
    }

    proptest! {
        #[test]
        fn a_code_is_digits_and_is_what_it_is_when_typed(random in prop::array::uniform32(any::<u8>()), length in 1_u8..=10) {
            if let Some(code) = digits(&random, length) {
                prop_assert!(code.len() == usize::from(length) && code.bytes().all(|byte| byte.is_ascii_digit()));
                prop_assert_eq!(normalise(&code), code);
            }
        }

        #[test]
        fn to_read_twice_changes_nothing(typed in any::<String>()) {
            let once = normalise(&typed);
            prop_assert_eq!(normalise(&once), once);
        }
    }
}
