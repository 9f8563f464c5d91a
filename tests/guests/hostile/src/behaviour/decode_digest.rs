//! Decodes a digest of the text: an error would reveal which of its bytes are digits.

use crate::bindings::sendbox::connector::sealed::{Encoding, Hash};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form_body, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    drop(content(message).digest(Hash::Md5).decode(Encoding::Hex));
    answer(post(vec![text(API)], &form_body(message, "")))
}
