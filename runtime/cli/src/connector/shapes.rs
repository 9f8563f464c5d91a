//! The request shapes of a version: their arguments on the command line, and how they are listed.

use std::fmt::Write as _;

use anyhow::anyhow;
use sendbox_service::model::{ShapeLine, ShapeOrigin, VersionShape};

use super::client::ConnectorClient;
use super::labels;
use crate::exit::CliError;
use crate::render::line;

/// Digits of a shape's digest that are printed.
const SHORT: usize = 12;

/// Parses the argument that names a shape: a prefix of its digest.
pub fn prefix(text: &str) -> Result<String, String> {
    let text = text.to_ascii_lowercase();
    if (4..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text);
    }
    Err("must be 4 to 64 hexadecimal digits, as `sendbox connector shapes` prints them".to_owned())
}

/// The only shape that begins with `prefix`.
pub fn resolve(all: &[VersionShape], prefix: &str) -> Result<String, CliError> {
    let mut found = all.iter().filter(|one| one.shape.starts_with(prefix));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.shape.clone()),
        (Some(_), Some(_)) => Err(CliError::usage(anyhow!("several shapes begin with `{prefix}`; give more digits"))),
        (None, _) => Err(CliError::usage(anyhow!(
            "no shape of this version begins with `{prefix}`; `sendbox connector shapes` lists them"
        ))),
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
    format!("{seen}{by}, {} {requests}, last {}", shape.requests, shape.last_seen)
}

fn changes(changes: &[ShapeLine]) -> String {
    let mut text = String::new();
    for change in changes {
        let sign = if change.added { '+' } else { '-' };
        writeln!(text, "    {sign} {}", line(&change.line)).ok();
    }
    text
}

/// The list of shapes, each with its lines, and with what differs where it is held back or new.
pub fn list(all: &[VersionShape], client: &ConnectorClient, id: &str, digest: &str) -> String {
    if all.is_empty() {
        return "No request of this version has been recorded yet. Send a test message with it.\n".to_owned();
    }
    let mut text = String::new();
    for shape in all {
        writeln!(text, "{}  {}", short(&shape.shape), origin(shape)).ok();
        for one in &shape.lines {
            writeln!(text, "  {}", line(one)).ok();
        }
        if !shape.changes.is_empty() {
            let nearest = match shape.origin {
                ShapeOrigin::Held => "the most similar request that it may send",
                _ => "the most similar request of the active version",
            };
            write!(text, "  differs from {nearest}:\n{}", changes(&shape.changes)).ok();
        }
        if shape.origin == ShapeOrigin::Held {
            let command = format!("approve-shape {id} {} {}", labels::short(digest), short(&shape.shape));
            writeln!(text, "  To approve it: {}", client.command_line(&command)).ok();
        }
    }
    text
}

/// The result of an approval.
pub fn approved(shape: &VersionShape, digest: &str) -> String {
    let mut text = format!(
        "Approved: version {} may send requests of shape {} from the next message on.\n",
        labels::short(digest),
        short(&shape.shape)
    );
    text.push_str(&changes(&shape.changes));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_4_to_64_hexadecimal_digits() {
        for (text, want) in
            [("9f86", Some("9f86")), ("9F86D0", Some("9f86d0")), ("9f8", None), ("9f86x", None), ("", None)]
        {
            assert_eq!(prefix(text).ok().as_deref(), want, "{text}");
        }
        assert!(prefix(&"a".repeat(65)).is_err());
    }
}
