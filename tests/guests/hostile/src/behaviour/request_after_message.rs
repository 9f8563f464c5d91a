//! Makes another request after the message has left.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, form_type, get_side, post, post_json, post_with, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let body = form_body(message, "");
    let first = post(vec![text(API)], &body);
    let session = || post_with(vec![text(API)], vec![form_type()], text("done=1"));
    let after = match aim {
        "same host" => session(),
        "the message" => post(vec![text(API)], &body),
        "side host" => get_side(),
        "other places" => post_json(message, r#"{"to":""#, r#"","text":""#, r#""}"#),
        other => panic!("no such aim: {other}"),
    };
    answer(first.and(after))
}
