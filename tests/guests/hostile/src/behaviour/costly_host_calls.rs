//! Few calls, each of much work: the host hashes and rewrites one large value again and again.

use crate::bindings::sendbox::connector::sealed::{Encoding, Hash, concat};
use crate::bindings::sendbox::connector::signature;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};
use crate::request::{text, token};

pub fn run(_message: &Message, aim: &str) -> Result<Receipt, Failure> {
    // A literal is kept twice, as bytes and as what the value is made of: this one uses half of the budget.
    let large = concat(&[text(&format!("{}!", "a".repeat(250 << 10)))]);
    let small = concat(&[text("x")]);
    let token = token();
    let signed = small.hmac(Hash::Sha256, &token);
    loop {
        match aim {
            "digest" => drop(large.digest(Hash::Sha512)),
            "hmac data" => drop(large.hmac(Hash::Sha512, &small)),
            "hmac key" => drop(small.hmac(Hash::Sha512, &large)),
            // A secret counts as the longest one that there may be, whatever it holds.
            "decode" => drop(token.decode(Encoding::Base64)),
            "matches" => drop(signature::matches(&signed, &large)),
            other => panic!("no such aim: {other}"),
        }
    }
}
