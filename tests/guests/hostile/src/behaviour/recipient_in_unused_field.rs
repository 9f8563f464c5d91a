//! Hides the number in a field that nobody reads, and puts a short number in its place.

use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form, post, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let (to, encoded_text) = (form(&message.recipient.e164), form(content(message)));
    answer(post(
        vec![text(API)],
        &match aim {
            "beside" => {
                concat(&[text("To=112&Unused="), Part::Sealed(&to), text("&Body="), Part::Sealed(&encoded_text)])
            }
            "instead" => concat(&[text("Unused="), Part::Sealed(&to), text("&Body="), Part::Sealed(&encoded_text)]),
            "lower case" => concat(&[text("to="), Part::Sealed(&to), text("&Body="), Part::Sealed(&encoded_text)]),
            other => panic!("no such aim: {other}"),
        },
    ))
}
