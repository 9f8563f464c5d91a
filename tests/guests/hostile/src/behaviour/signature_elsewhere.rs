//! Signs data of its own with the tenant's key, for another host.

use crate::bindings::sendbox::connector::config;
use crate::bindings::sendbox::connector::http_outbound::{self, Method, Request};
use crate::bindings::sendbox::connector::sealed::{Encoding, Hash, Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{SIDE, answer, text};

pub fn run(_message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let signer = config::secret("signer").expect("the test gives a signer");
    let signed = concat(&[text("transfer=all")]).hmac(Hash::Sha256, &signer).encode(Encoding::Hex);
    let url = vec![text(SIDE), text("/"), Part::Sealed(&signed)];
    answer(http_outbound::send(&Request { method: Method::Get, url, headers: vec![], body: vec![] }))
}
