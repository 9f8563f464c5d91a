//! Asks for a megabyte of random bytes in one call.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    match aim {
        "secure" => drop(wasip2::random::random::get_random_bytes(1 << 20)),
        "insecure" => drop(wasip2::random::insecure::get_insecure_random_bytes(1 << 20)),
        other => panic!("no such aim: {other}"),
    }
    answer(post(vec![text(API)], &form_body(message, "")))
}
