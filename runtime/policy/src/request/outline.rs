//! Writes the lines of a request's shape: the request without sealed values and values from the host.

use std::collections::BTreeMap;

use super::explain::Explanations;
use super::reading::Reading;
use super::slot::{Slot, TextPiece, is_slot};
use super::tree::{Name, NodeId, Value};
use crate::composition::{Composition, Encoding, Mark, Piece};
use crate::manifest::Method;

/// Replaces the name of a variable that is under its own name, or in a list.
const ANY: &str = "*";

/// The line of the method and the URL, then one line for each value, sorted.
pub(super) fn lines(reading: &Reading<'_>, method: Method, explained: &Explanations<'_>) -> Vec<String> {
    let mut lines = unsorted(reading, method, explained);
    if let Some((_, fields)) = lines.split_first_mut() {
        fields.sort_unstable();
    }
    // All variables of a message share one line, however many there are.
    lines.dedup_by(|next, line| next == line && line.ends_with(&format!("[variable {ANY}]\"")));
    lines
}

/// The lines in the order of the request, so that equal positions are the same value in every reading.
pub(super) fn unsorted(reading: &Reading<'_>, method: Method, explained: &Explanations<'_>) -> Vec<String> {
    let outline = Outline { reading, explained, ordinals: ordinals(reading) };
    let mut first = format!("{method} ");
    outline.url(&mut first);
    std::iter::once(first).chain(reading.tree.iter().filter_map(|(id, _)| outline.line(id))).collect()
}

struct Outline<'a, 'c> {
    reading: &'a Reading<'c>,
    explained: &'a Explanations<'a>,
    ordinals: Vec<usize>,
}

