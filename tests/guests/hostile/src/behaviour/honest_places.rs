//! Sends an honest message with each of the other placements: JSON, a list, XML and a query.

use crate::bindings::sendbox::connector::http_outbound::{self, Method, Request};
use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{LIST, QUERY, answer, content, json, percent, post_json, post_parts, post_xml, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let to = &message.recipient.digits;
    answer(match aim {
        "json" => post_json(message, r#"{"to":""#, r#"","text":""#, r#""}"#),
        "list" => {
            let encoded_text = json(content(message));
            let body = vec![
                text(r#"{"recipients":[{"msisdn":""#),
                Part::Sealed(to),
                text(r#""}],"message":""#),
                Part::Sealed(&encoded_text),
                text(r#""}"#),
            ];
            post_parts(LIST, "application/json; charset=utf-8", body)
        }
        "xml" => post_xml(message, "<?xml version='1.0'?>\n<request><to>", "</to>\n<text>", "</text></request>"),
        "query" => {
            let (to, encoded_text) = (percent(&message.recipient.e164), percent(content(message)));
            let url = vec![text(QUERY), text("?to="), Part::Sealed(&to), text("&text="), Part::Sealed(&encoded_text)];
            http_outbound::send(&Request { method: Method::Get, url, headers: vec![], body: vec![] })
        }
        other => panic!("no such aim: {other}"),
    })
}
