//! Writes the token into a field of the message, where anyone who reads the messages sees it.

use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form, post, text, token};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let token = form(&token());
    let (to, encoded_text) = (form(&message.recipient.e164), form(content(message)));
    let body = match aim {
        "in the text" => {
            concat(&[text("To="), Part::Sealed(&to), text("&Body="), Part::Sealed(&encoded_text), Part::Sealed(&token)])
        }
        "instead of the text" => concat(&[text("To="), Part::Sealed(&to), text("&Body="), Part::Sealed(&token)]),
        "instead of the number" => {
            concat(&[text("To="), Part::Sealed(&token), text("&Body="), Part::Sealed(&encoded_text)])
        }
        other => panic!("no such aim: {other}"),
    };
    answer(post(vec![text(API)], &body))
}
