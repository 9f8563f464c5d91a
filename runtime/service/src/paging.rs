//! Paging of lists: page size and cursor.

use crate::error::{Error, Result};

/// Default page size.
const PAGE: u32 = 50;
/// Maximum page size.
const LARGEST_PAGE: u32 = 200;

/// The requested page size, or the default.
pub(crate) fn page_size(wanted: Option<u32>) -> Result<u32> {
    match wanted.unwrap_or(PAGE) {
        size @ 1..=LARGEST_PAGE => Ok(size),
        _ => Err(Error::invalid("limit", format!("must be from 1 to {LARGEST_PAGE}"))),
    }
}

/// Refuses a filter that is longer than any value it could match.
pub(crate) fn no_longer_than(field: &str, text: Option<&str>, most: usize) -> Result<()> {
    match text {
        Some(text) if text.chars().count() > most => {
            Err(Error::invalid(field, format!("must have at most {most} characters")))
        }
        _ => Ok(()),
    }
}

pub(crate) fn bad_cursor() -> Error {
    Error::invalid("cursor", "must be the `nextCursor` of a page")
}
