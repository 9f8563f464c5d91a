//! Sends the end user's IP address in a position that the metadata does not declare.

use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{API, SIDE, answer, failure, form, form_body, form_type, header, post, post_with, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let Some(address) = &message.client_ip else { return Err(failure(FailureClass::Unknown, "no address")) };
    let body = form_body(message, "");
    answer(match aim {
        "header" => {
            let headers = vec![form_type(), header("x-client", Part::Sealed(address))];
            post_with(vec![text(API)], headers, Part::Sealed(&body))
        }
        "field" => {
            let more = form(address);
            post(vec![text(API)], &concat(&[Part::Sealed(&body), text("&Ip="), Part::Sealed(&more)]))
        }
        "side host" => {
            let more = form(address);
            let body = concat(&[text("ip="), Part::Sealed(&more)]);
            post_with(vec![text(SIDE)], vec![form_type()], Part::Sealed(&body))
        }
        other => panic!("no such aim: {other}"),
    })
}
