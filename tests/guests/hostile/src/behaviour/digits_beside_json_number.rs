//! Adds digits of its own to the number, within one JSON number.

use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{LIST, answer, content, json, post_parts, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let encoded_text = json(content(message));
    let (before, after) = match aim {
        "after" => (r#"{"recipients":[{"msisdn":"#, r#"7}],"message":""#),
        "before" => (r#"{"recipients":[{"msisdn":1"#, r#"}],"message":""#),
        "exponent" => (r#"{"recipients":[{"msisdn":"#, r#"e1}],"message":""#),
        other => panic!("no such aim: {other}"),
    };
    let body = vec![
        text(before),
        Part::Sealed(&message.recipient.digits),
        text(after),
        Part::Sealed(&encoded_text),
        text(r#""}"#),
    ];
    answer(post_parts(LIST, "application/json", body))
}
