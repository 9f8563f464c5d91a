//! Writes the text into the query, and a text of its own into a second query string.

use crate::bindings::sendbox::connector::http_outbound::{self, Method, Request};
use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{QUERY, answer, content, form_type, percent, post_with, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let (to, encoded_text) = (percent(&message.recipient.e164), percent(content(message)));
    let url = match aim {
        "question mark" => {
            vec![
                text(QUERY),
                text("?text=pay+here?to="),
                Part::Sealed(&to),
                text("&text="),
                Part::Sealed(&encoded_text),
            ]
        }
        "semicolon" => {
            vec![
                text(QUERY),
                text("?x=1;text=pay+here&to="),
                Part::Sealed(&to),
                text("&text="),
                Part::Sealed(&encoded_text),
            ]
        }
        "matrix" => {
            vec![
                text(QUERY),
                text(";text=pay+here?to="),
                Part::Sealed(&to),
                text("&text="),
                Part::Sealed(&encoded_text),
            ]
        }
        "body too" => vec![text(QUERY), text("?to="), Part::Sealed(&to), text("&text="), Part::Sealed(&encoded_text)],
        other => panic!("no such aim: {other}"),
    };
    answer(match aim {
        "body too" => post_with(url, vec![form_type()], text("to=112&text=pay+here")),
        _ => http_outbound::send(&Request { method: Method::Get, url, headers: vec![], body: vec![] }),
    })
}
