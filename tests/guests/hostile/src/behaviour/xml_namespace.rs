//! Writes a second element with the same local name in another namespace.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, post_xml};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let before = "<request xmlns:x='urn:x'><x:to>112</x:to><to>";
    answer(post_xml(message, before, "</to><text>", "</text></request>"))
}
