//! Joins a value with itself, and the result with itself: a few calls, and the host is full.

use crate::bindings::sendbox::connector::sealed::{self, Encoding, Part};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{content, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let mut value = match aim {
        "text" => sealed::concat(&[Part::Sealed(content(message)), text("x")]),
        "encoded" => content(message).encode(Encoding::Hex),
        // Nothing in it but a mark: no bytes grow, only what the host remembers of them.
        "empty" => sealed::concat(&[text("")]),
        other => panic!("no such aim: {other}"),
    };
    loop {
        value = match aim {
            "encoded" => value.encode(Encoding::Hex),
            _ => sealed::concat(&[Part::Sealed(&value), Part::Sealed(&value)]),
        };
    }
}
