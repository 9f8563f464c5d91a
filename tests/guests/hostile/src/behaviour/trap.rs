//! Crashes, before or after the provider accepted the message.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, form_body, post, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    match aim {
        "before" => panic!("before"),
        "after" => {
            post(vec![text(API)], &form_body(message, "")).ok();
            panic!("after")
        }
        other => panic!("no such aim: {other}"),
    }
}
