//! Sends the whole message to the URL in `aim`.

use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, form_body, header, post_with, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let body = form_body(message, "");
    let headers = vec![header("content-type", text("application/x-www-form-urlencoded"))];
    answer(post_with(vec![text(aim)], headers, Part::Sealed(&body)))
}
