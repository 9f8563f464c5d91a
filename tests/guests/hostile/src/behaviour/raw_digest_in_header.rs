//! Puts the raw bytes of a digest into a header, which may not contain all of them.

use crate::bindings::sendbox::connector::sealed::{Hash, Part};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form_body, form_type, header, post_with, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let digest = content(message).digest(Hash::Sha512);
    let body = form_body(message, "");
    answer(post_with(
        vec![text(API)],
        vec![form_type(), header("x-digest", Part::Sealed(&digest))],
        Part::Sealed(&body),
    ))
}
