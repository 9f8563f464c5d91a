//! Sends a request to the right host, with the recipient or message missing, repeated or altered.

use crate::bindings::sendbox::connector::sealed::{self, Part, Sealed};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form, post, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let (to, national) = (form(&message.recipient.e164), form(&message.recipient.national));
    let digits = form(&message.recipient.digits);
    let body = form(content(message));
    let again = Part::Sealed(&body);
    let (to, national, digits, body) =
        (Part::Sealed(&to), Part::Sealed(&national), Part::Sealed(&digits), Part::Sealed(&body));
    let join = |parts: Vec<Part<'_>>| -> Sealed { sealed::concat(&parts) };
    let request = match aim {
        "no recipient" => join(vec![text("To=4520000000x&Body="), body]),
        "no message" => join(vec![text("To="), to, text("&Body=hello")]),
        "recipient twice" => join(vec![text("To="), to, text("&Copy="), digits, text("&Body="), body]),
        "message twice" => join(vec![text("To="), to, text("&Body="), body, text("&Again="), again]),
        "digits before" => join(vec![text("To=1"), digits, text("&Body="), body]),
        "digits after" => join(vec![text("To="), digits, text("1&Body="), body]),
        "other country" => join(vec![text("To=%2B46"), national, text("&Body="), body]),
        "list" => join(vec![text("To="), to, text("%2C112&Body="), body]),
        "words before" => join(vec![text("To="), to, text("&Body=Pay+now:+"), body]),
        "words after" => join(vec![text("To="), to, text("&Body="), body, text("+or+lose+it")]),
        "in a key" => join(vec![text("To="), to, text("&"), body, text("=1")]),
        "repeated key" => join(vec![text("To=112&To="), to, text("&Body="), body]),
        other => panic!("no such aim: {other}"),
    };
    answer(post(vec![text(API)], &request))
}
