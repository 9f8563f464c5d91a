//! Confirms that the bytes of a request match what was judged.

use std::str::from_utf8;

use super::parse::{self, Format};
use super::reading::Reading;
use super::slot::is_slot;
use super::source::Source;
use super::tree::{Name, Node, NodeId, Tree, Value};
use super::view::RequestBytes;
use super::violation::{CompositionViolation, RequestPart};
use crate::composition::Mark;

/// Parses the bytes with the parsers that read the compositions, and compares them value by value.
pub(super) fn confirm(judged: &Reading<'_>, bytes: &RequestBytes<'_>) -> Result<(), CompositionViolation> {
    let read = read(judged, bytes)?;
    for (id, node) in judged.tree.iter() {
        let same = read.nodes.get(id).is_some_and(|other| is_same(judged, node, other, bytes));
        if !same {
            return Err(CompositionViolation::BytesDiffer(judged.tree.part(id)));
        }
    }
    if read.nodes.len() > judged.tree.nodes.len() {
        return Err(CompositionViolation::BytesDiffer(read.part(judged.tree.nodes.len())));
    }
    Ok(())
}

/// Some servers treat `;` as `&`. If the connector wrote none, it came from a sealed value.
fn has_new_semicolon(judged: &Reading<'_>, fields: &str) -> bool {
    judged.semicolon.is_none() && fields.contains(';')
}

fn read(judged: &Reading<'_>, bytes: &RequestBytes<'_>) -> Result<Tree, CompositionViolation> {
    let differ = |part: RequestPart| CompositionViolation::BytesDiffer(part);
    let mut tree = Tree::default();
    parse::url(bytes.url, &mut tree).map_err(|_| differ(RequestPart::Url))?;
    if bytes.url.split_once('?').is_some_and(|(_, query)| has_new_semicolon(judged, query)) {
        return Err(differ(RequestPart::Url));
    }
    for (name, value) in bytes.headers {
        let part = || differ(RequestPart::Header((*name).to_owned()));
        // Bytes that are not UTF-8 (a raw digest) are compared by the literals around them.
        let value = Value::Text(String::from_utf8_lossy(value).into_owned());
        tree.push(None, Name::Header(name.to_ascii_lowercase()), value).map_err(|_| part())?;
    }
    match judged.format {
        None if bytes.body.is_empty() => {}
        None => return Err(differ(RequestPart::Body)),
        Some(format) => {
            let body = from_utf8(bytes.body).map_err(|_| differ(RequestPart::Body))?;
            if format == Format::Form && has_new_semicolon(judged, body) {
                return Err(differ(RequestPart::Body));
            }
            format.parse(body, Source::Bytes, None, &mut tree).map_err(|_| differ(RequestPart::Body))?;
        }
    }
    for (id, format) in &judged.nested {
        let text = text_of(&tree, *id).ok_or_else(|| differ(judged.tree.part(*id)))?.to_owned();
        format.parse(&text, Source::Bytes, Some(*id), &mut tree).map_err(|_| differ(judged.tree.part(*id)))?;
        if let Some(node) = tree.nodes.get_mut(*id) {
            node.value = Value::Holds(text);
        }
    }
    Ok(tree)
}

fn text_of(tree: &Tree, id: NodeId) -> Option<&str> {
    match &tree.nodes.get(id)?.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn is_same(judged: &Reading<'_>, node: &Node, read: &Node, bytes: &RequestBytes<'_>) -> bool {
    node.parent == read.parent
        && node.name == read.name
        && match (&node.value, &read.value) {
            (Value::Text(judged_text), Value::Text(text))
            | (Value::Patched(judged_text), Value::Patched(text))
            | (Value::Number(judged_text), Value::Number(text)) => is_same_text(judged, judged_text, text, bytes),
            // Their contents are compared value by value below.
            (Value::Holds(_), Value::Holds(_)) => true,
            (one, other) => one == other,
        }
}

fn is_same_text(judged: &Reading<'_>, judged_text: &str, text: &str, bytes: &RequestBytes<'_>) -> bool {
    let is_sealed_message = |mark: &&Mark| super::slot::is_message(mark);
    if let Some(mark) = judged.mark(judged_text).filter(is_sealed_message) {
        return (bytes.value_of)(mark).is_some_and(|value| value == text.as_bytes());
    }
    match (judged_text.find(is_slot), judged_text.rfind(is_slot)) {
        (Some(first), Some(last)) => {
            let before = judged_text.get(..first).unwrap_or_default();
            let after = judged_text.get(last..).map(|rest| rest.trim_start_matches(is_slot)).unwrap_or_default();
            text.strip_prefix(before).is_some_and(|rest| rest.ends_with(after))
        }
        _ => judged_text == text,
    }
}