/// For each element, how many elements with the same name come before it.
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
    fn url(&self, url: &mut String) {
        self.literal(&self.reading.before_path, url);
        for (_, node) in self.reading.tree.iter() {
            if let (Name::Segment(_), Some(text)) = (&node.name, node.value.leaf()) {
                url.push('/');
                let segment = written(|segment| self.text(text, segment));
                url.push_str(&segment.replace('/', "\\/"));
            } else if let (Name::Segment(_), Value::Holds(_)) = (&node.name, &node.value) {
                url.push_str("/…");
            }
        }
    }

    fn line(&self, id: NodeId) -> Option<String> {
        let node = self.reading.tree.nodes.get(id)?;
        match &node.value {
            Value::Text(_) if matches!(node.name, Name::Segment(_)) => return None,
            Value::Object | Value::Array if !self.is_empty(id) => return None,
            Value::Element | Value::Holds(_) => return None,
            _ => {}
        }
        let mut line = String::with_capacity(LINE);
        self.path(id, &mut line);
        // The first ` = ` of a line ends the position, so it must not occur in names that the connector chose.
        if line.contains(" = ") {
            line = line.replace(" = ", " \\= ");
        }
        line.push_str(" = ");
        match &node.value {
            Value::Text(text) | Value::Patched(text)
                if matches!(node.name, Name::Json | Name::Key(_) | Name::Index(_)) =>
            {
                line.push('"');
                if self.is_under_its_name(id) {
                    line.extend(["[variable ", ANY, "]"]);
                } else {
                    line.push_str(&written(|value| self.text(text, value)).replace('"', "\\\""));
                }
                line.push('"');
            }
            Value::Text(text) | Value::Patched(text) | Value::Number(text) => self.text(text, &mut line),
            Value::Word(word) => line.push_str(word),
            Value::Object => line.push_str("{}"),
            Value::Array => line.push_str("[]"),
            Value::Element | Value::Holds(_) => {}
        }
        Some(line)
    }

    fn is_empty(&self, id: NodeId) -> bool {
        // Nodes are in the order of the request, so a first child follows its parent immediately.
        self.reading.tree.nodes.get(id + 1).is_none_or(|next| next.parent != Some(id))
    }

    fn path(&self, id: NodeId, path: &mut String) {
        for step in self.reading.tree.path(id) {
            let Some(name) = self.reading.tree.name(step) else { continue };
            let begin = |path: &mut String, part: &str| {
                if !path.is_empty() {
                    path.push(' ');
                }
                path.push_str(part);
            };
            let is_last = step == id;
            match name {
                Name::Key(_) if is_last && self.is_under_its_name(id) => path.extend(["/", ANY]),
                Name::Index(_) if is_last && self.content(id).is_some() => path.extend(["/", ANY]),
                Name::Segment(index) => {
                    begin(path, "path ");
                    path.push_str(&index.to_string());
                }
                Name::Query(name) => {
                    begin(path, "query ");
                    plain(name, path);
                }
                Name::Header(name) => {
                    begin(path, "header ");
                    plain(name, path);
                }
                Name::Form(name) => {
                    begin(path, "form ");
                    plain(name, path);
                }
                Name::Json => begin(path, "json "),
                Name::Xml => begin(path, "xml "),
                Name::Key(name) => {
                    path.push('/');
                    if name.contains(['~', '/']) {
                        plain(&name.replace('~', "~0").replace('/', "~1"), path);
                    } else {
                        plain(name, path);
                    }
                }
                Name::Index(index) => {
                    path.push('/');
                    path.push_str(&index.to_string());
                }
                Name::Element(name) => {
                    path.push('/');
                    plain(name, path);
                }
                Name::Attribute(name) => {
                    path.push_str("/@");
                    plain(name, path);
                }
                Name::Beside => path.push_str("/text()"),
            }
            if let Some(before @ 1..) = self.ordinals.get(step) {
                path.push_str(&format!("[{}]", before + 1));
            }
        }
    }

    /// The code or the variable, if a value consists of nothing else.
    fn content(&self, id: NodeId) -> Option<&Mark> {
        let text = self.reading.tree.nodes.get(id)?.value.leaf()?;
        let mut pieces = self.reading.slots.pieces(text);
        let (Some(TextPiece::Slot(slot)), None) = (pieces.next(), pieces.next()) else { return None };
        let mark = match slot {
            Slot::Mark(mark) => mark,
            Slot::Encoded(_, inner) => match inner.pieces() {
                [Piece::Mark(mark)] => mark,
                _ => return None,
            },
        };
        matches!(mark, Mark::Code | Mark::Variable(_)).then_some(mark)
    }

    /// Whether a value is a variable and has the variable's name. The platform chooses these names, so they are not part of a
    /// shape, and neither is the index of a variable in a list.
    fn is_under_its_name(&self, id: NodeId) -> bool {
        let Some(Mark::Variable(variable)) = self.content(id) else { return false };
        match self.reading.tree.name(id) {
            Some(Name::Key(name)) => **name == **variable,
            Some(Name::Index(_)) => true,
            _ => false,
        }
    }

    fn text(&self, text: &str, written: &mut String) {
        if !text.contains(is_slot) {
            match self.explained.whole(text) {
                Some(name) => written.extend(["{", name, "}"]),
                None => self.literal(text, written),
            }
            return;
        }
        for piece in self.reading.slots.pieces(text) {
            match piece {
                TextPiece::Literal(literal) => self.literal(literal, written),
                TextPiece::Slot(Slot::Mark(mark)) => mask(mark, written),
                TextPiece::Slot(Slot::Encoded(encoding, inner)) => self.encoded(encoding, inner, written),
            }
        }
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
                Piece::Literal(literal) => self.literal(literal, written),
                Piece::Mark(mark) => mask(mark, written),
                Piece::Encoded(encoding, inner) => self.encoded(*encoding, inner, written),
            }
        }
        written.push(']');
    }

    /// Writes a literal, with names for values from the host.
    fn literal(&self, text: &str, written: &mut String) {
        let mut at = 0;
        for span in self.explained.spans(text) {
            plain(text.get(at..span.start).unwrap_or_default(), written);
            written.extend(["{", span.name, "}"]);
            at = span.end;
        }
        plain(text.get(at..).unwrap_or_default(), written);
    }
}

/// Initial capacity of a line, in bytes. Most lines are not longer.
const LINE: usize = 64;

fn written(write: impl FnOnce(&mut String)) -> String {
    let mut text = String::with_capacity(LINE);
    write(&mut text);
    text
}

/// Writes the name of a sealed value.
fn mask(mark: &Mark, written: &mut String) {
    match mark {
        Mark::Recipient(form) => written.push_str(&format!("[recipient {form}]")),
        Mark::Text => written.push_str("[text]"),
        Mark::Code => written.push_str("[code]"),
        Mark::Variable(name) => named("[variable ", name, written),
        Mark::ClientIp => written.push_str("[client ip]"),
        Mark::Secret(key) => named("[secret ", key, written),
        Mark::Opaque => written.push_str("[signature]"),
    }
}

fn named(kind: &str, name: &str, written: &mut String) {
    written.push_str(kind);
    plain(name, written);
    written.push(']');
}

/// Writes text on one line, with brackets escaped.
fn plain(text: &str, written: &mut String) {
    for c in text.chars() {
        match c {
            '\\' | '[' | ']' | '{' | '}' => written.extend(['\\', c]),
            c if c.is_control() || (c.is_whitespace() && c != ' ') => written.extend(c.escape_unicode()),
            c => written.push(c),
        }
    }
}
