//! The requests of a version in words, and which one is meant.

use std::fmt::Write as _;

use anyhow::anyhow;
use sendbox_service::model::{ShapeLine, ShapeOrigin, VersionShape};

use super::desk::Desk;
use super::words;
use crate::exit::Stop;
use crate::render::line;

/// Characters of a shape that are printed, and that should be typed.
const SHORT: usize = 12;

/// A shape as it is typed: hexadecimal, and perhaps not all of it.
pub fn typed(text: &str) -> Result<String, String> {
    let text = text.to_ascii_lowercase();
    if (4..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text);
    }
    Err("must be 4 to 64 hexadecimal digits, as `sendbox connector shapes` prints them".to_owned())
}

/// The one shape that begins so.
pub fn pick(all: &[VersionShape], typed: &str) -> Result<String, Stop> {
    let mut found = all.iter().filter(|one| one.id.starts_with(typed));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.id.clone()),
        (Some(_), Some(_)) => {
            Err(Stop::usage(anyhow!("`{typed}` is the beginning of several shapes; type more of it")))
        }
        (None, _) => Err(Stop::usage(anyhow!("no request of this version has a shape that begins with `{typed}`"))),
    }
}

fn short(shape: &str) -> &str {
    shape.get(..SHORT).unwrap_or(shape)
}

fn origin(shape: &VersionShape) -> String {
    let seen = match shape.origin {
        ShapeOrigin::Rehearsed => return "rehearsed".to_owned(),
        ShapeOrigin::Test => "seen in a test",
        ShapeOrigin::Canary => "seen in a canary",
        ShapeOrigin::First => "seen in the first message",
        ShapeOrigin::Held => "HELD BACK",
        ShapeOrigin::Approved => "approved",
    };
    let by = shape.approved_by.as_deref().map(|by| format!(" by {}", line(by))).unwrap_or_default();
    let requests = if shape.requests == 1 { "request" } else { "requests" };
    format!("{seen}{by}, {} {requests}, last {}", shape.requests, shape.last_seen_at)
}

fn changes(changes: &[ShapeLine]) -> String {
    let mut text = String::new();
    for change in changes {
        let sign = if change.added { '+' } else { '-' };
        writeln!(text, "    {sign} {}", line(&change.line)).ok();
    }
    text
}

/// All of them: each with its lines, and what is held back or new with what differs.
pub fn list(all: &[VersionShape], desk: &Desk, id: &str, digest: &str) -> String {
    if all.is_empty() {
        return "No request of this version has been seen: send a test message with it.\n".to_owned();
    }
    let mut text = String::new();
    for shape in all {
        writeln!(text, "{}  {}", short(&shape.id), origin(shape)).ok();
        for one in &shape.lines {
            writeln!(text, "  {}", line(one)).ok();
        }
        if !shape.changes.is_empty() {
            let nearest = match shape.origin {
                ShapeOrigin::Held => "the nearest request that it may send",
                _ => "the nearest request of the active version",
            };
            write!(text, "  differs from {nearest}:\n{}", changes(&shape.changes)).ok();
        }
        if shape.origin == ShapeOrigin::Held {
            let command = format!("approve-shape {id} {} {}", words::short(digest), short(&shape.id));
            writeln!(text, "  To let it send this: {}", desk.again(&command)).ok();
        }
    }
    text
}

/// What was approved.
pub fn approved(shape: &VersionShape, digest: &str) -> String {
    let mut text = format!(
        "Approved: version {} may send requests of the shape {}, from the next message on.\n",
        words::short(digest),
        short(&shape.id)
    );
    text.push_str(&changes(&shape.changes));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_typed() {
        for (text, want) in
            [("9f86", Some("9f86")), ("9F86D0", Some("9f86d0")), ("9f8", None), ("9f86x", None), ("", None)]
        {
            assert_eq!(typed(text).ok().as_deref(), want, "{text}");
        }
        assert!(typed(&"a".repeat(65)).is_err());
    }
}
