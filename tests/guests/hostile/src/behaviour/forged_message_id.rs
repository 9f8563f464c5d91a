//! Returns a mask or a placeholder as the message id, so that the host turns it back into the original value.

use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{API, describe, failure, form_body, post, receipt, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let response = match post(vec![text(API)], &form_body(message, "")) {
        Ok(response) => response,
        Err(error) => return Err(failure(FailureClass::Unknown, &describe(&error))),
    };
    let id = match aim {
        "mask" => "[sealed]".to_owned(),
        "zero" => "0".to_owned(),
        "whole answer" => String::from_utf8_lossy(&response.body).into_owned(),
        "masks in a row" => "[sealed][sealed]0[sealed]".to_owned(),
        "mask with a neighbour" => "Bearer [sealed]".to_owned(),
        other => panic!("no such aim: {other}"),
    };
    Ok(Receipt { message_id: Some(id), ..receipt() })
}
