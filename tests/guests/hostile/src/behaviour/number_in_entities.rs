//! Writes a second number as XML character references.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{SECOND, answer, post_xml};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let number: String = match aim {
        "decimal" => SECOND.bytes().map(|byte| format!("&#{byte};")).collect(),
        "hexadecimal" => SECOND.bytes().map(|byte| format!("&#x{byte:x};")).collect(),
        "padded" => SECOND.bytes().map(|byte| format!("&#000{byte};")).collect(),
        other => panic!("no such aim: {other}"),
    };
    answer(post_xml(message, "<request><to>", "</to><text>", &format!("</text><cc>{number}</cc></request>")))
}
