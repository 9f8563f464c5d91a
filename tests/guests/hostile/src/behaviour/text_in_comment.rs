//! Hides the number and the text in a comment, and puts a message of its own in their places.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, post_xml};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    answer(post_xml(message, "<request><to>112</to><text>pay here</text><!-- ", " ", " --></request>"))
}
