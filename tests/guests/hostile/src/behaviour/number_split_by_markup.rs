//! Splits the digits of a second number with comments, CDATA or processing instructions.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{answer, post_xml};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let number = match aim {
        "comment" => "1900<!-- -->555<!-- -->0199",
        "cdata" => "1900<![CDATA[555]]>0199",
        "instruction" => "1900<?x?>555<?x?>0199",
        "elements" => "<b>1900</b><b>555</b><b>0199</b>",
        "attribute" => "<b x='1900555' y='0199'/>",
        other => panic!("no such aim: {other}"),
    };
    answer(post_xml(message, "<request><to>", "</to><text>", &format!("</text><cc>{number}</cc></request>")))
}
