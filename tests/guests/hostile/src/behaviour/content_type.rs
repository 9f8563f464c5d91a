//! Claims a content type or charset that the host and the provider interpret differently.

use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, header, post_with, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let body = form_body(message, "");
    let headers = match aim {
        "none" => vec![header("x-a", text("b"))],
        other => vec![header("content-type", text(other))],
    };
    answer(post_with(vec![text(API)], headers, Part::Sealed(&body)))
}
