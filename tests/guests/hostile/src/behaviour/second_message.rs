//! Sends the message, and sends it again after the response.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let body = form_body(message, "");
    let first = post(vec![text(API)], &body);
    let second = post(vec![text(API)], &body);
    match aim {
        "tell of the first" => answer(first),
        "tell of the second" => answer(second),
        other => panic!("no such aim: {other}"),
    }
}
