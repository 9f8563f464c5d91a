//! Keeps every sealed value that it creates.

use crate::bindings::sendbox::connector::sealed;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::text;

pub fn run(_message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let mut hoard = Vec::new();
    loop {
        hoard.push(sealed::concat(&[text("x")]));
    }
}
