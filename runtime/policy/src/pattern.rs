//! Why a host pattern or an origin is refused. Shared by [`host`](crate::host) and [`origin`](crate::origin), which both parse
//! patterns.

use thiserror::Error;

/// Why an origin or a host does not parse or cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PatternError {
    /// The text begins neither with `https://` nor `http://`, and is not a `{parameter}`.
    #[error("an origin starts with `https://`, or is one `{{parameter}}`")]
    Scheme,
    /// The host does not parse.
    #[error("this is not a host name or address")]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("a port is a number from 1 to 65535")]
    Port,
    /// The origin has a path, query, fragment or user.
    #[error("an origin holds only scheme, host and port; write the path as `path_prefix`")]
    MoreThanOrigin,
    /// A `*` is part of a label or among the last two labels.
    #[error("`*` stands for exactly one whole label and needs two literal labels to its right, as in `*.example.com`")]
    Wildcard,
    /// A placeholder is malformed or misplaced.
    #[error(
        "`{{parameter}}` stands in a host label with two literal labels to its right, as in `api.{{region}}.example.com`"
    )]
    Placeholder,
    /// A parameter's value does not fit into a host label.
    #[error(
        "the parameter `{parameter}` must be lower-case letters, digits and inner hyphens (at most 63 in the whole label)"
    )]
    Value {
        /// The parameter's key.
        parameter: String,
    },
    /// A parameter's value is not an endpoint.
    #[error("the parameter `{parameter}` must be an absolute https URL without user, password or fragment")]
    Endpoint {
        /// The parameter's key.
        parameter: String,
    },
}
