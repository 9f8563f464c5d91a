//! Aims the message, or a part of it, at a host that receives none.

use crate::bindings::sendbox::connector::sealed::{Encoding, Hash, Part};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{SIDE, answer, content, form, form_body, header, post_with, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let aimed = match aim {
        "whole" => form_body(message, ""),
        "recipient" => form(&message.recipient.national),
        "text" => content(message).encode(Encoding::Base64).expect("base64 is always possible"),
        "digest" => content(message).digest(Hash::Sha256).encode(Encoding::Hex).expect("hex is always possible"),
        other => panic!("no such aim: {other}"),
    };
    answer(post_with(vec![text(SIDE)], vec![header("x-a", text("b"))], Part::Sealed(&aimed)))
}
