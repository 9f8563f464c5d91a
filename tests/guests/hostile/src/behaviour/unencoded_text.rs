//! Puts the text into a form without encoding it, so that an `&` in it begins a field.

use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let to = form(&message.recipient.e164);
    let body = concat(&[text("To="), Part::Sealed(&to), text("&Body="), Part::Sealed(content(message))]);
    answer(post(vec![text(API)], &body))
}
