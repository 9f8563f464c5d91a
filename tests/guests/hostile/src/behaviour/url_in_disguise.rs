//! Spells a URL so that the host and the provider read different URLs.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, form_body, post, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    answer(post(vec![text(aim)], &form_body(message, "")))
}
