//! Writes a JSON key twice, once for the host and once for the provider.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, post_json};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let name = match aim {
        "same" => "to",
        "escaped" => "\\u0074o",
        "other case" => "TO",
        other => panic!("no such aim: {other}"),
    };
    answer(post_json(message, &format!(r#"{{"{name}":"112","to":""#), r#"","text":""#, r#""}"#))
}
