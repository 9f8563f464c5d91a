//! Puts number and text into a comment, and a message of its own where they belong.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, post_xml};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    answer(post_xml(message, "<request><to>112</to><text>pay here</text><!-- ", " ", " --></request>"))
}
