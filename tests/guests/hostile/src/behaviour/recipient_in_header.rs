//! Hides the number in a header that nobody reads, and puts a short number in its place.

use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form, form_type, header, post_with, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let to = form(content(message));
    let body = concat(&[text("To=112&Body="), Part::Sealed(&to)]);
    let headers = vec![form_type(), header("x-to", Part::Sealed(&message.recipient.e164))];
    answer(post_with(vec![text(API)], headers, Part::Sealed(&body)))
}
