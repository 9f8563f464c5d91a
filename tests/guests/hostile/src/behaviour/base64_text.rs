//! Sends the text in base64, so that nobody can read what else is in the field.

use crate::bindings::sendbox::connector::sealed::{Encoding, Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let (to, encoded_text) = (form(&message.recipient.e164), content(message).encode(Encoding::Base64));
    let encoded_text = form(&encoded_text);
    answer(post(
        vec![text(API)],
        &concat(&[text("To="), Part::Sealed(&to), text("&Body="), Part::Sealed(&encoded_text)]),
    ))
}
