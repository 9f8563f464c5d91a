//! Pages of lists: how many entries, and where the next page begins.

use crate::error::{Error, Result};

/// Entries of a page.
const PAGE: u32 = 50;
/// Entries of a page at most.
const LARGEST_PAGE: u32 = 200;

/// The number of entries, as it was asked for.
pub(crate) fn page_size(wanted: Option<u32>) -> Result<u32> {
    match wanted.unwrap_or(PAGE) {
        size @ 1..=LARGEST_PAGE => Ok(size),
        _ => Err(Error::invalid("limit", format!("must be from 1 to {LARGEST_PAGE}"))),
    }
}

/// Refuses a filter that nothing can match, because nothing is so long.
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
