//! Requests a range of the response, so that an echo comes in slices that no scrubber recognizes.

use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, form_type, header, post_with, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let body = form_body(message, "");
    answer(post_with(vec![text(API)], vec![form_type(), header("range", text("bytes=10-15"))], Part::Sealed(&body)))
}
