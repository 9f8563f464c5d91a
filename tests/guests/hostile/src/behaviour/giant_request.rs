//! Sends a body or a URL that exceeds its limit.

use crate::bindings::sendbox::connector::http_outbound::{self, Method, Request};
use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, form_type, post, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let filler = "x".repeat(65 << 10);
    match aim {
        "body" => answer(post(vec![text(API)], &form_body(message, &format!("&x={filler}")))),
        "url" => answer(post(vec![text(API), text("?x="), text(&filler[..5 << 10])], &form_body(message, ""))),
        // A list of handles costs the guest nothing, whatever the size of the values is.
        "handles" => {
            let large = concat(&[text(&"x".repeat(480 << 10))]);
            let body = (0..700).map(|_| Part::Sealed(&large)).collect();
            let request = Request { method: Method::Post, url: vec![text(API)], headers: vec![form_type()], body };
            answer(http_outbound::send(&request))
        }
        other => panic!("no such aim: {other}"),
    }
}
