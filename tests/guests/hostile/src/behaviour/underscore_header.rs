//! Sets a header with an underscore, which some servers treat as the one with a hyphen.

use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, form_type, header, post_with, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let body = form_body(message, "");
    answer(post_with(vec![text(API)], vec![form_type(), header(aim, text("1"))], Part::Sealed(&body)))
}
