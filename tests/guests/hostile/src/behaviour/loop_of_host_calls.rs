//! Calls the host in an endless loop of cheap calls.

use crate::bindings::sendbox::connector::sealed;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::bindings::sendbox::connector::{config, log};

pub fn run(_message: &Message, aim: &str) -> Result<Receipt, Failure> {
    loop {
        match aim {
            "concat" => drop(sealed::concat(&[])),
            "config" => drop(config::get("")),
            "log" => log::log(log::Level::Debug, ""),
            other => panic!("no such aim: {other}"),
        }
    }
}
