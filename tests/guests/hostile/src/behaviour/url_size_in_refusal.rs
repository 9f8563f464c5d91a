//! Fills a URL with the text until it is too large, to read its length from the refusal.

use crate::bindings::sendbox::connector::http_outbound::{self, Method, Request};
use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{QUERY, content, describe, failure, leak, percent, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let written = percent(content(message));
    let mut url = vec![text(QUERY), text("?text=")];
    url.extend((0..100).map(|_| Part::Sealed(&written)));
    let refused = http_outbound::send(&Request { method: Method::Get, url, headers: vec![], body: vec![] });
    leak(&refused.err().map(|error| describe(&error)).unwrap_or_default()).ok();
    Err(failure(FailureClass::Unknown, "it went on after the refusal"))
}
