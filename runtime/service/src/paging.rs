//! Paging of lists: page size and cursor.

use crate::error::{Error, Result};

/// Default page size.
const DEFAULT_PAGE_SIZE: u32 = 50;
/// Maximum page size.
const MAX_PAGE_SIZE: u32 = 200;

/// The requested page size, or the default.
pub(crate) fn page_size(requested: Option<u32>) -> Result<u32> {
    match requested.unwrap_or(DEFAULT_PAGE_SIZE) {
        size @ 1..=MAX_PAGE_SIZE => Ok(size),
        _ => Err(Error::invalid("limit", format!("must be from 1 to {MAX_PAGE_SIZE}"))),
    }
}

/// Refuses a filter that is longer than any value it could match.
pub(crate) fn no_longer_than(field: &str, text: Option<&str>, max: usize) -> Result<()> {
    match text {
        Some(text) if text.chars().count() > max => {
            Err(Error::invalid(field, format!("must have at most {max} characters")))
        }
        _ => Ok(()),
    }
}

pub(crate) fn bad_cursor() -> Error {
    Error::invalid("cursor", "must be the `nextCursor` of a page")
}
