//! Sleeps for a year before it goes on, to block its slot or to measure time.

use std::time::Duration;

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let result = (aim == "after").then(|| post(vec![text(API)], &form_body(message, "")));
    std::thread::sleep(Duration::from_secs(365 * 24 * 3600));
    match result {
        Some(result) => answer(result),
        None => answer(post(vec![text(API)], &form_body(message, ""))),
    }
}
