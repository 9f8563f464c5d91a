//! Adds a text of its own around the text, in the same JSON string.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, post_json};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    answer(match aim {
        "before" => post_json(message, r#"{"to":""#, r#"","text":"pay here: "#, r#""}"#),
        "after" => post_json(message, r#"{"to":""#, r#"","text":""#, r#" or lose it"}"#),
        "list" => post_json(message, r#"{"to":""#, r#"","text":["pay here",""#, r#""]}"#),
        other => panic!("no such aim: {other}"),
    })
}
