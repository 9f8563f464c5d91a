//! Undoes escapes more often than the format of a field requires, because we do not know how deep a provider decodes.

use percent_encoding::percent_decode_str;

use super::slot::is_reserved;

/// How often: for JSON inside a form value, for markup inside that, and once more to be safe.
pub(super) const ROUNDS: usize = 3;

/// Undoes one layer of percent-encoding, of escapes as in JSON, and of markup: tags and comments are removed, and character
/// references become the characters that they name. Reserved characters are kept, and no escape can produce one.
pub(super) fn once(text: &str) -> String {
    let text = percent(text);
    markup(&backslashes(&text))
}

fn percent(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_reserved) {
        let own = piece.trim_end_matches(is_reserved);
        plain.extend(percent_decode_str(own).decode_utf8_lossy().chars().filter(|c| !is_reserved(*c)));
        plain.push_str(piece.get(own.len()..).unwrap_or_default());
    }
    plain
}

/// The character with a code point, if a connector may write it.
fn character(code: u32) -> Option<char> {
    char::from_u32(code).filter(|c| !is_reserved(*c))
}

/// `\u0034`, `\u{34}`, `\x34`, and escapes of a single character.
fn backslashes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut chars = escape.chars();
        let first = chars.next();
        let code = match first {
            Some('u' | 'U') => braced(chars.as_str()).or_else(|| hexadecimal(chars.as_str(), 4)),
            Some('x' | 'X') => hexadecimal(chars.as_str(), 2),
            _ => None,
        };
        if let Some((code, after)) = code {
            plain.push(character(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            rest = after;
            continue;
        }
        match first {
            Some(c @ ('"' | '\\' | '/' | '\'')) => plain.push(c),
            Some('n' | 'r' | 't' | 'b' | 'f') => plain.push(' '),
            Some(c) => plain.extend(['\\', c]),
            None => plain.push('\\'),
        }
        rest = chars.as_str();
    }
    plain.push_str(rest);
    plain
}

fn hexadecimal(text: &str, length: usize) -> Option<(u32, &str)> {
    let digits = text.get(..length).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    Some((u32::from_str_radix(digits, 16).ok()?, text.get(length..)?))
}

/// At most 8 digits, so that a text with many braces is read only once.
fn braced(text: &str) -> Option<(u32, &str)> {
    let inside = text.strip_prefix('{')?;
    let length = inside.bytes().take(9).take_while(u8::is_ascii_hexdigit).count();
    let (code, after) = hexadecimal(inside, length)?;
    Some((code, after.strip_prefix('}')?))
}

/// Removes tags, comments and the brackets of character data, and resolves character references.
fn markup(text: &str) -> String {
    let text = text.replace("<![CDATA[", "").replace("]]>", "");
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.as_str();
    // The rest after the end of the last comment: a comment that begins there never ends.
    let after_comments = text.rfind("-->").map_or(text.len(), |at| text.len() - at - 3);
    while let Some(at) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        plain.push_str(before);
        rest = match skip_tag(from, after_comments).or_else(|| reference(from, &mut plain)) {
            Some(after) => after,
            None => {
                plain.extend(from.chars().next());
                from.get(1..).unwrap_or_default()
            }
        };
    }
    plain.push_str(rest);
    plain
}

/// The text after a comment or a tag at the start. Looks no further than the next `<`, so that a text with many tags is read only
/// once.
fn skip_tag(text: &str, after_comments: usize) -> Option<&str> {
    let inside = text.strip_prefix('<')?;
    if let Some(comment) = inside.strip_prefix("!--") {
        // A comment that never ends hides nothing, so its text is read.
        let closed = if text.len() > after_comments { comment.split_once("-->") } else { None };
        return Some(closed.map_or(comment, |(_, after)| after));
    }
    let end = inside.find(['<', '>'])?;
    inside.get(end..)?.strip_prefix('>')
}

/// A reference at the start of the text: `&#49;`, `&#x31;`, `&nbsp;`, even without its semicolon.
fn reference<'t>(text: &'t str, plain: &mut String) -> Option<&'t str> {
    let Some(digits) = text.strip_prefix("&#") else { return named(text.strip_prefix('&')?, plain) };
    let (digits, radix) = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let (code, after) = digits.split_at_checked(end)?;
    let code = code.trim_start_matches('0');
    plain.extend(u32::from_str_radix(code, radix).ok().and_then(character));
    Some(after.strip_prefix(';').unwrap_or(after))
}

/// Length of the longest name of an HTML entity.
const NAME_MAX: usize = 31;

/// A named reference. Markup characters and digits are resolved, and any other reference becomes a space: it only matters that its
/// letters do not count as letters.
fn named<'t>(text: &'t str, plain: &mut String) -> Option<&'t str> {
    for (name, c) in [
        ("lt", '<'),
        ("gt", '>'),
        ("amp", '&'),
        ("quot", '"'),
        ("nbsp", ' '),
        ("shy", ' '),
        ("sup1", '1'),
        ("sup2", '2'),
        ("sup3", '3'),
    ] {
        if let Some(after) = text.strip_prefix(name) {
            plain.push(c);
            return Some(after.strip_prefix(';').unwrap_or(after));
        }
    }
    let length = text.bytes().take(NAME_MAX + 1).take_while(u8::is_ascii_alphanumeric).count();
    let after = text.get(length..)?.strip_prefix(';').filter(|_| length > 0)?;
    plain.push(' ');
    Some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_layer() {
        for (escaped, plain) in [
            (r"\u0034\u0035", "45"),
            (r"\u{34}\x35\u{000036}", "456"),
            (r#"\"a\/b"#, "\"a/b"),
            (r"\\u0034", r"\u0034"),
            (r"a\", r"a\"),
            (r"\u00", r"\u00"),
            (r"\u{34", r"\u{34"),
            ("%34%35", "45"),
            ("%2534", "%34"),
            ("&#52;&#x35;&#54 &#0000055;", "456 7"),
            ("4<!-- 1 -->5<b class=\"x\">6</b>", "456"),
            ("4<!--5", "45"),
            ("<![CDATA[4]]>5", "45"),
            ("a < b & c > d", "a  d"),
            ("a < b", "a < b"),
            ("&#;&#x;&#99999999;", ""),
            ("4%F4%8F%BF%BD5\\u{10fffc}6&#x100000;7", "45\u{FFFD}67"),
            ("4\u{10FFFC}%35%F4\u{10FFFD}%8F%BF%BD", "4\u{10FFFC}5\u{FFFD}\u{10FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
            ("1&nbsp;2&nbsp3&ThinSpace;4&sup1;", "1 2 3 41"),
            ("&amp;lt;&lt;b&gt;&;&é;", "&lt;<b>&;&é;"),
        ] {
            assert_eq!(once(escaped), plain, "{escaped}");
        }
    }
}
