//! Turns JSON and query strings into values of the domain, with errors by field.
//!
//! Promises: no error quotes the input, no member or parameter is ignored, and none is read twice.

mod error;
mod value;

pub(crate) use sendbox_domain::json_document::{Document, Flaw};

pub(crate) use self::value::{Json, Members, Text};
