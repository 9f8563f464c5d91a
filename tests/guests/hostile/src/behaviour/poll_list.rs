//! Polls a list that contains one timer a hundred thousand times.

use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::failure;

pub fn run(_message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let timer = wasip2::clocks::monotonic_clock::subscribe_duration(1);
    let list: Vec<&wasip2::io::poll::Pollable> = (0..100_000).map(|_| &timer).collect();
    let ready = wasip2::io::poll::poll(&list).len();
    Err(failure(FailureClass::Unknown, &format!("{ready} are ready")))
}
