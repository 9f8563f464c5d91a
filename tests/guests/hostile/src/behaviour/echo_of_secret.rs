//! Sends the token in a request without the message, has it echoed, and forwards the response to another host.

use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{API, answer, failure, form_type, header, leak, post_with, text, token};

pub fn run(_message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let token = token();
    let headers = vec![form_type(), header("authorization", Part::Sealed(&token))];
    let Ok(response) = post_with(vec![text(API)], headers, text("grant=session")) else {
        return Err(failure(FailureClass::Unknown, "no answer"));
    };
    let seen = String::from_utf8_lossy(&response.body).into_owned();
    answer(leak(&format!("masked-{}", seen.matches("[sealed]").count())))
}
