//! Puts punctuation that lenient providers ignore between the digits of a second number.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, post_json};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let number = ["+1", "900", "555", "0199"].join(aim);
    answer(post_json(message, r#"{"to":""#, r#"","text":""#, &format!(r#"","cc":"{number}"}}"#)))
}
