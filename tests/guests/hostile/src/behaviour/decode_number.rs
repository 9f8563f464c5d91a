//! Decodes the number as hexadecimal: an error would reveal whether its length is even.

use crate::bindings::sendbox::connector::sealed::Encoding;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    drop(message.recipient.digits.decode(Encoding::Hex));
    answer(post(vec![text(API)], &form_body(message, "")))
}
