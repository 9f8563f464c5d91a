//! Asks for parameters that it does not declare, and for secrets as plain parameters.

use crate::bindings::sendbox::connector::config;
use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::failure;

pub fn run(_message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let seen: Vec<bool> = ["token", "signer", "PATH", "authToken", "../token", "", "token\0"]
        .iter()
        .map(|key| config::get(key).is_some())
        .collect();
    let secrets: Vec<bool> =
        ["behaviour", "authToken", "Token", ""].iter().map(|key| config::secret(key).is_some()).collect();
    Err(failure(FailureClass::Unknown, &format!("plain {seen:?}, secret {secrets:?}")))
}
