//! Tries to learn a sealed value by asking yes-or-no questions.

use crate::bindings::sendbox::connector::sealed::{Encoding, Hash, Part, Sealed, concat};
use crate::bindings::sendbox::connector::signature;
use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{content, failure, text, token};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let token = token();
    let hex = |value: &Sealed| value.encode(Encoding::Hex);
    let guess = concat(&[text("123456")]);
    let matches = |value: &Sealed| if signature::matches(value, &guess) { "yes" } else { "no" };
    let decodes = |value: &Sealed| {
        let all = [Encoding::Base64, Encoding::Base64url, Encoding::Hex, Encoding::Percent, Encoding::JsonString];
        all.iter().for_each(|encoding| drop(value.decode(*encoding)));
        "decoded"
    };
    let answer = match aim {
        "secret" => matches(&token),
        "encoded secret" => matches(&hex(&token)),
        "secret beside its signature" => {
            let signed = token.digest(Hash::Sha256);
            matches(&concat(&[Part::Sealed(&token), Part::Sealed(&signed)]))
        }
        "content" => matches(content(message)),
        "digest of content" => matches(&hex(&content(message).digest(Hash::Sha256))),
        "signed content" => matches(&hex(&content(message).hmac(Hash::Sha256, &token))),
        "content as a key" => matches(&concat(&[text("x")]).hmac(Hash::Sha256, content(message))),
        "recipient" => matches(&message.recipient.national),
        "signature" => matches(&concat(&[text("x")]).hmac(Hash::Sha256, &token)),
        "decode content" => decodes(content(message)),
        "decode recipient" => decodes(&message.recipient.national),
        "decode encoded content" => decodes(&hex(content(message))),
        "decode joined" => decodes(&concat(&[text("12"), Part::Sealed(content(message))])),
        other => panic!("no such aim: {other}"),
    };
    Err(failure(FailureClass::Unknown, answer))
}
