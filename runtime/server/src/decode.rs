//! Turns JSON and query strings into values of the domain, and says by field what is wrong with them.
//!
//! Promises: no error quotes the input, no member or parameter is ignored, and none is read twice.

mod document;
mod error;
mod value;

pub(crate) use self::document::{Document, Flaw};
pub(crate) use self::value::{Json, Members, Text};
