//! Adds a list beside the number, empty or with short numbers.

use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{LIST, answer, content, json, post_parts, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let (to, encoded_text) = (json(&message.recipient.digits), json(content(message)));
    let (before, after) = match aim {
        "second" => (r#"{"recipients":[{"msisdn":""#, r#""},{"msisdn":"112"}],"message":""#),
        "first" => (r#"{"recipients":[{"msisdn":"112"},{"msisdn":""#, r#""}],"message":""#),
        "empty" => (r#"{"recipients":[{"msisdn":""#, r#""},{}],"message":""#),
        "null" => (r#"{"recipients":[{"msisdn":""#, r#""},null],"message":""#),
        other => panic!("no such aim: {other}"),
    };
    let body = vec![text(before), Part::Sealed(&to), text(after), Part::Sealed(&encoded_text), text(r#""}"#)];
    answer(post_parts(LIST, "application/json", body))
}
