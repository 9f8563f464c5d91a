//! Adds a digest of the text to the request, from which a provider could brute-force a short text.

use crate::bindings::sendbox::connector::sealed::{Encoding, Hash, Part};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form_body, form_type, header, post_with, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let digest = content(message).digest(Hash::Sha256).encode(Encoding::Hex);
    let body = form_body(message, "");
    answer(post_with(
        vec![text(API)],
        vec![form_type(), header("x-digest", Part::Sealed(&digest))],
        Part::Sealed(&body),
    ))
}
