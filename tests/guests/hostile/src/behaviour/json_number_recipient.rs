//! Writes the number as a JSON number, which is the same number.

use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{LIST, answer, content, json, post_parts, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let encoded_text = json(content(message));
    let body = vec![
        text(r#"{"recipients":[{"msisdn":"#),
        Part::Sealed(&message.recipient.digits),
        text(r#"}],"message":""#),
        Part::Sealed(&encoded_text),
        text(r#""}"#),
    ];
    answer(post_parts(LIST, "application/json", body))
}
