//! What the service does, one file for each word of the domain. Rules stand in `rules/`, SQL in `store/`; here they meet in a
//! transaction.

mod address;
mod admission;
mod attempt;
mod connections;
mod delivery;
mod holds;
pub(crate) mod keys;
mod line;
mod messages;
mod outgoing;
pub(crate) mod prepared;
mod promotions;
mod releases;
pub(crate) mod reports;
mod sender;
mod sessions;
mod settings;
mod shapes;
mod statistics;
pub(crate) mod stored_parameters;
mod tenants;
mod trials;
mod verifications;
mod version_difference;
mod versions;
pub(crate) mod watching;
mod worker;

use crate::error::{Error, Result};

/// Entries of a page.
const PAGE: u32 = 50;
/// Entries of a page at most.
const LARGEST_PAGE: u32 = 200;

fn page_size(wanted: Option<u32>) -> Result<u32> {
    match wanted.unwrap_or(PAGE) {
        size @ 1..=LARGEST_PAGE => Ok(size),
        _ => Err(Error::invalid("limit", format!("must be from 1 to {LARGEST_PAGE}"))),
    }
}

/// Refuses a filter that nothing can match, because nothing is so long.
fn no_longer_than(field: &str, text: Option<&str>, most: usize) -> Result<()> {
    match text {
        Some(text) if text.chars().count() > most => {
            Err(Error::invalid(field, format!("must have at most {most} characters")))
        }
        _ => Ok(()),
    }
}

fn bad_cursor() -> Error {
    Error::invalid("cursor", "must be the `nextCursor` of a page")
}
