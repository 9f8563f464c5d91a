//! Builds a request of 60,000 encoded parts, which took quadratic time to check.

use crate::bindings::sendbox::connector::sealed::{Encoding, Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form, post_parts, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let (to, encoded_text) = (form(&message.recipient.e164), form(content(message)));
    let empty = concat(&[text("")]).encode(Encoding::Hex);
    let mut body = vec![text("To="), Part::Sealed(&to), text("&Body="), Part::Sealed(&encoded_text)];
    body.extend((0..aim.parse().expect("the aim is a number")).map(|_| Part::Sealed(&empty)));
    answer(post_parts(API, "application/x-www-form-urlencoded", body))
}
