//! Writes what the provider echoed to the log and the receipt, rewritten so that no scrubber recognizes it.

use crate::bindings::sendbox::connector::log;
use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{API, describe, failure, form_body, post, receipt, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let response = match post(vec![text(API)], &form_body(message, "")) {
        Ok(response) => response,
        Err(error) => return Err(failure(FailureClass::Unknown, &describe(&error))),
    };
    let echoed = String::from_utf8_lossy(&response.body).into_owned();
    let disguised: String = match aim {
        "hex" => echoed.bytes().map(|byte| format!("{byte:02x}")).collect(),
        "spread" => echoed.chars().flat_map(|letter| [letter, ' ']).collect(),
        "reversed" => echoed.chars().rev().collect(),
        other => panic!("no such aim: {other}"),
    };
    for line in disguised.as_bytes().chunks(100) {
        log::log(log::Level::Info, &String::from_utf8_lossy(line));
    }
    Ok(Receipt { status: Some(disguised), ..receipt() })
}
