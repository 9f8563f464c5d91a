//! The largest and the most repetitive bodies that an operation of the API could take.

use serde_json::Value;

use crate::api::Sample;
use crate::pointer::{pointers, with};

/// Texts of which a long input is made.
const PIECES: [&str; 9] = ["a", "{{a}}", "{{code}}", "\u{1f600}", "<", "\\", "$schema", "[", "^(.+)+\u{7f}$"];

/// The largest and the most repetitive bodies that an operation could take, one for each place in its body.
pub fn largest_bodies(sample: &Sample) -> Vec<Vec<u8>> {
    let Some(body) = &sample.body else { return Vec::new() };
    let takes_much = ["/connections/{name}", "/connection-tests", "/promotions"];
    let size = if takes_much.iter().any(|end| sample.operation.path.ends_with(end)) { 480 << 10 } else { 60 << 10 };
    let members: serde_json::Map<_, _> = (0..size / 12).map(|number| (format!("m{number}"), Value::from(""))).collect();
    let mut found = vec![[b"[".repeat(size / 2), b"]".repeat(size / 2)].concat()];
    for (index, pointer) in pointers(body).iter().enumerate().skip(1) {
        let piece = PIECES[index % PIECES.len()];
        let large = match index % 3 {
            0 => Value::from(piece.repeat(size / (2 * piece.len()))),
            1 => Value::from(vec![Value::from(piece); size / (2 * piece.len() + 3)]),
            _ => Value::from(members.clone()),
        };
        found.push(with(body, pointer, large).to_string().into_bytes());
        found.push(with(body, pointer, Value::from(piece.repeat(size / (2 * piece.len())))).to_string().into_bytes());
    }
    found
}
