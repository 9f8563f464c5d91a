//! Uses a method that its manifest does not name.

use crate::bindings::sendbox::connector::http_outbound::{self, Method, Request};
use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, form_type, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let method = match aim {
        "GET" => Method::Get,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        other => panic!("no such aim: {other}"),
    };
    let body = form_body(message, "");
    let request = Request { method, url: vec![text(API)], headers: vec![form_type()], body: vec![Part::Sealed(&body)] };
    answer(http_outbound::send(&request))
}
