//! How a text goes over the air: its encoding, and how many parts are billed.
//!
//! The numbers are those of 3GPP TS 23.038 (alphabets) and TS 23.040 (concatenation): 160 septets in one part, 153 in each
//! of several, because the header that joins them takes 7; for UCS-2 70 and 67 UTF-16 units. A character of the extension
//! table takes two septets, a character outside the basic plane two units, and neither is cut in two by the end of a part.

use sendbox_sandbox::TextEncoding;
use serde::Serialize;

/// The GSM 03.38 default alphabet, without the escape.
const GSM_BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Its extension table: an escape and one more septet.
const GSM_EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// What a text takes on the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TextSize {
    /// How it is encoded.
    pub encoding: TextEncoding,
    /// Parts as billed. At least 1.
    pub segments: u32,
    /// Septets or UTF-16 units of the text itself.
    pub units: u32,
}

/// Measures a text. UCS-2 as soon as one character is not in GSM 03.38.
pub fn measure(text: &str) -> TextSize {
    match text.chars().map(septets).collect::<Option<Vec<u32>>>() {
        Some(widths) => size(TextEncoding::Gsm7, &widths, 160, 153),
        None => {
            let widths: Vec<u32> =
                text.chars().map(|character| if u32::from(character) > 0xffff { 2 } else { 1 }).collect();
            size(TextEncoding::Ucs2, &widths, 70, 67)
        }
    }
}

/// Septets of one character, `None` when GSM 03.38 does not have it.
fn septets(character: char) -> Option<u32> {
    if GSM_BASIC.contains(character) {
        Some(1)
    } else if GSM_EXTENSION.contains(character) {
        Some(2)
    } else {
        None
    }
}

fn size(encoding: TextEncoding, widths: &[u32], alone: u32, joined: u32) -> TextSize {
    let units = widths.iter().fold(0_u32, |sum, width| sum.saturating_add(*width));
    if units <= alone {
        return TextSize { encoding, segments: 1, units };
    }
    let (mut segments, mut filled) = (1_u32, 0_u32);
    for width in widths {
        if filled + width > joined {
            segments = segments.saturating_add(1);
            filled = 0;
        }
        filled += width;
    }
    TextSize { encoding, segments, units }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TextEncoding::{Gsm7, Ucs2};
    use proptest::prelude::*;

    fn check(text: &str, encoding: TextEncoding, segments: u32, units: u32) {
        assert_eq!(measure(text), TextSize { encoding, segments, units }, "{} characters", text.chars().count());
    }

    #[test]
    fn the_alphabet_has_all_its_127_characters_once() {
        let mut characters: Vec<char> = GSM_BASIC.chars().chain(GSM_EXTENSION.chars()).collect();
        let count = characters.len();
        characters.sort_unstable();
        characters.dedup();
        // 128 places less the escape, and ten of the extension table.
        assert_eq!((count, characters.len()), (127 + 10, 127 + 10));
    }

    #[test]
    fn boundaries() {
        check("", Gsm7, 1, 0);
        check(&"a".repeat(160), Gsm7, 1, 160);
        check(&"a".repeat(161), Gsm7, 2, 161);
        check(&"a".repeat(306), Gsm7, 2, 306);
        check(&"a".repeat(307), Gsm7, 3, 307);
        check(&"中".repeat(70), Ucs2, 1, 70);
        check(&"中".repeat(71), Ucs2, 2, 71);
        check(&"中".repeat(134), Ucs2, 2, 134);
        check(&"中".repeat(135), Ucs2, 3, 135);
    }

    #[test]
    fn one_character_outside_makes_all_of_it_ucs2() {
        check("Kód: 123456", Ucs2, 1, 11);
        check("Ünïcode", Ucs2, 1, 7);
        check("Über øl für £5 à 2€", Gsm7, 1, 20);
        // A capital cedilla is in the alphabet, a small one is not.
        check("Ç", Gsm7, 1, 1);
        check("ç", Ucs2, 1, 1);
    }

    #[test]
    fn pairs_do_not_straddle() {
        // 152 + 2 do not fit into 153, so the euro begins the second part, and the second overflows into a third.
        check(&format!("{}€{}", "a".repeat(152), "a".repeat(152)), Gsm7, 3, 306);
        check(&format!("{}€{}", "a".repeat(151), "a".repeat(153)), Gsm7, 2, 306);
        check(&format!("{}😀{}", "中".repeat(66), "中".repeat(66)), Ucs2, 3, 134);
        check(&format!("{}😀{}", "中".repeat(65), "中".repeat(67)), Ucs2, 2, 134);
        check(&"€".repeat(80), Gsm7, 1, 160);
        check(&"€".repeat(81), Gsm7, 2, 162);
        check(&"😀".repeat(35), Ucs2, 1, 70);
        check(&"😀".repeat(36), Ucs2, 2, 72);
    }

    proptest! {
        #[test]
        fn ucs2_units_are_utf16_units(text in any::<String>()) {
            let size = measure(&text);
            if size.encoding == Ucs2 {
                prop_assert_eq!(size.units as usize, text.encode_utf16().count());
            }
        }

        #[test]
        fn parts_hold_all_units_and_waste_little(text in "[a-z€{}中😀]{0,700}") {
            let size = measure(&text);
            let joined = if size.encoding == Gsm7 { 153 } else { 67 };
            prop_assert!(size.segments >= 1);
            if size.segments > 1 {
                prop_assert!(size.units <= size.segments * joined);
                // At most one place is wasted at the end of every part but the last.
                prop_assert!(size.units > (size.segments - 1) * (joined - 1));
            }
        }

        #[test]
        fn a_longer_text_never_takes_fewer_parts(text in "[a-z€]{0,400}", more in "[a-z€]{0,20}") {
            let longer = text.clone() + &more;
            prop_assert!(measure(&longer).segments >= measure(&text).segments);
        }
    }
}
