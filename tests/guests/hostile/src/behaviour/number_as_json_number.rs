//! A second number as a JSON number in another notation.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, post_json};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let number = match aim {
        "exponent" => "1.9005550199e10",
        "upper exponent" => "19005550.199E+3",
        "negative exponent" => "1900555019900e-2",
        "fraction" => "19005550199.0",
        "negative" => "-19005550199",
        other => panic!("no such aim: {other}"),
    };
    answer(post_json(message, r#"{"to":""#, r#"","text":""#, &format!(r#"","cc":{number}}}"#)))
}
