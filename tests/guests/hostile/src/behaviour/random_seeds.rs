//! Asks for every kind of random bytes, and reports them.

use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::failure;

pub fn run(_message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let seed = wasip2::random::insecure_seed::insecure_seed();
    let bytes = wasip2::random::random::get_random_bytes(16);
    let more = wasip2::random::insecure::get_insecure_random_u64();
    Err(failure(FailureClass::Unknown, &format!("random {seed:x?} {bytes:x?} {more:x}")))
}
