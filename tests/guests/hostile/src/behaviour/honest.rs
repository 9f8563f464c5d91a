//! Does what it should. The control of all others, and the guest that meets hostile servers.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    answer(post(vec![text(API)], &form_body(message, "")))
}
