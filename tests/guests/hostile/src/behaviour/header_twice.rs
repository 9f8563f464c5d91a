//! Sends a header twice, once for the host and once for the provider.

use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, form_type, header, post_with, text, token};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let (body, token) = (form_body(message, ""), token());
    let headers = match aim {
        "content type" => vec![form_type(), header("Content-Type", text("application/json"))],
        "authorization" => vec![
            form_type(),
            header("authorization", Part::Sealed(&token)),
            header("Authorization", text("Bearer mine")),
        ],
        "own" => vec![form_type(), header("x-a", text("1")), header("X-A", text("2"))],
        other => panic!("no such aim: {other}"),
    };
    answer(post_with(vec![text(API)], headers, Part::Sealed(&body)))
}
