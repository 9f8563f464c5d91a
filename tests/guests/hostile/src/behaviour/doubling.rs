//! Joins a value with itself, then the result with itself: a few calls would exhaust the host's memory.

use crate::bindings::sendbox::connector::sealed::{self, Encoding, Part};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{content, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let mut value = match aim {
        "text" => sealed::concat(&[Part::Sealed(content(message)), text("x")]),
        "encoded" => content(message).encode(Encoding::Hex),
        // An empty value: its bytes do not grow, only the host's record of its parts.
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
