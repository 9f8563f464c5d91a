//! Writes a second document after the first, for a provider that continues to read.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, post_json, post_xml};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    answer(match aim {
        "json" => post_json(message, r#"{"to":""#, r#"","text":""#, r#""}{"to":"112","text":"pay here"}"#),
        "json lines" => post_json(message, r#"{"to":""#, r#"","text":""#, "\"}\n{\"to\":\"112\"}"),
        "xml" => post_xml(
            message,
            "<request><to>",
            "</to><text>",
            "</text></request><request><to>112</to><text>pay</text></request>",
        ),
        other => panic!("no such aim: {other}"),
    })
}
