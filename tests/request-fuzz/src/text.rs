//! Text from bytes: fragments that some parser treats apart, and any other characters.

use arbitrary::{Result, Unstructured};

/// What ends a field, escapes, hides, or looks like a number.
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

/// What a format takes for its own, where it is not encoded.
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

/// Whether something happens that mostly does not. It does not when the input is used up.
pub fn one_in(u: &mut Unstructured<'_>, times: u8) -> Result<bool> {
    Ok(u.int_in_range(1..=times)? == times)
}

/// A text of a few fragments.
fn fragments(u: &mut Unstructured<'_>, most: u8) -> Result<String> {
    let mut text = String::new();
    for _ in 0..u.int_in_range(0..=most)? {
        match u.int_in_range(0..=7_u8)? {
            0..=3 => text.push_str(u.choose(&FRAGMENTS)?),
            // Mostly too few digits for a number.
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

/// What a connector writes somewhere.
pub fn literal(u: &mut Unstructured<'_>) -> Result<String> {
    fragments(u, 4)
}

/// What is sealed, of any length from none.
pub fn sealed(u: &mut Unstructured<'_>) -> Result<String> {
    let before = fragments(u, 2)?;
    let structure = if u.arbitrary()? { *u.choose(&STRUCTURE)? } else { "" };
    Ok(format!("{before}{structure}{}", fragments(u, 1)?))
}

/// A name of a field: most often one that nobody else has.
pub fn name(u: &mut Unstructured<'_>) -> Result<String> {
    const NAMES: [&str; 12] = ["from", "sender", "ref", "v", "To[]", "T_o", "text", "Body", "To", "to", "code", "2010"];
    Ok(if one_in(u, 8)? { literal(u)? } else { (*u.choose(&NAMES)?).to_owned() })
}
