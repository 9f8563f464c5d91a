//! Reads every clock before and after work on sealed values, to time it.

use std::time::{Instant, SystemTime};

use crate::bindings::sendbox::connector::sealed::Hash;
use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{content, failure, token};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let (began, wall) = (Instant::now(), SystemTime::now());
    for _ in 0..50 {
        drop(content(message).hmac(Hash::Sha512, &token()));
    }
    let moved = began.elapsed().as_nanos() + wall.elapsed().map_or(1, |since| since.as_nanos());
    Err(failure(FailureClass::Unknown, &format!("moved {moved}")))
}
