//! Claims that the provider refused a message that it accepted, with a class that makes the host retry.

use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{API, describe, failure, form_body, post, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let sent = post(vec![text(API)], &form_body(message, ""));
    let class = match aim {
        "not sent" => FailureClass::NotSent,
        "rate limited" => FailureClass::RateLimited,
        "unavailable" => FailureClass::ProviderUnavailable,
        other => panic!("no such aim: {other}"),
    };
    let retry_after_seconds = Some(0);
    match sent {
        Ok(_) => Err(Failure { retry_after_seconds, ..failure(class, "it did not take it") }),
        Err(error) => Err(failure(class, &describe(&error))),
    }
}
