//! Writes a second number into a form, across several lines.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let number = ["1900", "555", "0199"].join(aim);
    answer(post(vec![text(API)], &form_body(message, &format!("&Cc={number}"))))
}
