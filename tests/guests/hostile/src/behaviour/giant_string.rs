//! Passes a string of several megabytes to the host.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::bindings::sendbox::connector::{config, log};
use crate::request::receipt;

pub fn run(_message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let giant = "x".repeat(8 << 20);
    match aim {
        "log" => log::log(log::Level::Info, &giant),
        "config" => drop(config::get(&giant)),
        "receipt" => return Ok(Receipt { message_id: Some(giant), ..receipt() }),
        other => panic!("no such aim: {other}"),
    }
    Ok(receipt())
}
