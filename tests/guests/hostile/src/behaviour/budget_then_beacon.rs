//! Spends most of its budget, creates a value whose cost it wants to know, and reports how much is left.

use crate::bindings::sendbox::connector::sealed::{Encoding, concat};
use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{content, failure, leak, text, token};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let mut left = 0;
    for _ in 0..40 {
        drop(concat(&[text(&"x".repeat(8 << 10))]));
    }
    drop(content(message).encode(Encoding::Hex));
    drop(token().encode(Encoding::Hex));
    for _ in 0..20 {
        drop(concat(&[text(&"x".repeat(1 << 10))]));
        left += 1;
    }
    leak(&format!("left-{left}")).ok();
    Err(failure(FailureClass::Unknown, "reported how much was left"))
}
