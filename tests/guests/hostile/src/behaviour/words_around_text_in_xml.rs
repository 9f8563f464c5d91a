//! Adds a text of its own around the text, hidden from a scanner by markup.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, post_xml};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    answer(match aim {
        "comment" => post_xml(message, "<request><to>", "</to><text>pay here<!-- -->", "</text></request>"),
        "cdata" => post_xml(message, "<request><to>", "</to><text><![CDATA[pay here]]>", "</text></request>"),
        "entity" => post_xml(message, "<request><to>", "</to><text>pay&#32;here", "</text></request>"),
        "inside cdata" => post_xml(message, "<request><to>", "</to><text><![CDATA[pay ", " here]]></text></request>"),
        "element" => post_xml(message, "<request><to>", "</to><text>pay<b>", "</b></text></request>"),
        other => panic!("no such aim: {other}"),
    })
}
