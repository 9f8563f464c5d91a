//! Makes a few expensive calls: the host hashes and rewrites one large value again and again.

use crate::bindings::sendbox::connector::sealed::{Encoding, Hash, concat};
use crate::bindings::sendbox::connector::signature;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{text, token};

pub fn run(_message: &Message, aim: &str) -> Result<Receipt, Failure> {
    // A literal counts twice, as bytes and as a part of the value: this one uses half of the budget.
    let large = concat(&[text(&format!("{}!", "a".repeat(250 << 10)))]);
    let small = concat(&[text("x")]);
    let token = token();
    let signed = small.hmac(Hash::Sha256, &token);
    loop {
        match aim {
            "digest" => drop(large.digest(Hash::Sha512)),
            "hmac data" => drop(large.hmac(Hash::Sha512, &small)),
            "hmac key" => drop(small.hmac(Hash::Sha512, &large)),
            // A secret counts as the longest allowed one, whatever its length is.
            "decode" => drop(token.decode(Encoding::Base64)),
            "matches" => drop(signature::matches(&signed, &large)),
            other => panic!("no such aim: {other}"),
        }
    }
}
