//! Creates sealed values until the budget is used up, to learn their length from the count.

use crate::bindings::sendbox::connector::log;
use crate::bindings::sendbox::connector::sealed::{Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::content;

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let measured = content(message);
    for made in 0.. {
        // A guest that is ended reports nothing more, so it reports its progress before each step.
        log::log(log::Level::Info, &format!("made {made}"));
        drop(concat(&(0..100).map(|_| Part::Sealed(measured)).collect::<Vec<_>>()));
    }
    unreachable!()
}
