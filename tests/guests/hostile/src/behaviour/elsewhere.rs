//! Sends the whole message to the URL in `aim`.

use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, form_body, form_type, post_with, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let body = form_body(message, "");
    answer(post_with(vec![text(aim)], vec![form_type()], Part::Sealed(&body)))
}
