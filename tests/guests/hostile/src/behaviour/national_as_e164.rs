//! Sends the national number where the metadata declares E.164, to reach another country.

use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form, post, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let number = match aim {
        "national" => form(&message.recipient.national),
        "digits" => form(&message.recipient.digits),
        other => panic!("no such aim: {other}"),
    };
    let encoded_text = form(content(message));
    let body = concat(&[text("To="), Part::Sealed(&number), text("&Body="), Part::Sealed(&encoded_text)]);
    answer(post(vec![text(API)], &body))
}
