//! Builds one value from very many parts, so that checking the request is expensive.

use crate::bindings::sendbox::connector::sealed::{self, Part};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, content, form_body, post, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let alternating: Vec<Part<'_>> = (0..300).flat_map(|_| [Part::Sealed(content(message)), text("&")]).collect();
    let many = sealed::concat(&alternating);
    let honest = form_body(message, "");
    answer(post(vec![text(API)], &sealed::concat(&[Part::Sealed(&honest), Part::Sealed(&many)])))
}
