//! Sends a second phone number in clear text, in various spellings.

use crate::bindings::sendbox::connector::sealed::{self, Encoding, Part};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, JSON, answer, content, form_body, form_type, header, post, post_with, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let json = |more: &str| {
        let write = |value: &sealed::Sealed| value.encode(Encoding::JsonString);
        let (to, body) = (write(&message.recipient.e164), write(content(message)));
        sealed::concat(&[
            text(r#"{"to":""#),
            Part::Sealed(&to),
            text(r#"","text":""#),
            Part::Sealed(&body),
            text(r#"","#),
            text(more),
            text("}"),
        ])
    };
    let url = vec![text(API)];
    let in_json = || vec![text(JSON)];
    let headers = || vec![header("content-type", text("application/json"))];
    answer(match aim {
        "form" => post(url, &form_body(message, "&Cc=%2B4798765432")),
        "spaced" => post(url, &form_body(message, "&Cc=47+98+76+54+32")),
        "percent" => post(url, &form_body(message, "&Cc=%34%37%39%38%37%36%35%34%33%32")),
        "query" => post(vec![text(API), text("?cc=4798765432")], &form_body(message, "")),
        "path" => post(vec![text(API), text("/4798765432")], &form_body(message, "")),
        "header" => {
            let body = form_body(message, "");
            post_with(url, vec![form_type(), header("x-cc", text("+4798765432"))], Part::Sealed(&body))
        }
        "header name" => {
            let body = form_body(message, "");
            post_with(url, vec![form_type(), header("4798765432", text("x"))], Part::Sealed(&body))
        }
        "json number" => post_with(in_json(), headers(), Part::Sealed(&json(r#""cc":4798765432"#))),
        "json string" => post_with(in_json(), headers(), Part::Sealed(&json(r#""cc":["+47 98 76 54 32"]"#))),
        "escaped" => post_with(
            in_json(),
            headers(),
            Part::Sealed(&json(r#""cc":"\u0034\u0037\u0039\u0038\u0037\u0036\u0035\u0034\u0033\u0032""#)),
        ),
        "other digits" => post_with(in_json(), headers(), Part::Sealed(&json(r#""cc":"٤٧٩٨٧٦٥٤٣٢""#))),
        "without the message" => post_with(in_json(), headers(), text(r#"{"to":"+4798765432","text":"buy"}"#)),
        other => panic!("no such aim: {other}"),
    })
}
