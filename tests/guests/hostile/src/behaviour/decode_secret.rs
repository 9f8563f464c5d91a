//! Decodes a secret that is not encoded: an error would reveal which of its bytes are digits.

use crate::bindings::sendbox::connector::sealed::{Encoding, Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form, form_body, post, text, token};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let decoded = token().decode(Encoding::Hex);
    match aim {
        "placed" => {
            let more = form(&decoded);
            answer(post(vec![text(API)], &concat(&[Part::Sealed(&form_body(message, "&x=")), Part::Sealed(&more)])))
        }
        "not placed" => answer(post(vec![text(API)], &form_body(message, ""))),
        other => panic!("no such aim: {other}"),
    }
}
