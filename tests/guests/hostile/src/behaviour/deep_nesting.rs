//! Nests lists or elements deeper than a parser's stack.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, post_json, post_xml};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    answer(match aim {
        "json" => {
            let before = format!("{{\"x\":{}{},\"to\":\"", "[".repeat(20_000), "]".repeat(20_000));
            post_json(message, &before, r#"","text":""#, r#""}"#)
        }
        "xml" => {
            let before = format!("<request>{}{}<to>", "<a>".repeat(5_000), "</a>".repeat(5_000));
            post_xml(message, &before, "</to><text>", "</text></request>")
        }
        other => panic!("no such aim: {other}"),
    })
}
