//! Allocates memory until there is none left.

use std::hint::black_box;

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};

pub fn run(_message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
}
