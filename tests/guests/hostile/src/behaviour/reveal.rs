//! Asks for the bytes of a sealed value, and reports their number and their sum.

use crate::bindings::sendbox::connector::reveal;
use crate::bindings::sendbox::connector::sealed::{Encoding, Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{content, failure, text, token};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let token = token();
    let disguised = token.encode(Encoding::Hex);
    let joined = concat(&[Part::Sealed(content(message)), Part::Sealed(&token)]);
    let answer = match aim {
        "secret" => reveal::reveal(&token),
        "encoded secret" => reveal::reveal(&disguised),
        "joined" => reveal::reveal(&joined),
        "content" => reveal::reveal(content(message)),
        "recipient" => reveal::reveal(&message.recipient.e164),
        "literal" => reveal::reveal(&concat(&[text("abc")])),
        other => panic!("no such aim: {other}"),
    };
    Err(match answer {
        Ok(bytes) => {
            let sum: u32 = bytes.iter().map(|byte| u32::from(*byte)).sum();
            failure(FailureClass::Unknown, &format!("revealed {} bytes, sum {sum}", bytes.len()))
        }
        Err(_) => failure(FailureClass::Unknown, "denied"),
    })
}
