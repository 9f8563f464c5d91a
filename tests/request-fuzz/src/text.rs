//! Text made from bytes: fragments that some parser treats specially, and any other characters.

use arbitrary::{Result, Unstructured};

/// Fragments that end a field, escape, hide, or look like a number.
const FRAGMENTS: [&str; 64] = [
    "a",
    "to",
    "=",
    "&",
    ";",
    "+",
    "%",
    "%41",
    "%26",
    "%2B",
    "%00",
    "%252B",
    "\"",
    "\\",
    "\\\"",
    "\\u0034",
    "\\u0000",
    "\\udb80\\udc00",
    "\\/",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\":\"",
    "\",\"",
    "<",
    ">",
    "</",
    "/>",
    "<to>",
    "</to>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "&amp;",
    "&#52;",
    "&#x34",
    "<?x?>",
    "'",
    " ",
    "\t",
    "\r\n",
    "\n",
    "\0",
    "/",
    "..",
    "?",
    "#",
    "@",
    "é",
    "漢",
    "😀",
    "\u{f0000}",
    "\u{f0001}",
    "\u{10fffd}",
    "\u{feff}",
    "\u{200b}",
    "٣",
    "３",
    "e",
    "-",
];

/// Characters that are special in a format unless they are encoded.
const STRUCTURE: [&str; 12] = [
    "&to=%2B4599999999",
    "&a",
    ";a=1",
    "\"",
    "\",\"to\":\"+4599999999",
    "\\",
    "<",
    "</to><to>4599999999",
    "<!--",
    "&amp;",
    "%41",
    "+",
];

/// `true` once in so many times; never when the input is used up.
pub fn one_in(u: &mut Unstructured<'_>, times: u8) -> Result<bool> {
    Ok(u.int_in_range(1..=times)? == times)
}

/// A text of a few fragments, at most `most`.
fn fragments(u: &mut Unstructured<'_>, most: u8) -> Result<String> {
    let mut text = String::new();
    for _ in 0..u.int_in_range(0..=most)? {
        match u.int_in_range(0..=7_u8)? {
            0..=3 => text.push_str(u.choose(&FRAGMENTS)?),
            // Mostly too few digits for a phone number.
            4 | 5 => {
                let most = if one_in(u, 8)? { 9_999_999_999 } else { 9_999_u64 };
                text.push_str(&u.int_in_range(0..=most)?.to_string());
            }
            _ => {
                let length = u.int_in_range(1..=6)?.min(u.len());
                text.push_str(&String::from_utf8_lossy(u.bytes(length)?));
            }
        }
    }
    Ok(text)
}

/// A literal text of a connector.
pub fn literal(u: &mut Unstructured<'_>) -> Result<String> {
    fragments(u, 4)
}

/// A sealed text, possibly empty.
pub fn sealed(u: &mut Unstructured<'_>) -> Result<String> {
    let before = fragments(u, 2)?;
    let structure = if u.arbitrary()? { *u.choose(&STRUCTURE)? } else { "" };
    Ok(format!("{before}{structure}{}", fragments(u, 1)?))
}

/// The name of a field, mostly a unique one.
pub fn name(u: &mut Unstructured<'_>) -> Result<String> {
    const NAMES: [&str; 12] = ["from", "sender", "ref", "v", "To[]", "T_o", "text", "Body", "To", "to", "code", "2010"];
    Ok(if one_in(u, 8)? { literal(u)? } else { (*u.choose(&NAMES)?).to_owned() })
}
