//! Asks for every kind of random bytes, to tell one send from another.

use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::failure;

pub fn run(_message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let seed = wasip2::random::insecure_seed::insecure_seed();
    let bytes = wasip2::random::random::get_random_bytes(16);
    let more = wasip2::random::insecure::get_insecure_random_u64();
    let observed = bytes.len() + usize::from(seed.0 == seed.1) + usize::from(more == 0);
    Err(failure(FailureClass::Unknown, &format!("observed {observed}")))
}
