//! An XML parser without the features that make parsers disagree: no DTD, no processing instructions, no other charset.

use std::collections::BTreeSet;

use roxmltree::{Document, Node, ParsingOptions};

use super::slot::is_slot;
use super::source::Source;
use super::tree::{Name, NodeId, Tree, Value};

/// Maximum nesting of elements.
const DEPTH_MAX: usize = 16;
/// Maximum number of attribute quotes in text that a connector wrote: the parser compares all attributes of an element with each
/// other.
const QUOTES_MAX: usize = 1024;
/// Maximum number of namespaces in a document: each is searched from every element.
const NAMESPACES_MAX: usize = 16;
const NODES_MAX: u32 = 4096;

type Result<T> = std::result::Result<T, &'static str>;

/// Parses a document into `tree`, below `parent`.
pub(super) fn parse(text: &str, source: Source, parent: Option<NodeId>, tree: &mut Tree) -> Result<()> {
    if source == Source::Written && text.bytes().filter(|byte| matches!(byte, b'"' | b'\'')).count() > QUOTES_MAX {
        return Err("its XML has too many attributes");
    }
    check_declaration(text)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(text, options).map_err(|_| "it is not XML that can be read in one way only")?;
    let id = tree.push(parent, Name::Xml, Value::Element)?;
    for (prefix, uri) in namespaces(&document, source)? {
        tree.push(Some(id), Name::Attribute(format!("xmlns:{prefix}")), Value::Text(uri.to_owned()))?;
    }
    for node in document.root().children() {
        if node.is_pi() {
            return Err("its XML holds a processing instruction");
        }
        if node.is_element() {
            element(node, id, 0, tree)?;
        }
    }
    if source == Source::Written && writes_slot(text) {
        return Err("it writes a character of the private planes");
    }
    Ok(())
}

fn element(node: Node<'_, '_>, parent: NodeId, depth: usize, tree: &mut Tree) -> Result<()> {
    if depth > DEPTH_MAX {
        return Err("its XML is nested too deeply");
    }
    let name = Name::Element(qualified(node));
    let mut children = node.children();
    let id = match (children.next(), children.next()) {
        (None, _) => tree.push(Some(parent), name, Value::Text(String::new()))?,
        (Some(only), None) if only.is_text() => {
            let text = only.text().unwrap_or_default().to_owned();
            let value = if is_plain(node, &text) { Value::Text(text) } else { Value::Patched(text) };
            tree.push(Some(parent), name, value)?
        }
        _ if node.children().all(|child| child.is_text() || child.is_comment()) => {
            let text = node.children().filter(|child| child.is_text()).filter_map(|child| child.text()).collect();
            tree.push(Some(parent), name, Value::Patched(text))?
        }
        _ => tree.push(Some(parent), name, Value::Element)?,
    };
    for attribute in node.attributes() {
        let name = match attribute.namespace() {
            Some(namespace) => format!("{{{namespace}}}{}", attribute.name()),
            None => attribute.name().to_owned(),
        };
        tree.push(Some(id), Name::Attribute(name), Value::Text(attribute.value().to_owned()))?;
    }
    let holds_elements = tree.nodes.get(id).is_some_and(|node| node.value == Value::Element);
    for child in node.children() {
        if child.is_pi() {
            return Err("its XML holds a processing instruction");
        }
        if child.is_element() {
            element(child, id, depth + 1, tree)?;
        } else if child.is_text() && holds_elements {
            let text = child.text().unwrap_or_default();
            if !text.trim().is_empty() {
                tree.push(Some(id), Name::Beside, Value::Text(text.to_owned()))?;
            }
        }
    }
    Ok(())
}

/// The name without its prefix, because positions are declared without one. An element in a namespace is marked as such.
fn qualified(node: Node<'_, '_>) -> String {
    node.tag_name().name().to_owned()
}

/// All namespaces that the document declares, used or not: their addresses are text that a connector wrote.
fn namespaces<'d>(document: &'d Document<'_>, source: Source) -> Result<BTreeSet<(&'d str, &'d str)>> {
    if source == Source::Written && document.input_text().matches("xmlns").count() > NAMESPACES_MAX {
        return Err("its XML has too many namespaces");
    }
    let elements = document.descendants().filter(|node| node.is_element());
    Ok(elements.flat_map(|node| node.namespaces()).map(|one| (one.name().unwrap_or_default(), one.uri())).collect())
}

/// Whether the text is written as one piece: `<to>…</to>` or `<to><![CDATA[…]]></to>`.
fn is_plain(node: Node<'_, '_>, text: &str) -> bool {
    let source = node.document().input_text().get(node.range()).unwrap_or_default();
    let Some(end) = source.rfind("</") else { return false };
    let content = source.get(..end).unwrap_or_default();
    let plain = content.strip_suffix(text).is_some_and(|tag| tag.ends_with('>') && !tag.ends_with("]]>"));
    let section = content
        .strip_suffix("]]>")
        .and_then(|content| content.strip_suffix(text))
        .and_then(|content| content.strip_suffix("<![CDATA["))
        .is_some_and(|tag| tag.ends_with('>') && !tag.ends_with("]]>"));
    plain || section
}

/// Accepts `<?xml … encoding="utf-8"?>`, or no encoding.
fn check_declaration(text: &str) -> Result<()> {
    let Some(declaration) = text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")).map(|(first, _)| first)
    else {
        return Ok(());
    };
    match declaration.split_once("encoding") {
        None => Ok(()),
        Some((_, rest)) => {
            let value = rest.trim_start().strip_prefix('=').map(str::trim_start).unwrap_or_default();
            let value = value.trim_start_matches(['"', '\'']).get(..5).unwrap_or_default();
            let after = rest.to_ascii_lowercase();
            let exact = after.contains("\"utf-8\"") || after.contains("'utf-8'");
            if exact && value.eq_ignore_ascii_case("utf-8") { Ok(()) } else { Err("its XML is not UTF-8") }
        }
    }
}

/// Whether a character reference produces a private character.
fn writes_slot(text: &str) -> bool {
    text.split("&#").skip(1).any(|rest| {
        let reference = rest.split(';').next().unwrap_or_default();
        let code = match reference.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => reference.parse(),
        };
        code.ok().and_then(char::from_u32).is_some_and(is_slot)
    })
}
