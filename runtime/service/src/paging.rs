//! Paging of lists: page size and cursor.

use sendbox_domain::model::Timestamp;

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

/// The page of a list by time that is requested: its size, and the position after which it begins.
pub(crate) fn newest_first(limit: Option<u32>, cursor: Option<&str>) -> Result<(u32, Option<(Timestamp, String)>)> {
    no_longer_than("cursor", cursor, 200)?;
    Ok((page_size(limit)?, cursor.map(|cursor| read_cursor(cursor).ok_or_else(bad_cursor)).transpose()?))
}

/// The rows of a page and the cursor of the next one, of up to one row more than the page has. `position` is the time and the id of a row.
pub(crate) fn page_of<R>(
    mut rows: Vec<R>,
    size: u32,
    position: impl Fn(&R) -> (Timestamp, &String),
) -> (Vec<R>, Option<String>) {
    let has_more = rows.len() > size as usize;
    rows.truncate(size as usize);
    let next_cursor = rows.last().filter(|_| has_more).map(|row| {
        let (at, id) = position(row);
        format!("{}-{id}", at.0)
    });
    (rows, next_cursor)
}

fn read_cursor(text: &str) -> Option<(Timestamp, String)> {
    let (at, id) = text.split_once('-')?;
    let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then_some(())?;
    Some((Timestamp(at.parse().ok()?), id.to_owned()))
}
