//! Sends the secret that may only sign, encoded, joined or decoded.

use crate::bindings::sendbox::connector::config;
use crate::bindings::sendbox::connector::sealed::{Encoding, Hash, Part, concat};
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{API, answer, form_body, form_type, header, post_with, text};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let signer = config::secret("signer").expect("the test gives a signer");
    let value = match aim {
        "hex" => signer.encode(Encoding::Hex),
        "joined" => concat(&[text("k="), Part::Sealed(&signer)]).encode(Encoding::Base64),
        "with its signature" => {
            let signature = concat(&[text("x")]).hmac(Hash::Sha256, &signer);
            concat(&[Part::Sealed(&signature), Part::Sealed(&signer)]).encode(Encoding::Base64)
        }
        other => panic!("no such aim: {other}"),
    };
    let body = form_body(message, "");
    let headers = vec![form_type(), header("x-signature", Part::Sealed(&value))];
    answer(post_with(vec![text(API)], headers, Part::Sealed(&body)))
}
