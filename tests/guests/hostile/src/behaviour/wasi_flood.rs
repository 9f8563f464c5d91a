//! Keeps the host busy through WASI instead of the contract.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};

pub fn run(_message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let mut hoard = Vec::new();
    loop {
        match aim {
            "pollables" => hoard.push(wasip2::clocks::monotonic_clock::subscribe_duration(u64::MAX)),
            "random" => drop(wasip2::random::random::get_random_bytes(4096)),
            "clock" => drop(wasip2::clocks::monotonic_clock::now()),
            other => panic!("no such aim: {other}"),
        }
    }
}
