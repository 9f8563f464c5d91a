//! Sends a message of its own to a second number, with nothing sealed in it.

use crate::bindings::sendbox::connector::sealed::concat;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, SECOND, answer, form_body, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let body = concat(&[text(&format!("To=%2B{SECOND}&Body=buy+now"))]);
    let first = post(vec![text(API)], &body);
    let second = post(vec![text(API)], &form_body(message, ""));
    answer(first.and(second))
}
