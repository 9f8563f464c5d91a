//! A request without what is sealed and what the host gave: the lines of its shape.

use std::collections::BTreeMap;

use super::explain::Explained;
use super::reading::Reading;
use super::slot::{Slot, Written, is_slot};
use super::tree::{Name, NodeId, Value};
use crate::composition::{Composition, Encoding, Mark, Piece};
use crate::manifest::Method;

/// What is written for a variable that stands under its own name, or in a list.
const ANY: &str = "*";

/// The line of the method and the URL, then one for each value, sorted.
pub(super) fn lines(reading: &Reading<'_>, method: Method, explained: &Explained<'_>) -> Vec<String> {
    let mut lines = unsorted(reading, method, explained);
    if let Some((_, fields)) = lines.split_first_mut() {
        fields.sort_unstable();
    }
    // However many variables a message has, they are one line.
    lines.dedup_by(|next, line| next == line && line.ends_with(&format!("[variable {ANY}]\"")));
    lines
}

/// The same in the order of the request: equal positions are equal values, however they are explained.
pub(super) fn unsorted(reading: &Reading<'_>, method: Method, explained: &Explained<'_>) -> Vec<String> {
    let outline = Outline { reading, explained, ordinals: ordinals(reading) };
    let url = format!("{method} {}", outline.url());
    std::iter::once(url).chain(reading.tree.iter().filter_map(|(id, _)| outline.line(id))).collect()
}

struct Outline<'a, 'c> {
    reading: &'a Reading<'c>,
    explained: &'a Explained<'a>,
    ordinals: Vec<usize>,
}

/// How many elements of the same name stand before each one.
fn ordinals(reading: &Reading<'_>) -> Vec<usize> {
    let mut seen: BTreeMap<(Option<NodeId>, &str), usize> = BTreeMap::new();
    let mut count = |parent, name| {
        let times = seen.entry((parent, name)).or_default();
        *times += 1;
        *times - 1
    };
    let nodes = &reading.tree.nodes;
    nodes.iter().map(|node| if let Name::Element(name) = &node.name { count(node.parent, name) } else { 0 }).collect()
}

impl Outline<'_, '_> {
    fn url(&self) -> String {
        let mut url = self.literal(&self.reading.before_path);
        for (_, node) in self.reading.tree.iter() {
            if let (Name::Segment(_), Some(text)) = (&node.name, node.value.leaf()) {
                url.push('/');
                url.push_str(&self.text(text).replace('/', "\\/"));
            } else if let (Name::Segment(_), Value::Holds(_)) = (&node.name, &node.value) {
                url.push_str("/…");
            }
        }
        url
    }

    fn line(&self, id: NodeId) -> Option<String> {
        let node = self.reading.tree.nodes.get(id)?;
        let value = match &node.value {
            Value::Text(_) if matches!(node.name, Name::Segment(_)) => return None,
            Value::Text(text) | Value::Patched(text)
                if matches!(node.name, Name::Json | Name::Key(_) | Name::Index(_)) =>
            {
                let written = if self.is_under_its_name(id) { format!("[variable {ANY}]") } else { self.text(text) };
                format!("\"{}\"", written.replace('"', "\\\""))
            }
            Value::Text(text) | Value::Patched(text) | Value::Number(text) => self.text(text),
            Value::Word(word) => (*word).to_owned(),
            Value::Object if self.is_empty(id) => "{}".to_owned(),
            Value::Array if self.is_empty(id) => "[]".to_owned(),
            Value::Object | Value::Array | Value::Element | Value::Holds(_) => return None,
        };
        // The first ` = ` of a line ends its place, whatever a connector calls its fields.
        Some(format!("{} = {value}", self.path(id).replace(" = ", " \\= ")))
    }

    fn is_empty(&self, id: NodeId) -> bool {
        // Nodes stand in the order of the request, so a first child follows its parent at once.
        self.reading.tree.nodes.get(id + 1).is_none_or(|next| next.parent != Some(id))
    }

