//! Makes sealed values until the budget ends, to count how many of that length there is room for.

use crate::bindings::sendbox::connector::log;
use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::content;

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let measured = content(message);
    for made in 0.. {
        // A guest that dies says no more, so it tells before each step how far it is.
        log::log(log::Level::Info, &format!("made {made}"));
        drop(concat(&(0..100).map(|_| Part::Sealed(measured)).collect::<Vec<_>>()));
    }
    unreachable!()
}
