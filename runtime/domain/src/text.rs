//! The size of a text: its encoding, and the number of segments that are billed.
//!
//! The numbers come from 3GPP TS 23.038 (alphabets) and TS 23.040 (concatenation): a single segment has 160 septets, and a concatenated
//! one 153, because its header takes 7; with UCS-2 it is 70 and 67 UTF-16 code units. A character of the extension table takes two septets,
//! a character outside the basic plane two code units, and neither is split between segments.

use std::collections::BTreeSet;

use sendbox_contract::TextEncoding;
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::model::{HintCode, TextEncodingName};

/// The GSM 03.38 default alphabet, without the escape character.
const GSM_BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// The extension table: an escape and one more septet each.
const GSM_EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// Maximum length of the text of a message, in septets or UTF-16 code units. Providers refuse longer ones (Twilio: 1600).
pub const MAX_UNITS: u32 = 1600;
/// Maximum size of the text of a message in UTF-8, in bytes: no text of [`MAX_UNITS`] has more.
pub const MAX_BYTES: usize = 3 * MAX_UNITS as usize;

/// The size of a text as it is transmitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TextSize {
    /// How the text is encoded.
    #[schema(value_type = TextEncodingName)]
    pub encoding: TextEncoding,
    /// The number of segments, which are what providers bill. At least 1.
    #[schema(example = 1)]
    pub segments: u32,
    /// The length of the text: septets in `gsm7`, UTF-16 code units in `ucs2`.
    #[schema(example = 29)]
    pub units: u32,
}

/// Greek capitals that look like Latin ones, and these. GSM 03.38 has no others of the Greek alphabet, and writes them as the Latin ones.
const GREEK_TWINS: [(char, char); 14] = [
    ('Α', 'A'),
    ('Β', 'B'),
    ('Ε', 'E'),
    ('Ζ', 'Z'),
    ('Η', 'H'),
    ('Ι', 'I'),
    ('Κ', 'K'),
    ('Μ', 'M'),
    ('Ν', 'N'),
    ('Ο', 'O'),
    ('Ρ', 'P'),
    ('Τ', 'T'),
    ('Υ', 'Y'),
    ('Χ', 'X'),
];

/// The text as it is sent: letters and their accents are composed (NFC), and Greek capitals are those of GSM 03.38, if the whole text is
/// in that alphabet then. It looks the same, and takes fewer segments.
pub fn composed(text: &str) -> Zeroizing<String> {
    // Allocated for the longest composition: a string that grows leaves copies behind in freed memory.
    let mut composed = Zeroizing::new(String::with_capacity(text.len().saturating_mul(3)));
    composed.extend(text.nfc());
    let is_twin = |character: char| GREEK_TWINS.iter().any(|(greek, _)| *greek == character);
    let fits = composed.chars().all(|character| septets(character).is_some() || is_twin(character));
    if !fits || !composed.chars().any(is_twin) {
        return composed;
    }
    let latin = |character: char| {
        GREEK_TWINS.iter().find(|(greek, _)| *greek == character).map_or(character, |(_, latin)| *latin)
    };
    let mut in_alphabet = Zeroizing::new(String::with_capacity(composed.len()));
    in_alphabet.extend(composed.chars().map(latin));
    in_alphabet
}

/// Measures a text. A single character outside of GSM 03.38 makes it UCS-2.
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

