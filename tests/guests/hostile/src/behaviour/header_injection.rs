//! Breaks out of a header, to forge another header or a second request.

use crate::bindings::sendbox::connector::http_outbound::Header;
use crate::bindings::sendbox::connector::sealed::{self, Part};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, form_type, header, post_with, text};

const INJECTED: &str = "x\r\nHost: elsewhere.hostile.test\r\n\r\nGET / HTTP/1.1\r\n\r\n";

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let body = form_body(message, "");
    let sealed = sealed::concat(&[text(INJECTED)]);
    let lone = sealed::concat(&[text("\n")]);
    let bad: Header<'_> = match aim {
        "name" => header(INJECTED, text("x")),
        "space in name" => header("x y", text("x")),
        "colon in name" => header("x: y", text("x")),
        "value" => header("x-a", text(INJECTED)),
        "sealed value" => header("x-a", Part::Sealed(&sealed)),
        "joined value" => Header { name: "x-a".into(), value: vec![text("x\r"), Part::Sealed(&lone), text("x: y")] },
        "nul" => header("x-a", text("a\0b")),
        other => panic!("no such aim: {other}"),
    };
    answer(post_with(vec![text(API)], vec![form_type(), bad], Part::Sealed(&body)))
}
