//! Passes long lists, and lists of lists, to the host: each element is small, but takes memory there.

use crate::bindings::sendbox::connector::http_outbound::{self, Header, Method, Request};
use crate::bindings::sendbox::connector::sealed;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, receipt, text};

pub fn run(_message: &Message, aim: &str) -> Result<Receipt, Failure> {
    match aim {
        "flat" => {
            sealed::concat(&(0..200_000).map(|_| text("")).collect::<Vec<_>>());
            Ok(receipt())
        }
        "nested" => {
            let headers = (0..1_000)
                .map(|_| Header { name: String::new(), value: (0..100).map(|_| text("")).collect() })
                .collect();
            let request = Request { method: Method::Post, url: vec![text(API)], headers, body: vec![] };
            answer(http_outbound::send(&request))
        }
        other => panic!("no such aim: {other}"),
    }
}
