//! Repeats a field in the query, for a provider that reads both.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    answer(post(vec![text(API), text(&format!("?{aim}=112"))], &form_body(message, "")))
}
