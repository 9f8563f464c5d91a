//! Hides a line break in a joined value, to break out of a header.

use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, form_type, header, post_with, text, token};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let token = token();
    let value = concat(&[Part::Sealed(&token), text("\r\nx-injected: 1")]);
    let body = form_body(message, "");
    answer(post_with(vec![text(API)], vec![form_type(), header("x-a", Part::Sealed(&value))], Part::Sealed(&body)))
}
