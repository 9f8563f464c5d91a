//! Sets a header that only the host may set, or far too many.

use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, form_type, header, post_with, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let body = form_body(message, "");
    let headers = match aim {
        "too many" => (0..33).map(|number| header(&format!("x-{number}"), text("x"))).chain([form_type()]).collect(),
        "too long" => vec![form_type(), header("x-long", text(&"x".repeat(9 << 10)))],
        name => vec![form_type(), header(name, text("x"))],
    };
    answer(post_with(vec![text(API)], headers, Part::Sealed(&body)))
}
