//! Sends the message, or a part of it, to a host that receives no message.

use crate::bindings::sendbox::connector::sealed::{Encoding, Hash, Part};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{SIDE, answer, content, form, form_body, form_type, post_with, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let aimed = match aim {
        "whole" => form_body(message, ""),
        "recipient" => form(&message.recipient.national),
        "text" => content(message).encode(Encoding::Base64),
        "digest" => content(message).digest(Hash::Sha256).encode(Encoding::Hex),
        other => panic!("no such aim: {other}"),
    };
    answer(post_with(vec![text(SIDE)], vec![form_type()], Part::Sealed(&aimed)))
}
