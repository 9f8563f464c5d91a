//! Compares something that is not a signature, or was not received, while it reads a callback.

use crate::bindings::exports::sendbox::connector::delivery_reports::{Callback, Report, ReportError};
use crate::bindings::sendbox::connector::sealed::{Hash, Part, concat};
use crate::bindings::sendbox::connector::signature;
use crate::request::{text, token};

pub fn parse(callback: &Callback, aim: &str) -> Result<Vec<Report>, ReportError> {
    let token = token();
    let signed = concat(&[text("x")]).hmac(Hash::Sha256, &token);
    let guess = concat(&[text("1234")]);
    let received = &callback.sealed_body;
    let joined = concat(&[Part::Sealed(received), text("x")]);
    let same = match aim {
        "the secret itself" => signature::matches(&token, received),
        "a literal as received" => signature::matches(&signed, &guess),
        "received and a literal" => signature::matches(&signed, &joined),
        "no secret" => signature::matches(&received.digest(Hash::Sha256), received),
        "one secret with another" => signature::matches(&signed, &token),
        "a digest as received" => signature::matches(&signed, &received.digest(Hash::Sha256)),
        "a part of the token" => signature::jwt(&joined, &token).is_some(),
        "a key of its own" => signature::jwt(received, &guess).is_some(),
        other => panic!("no such aim: {other}"),
    };
    if same { Ok(vec![]) } else { Err(ReportError::NotAuthentic) }
}
