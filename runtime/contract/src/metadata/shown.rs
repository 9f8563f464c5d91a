//! What people are shown of a connector: names, descriptions, the README and the schema of its form.
//!
//! An untrusted author wrote it, and it is shown in terminals and browsers beside what Sendbox says itself. So it has no characters
//! that hide or reorder other text, no names that mean something else in JavaScript, and a README that is quick to read and to draw.

use serde_json::Value;

use crate::text::is_hidden;

/// Maximum size of a README, in bytes.
const README_BYTES: usize = 32 << 10;
/// Maximum size of one of its lines, in bytes. A paragraph is often one line.
const README_LINE_BYTES: usize = 4 << 10;
/// Maximum depth of quotes and lists in a README.
const README_DEPTH: usize = 8;

/// Names that every JavaScript object has.
const JAVASCRIPT_NAMES: [&str; 13] = [
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "prototype",
    "toLocaleString",
    "toString",
    "valueOf",
];

/// What a connector shows, as its author wrote it.
#[derive(Clone)]
pub(super) struct Shown<'a> {
    /// Texts that are shown as one line, with the names of their fields.
    pub(super) lines: Vec<(&'static str, &'a str)>,
    pub(super) description: &'a str,
    pub(super) readme: &'a str,
    pub(super) schemas: [&'a Value; 2],
}

/// The faults of what is shown.
pub(super) fn faults(shown: &Shown<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    for (field, text) in &shown.lines {
        if text.contains(is_hidden) {
            faults.push(format!("`{field}` has a character that cannot be seen, or a line break"));
        }
    }
    let readme = shown.readme;
    for (field, text) in [("description", shown.description), ("readme", readme)] {
        if text.contains(is_hidden_in_lines) {
            faults.push(format!("`{field}` has a character that cannot be seen"));
        }
    }
    if readme.len() > README_BYTES {
        faults.push(format!("`readme` has {} bytes; {README_BYTES} are allowed", readme.len()));
    } else if readme.lines().any(|line| line.len() > README_LINE_BYTES) {
        faults.push(format!("`readme` has a line of more than {README_LINE_BYTES} bytes"));
    } else if readme.lines().any(|line| depth(line) > README_DEPTH) {
        faults.push(format!("`readme` has quotes or lists that are nested more than {README_DEPTH} deep"));
    }
    faults.extend(shown.schemas.iter().filter_map(|schema| schema_fault(schema)));
    faults
}

fn is_hidden_in_lines(character: char) -> bool {
    is_hidden(character) && !['\n', '\r', '\t'].contains(&character)
}

/// The number of quotes and lists that a line of Markdown begins in. Its indentation may be as many.
fn depth(line: &str) -> usize {
    let indentation = line.len() - line.trim_start().len();
    let mut rest = line.trim_start();
    let mut markers = 0;
    loop {
        let after_digits = rest.trim_start_matches(|character: char| character.is_ascii_digit());
        let numbered = after_digits.strip_prefix(['.', ')']).filter(|_| after_digits.len() < rest.len());
        let item = rest.strip_prefix(['-', '*', '+']).or(numbered).filter(|after| after.starts_with([' ', '\t']));
        let after = rest.strip_prefix('>').or(item);
        match after {
            Some(after) => rest = after.trim_start(),
            None => return markers + indentation / 4,
        }
        markers += 1;
    }
}

/// The first fault of a schema, which has been parsed, so that its depth is bounded.
fn schema_fault(schema: &Value) -> Option<String> {
    match schema {
        Value::String(text) => text
            .contains(is_hidden_in_lines)
            .then(|| "a text of the schema has a character that cannot be seen".to_owned()),
        Value::Array(items) => items.iter().find_map(schema_fault),
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            if JAVASCRIPT_NAMES.contains(&name.as_str()) {
                return Some(format!("`{name}` is a name that every JavaScript object has; use another one"));
            }
            if name.contains(is_hidden) {
                return Some("a name of the schema has a character that cannot be seen".to_owned());
            }
            schema_fault(member)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_hides_nothing_and_is_quick_to_read() {
        let plain = Shown {
            lines: vec![("name", "Acme"), ("locales", "da")],
            description: "Sends\nmessages.",
            readme: "# Acme\r\n\tIndented.\n",
            schemas: [&Value::Null, &Value::Null],
        };
        assert_eq!(faults(&plain), [] as [String; 0]);
        let (large, line, deep) =
            ("a\n".repeat(README_BYTES / 2 + 1), "a".repeat(README_LINE_BYTES + 1), ">".repeat(README_DEPTH + 1));
        let schema = serde_json::json!({ "title": "a\u{202e}b" });
        for (shown, fault) in [
            (Shown { lines: vec![("name", "Ac\u{202e}me")], ..plain.clone() }, "`name`"),
            (Shown { lines: vec![("version", "1"), ("name", "Acme\n")], ..plain.clone() }, "`name`"),
            (Shown { description: "a\u{2066}b", ..plain.clone() }, "`description`"),
            (Shown { readme: "a\u{1b}b", ..plain.clone() }, "`readme`"),
            (Shown { readme: &large, ..plain.clone() }, "bytes"),
            (Shown { readme: &line, ..plain.clone() }, "line"),
            (Shown { readme: &deep, ..plain.clone() }, "nested"),
            (Shown { schemas: [&Value::Null, &schema], ..plain.clone() }, "schema"),
        ] {
            let found = faults(&shown).join("; ");
            assert!(found.contains(fault), "{fault}: {found}");
        }
    }

    #[test]
    fn quotes_and_lists_are_counted() {
        for (line, expected) in [
            ("A sentence > with - signs 1. in it", 0),
            ("-", 0),
            ("**bold**", 0),
            ("- one", 1),
            ("12. twelve", 1),
            ("> - 1. three", 3),
            (">>>> four", 4),
            ("        - indented", 3),
            (&">".repeat(60_000), 60_000),
            (&"- ".repeat(1_000), 1_000),
        ] {
            assert_eq!(depth(line), expected, "{line:.40}");
        }
    }

    #[test]
    fn a_schema_shows_what_it_says() {
        for (schema, fault) in [
            (serde_json::json!({ "properties": { "from": { "title": "Sender\nof all" } } }), None),
            (serde_json::json!({ "properties": { "constructor": {} } }), Some("constructor")),
            (serde_json::json!({ "$defs": { "a": { "properties": { "__proto__": {} } } } }), Some("__proto__")),
            (serde_json::json!({ "properties": { "fr\u{202e}om": {} } }), Some("name")),
            (serde_json::json!({ "properties": { "from": { "title": "\u{1b}[2JSender" } } }), Some("text")),
            (serde_json::json!({ "enum": ["a", "b\u{200b}"] }), Some("text")),
        ] {
            let found = schema_fault(&schema);
            assert_eq!(found.is_some(), fault.is_some(), "{schema}");
            assert!(found.zip(fault).is_none_or(|(found, part)| found.contains(part)), "{schema}");
        }
    }
}
