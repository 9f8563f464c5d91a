//! A request as the values that its provider will read, in the order in which they are written.
//!
//! A tree contains the path, the query, the headers and the body. The parsers fill it twice: from the compositions, to judge the
//! request, and from the bytes, to confirm it. Both trees are compared value by value.

use super::violation::RequestPart;

/// Maximum number of values in a request. Bounds memory; no provider's request has a hundred.
const VALUES_MAX: usize = 4096;

/// The index of a value in [`Tree::nodes`].
pub(super) type NodeId = usize;

/// The name of a value in its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Name {
    /// A segment of the path, from 0.
    Segment(usize),
    Query(String),
    /// The name of a header, in lower case.
    Header(String),
    Form(String),
    /// A whole JSON document: the body, or a value that contains one.
    Json,
    /// A member of a JSON object.
    Key(String),
    /// An element of a JSON array.
    Index(usize),
    /// A whole XML document.
    Xml,
    Element(String),
    Attribute(String),
    /// Text next to elements.
    Beside,
}

impl Name {
    /// The text in a name that a connector may have chosen.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Query(name)
            | Self::Header(name)
            | Self::Form(name)
            | Self::Key(name)
            | Self::Element(name)
            | Self::Attribute(name) => Some(name),
            Self::Segment(_) | Self::Json | Self::Index(_) | Self::Xml | Self::Beside => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Text, decoded.
    Text(String),
    /// The text of an XML element in a notation that a lenient parser could read differently: with comments, processing
    /// instructions or several sections of character data.
    Patched(String),
    /// A JSON number, as written.
    Number(String),
    /// `true`, `false` or `null`.
    Word(&'static str),
    Object,
    Array,
    /// An XML element or document that contains others.
    Element,
    /// Text that was parsed again; its contents are the nodes below.
    Holds(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) parent: Option<NodeId>,
    pub(super) name: Name,
    pub(super) value: Value,
}

#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
}

impl Tree {
    pub(super) fn push(&mut self, parent: Option<NodeId>, name: Name, value: Value) -> Result<NodeId, &'static str> {
        if self.nodes.len() >= VALUES_MAX {
            return Err("it has too many values");
        }
        self.nodes.push(Node { parent, name, value });
        Ok(self.nodes.len() - 1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate()
    }

    pub(super) fn children(&self, parent: NodeId) -> impl Iterator<Item = (NodeId, &Node)> {
        self.iter().filter(move |(_, node)| node.parent == Some(parent))
    }

    /// The node and its ancestors, outermost first.
    pub(super) fn path(&self, id: NodeId) -> Vec<NodeId> {
        let mut path = Vec::with_capacity(8);
        path.push(id);
        let mut at = id;
        while let Some(parent) = self.nodes.get(at).and_then(|node| node.parent) {
            path.push(parent);
            at = parent;
        }
        path.reverse();
        path
    }

    pub(super) fn name(&self, id: NodeId) -> Option<&Name> {
        self.nodes.get(id).map(|node| &node.name)
    }

    /// The part of the request that contains a node.
    pub(super) fn part(&self, id: NodeId) -> RequestPart {
        let above = |id: &NodeId| self.nodes.get(*id).and_then(|node| node.parent);
        match std::iter::successors(Some(id), above).last().and_then(|root| self.name(root)) {
            Some(Name::Segment(_) | Name::Query(_)) => RequestPart::Url,
            Some(Name::Header(name)) => RequestPart::Header(name.clone()),
            _ => RequestPart::Body,
        }
    }
}

impl Value {
    /// The text of a value that does not contain others.
    pub(super) fn leaf(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Patched(text) | Self::Number(text) => Some(text),
            Self::Word(_) | Self::Object | Self::Array | Self::Element | Self::Holds(_) => None,
        }
    }
}
