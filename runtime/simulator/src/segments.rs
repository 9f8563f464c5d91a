//! The number of SMS parts of a text, as Twilio counts them.
//!
//! A second count beside the host's own, written from 3GPP TS 23.038 (alphabet) and TS 23.040 (7 septets or 3 UTF-16
//! units of a concatenated part go to its header), so that one can catch the other. Knows no provider.

/// The GSM 03.38 basic alphabet, without the escape character, which cannot be sent.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Characters of the extension table: an escape and a septet each.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// The number of parts for which `text` is billed, at least 1.
pub(crate) fn segments(text: &str) -> usize {
    match septets(text) {
        Some(units) => parts(units, 160, 153),
        None => parts(text.encode_utf16().count(), 70, 67),
    }
}

/// Whether a character is in the GSM alphabet or its extension table.
pub(crate) fn is_gsm(c: char) -> bool {
    BASIC.contains(c) || EXTENDED.contains(c)
}

/// Septets in the GSM alphabet; `None` when a character is not in it.
fn septets(text: &str) -> Option<usize> {
    text.chars()
        .map(|c| match c {
            c if BASIC.contains(c) => Some(1),
            c if EXTENDED.contains(c) => Some(2),
            _ => None,
        })
        .sum()
}

fn parts(units: usize, single: usize, multi: usize) -> usize {
    if units <= single { 1 } else { units.div_ceil(multi) }
}

#[cfg(test)]
mod tests {
    use super::segments;

    #[test]
    fn counts_parts() {
        let cases = [
            ("a", 160, 1),
            ("a", 161, 2),
            ("a", 306, 2),
            ("a", 307, 3),
            ("€", 80, 1),
            ("€", 81, 2),
            ("験", 70, 1),
            ("験", 71, 2),
            ("😀", 35, 1),
            ("😀", 36, 2),
            ("Ç", 160, 1),
            ("ç", 160, 3),
        ];
        for (character, count, expected) in cases {
            assert_eq!(segments(&character.repeat(count)), expected, "{count} of {character}");
        }
    }
}