/// The number of septets of a character, `None` if GSM 03.38 does not have it.
fn septets(character: char) -> Option<u32> {
    // Most characters of most texts, without a search.
    if character.is_ascii_alphanumeric() || character == ' ' || GSM_BASIC.contains(character) {
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

/// The characters that GSM 03.38 does not have, each once, in the order of their first occurrence.
pub fn outside_gsm7(text: &str) -> Vec<char> {
    let mut seen = BTreeSet::new();
    text.chars().filter(|character| septets(*character).is_none() && seen.insert(*character)).collect()
}

/// Maximum number of characters in a hint, so that a text in another script is not listed letter by letter.
const MAX_LISTED: usize = 8;

/// Hints that would make a text cheaper. `size` is the result of [`measure`].
///
/// Hints quote characters of the text: show them only where the text may be shown, and do not log them.
pub fn hints(text: &str, size: TextSize) -> Vec<HintCode> {
    let mut hints = Vec::new();
    if size.encoding == TextEncoding::Ucs2 {
        hints.push(encoding_hint(text, size));
    }
    if size.segments > 1 {
        let over = characters_over(text, size.segments) as u64;
        hints.push(HintCode::Shorten { segments: size.segments, over });
    }
    hints
}

/// Why the text is UCS-2, and whether that could be avoided.
fn encoding_hint(text: &str, size: TextSize) -> HintCode {
    let outside = outside_gsm7(text);
    let without: Vec<char> = outside.iter().copied().filter(|character| in_gsm7(*character).is_none()).collect();
    let more = |all: &[char]| all.len().saturating_sub(MAX_LISTED) as u64;
    if !without.is_empty() {
        return HintCode::OtherScript { characters: listed(&without, shown), more: more(&without) };
    }
    let instead = |character: char| match in_gsm7(character) {
        Some("") | None => shown(character),
        Some(" ") => format!("{} → U+0020", shown(character)),
        Some(other) => format!("{} → `{other}`", shown(character)),
    };
    let plain: String = text.chars().map(|character| plain(character).unwrap_or_default()).collect();
    HintCode::WriteOtherwise {
        instead: listed(&outside, instead),
        more: more(&outside),
        segments: size.segments,
        then: measure(&plain).segments,
    }
}

fn listed(characters: &[char], format: impl Fn(char) -> String) -> String {
    characters.iter().take(MAX_LISTED).map(|character| format(*character)).collect::<Vec<_>>().join(", ")
}

/// The character itself, if GSM 03.38 has it, or its replacement.
fn plain(character: char) -> Option<String> {
    if septets(character).is_some() { Some(character.into()) } else { in_gsm7(character).map(str::to_owned) }
}

/// How many characters must be removed from the end of a text to save a segment. A longer text never takes fewer segments, so a binary
/// search works.
fn characters_over(text: &str, segments: u32) -> usize {
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let fits = |end: &usize| text.get(..*end).is_some_and(|shorter| measure(shorter).segments < segments);
    // The longest text that fits ends just before the partition point.
    ends.len() - ends.partition_point(fits).saturating_sub(1)
}

/// A visible character as it is, and an invisible one by its code point.
fn shown(character: char) -> String {
    if character.is_whitespace() || sendbox_contract::is_hidden(character) {
        format!("U+{:04X}", u32::from(character))
    } else {
        format!("`{character}`")
    }
}

/// The replacement for a character that GSM 03.38 does not have: a similar one for punctuation and letters, nothing for invisible characters
/// and emoji. `None` for a letter of another script.
fn in_gsm7(character: char) -> Option<&'static str> {
    let like = match character {
        '‘' | '’' | '‚' | '‛' | '′' | '`' | '´' | 'ʼ' | '‹' | '›' => "'",
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' => "\"",
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' | '•' | '·' => "-",
        '…' => "...",
        '×' => "x",
        '№' => "No.",
        '\t' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ",
        '\u{2028}' | '\u{2029}' | '\u{85}' => "\n",
        'á' | 'â' | 'ã' | 'ā' | 'ă' | 'ą' => "a",
        'À' | 'Á' | 'Â' | 'Ã' | 'Ā' | 'Ă' | 'Ą' => "A",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'Ć' | 'Ĉ' | 'Ċ' | 'Č' => "C",
        'ď' | 'đ' | 'ð' => "d",
        'Ď' | 'Đ' | 'Ð' => "D",
        'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'È' | 'Ê' | 'Ë' | 'Ē' | 'Ĕ' | 'Ė' | 'Ę' | 'Ě' => "E",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'Ĝ' | 'Ğ' | 'Ġ' | 'Ģ' => "G",
        'ĥ' | 'ħ' => "h",
        'Ĥ' | 'Ħ' => "H",
        'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'į' | 'ı' => "i",
        'Ì' | 'Í' | 'Î' | 'Ï' | 'Ĩ' | 'Ī' | 'Į' | 'İ' => "I",
        'ĵ' => "j",
        'Ĵ' => "J",
        'ķ' => "k",
        'Ķ' => "K",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'Ĺ' | 'Ļ' | 'Ľ' | 'Ł' => "L",
        'ń' | 'ņ' | 'ň' => "n",
        'Ń' | 'Ņ' | 'Ň' => "N",
        'ó' | 'ô' | 'õ' | 'ō' | 'ŏ' | 'ő' => "o",
        'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ō' | 'Ŏ' | 'Ő' => "O",
        'œ' => "oe",
        'Œ' => "OE",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'Ŕ' | 'Ŗ' | 'Ř' => "R",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'Ś' | 'Ŝ' | 'Ş' | 'Š' | 'Ș' => "S",
        'ţ' | 'ť' | 'ț' => "t",
        'Ţ' | 'Ť' | 'Ț' => "T",
        'þ' => "th",
        'Þ' => "Th",
        'ú' | 'û' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'Ù' | 'Ú' | 'Û' | 'Ũ' | 'Ū' | 'Ŭ' | 'Ů' | 'Ű' | 'Ų' => "U",
        'ŵ' => "w",
        'Ŵ' => "W",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'Ý' | 'Ÿ' | 'Ŷ' => "Y",
        'ź' | 'ż' | 'ž' => "z",
        'Ź' | 'Ż' | 'Ž' => "Z",
        letter if letter.is_alphanumeric() => return None,
        // Emoji, symbols and invisible characters.
        _ => "",
    };
    Some(like)
}

#[cfg(test)]
mod tests {
    use TextEncoding::{Gsm7, Ucs2};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

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
    fn what_looks_the_same_is_sent_in_the_cheaper_spelling() {
        for (written, sent, encoding) in [
            ("Cafe\u{301}: 123456", "Café: 123456", Gsm7),
            ("U\u{308}ber A\u{30a}", "Über Å", Gsm7),
            ("ΚΩΔΙΚΟΣ 123456", "KΩΔIKOΣ 123456", Gsm7),
            ("ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", "ABΓΔEZHΘIKΛMNΞOΠPΣTYΦXΨΩ", Gsm7),
            // Nothing is gained, so that nothing is changed.
            ("Ο κωδικός: 123456", "Ο κωδικός: 123456", Ucs2),
            ("КОД 123456", "КОД 123456", Ucs2),
            ("o\u{301} 1", "ó 1", Ucs2),
            ("", "", Gsm7),
        ] {
            let composed = composed(written);
            assert_eq!(composed.as_str(), sent, "{written}");
            assert_eq!(measure(&composed).encoding, encoding, "{written}");
        }
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

    #[test]
    fn what_is_outside_is_named_once_in_order() {
        assert_eq!(outside_gsm7("“Kód” ó – 中"), ['“', 'ó', '”', '–', '中']);
        assert!(outside_gsm7("Über øl für £5 à 2€ {x}").is_empty());
    }

    #[test]
    fn hints_say_what_to_write() {
        for (text, wanted) in [
            ("Your code is 123456", vec![]),
            (
                "It’s 123456 – “go”…",
                vec![
                    "write `'` for `’`, write `-` for `–`, write `\"` for `“`, write `\"` for `”`, write `...` for `…`; one segment would hold 160",
                ],
            ),
            ("Kód\u{a0}123456", vec!["write `o` for `ó`, write a plain space for U+00A0"]),
            ("123456\u{200b} 🎉", vec!["leave out U+200B, leave out `🎉`"]),
            ("验证码 123456", vec!["`验`, `证`, `码` are not in GSM 03.38 and have no like there"]),
            // As long as one letter has no like, the others may stay.
            ("’я", vec!["`я` is not in GSM 03.38 and has no like there"]),
            ("абвгдежзий", vec!["`з` and 2 more are not"]),
            ("áâãāăąçćĉ", vec!["write `c` for `ć` (and 1 more)"]),
        ] {
            let hints = hints(text, measure(text));
            assert_eq!(hints.len(), wanted.len(), "{text}: {hints:?}");
            for (hint, wanted) in hints.iter().zip(wanted) {
                assert!(hint.to_string().contains(wanted), "{text}: {hint}");
            }
        }
    }

    #[test]
    fn hints_are_data() {
        for (text, wanted) in [
            (
                "Kód\u{a0}1\u{200b}",
                json!({ "code": "write-otherwise", "values": {
                "instead": "`ó` → `o`, U+00A0 → U+0020, U+200B", "more": 0, "segments": 1, "then": 1 } }),
            ),
            (
                "абвгдежзийя",
                json!({ "code": "other-script", "values": { "characters": "`а`, `б`, `в`, `г`, `д`, `е`, `ж`, `з`", "more": 3 } }),
            ),
        ] {
            assert_eq!(serde_json::to_value(&hints(text, measure(text))[0]).unwrap(), wanted);
        }
        let long = "a".repeat(310);
        let wanted = json!({ "code": "shorten", "values": { "segments": 3, "over": 4 } });
        assert_eq!(serde_json::to_value(&hints(&long, measure(&long))[0]).unwrap(), wanted);
    }

    #[test]
    fn hints_count_what_is_over() {
        for (text, wanted) in [
            ("a".repeat(161), "takes 2 segments; 1 character less, and it takes 1 segment"),
            ("a".repeat(306), "takes 2 segments; 146 characters less, and it takes 1 segment"),
            ("a".repeat(310), "takes 3 segments; 4 characters less, and it takes 2 segments"),
            // The euro does not straddle: without the last character it still takes three.
            (format!("{}€{}", "a".repeat(152), "a".repeat(153)), "takes 3 segments; 2 characters less"),
        ] {
            let hints = hints(&text, measure(&text));
            assert!(hints.iter().any(|hint| hint.to_string().contains(wanted)), "{hints:?}");
        }
        let curly = format!("{}’", "a".repeat(80));
        let hints = hints(&curly, measure(&curly));
        assert!(hints[0].to_string().contains("it would take 1 instead of 2 segments"), "{hints:?}");
    }

    #[test]
    fn what_is_written_instead_is_in_the_alphabet() {
        let characters = (0..=0x3_0000).filter_map(char::from_u32);
        for (character, like) in characters.filter_map(|character| Some((character, in_gsm7(character)?))) {
            assert!(like.chars().all(|character| septets(character).is_some()), "{character} {like}");
        }
    }

    proptest! {
        #[test]
        fn to_compose_twice_changes_nothing_and_costs_no_more(text in any::<String>()) {
            let once = composed(&text);
            prop_assert_eq!(&composed(&once), &once);
            prop_assert!(once.len() <= text.len() * 3);
        }

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

        #[test]
        fn the_characters_over_are_just_enough(text in "[a-z€’中😀]{71,400}") {
            let segments = measure(&text).segments;
            prop_assume!(segments > 1);
            let over = characters_over(&text, segments);
            let without = |count: usize| {
                let left = text.chars().count() - count;
                measure(&text.chars().take(left).collect::<String>()).segments
            };
            prop_assert!(without(over) < segments && without(over - 1) >= segments);
        }
    }
}