    fn path(&self, id: NodeId) -> String {
        let mut path = String::new();
        for step in self.reading.tree.path(id) {
            let Some(name) = self.reading.tree.name(step) else { continue };
            let (before, name) = match name {
                Name::Key(_) if step == id && self.is_under_its_name(id) => ("/", ANY.to_owned()),
                Name::Index(_) if step == id && self.content(id).is_some() => ("/", ANY.to_owned()),
                Name::Segment(index) => ("path ", index.to_string()),
                Name::Query(name) => ("query ", plain(name)),
                Name::Header(name) => ("header ", plain(name)),
                Name::Form(name) => ("form ", plain(name)),
                Name::Json => ("json ", String::new()),
                Name::Xml => ("xml ", String::new()),
                Name::Key(name) => ("/", plain(&name.replace('~', "~0").replace('/', "~1"))),
                Name::Index(index) => ("/", index.to_string()),
                Name::Element(name) => ("/", plain(name)),
                Name::Attribute(name) => ("/@", plain(name)),
                Name::Beside => ("/", "text()".to_owned()),
            };
            if before.ends_with(' ') && !path.is_empty() {
                path.push(' ');
            }
            path.push_str(before);
            path.push_str(&name);
            if let Some(before @ 1..) = self.ordinals.get(step) {
                path.push_str(&format!("[{}]", before + 1));
            }
        }
        path
    }

    /// Code or variable, when a value is nothing but that.
    fn content(&self, id: NodeId) -> Option<&Mark> {
        let text = self.reading.tree.nodes.get(id)?.value.leaf()?;
        let mut pieces = self.reading.slots.pieces(text);
        let (Some(Written::Slot(slot)), None) = (pieces.next(), pieces.next()) else { return None };
        let mark = match slot {
            Slot::Mark(mark) => mark,
            Slot::Encoded(_, inner) => match inner.pieces() {
                [Piece::Mark(mark)] => mark,
                _ => return None,
            },
        };
        matches!(mark, Mark::Code | Mark::Variable(_)).then_some(mark)
    }

    /// Whether a value is a variable, and its name is the variable's. The platform chooses those names, so they are no part of
    /// a shape; nor is a variable's position in a list.
    fn is_under_its_name(&self, id: NodeId) -> bool {
        let Some(Mark::Variable(variable)) = self.content(id) else { return false };
        match self.reading.tree.name(id) {
            Some(Name::Key(name)) => **name == **variable,
            Some(Name::Index(_)) => true,
            _ => false,
        }
    }

    fn text(&self, text: &str) -> String {
        if !text.contains(is_slot) {
            return match self.explained.whole(text) {
                Some(name) => format!("{{{name}}}"),
                None => self.literal(text),
            };
        }
        let mut written = String::new();
        for piece in self.reading.slots.pieces(text) {
            match piece {
                Written::Literal(literal) => written.push_str(&self.literal(literal)),
                Written::Slot(Slot::Mark(mark)) => written.push_str(&mask(mark)),
                Written::Slot(Slot::Encoded(encoding, inner)) => self.encoded(encoding, inner, &mut written),
            }
        }
        written
    }

    fn encoded(&self, encoding: Encoding, inner: &Composition, written: &mut String) {
        written.push_str(match encoding {
            Encoding::Base64 => "[base64 ",
            Encoding::Base64Url => "[base64url ",
            Encoding::Hex => "[hex ",
            Encoding::Percent => "[percent ",
            Encoding::Form => "[form ",
            Encoding::JsonString => "[json-string ",
            Encoding::Xml => "[xml ",
        });
        for piece in inner.pieces() {
            match piece {
                Piece::Literal(literal) => written.push_str(&self.literal(literal)),
                Piece::Mark(mark) => written.push_str(&mask(mark)),
                Piece::Encoded(encoding, inner) => self.encoded(*encoding, inner, written),
            }
        }
        written.push(']');
    }

    /// A literal with what the host gave named.
    fn literal(&self, text: &str) -> String {
        let mut written = String::new();
        let mut at = 0;
        for span in self.explained.spans(text) {
            written.push_str(&plain(text.get(at..span.start).unwrap_or_default()));
            written.push_str(&format!("{{{}}}", span.name));
            at = span.end;
        }
        written.push_str(&plain(text.get(at..).unwrap_or_default()));
        written
    }
}

/// What a sealed value is called.
fn mask(mark: &Mark) -> String {
    match mark {
        Mark::Recipient(form) => format!("[recipient {form}]"),
        Mark::Text => "[text]".to_owned(),
        Mark::Code => "[code]".to_owned(),
        Mark::Variable(name) => format!("[variable {}]", plain(name)),
        Mark::ClientIp => "[client ip]".to_owned(),
        Mark::Secret(key) => format!("[secret {}]", plain(key)),
        Mark::Opaque => "[signature]".to_owned(),
    }
}

/// Text on one line in which no bracket is mistaken for one of ours.
fn plain(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '[' | ']' | '{' | '}' => written.extend(['\\', c]),
            c if c.is_control() || (c.is_whitespace() && c != ' ') => written.extend(c.escape_unicode()),
            c => written.push(c),
        }
    }
    written
}
