//! Loops forever while it sends.

use std::hint::black_box;

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};

pub fn run(_message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    loop {
        black_box(());
    }
}
