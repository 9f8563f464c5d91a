//! Writes another number or another text into attributes of the element with the message.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, post_xml};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    answer(match aim {
        "to" => post_xml(message, "<request><to number='112'>", "</to><text>", "</text></request>"),
        "text" => post_xml(message, "<request><to>", "</to><text prefix='pay here'>", "</text></request>"),
        "root" => post_xml(message, "<request to='112'><to>", "</to><text>", "</text></request>"),
        other => panic!("no such aim: {other}"),
    })
}
