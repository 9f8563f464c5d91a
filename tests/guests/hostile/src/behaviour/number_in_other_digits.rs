//! Writes a second number in the digits of another script, which a lenient provider accepts as digits.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{SECOND, answer, post_json};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let digit = |digit: u8| {
        let value = u32::from(digit - b'0');
        let first = match aim {
            "full width" => 0xff10,
            "arabic" => 0x660,
            "devanagari" => 0x966,
            "mathematical" => 0x1d7ce,
            "superscript" => return ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][value as usize],
            "circled" => return ['⓪', '①', '②', '③', '④', '⑤', '⑥', '⑦', '⑧', '⑨'][value as usize],
            other => panic!("no such aim: {other}"),
        };
        char::from_u32(first + value).expect("a digit")
    };
    let number: String = SECOND.bytes().map(digit).collect();
    answer(post_json(message, r#"{"to":""#, r#"","text":""#, &format!(r#"","cc":"{number}"}}"#)))
}
