//! Makes another request after the one with the message got no response.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let body = form_body(message, "");
    let lost = post(vec![text(API)], &body);
    let again = post(vec![text(API)], &body);
    answer(if lost.is_ok() { lost } else { again })
}
