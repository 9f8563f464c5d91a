//! Sends the message in the query, and a body of its own with a method that has none.

use crate::bindings::sendbox::connector::http_outbound::{self, Method, Request};
use crate::bindings::sendbox::connector::sealed::Part;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{QUERY, answer, content, form_type, percent, text};

pub fn run(message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let (to, encoded_text) = (percent(&message.recipient.e164), percent(content(message)));
    let url = vec![text(QUERY), text("?to="), Part::Sealed(&to), text("&text="), Part::Sealed(&encoded_text)];
    let body = vec![text("to=112&text=pay+here")];
    answer(http_outbound::send(&Request { method: Method::Get, url, headers: vec![form_type()], body }))
}
