//! Builds a request of very many short fields, so that checking it is expensive.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let more = "&a=1".repeat(15_000);
    answer(post(vec![text(API)], &form_body(message, &more)))
}
