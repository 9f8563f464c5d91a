//! What the provider's answer means.
//!
//! The failure class decides what happens next: another try, another provider, or a stop. Where you cannot tell whether
//! the provider acted, say `InDoubt`: a second message is worse than a late one.

use sendbox_connector_sdk::{Failure, FailureClass, Receipt, Response};
use serde::Deserialize;

#[derive(Deserialize)]
struct Accepted {
    id: String,
    state: Option<String>,
}

#[derive(Deserialize, Default)]
struct Refused {
    code: Option<String>,
    message: Option<String>,
}

/// A receipt, or why there is none.
pub fn read(response: &Response) -> Result<Receipt, Failure> {
    if !response.is_success() {
        return Err(refused(response));
    }
    match response.json::<Accepted>() {
        Some(accepted) => Ok(Receipt { message_id: Some(accepted.id), status: accepted.state, ..Receipt::default() }),
        None => Err(Failure::new(FailureClass::InDoubt).text("success, but no message id: it may have been sent")),
    }
}

fn refused(response: &Response) -> Failure {
    let refused: Refused = response.json().unwrap_or_default();
    // The provider's own codes first, then the HTTP status.
    let class = match refused.code.as_deref() {
        Some("E104") => FailureClass::InvalidRecipient,
        Some("E201") => FailureClass::InsufficientBalance,
        _ => FailureClass::of_status(response.status),
    };
    Failure::new(class)
        .code(refused.code.unwrap_or_else(|| response.status.to_string()))
        .text(refused.message.unwrap_or_else(|| "the provider gave no reason".to_owned()))
        .retry_after(response)
}

#[cfg(test)]
mod tests {
    use crate::Example;
    use sendbox_connector_sdk::testing::{Harness, Run, response, response_from_json};
    use sendbox_connector_sdk::{FailureClass, Response};
    use serde_json::json;

    /// Runs the whole connector; the provider gives this answer.
    fn run(response: Response) -> Run {
        Harness::<Example>::new(json!({ "apiKey": "k-1", "sender": "MyShop" })).text("123456").send([response])
    }

    fn scripted(text: &str) -> Response {
        response_from_json(text).expect("a scripted answer")
    }

    #[test]
    fn a_message_id_is_a_receipt() {
        let receipt = run(scripted(include_str!("../answers/accepted.json"))).result.unwrap();
        assert_eq!(receipt.message_id.as_deref(), Some("msg-1"));
        assert_eq!(receipt.status.as_deref(), Some("queued"));
    }

    #[test]
    fn every_failure_has_its_class() {
        for (response, class, code) in [
            (scripted(include_str!("../answers/invalid-number.json")), FailureClass::InvalidRecipient, Some("E104")),
            (scripted(include_str!("../answers/too-many.json")), FailureClass::RateLimited, Some("E429")),
            (response(401, ""), FailureClass::AuthenticationFailed, Some("401")),
            (response(500, "<html>"), FailureClass::InDoubt, Some("500")),
            (response(200, "<html>"), FailureClass::InDoubt, None),
        ] {
            let failure = run(response).result.unwrap_err();
            assert_eq!((failure.class, failure.provider_code.as_deref()), (class, code));
        }
    }

    #[test]
    fn the_provider_says_when_to_come_back() {
        let failure = run(scripted(include_str!("../answers/too-many.json"))).result.unwrap_err();
        assert_eq!(failure.retry_after_seconds, Some(5));
    }
}
