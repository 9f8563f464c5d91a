//! Repeats a handle until a request is too large, to read the length of a sealed value from the refusal.

use crate::bindings::sendbox::connector::sealed::{Encoding, Hash, Part};
use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::{API, content, describe, failure, form, form_body, leak, post_parts, token};

pub fn run(message: &Message, aim: &str) -> Result<Receipt, Failure> {
    let (token, body) = (token(), form_body(message, "&x="));
    let measured = match aim {
        "secret" => token.encode(Encoding::Hex),
        // The length of this depends on the digest, and so on the code.
        "digest" => content(message).digest(Hash::Md5).encode(Encoding::Percent),
        "number" => form(&message.recipient.national),
        other => panic!("no such aim: {other}"),
    };
    let mut parts = vec![Part::Sealed(&body)];
    parts.extend((0..2_500).map(|_| Part::Sealed(&measured)));
    let refused = post_parts(API, "application/x-www-form-urlencoded", parts);
    leak(&refused.err().map(|error| describe(&error)).unwrap_or_default()).ok();
    Err(failure(FailureClass::Unknown, "it went on after the refusal"))
}
