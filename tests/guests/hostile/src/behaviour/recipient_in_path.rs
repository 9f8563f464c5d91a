//! Hides the number in the path, and puts a short number in its place.

use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form, percent, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let (to, encoded_text) = (percent(&message.recipient.digits), form(content(message)));
    let url = vec![text(API), text("/"), Part::Sealed(&to)];
    answer(post(url, &concat(&[text("To=112&Body="), Part::Sealed(&encoded_text)])))
}
