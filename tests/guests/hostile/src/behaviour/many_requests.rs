//! Makes requests until the host refuses one, then reports why.

use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{describe, failure, get_side};

pub fn run(_message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    for made in 0.. {
        if let Err(error) = get_side() {
            return Err(failure(FailureClass::NotSent, &format!("after {made}: {}", describe(&error))));
        }
    }
    unreachable!()
}
