//! Splits a second number across several fields, each too short to be a number.

use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    answer(post(vec![text(API)], &form_body(message, "&CcCountry=1&CcArea=900&CcExchange=555&CcLine=0199")))
}
