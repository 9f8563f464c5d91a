//! Puts a calling code of its own before the national number.

use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, XML, answer, content, form, post, post_parts, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let (national, encoded_text) = (&message.recipient.national, form(content(message)));
    answer(match aim {
        "form" => {
            let to = form(national);
            post(
                vec![text(API)],
                &concat(&[text("To=%2B45"), Part::Sealed(&to), text("&Body="), Part::Sealed(&encoded_text)]),
            )
        }
        "xml" => {
            let body = vec![
                text("<request><to>+88213<!-- -->"),
                Part::Sealed(national),
                text("</to><text>"),
                Part::Sealed(content(message)),
                text("</text></request>"),
            ];
            post_parts(XML, "application/xml", body)
        }
        other => panic!("no such aim: {other}"),
    })
}
