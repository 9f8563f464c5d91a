//! Where a sealed value is a whole value of its surroundings.
//!
//! The component is written out with one character of a private plane for each sealed thing, and then read the way the
//! provider will read it: as URL, form, JSON or XML, into nested values. A sealed thing that is found as a whole value is
//! counted; one that is not found (words around it, a key, a repeated key that a parser drops) is not.
//!
//! Must not know: phone numbers, beyond the prefix that may stand before one.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{Composition, ContentKind, Mark, MessageRule, Piece, RecipientForm};

/// Which part of a request, and so how it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Component {
    Url,
    Header,
    Body,
}

/// Values nested deeper than this (JSON in a form value in JSON …) are not looked into.
const DEPTH_MAX: usize = 8;
/// The first character that stands for a sealed thing (a private plane, which no text uses).
const FIRST: u32 = 0xF_0000;
const LAST: u32 = 0xF_FFFD;

/// How many recipients and messages were found as whole values.
#[derive(Debug, Default)]
pub(super) struct Alone {
    pub(super) recipients: usize,
    pub(super) messages: usize,
}

enum Slot<'c> {
    Mark(&'c Mark),
    Encoded(&'c Composition),
}

struct Reader<'c> {
    slots: Vec<Slot<'c>>,
    content: ContentKind,
    calling_code: &'c str,
    found: Alone,
    /// Whether an escape wrote a character that stands for a sealed thing. Then nothing that was found counts.
    forged: bool,
}

impl Alone {
    /// `None` when there are more sealed things than characters for them.
    pub(super) fn find(component: Component, value: &Composition, rule: &MessageRule<'_>) -> Option<Self> {
        let mut reader = Reader {
            slots: Vec::new(),
            content: rule.content,
            calling_code: &rule.calling_code,
            found: Self::default(),
            forged: false,
        };
        let text = reader.write(value)?;
        match component {
            Component::Url => reader.url(&text),
            Component::Header => reader.field(&text, 0),
            Component::Body => reader.body(&text),
        }?;
        Some(if reader.forged { Self::default() } else { reader.found })
    }
}

fn is_slot(c: char) -> bool {
    (FIRST..=LAST).contains(&u32::from(c))
}

impl<'c> Reader<'c> {
    fn write(&mut self, value: &'c Composition) -> Option<String> {
        let mut text = String::new();
        for piece in value.pieces() {
            let slot = match piece {
                Piece::Literal(literal) => {
                    text.extend(literal.chars().map(|c| if is_slot(c) { char::REPLACEMENT_CHARACTER } else { c }));
                    continue;
                }
                Piece::Mark(mark) => Slot::Mark(mark),
                Piece::Encoded(inner) => Slot::Encoded(inner),
            };
            let code = FIRST + u32::try_from(self.slots.len()).ok()?;
            text.push(char::from_u32(code).filter(|c| is_slot(*c))?);
            self.slots.push(slot);
        }
        Some(text)
    }

    fn url(&mut self, text: &str) -> Option<()> {
        let Some((_, rest)) = text.split_once("://") else { return Some(()) };
        let rest = rest.split('#').next().unwrap_or_default();
        let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
        // The first piece is the authority: a sealed value there is counted nowhere.
        for segment in before_query.split('/').skip(1).filter(|segment| segment.contains(is_slot)) {
            let segment = self.decode(segment);
            self.field(&segment, 0)?;
        }
        self.form(query)
    }

    fn body(&mut self, text: &str) -> Option<()> {
        match text.trim_start().chars().next() {
            Some('{' | '[' | '"') => self.json(text, 0),
            Some('<') => self.xml(text),
            _ if text.contains(['=', '&']) => self.form(text),
            _ => self.field(text, 0),
        }
    }

