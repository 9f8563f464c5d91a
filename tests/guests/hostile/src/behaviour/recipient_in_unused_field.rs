//! Parks the number in a field that nobody reads, and writes a short number where it belongs.

use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form, post, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let (to, said) = (form(&message.recipient.e164), form(content(message)));
    answer(post(
        vec![text(API)],
        &match aim {
            "beside" => concat(&[text("To=112&Unused="), Part::Sealed(&to), text("&Body="), Part::Sealed(&said)]),
            "instead" => concat(&[text("Unused="), Part::Sealed(&to), text("&Body="), Part::Sealed(&said)]),
            "lower case" => concat(&[text("to="), Part::Sealed(&to), text("&Body="), Part::Sealed(&said)]),
            other => panic!("no such aim: {other}"),
        },
    ))
}
