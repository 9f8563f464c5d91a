//! A second number in a URL that is spelt so that a scanner begins to read behind it.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{SECOND, answer, form_body, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let url = format!("https:api.hostile.test/v1/messages?to={SECOND}&x=://y/");
    answer(post(vec![text(&url)], &form_body(message, "")))
}
