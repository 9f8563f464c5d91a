//! Compares sealed values while it sends, where each answer would test a guess at a secret.

use crate::bindings::sendbox::connector::sealed::{Hash, concat};
use crate::bindings::sendbox::connector::signature;
use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{content, failure, text, token};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let token = token();
    let guess = concat(&[text("1234")]);
    let computed = concat(&[text("x")]).hmac(Hash::Sha256, &token);
    let answered = match aim {
        "matches" => signature::matches(&computed, &guess).to_string(),
        "jwt" => format!("{:?}", signature::jwt(content(message), &token)),
        other => panic!("no such aim: {other}"),
    };
    Err(failure(FailureClass::Unknown, &answered))
}