    /// `key=value` pairs. A key that holds recipient or message and is repeated makes a list, so it does not count.
    fn form(&mut self, text: &str) -> Option<()> {
        let pairs: Vec<_> = text
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(key, value)| (self.decode(key).to_ascii_lowercase(), value))
            .collect();
        let mut keys: BTreeMap<&str, usize> = BTreeMap::new();
        for (key, _) in &pairs {
            *keys.entry(key).or_default() += 1;
        }
        for (key, value) in &pairs {
            if keys.get(key.as_str()).is_some_and(|times| *times > 1) || !value.contains(is_slot) {
                continue;
            }
            let decoded = self.decode(value);
            if starts_json(&decoded) {
                let spaced = self.decode(&value.replace('+', " "));
                self.json(&spaced, 1)?;
            } else {
                self.field(&decoded, 0)?;
            }
        }
        Some(())
    }

    /// One whole value: a sealed thing with at most a number's prefix before it, or JSON again.
    fn field(&mut self, text: &str, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX || !text.contains(is_slot) {
            return Some(());
        }
        if starts_json(text) {
            return self.json(text, depth + 1);
        }
        let mut chars = text.chars();
        match chars.next_back() {
            Some(last) if is_slot(last) => self.slot(chars.as_str(), last, depth),
            _ => Some(()),
        }
    }

    fn decode(&mut self, text: &str) -> String {
        let decoded = percent_decode_str(text).decode_utf8_lossy().into_owned();
        self.forged |= count_slots(&decoded) > count_slots(text);
        decoded
    }

    fn slot(&mut self, prefix: &str, slot: char, depth: usize) -> Option<()> {
        let index = u32::from(slot).checked_sub(FIRST).and_then(|index| usize::try_from(index).ok());
        match index.and_then(|index| self.slots.get(index)) {
            Some(Slot::Mark(Mark::Recipient(form))) if prefix_fits(*form, prefix, self.calling_code) => {
                self.found.recipients += 1;
            }
            Some(Slot::Mark(Mark::Text)) if prefix.is_empty() && self.content == ContentKind::Text => {
                self.found.messages += 1;
            }
            Some(Slot::Mark(Mark::Code)) if prefix.is_empty() && self.content != ContentKind::Text => {
                self.found.messages += 1;
            }
            Some(Slot::Encoded(inner)) => {
                let inner = *inner;
                let text = format!("{prefix}{}", self.write(inner)?);
                self.field(&text, depth + 1)?;
            }
            _ => {}
        }
        Some(())
    }

    fn json(&mut self, text: &str, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return Some(());
        }
        self.forged |= escapes_slot(text);
        match serde_json::from_str(&quote_bare_slots(text)) {
            Ok(value) => self.json_value(&value, depth),
            Err(_) => Some(()),
        }
    }

    fn json_value(&mut self, value: &Value, depth: usize) -> Option<()> {
        match value {
            Value::String(text) => self.field(text, depth + 1),
            Value::Object(map) => map.values().try_for_each(|value| self.json_value(value, depth)),
            Value::Array(items) => {
                let before = self.found.recipients;
                items.iter().try_for_each(|item| self.json_value(item, depth))?;
                // A list of receivers: only the recipient may be on it.
                if self.found.recipients > before && items.iter().any(is_numberish) {
                    self.found.recipients = before;
                }
                Some(())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Some(()),
        }
    }

    /// XML is not parsed: a sealed thing counts when a tag ends right before it and one begins right after it, or when it is a
    /// quoted attribute.
    fn xml(&mut self, text: &str) -> Option<()> {
        for (at, slot) in text.char_indices().filter(|(_, c)| is_slot(*c)) {
            let (before, from) = text.split_at_checked(at)?;
            let after = from.get(slot.len_utf8()..)?;
            let start = before.rfind(['>', '"', '\'', '[']).map_or(0, |at| at + 1);
            let (before, prefix) = before.split_at_checked(start)?;
            if xml_boundaries(before, after) {
                self.slot(prefix, slot, 0)?;
            }
        }
        Some(())
    }
}

fn xml_boundaries(before: &str, after: &str) -> bool {
    let ends_tag = |text: &str| {
        text.strip_suffix('>')
            .and_then(|tag| tag.rsplit_once('<'))
            .is_some_and(|(_, name)| !name.is_empty() && !name.contains('>'))
    };
    if let Some(element) = before.strip_suffix("<![CDATA[") {
        return ends_tag(element) && after.starts_with("]]><");
    }
    for quote in ['"', '\''] {
        if let Some(attribute) = before.strip_suffix(quote) {
            let in_tag = attribute.rfind('<') > attribute.rfind('>');
            return in_tag && attribute.ends_with('=') && after.starts_with(quote);
        }
    }
    ends_tag(before) && after.starts_with('<')
}

/// What may stand before a number without making it another one.
fn prefix_fits(form: RecipientForm, prefix: &str, calling_code: &str) -> bool {
    let prefix = ["tel:", "sms:"].iter().find_map(|scheme| prefix.strip_prefix(scheme)).unwrap_or(prefix);
    match form {
        RecipientForm::E164 => prefix.is_empty(),
        RecipientForm::Digits => matches!(prefix, "" | "+" | "00"),
        RecipientForm::National => {
            let code = prefix.strip_prefix('+').or_else(|| prefix.strip_prefix("00")).unwrap_or(prefix);
            prefix.is_empty() || (!calling_code.is_empty() && code == calling_code)
        }
    }
}

/// A JSON scalar that could be a (short) number to send to.
fn is_numberish(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::String(text) => {
            text.contains(char::is_numeric)
                && !text.contains(is_slot)
                && !text.contains(|c: char| c.is_ascii_alphabetic())
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

fn count_slots(text: &str) -> usize {
    text.chars().filter(|c| is_slot(*c)).count()
}

/// Whether a JSON escape writes the first half of such a character: `\uDB80` to `\uDBBF`.
fn escapes_slot(text: &str) -> bool {
    text.split("\\u").skip(1).any(|rest| {
        let mut digits = rest.bytes().map(|byte| byte.to_ascii_lowercase());
        digits.next() == Some(b'd')
            && digits.next() == Some(b'b')
            && matches!(digits.next(), Some(b'8' | b'9' | b'a' | b'b'))
    })
}

fn starts_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// A sealed thing may be a bare JSON number (`{"to":4512345678}`): it is quoted here so that it parses.
fn quote_bare_slots(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 16);
    let (mut in_string, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            c if is_slot(c) && !in_string => {
                quoted.extend(['"', c, '"']);
                continue;
            }
            _ => {}
        }
        quoted.push(c);
    }
    quoted
}
