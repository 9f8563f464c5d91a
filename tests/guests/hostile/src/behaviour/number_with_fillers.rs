//! Puts so many spaces or invisible characters between the digits of a second number that no rule counts them.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, post_json};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let filler = match aim {
        "blanks" => "     ",
        "tabs" => "\t\t\t\t",
        "no-break spaces" => "\u{a0}\u{202f}\u{2007}",
        "invisible" => "\u{2063}\u{200b}\u{2060}",
        "variation selectors" => "\u{fe0f}",
        "combining marks" => "\u{301}\u{20e3}",
        "soft hyphens" => "\u{ad}",
        "line feeds" => "\\n",
        other => panic!("no such aim: {other}"),
    };
    let number = ["+1", "900", "555", "0199"].join(filler);
    answer(post_json(message, r#"{"to":""#, r#"","text":""#, &format!(r#"","cc":"{number}"}}"#)))
}
