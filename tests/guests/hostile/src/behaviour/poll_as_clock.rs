//! Asks timers whether they are ready, before and after work on sealed values.

use crate::bindings::sendbox::connector::sealed::Hash;
use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{content, failure, token};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let timer = wasip2::clocks::monotonic_clock::subscribe_duration(1_000);
    let before = timer.ready();
    for _ in 0..50 {
        drop(content(message).hmac(Hash::Sha512, &token()));
    }
    let after = timer.ready();
    Err(failure(FailureClass::Unknown, &format!("ready changed: {}", before != after)))
}
