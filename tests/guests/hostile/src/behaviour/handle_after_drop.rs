//! Uses a handle that it has dropped, or never had.

use crate::bindings::sendbox::connector::sealed::{Encoding, Sealed, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let timer = wasip2::clocks::monotonic_clock::subscribe_duration(1);
    let handle = match aim {
        "dropped" => {
            let value = concat(&[text("x")]);
            let number = value.handle();
            drop(value);
            number
        }
        "never given" => 4_000,
        "of another kind" => timer.handle(),
        other => panic!("no such aim: {other}"),
    };
    let value = forged(handle);
    drop(value.encode(Encoding::Hex));
    answer(post(vec![text(API)], &form_body(message, "")))
}

#[allow(unsafe_code, reason = "forging a handle is the point")]
fn forged(handle: u32) -> Sealed {
    // SAFETY: the canonical ABI checks every handle; a wrong one traps.
    unsafe { Sealed::from_handle(handle) }
}
