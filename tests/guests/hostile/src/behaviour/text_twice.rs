//! Sends the text in the body, and again in a header.

use crate::bindings::sendbox::connector::sealed::{Encoding, Part};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form_body, form_type, header, post_with, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let again = content(message).encode(Encoding::Base64);
    let body = form_body(message, "");
    answer(post_with(vec![text(API)], vec![form_type(), header("x-text", Part::Sealed(&again))], Part::Sealed(&body)))
}
