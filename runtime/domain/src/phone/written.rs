//! Numbers as people write and paste them, in the characters that the rules read.

use sendbox_contract::is_hidden;
use zeroize::Zeroizing;

use crate::digit::ascii_digit;

/// Whether a byte of a [`plain`] number is a digit, or stands between digits.
pub(super) fn is_digit_or_separator(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'/')
}

/// A number with ASCII digits and separators, without what cannot be seen and without white space around it. Everything else is kept,
/// and is no part of a number.
pub(super) fn plain(text: &str) -> Zeroizing<String> {
    // Allocated for every replacement: a string that grows leaves copies behind in freed memory.
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    plain.extend(
        text.trim().chars().filter(|character| character.is_whitespace() || !is_invisible(*character)).map(meant),
    );
    match plain.trim().len() == plain.len() {
        true => plain,
        false => Zeroizing::new(plain.trim().to_owned()),
    }
}

/// Whether a character is not to be seen: directional marks, joiners, soft hyphens.
fn is_invisible(character: char) -> bool {
    is_hidden(character) || matches!(character, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{2060}'..='\u{2065}')
}

/// The character that is meant.
fn meant(character: char) -> char {
    match character {
        '＋' | '﹢' | '⁺' | '₊' => '+',
        '（' | '﹙' | '[' | '［' => '(',
        '）' | '﹚' | ']' | '］' => ')',
        '\u{2010}'..='\u{2015}'
        | '\u{2043}'
        | '\u{2212}'
        | '\u{fe58}'
        | '\u{fe63}'
        | '\u{ff0d}'
        | '~'
        | '〜'
        | '～' => '-',
        '·' | '•' | '․' | '‧' | '∙' | '・' | '．' | '。' => '.',
        '／' | '⁄' | '∕' => '/',
        space if space.is_whitespace() => ' ',
        other => ascii_digit(other).unwrap_or(other),
    }
}
