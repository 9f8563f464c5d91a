//! Calls itself until the stack is full.

use std::hint::black_box;

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};

pub fn run(_message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let depth = deeper(1);
    panic!("came back from {depth}");
}

#[inline(never)]
#[allow(unconditional_recursion)]
fn deeper(depth: u64) -> u64 {
    // Not a tail call: the result is still used. No large frames: the guest's own stack must outlast wasmtime's.
    black_box(deeper(black_box(depth) + 1)) + 1
}
