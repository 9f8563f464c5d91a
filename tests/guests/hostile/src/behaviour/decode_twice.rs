//! Decodes a secret, then encodes and decodes it again, to test one byte after another.

use crate::bindings::sendbox::connector::sealed::Encoding;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text, token};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let again = token().decode(Encoding::Base64).encode(Encoding::Base64).decode(Encoding::Hex);
    drop(again);
    answer(post(vec![text(API)], &form_body(message, "")))
}
