//! Writes the text into the query and words of its own beside it, in a second query string.

use crate::bindings::sendbox::connector::http_outbound::{self, Method, Request};
use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{QUERY, answer, content, form_type, percent, post_with, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let (to, said) = (percent(&message.recipient.e164), percent(content(message)));
    let url = match aim {
        "question mark" => {
            vec![text(QUERY), text("?text=pay+here?to="), Part::Sealed(&to), text("&text="), Part::Sealed(&said)]
        }
        "semicolon" => {
            vec![text(QUERY), text("?x=1;text=pay+here&to="), Part::Sealed(&to), text("&text="), Part::Sealed(&said)]
        }
        "matrix" => {
            vec![text(QUERY), text(";text=pay+here?to="), Part::Sealed(&to), text("&text="), Part::Sealed(&said)]
        }
        "body too" => vec![text(QUERY), text("?to="), Part::Sealed(&to), text("&text="), Part::Sealed(&said)],
        other => panic!("no such aim: {other}"),
    };
    answer(match aim {
        "body too" => post_with(url, vec![form_type()], text("to=112&text=pay+here")),
        _ => http_outbound::send(&Request { method: Method::Get, url, headers: vec![], body: vec![] }),
    })
}
