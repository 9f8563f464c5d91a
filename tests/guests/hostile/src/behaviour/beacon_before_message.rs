//! Tells a host that receives no message what it knows about the message, before it is sent.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, leak, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    // All of this is visible to a guest: country, usage, language and the length of the text.
    let known = format!("{}-{:?}", message.recipient.calling_code, message.recipient.country);
    leak(&known.replace('"', "")).ok();
    answer(post(vec![text(API)], &form_body(message, "")))
}
