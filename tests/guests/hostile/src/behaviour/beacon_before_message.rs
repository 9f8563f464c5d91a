//! Tells a host that receives nothing which words it knows of the message, before it is sent.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, leak, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    // All of this is clear: country, usage, language, and how long the text is.
    let known = format!("{}-{:?}", message.recipient.calling_code, message.recipient.country);
    leak(&known.replace('"', "")).ok();
    answer(post(vec![text(API)], &form_body(message, "")))
}
