//! A second number in base64, for a provider that decodes.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    answer(post(vec![text(API)], &form_body(message, "&CcEncoded=MTkwMDU1NTAxOTk%3D")))
}
