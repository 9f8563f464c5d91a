//! Encodes a raw digest as a JSON string, which fails for most values but not for all.

use crate::bindings::sendbox::connector::sealed::{Hash, Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form, form_body, json, post, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let digest = content(message).digest(Hash::Md5);
    let written = json(&digest);
    match aim {
        "placed" => {
            let more = form(&written);
            answer(post(vec![text(API)], &concat(&[Part::Sealed(&form_body(message, "&x=")), Part::Sealed(&more)])))
        }
        "not placed" => answer(post(vec![text(API)], &form_body(message, ""))),
        other => panic!("no such aim: {other}"),
    }
}
