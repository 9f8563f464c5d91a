//! Parses the parts of a request as a provider would.

use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use super::source::Source;
use super::tree::{Name, NodeId, Tree, Value};
use super::{parse_json, parse_xml};

/// The format of a body, or of a value that contains others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Form,
    Json,
    Xml,
}

impl Format {
    /// The format for a `Content-Type`. `None` if it is not supported, or another charset makes it ambiguous.
    pub(super) fn of_content_type(value: &str) -> Option<Self> {
        let mut parts = value.split(';');
        let format = match parts.next()?.trim().to_ascii_lowercase().as_str() {
            "application/json" => Self::Json,
            "application/x-www-form-urlencoded" => Self::Form,
            "application/xml" | "text/xml" => Self::Xml,
            _ => return None,
        };
        match (parts.next(), parts.next()) {
            (None, _) => Some(format),
            (Some(parameter), None) => {
                let (name, charset) = parameter.split_once('=')?;
                let charset = charset.trim();
                let charset = charset.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(charset);
                (name.trim().eq_ignore_ascii_case("charset") && charset.eq_ignore_ascii_case("utf-8")).then_some(format)
            }
            _ => None,
        }
    }

    /// The format of a value that contains others: JSON objects and arrays and XML are recognised by their first character.
    pub(super) fn of_nested(text: &str) -> Self {
        match text.trim_start_matches([' ', '\t', '\n', '\r']).chars().next() {
            Some('{' | '[') => Self::Json,
            Some('<') => Self::Xml,
            _ => Self::Form,
        }
    }

    pub(super) fn parse(
        self,
        text: &str,
        source: Source,
        parent: Option<NodeId>,
        tree: &mut Tree,
    ) -> Result<(), &'static str> {
        match self {
            Self::Form => pairs(text, parent, Name::Form, tree),
            Self::Json => parse_json::parse(text, source, parent, tree),
            Self::Xml => parse_xml::parse(text, source, parent, tree),
        }
    }
}

/// Parses `application/x-www-form-urlencoded` according to the URL standard.
fn pairs(text: &str, parent: Option<NodeId>, name: fn(String) -> Name, tree: &mut Tree) -> Result<(), &'static str> {
    for (key, value) in form_urlencoded::parse(text.as_bytes()) {
        tree.push(parent, name(key.into_owned()), Value::Text(value.into_owned()))?;
    }
    Ok(())
}

/// Parses a URL and returns the part before the path.
pub(super) fn url<'t>(text: &'t str, tree: &mut Tree) -> Result<&'t str, &'static str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let rest = rest.ok_or("does not begin with a literal `https://`")?;
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err("holds a blank, a control character or a backslash; encode it");
    }
    if text.contains('#') {
        return Err("has a fragment, which no provider receives; encode a `#` of a value");
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end).ok_or("cannot be read")?;
    if authority.is_empty() || authority.contains('@') {
        return Err("has no host, or a user before it");
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    for (index, segment) in path.strip_prefix('/').unwrap_or(path).split('/').enumerate() {
        let segment = percent_decode_str(segment).decode_utf8_lossy();
        if segment == "." || segment == ".." {
            return Err("has a `.` or `..` in its path");
        }
        tree.push(None, Name::Segment(index), Value::Text(segment.into_owned()))?;
    }
    pairs(query, None, Name::Query, tree)?;
    let before_path = text.len() - rest.len();
    text.get(..before_path).ok_or("cannot be read")
}
