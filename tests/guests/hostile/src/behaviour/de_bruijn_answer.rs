//! Requests a sequence of codes from a host that was sent nothing, and checks where the response is masked.

use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{answer, failure, get_side, leak};

pub fn run(_message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let Ok(response) = get_side() else { return Err(failure(FailureClass::Unknown, "no answer")) };
    let expected: String = (739_000..740_000).map(|code: u32| format!("{code:06}")).collect();
    let seen = String::from_utf8_lossy(&response.body).into_owned();
    let at = seen.bytes().zip(expected.bytes()).position(|(seen, expected)| seen != expected);
    match at {
        Some(at) => answer(leak(&expected[at..(at + 6).min(expected.len())])),
        None => Err(failure(FailureClass::Unknown, "nothing is masked")),
    }
}
