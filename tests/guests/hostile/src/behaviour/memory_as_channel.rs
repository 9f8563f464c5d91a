//! Has the host fill its memory with an echo, and reports how much it grew.

use crate::bindings::sendbox::connector::log;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let before = pages();
    let echoed = answer(post(vec![text(API)], &form_body(message, "")));
    let grown = pages() - before;
    log::log(log::Level::Info, &format!("grown by {grown}"));
    echoed
}

/// Pages of 64 KiB.
fn pages() -> usize {
    #[cfg(target_arch = "wasm32")]
    return core::arch::wasm32::memory_size(0);
    #[cfg(not(target_arch = "wasm32"))]
    0
}
