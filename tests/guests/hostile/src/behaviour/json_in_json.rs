//! Puts the text into a JSON document inside a JSON string.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, post_json};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    answer(post_json(message, r#"{"to":""#, r#"","text":"{\"pay\":\""#, r#"\"}"}"#))
}
