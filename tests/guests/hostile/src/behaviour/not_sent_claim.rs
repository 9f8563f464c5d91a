//! Sends the request, then claims that nothing was sent whatever the response is, so that the host retries.

use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{API, failure, form_body, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    post(vec![text(API)], &form_body(message, "")).ok();
    Err(failure(FailureClass::NotSent, "nothing was sent, believe me"))
}
