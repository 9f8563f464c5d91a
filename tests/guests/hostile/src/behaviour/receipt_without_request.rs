//! Claims success although nothing was sent, or another request was sent, or the outcome is unknown.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, form_body, get_side, post, receipt, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    match aim {
        "nothing" => {}
        "another request" => drop(get_side().expect("the side host answers")),
        "refused" => drop(post(vec![text("https://unknown.hostile.test/")], &form_body(message, ""))),
        "unanswered" => drop(post(vec![text(API)], &form_body(message, ""))),
        other => panic!("no such aim: {other}"),
    }
    Ok(receipt())
}
