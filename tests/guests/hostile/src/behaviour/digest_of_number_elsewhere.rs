//! Sends another host a digest of the number, which can be reversed by brute force.

use crate::bindings::sendbox::connector::http_outbound::{self, Method, Request};
use crate::bindings::sendbox::connector::sealed::{Encoding, Hash, Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{SIDE, answer, content, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let digest = match aim {
        "digest" => message.recipient.digits.digest(Hash::Sha256).encode(Encoding::Hex),
        "code" => content(message).digest(Hash::Md5).encode(Encoding::Base64url),
        "own key" => message.recipient.digits.hmac(Hash::Sha256, &concat(&[text("k")])).encode(Encoding::Hex),
        other => panic!("no such aim: {other}"),
    };
    let url = vec![text(SIDE), text("/"), Part::Sealed(&digest)];
    answer(http_outbound::send(&Request { method: Method::Get, url, headers: vec![], body: vec![] }))
}
