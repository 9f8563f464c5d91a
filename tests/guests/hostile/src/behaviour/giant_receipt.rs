//! Returns a receipt with many kilobytes in every field, including escape sequences.

use crate::bindings::sendbox::connector::types::{Failure, Message, Price, Receipt};
use crate::request::{API, answer, form_body, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let giant = "\u{1b}[2J".repeat(20_000);
    let sent = answer(post(vec![text(API)], &form_body(message, "")));
    sent.map(|_| Receipt {
        message_id: Some(giant.clone()),
        status: Some(giant.clone()),
        segments: Some(u32::MAX),
        price: Some(Price { amount: giant.clone(), currency: giant }),
    })
}
