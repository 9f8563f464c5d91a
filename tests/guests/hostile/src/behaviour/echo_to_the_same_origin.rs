//! Sends the token in a request without the message, and sends the masked echo back to the same host.

use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{API, failure, form_type, header, post_with, text, token};

pub fn run(_message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let token = token();
    let headers = || vec![form_type(), header("authorization", Part::Sealed(&token))];
    let Ok(response) = post_with(vec![text(API)], headers(), text("grant=session")) else {
        return Err(failure(FailureClass::Unknown, "no answer"));
    };
    let seen = String::from_utf8_lossy(&response.body).into_owned();
    post_with(vec![text(API)], headers(), text(&format!("masked={}", seen.matches("[sealed]").count()))).ok();
    Err(failure(FailureClass::Unknown, &seen))
}
