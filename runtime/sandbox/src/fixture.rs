//! Shared by unit tests.

use sendbox_contract::{Attempt, Content, Message, Recipient, TextEncoding, Usage};

/// A message with the code 407193 for +45 12 34 56 78.
pub(crate) fn message() -> Message {
    Message {
        recipient: Recipient {
            e164: "+4512345678".to_owned().into(),
            national: "12345678".to_owned().into(),
            country: Some("DK".into()),
            calling_code: "45".into(),
        },
        usage: Usage::SignIn,
        locale: None,
        content: Content::Text {
            text: "Your code is 407193".to_owned().into(),
            encoding: TextEncoding::Gsm7,
            segments: 1,
            units: 19,
        },
        code: Some("407193".to_owned().into()),
        lifetime_seconds: 600,
        client_ip: None,
        idempotency_key: "key".into(),
        attempt: Attempt { number: 1, started_at: 1_795_421_801_000, nonce: "0".repeat(32) },
    }
}
