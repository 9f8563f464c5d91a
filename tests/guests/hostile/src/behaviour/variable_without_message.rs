//! Sends the code alone, without the number.

use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let encoded_text = form(content(message));
    answer(post(vec![text(API)], &concat(&[text("Body="), Part::Sealed(&encoded_text)])))
}
