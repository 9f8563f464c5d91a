//! Writes a second number into one header or across several.

use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, SECOND, answer, form_body, form_type, header, post_with, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let body = form_body(message, "");
    let headers = match aim {
        "one" => vec![form_type(), header("x-cc", text(SECOND))],
        "spaced" => vec![form_type(), header("x-cc", text("1-900-555-0199"))],
        "user agent" => vec![form_type(), header("user-agent", text("sms/1.900.555.0199"))],
        "name" => vec![form_type(), header(&format!("x-{SECOND}"), text("1"))],
        other => panic!("no such aim: {other}"),
    };
    answer(post_with(vec![text(API)], headers, Part::Sealed(&body)))
}
