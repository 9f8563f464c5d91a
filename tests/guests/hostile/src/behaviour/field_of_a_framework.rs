//! Writes a field whose name some frameworks interpret as part of the field with the number.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    answer(post(vec![text(API)], &form_body(message, &format!("&{aim}=112"))))
}
