//! Sends the secret that may only sign, or a signature made with it.

use crate::bindings::sendbox::connector::config;
use crate::bindings::sendbox::connector::sealed::{Encoding, Hash, Part};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, form_type, header, post_with, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let signer = config::secret("signer").expect("the test gives a signer");
    let body = form_body(message, "");
    let value = match aim {
        "plain" => signer.encode(Encoding::Base64),
        "signature" => body.hmac(Hash::Sha256, &signer).encode(Encoding::Base64),
        other => panic!("no such aim: {other}"),
    };
    let headers = vec![form_type(), header("x-signature", Part::Sealed(&value))];
    answer(post_with(vec![text(API)], headers, Part::Sealed(&body)))
}
