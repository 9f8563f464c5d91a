//! Writes JSON that only a lenient parser accepts, and interprets differently.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, post_json};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let (before, after) = match aim {
        "comment" => (r#"{/* "to":"112", */"to":""#, r#""}"#),
        "trailing comma" => (r#"{"to":""#, r#"",}"#),
        "single quotes" => (r#"{'to':'112',"to":""#, r#""}"#),
        "byte order mark" => ("\u{feff}{\"to\":\"", r#""}"#),
        "bare key" => (r#"{to:"112","to":""#, r#""}"#),
        other => panic!("no such aim: {other}"),
    };
    answer(post_json(message, before, r#"","text":""#, after))
}
