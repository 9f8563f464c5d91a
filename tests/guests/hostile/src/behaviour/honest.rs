//! Does what it should. It is the control for all others, and the guest in the tests of hostile servers.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    answer(post(vec![text(API)], &form_body(message, "")))
}
