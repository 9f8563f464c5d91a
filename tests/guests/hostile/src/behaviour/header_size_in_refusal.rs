//! Fills a header with a secret until it is too large, to read its length from the refusal.

use crate::bindings::sendbox::connector::http_outbound::Header;
use crate::bindings::sendbox::connector::sealed::{Encoding, Part};
use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{API, describe, failure, form_body, form_type, leak, post_with, text, token};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let (token, body) = (token().encode(Encoding::Hex), form_body(message, ""));
    let value = (0..aim.parse().expect("the aim is a number")).map(|_| Part::Sealed(&token)).collect();
    let headers = vec![form_type(), Header { name: "x-token".into(), value }];
    let refused = post_with(vec![text(API)], headers, Part::Sealed(&body));
    leak(&refused.err().map(|error| describe(&error)).unwrap_or_default()).ok();
    Err(failure(FailureClass::Unknown, "it went on after the refusal"))
}
