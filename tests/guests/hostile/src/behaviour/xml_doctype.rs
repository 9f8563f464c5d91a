//! Declares entities of its own, so that an entity in the text expands to a text of its own.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, post_xml};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let before = "<!DOCTYPE r [<!ENTITY pay 'pay here'>]><request><note>&pay;</note><to>";
    answer(post_xml(message, before, "</to><text>", "</text></request>"))
}
