//! Floods the log and standard error, with terminal escapes and forged lines.

use crate::bindings::sendbox::connector::log::{self, Level};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

const LINE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\rERROR forged\nroot@host# \u{202e}txt\u{9b}31m";

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    for _ in 0..400 {
        match aim {
            "log" => log::log(Level::Error, LINE),
            "stderr" => eprintln!("{LINE}"),
            "stdout" => println!("{LINE}"),
            other => panic!("no such aim: {other}"),
        }
    }
    if aim == "log" {
        log::log(Level::Error, &"y".repeat(100 << 10));
    }
    answer(post(vec![text(API)], &form_body(message, "")))
}
