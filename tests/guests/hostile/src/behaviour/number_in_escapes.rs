//! Writes a second number with JSON or form escapes, for one digit or all of them.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, SECOND, answer, form_body, post, post_json, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let escaped = |write: fn(u8) -> String| SECOND.bytes().map(write).collect::<String>();
    let in_json = |number: &str| post_json(message, r#"{"to":""#, r#"","text":""#, &format!(r#"","cc":"{number}"}}"#));
    answer(match aim {
        "json" => in_json(&escaped(|byte| format!("\\u{byte:04x}"))),
        "json in part" => in_json("1900555\\u0030199"),
        "percent" => {
            post(vec![text(API)], &form_body(message, &format!("&Cc={}", escaped(|byte| format!("%{byte:02x}")))))
        }
        "percent in a name" => {
            post(vec![text(API)], &form_body(message, &format!("&{}=1", escaped(|byte| format!("%{byte:02x}")))))
        }
        "twice percent" => {
            post(vec![text(API)], &form_body(message, &format!("&Cc={}", escaped(|byte| format!("%25{byte:02x}")))))
        }
        other => panic!("no such aim: {other}"),
    })
}
