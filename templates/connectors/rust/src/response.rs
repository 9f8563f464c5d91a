//! Reads the provider's response.
//!
//! The failure class decides what the host does next: retry, use another provider, or stop. If the message may have been
//! sent, it is `InDoubt`: a second message is worse than a late one.

use sendbox_connector_sdk::{Failure, FailureClass, Receipt, Response};
use serde::Deserialize;

#[derive(Deserialize)]
struct MessageBody {
    id: String,
    state: Option<String>,
}

#[derive(Deserialize)]
struct ErrorBody {
    code: String,
    message: Option<String>,
}

/// A receipt, or why there is none.
pub fn read(response: &Response) -> Result<Receipt, Failure> {
    let message: Option<MessageBody> = response.json();
    match message.filter(|_| response.is_success()) {
        Some(message) => Ok(Receipt { message_id: Some(message.id), status: message.state, ..Receipt::default() }),
        None => Err(failure(response)),
    }
}

/// The provider's own error codes decide first, then the HTTP status.
fn failure(response: &Response) -> Failure {
    let failure = Failure::unexpected_response("Example", response);
    let Some(error) = response.json::<ErrorBody>() else { return failure };
    let class = match error.code.as_str() {
        "E104" => FailureClass::InvalidRecipient,
        "E201" => FailureClass::InsufficientBalance,
        _ => failure.class,
    };
    Failure { class, provider_code: Some(error.code), text: error.message.or(failure.text), ..failure }
}

#[cfg(test)]
mod tests {
    use crate::Example;
    use sendbox_connector_sdk::testing::{Harness, Run, response, response_from_json};
    use sendbox_connector_sdk::{FailureClass, Response};
    use serde_json::json;

    /// Runs the connector with this response.
    fn run(response: Response) -> Run {
        Harness::<Example>::new(json!({ "apiKey": "k-1", "sender": "MyShop" })).text("123456").send([response])
    }

    fn from_file(text: &str) -> Response {
        response_from_json(text).expect("a response as JSON")
    }

    #[test]
    fn a_message_id_is_a_receipt() {
        let receipt = run(from_file(include_str!("../answers/accepted.json"))).result.unwrap();
        assert_eq!(receipt.message_id.as_deref(), Some("msg-1"));
        assert_eq!(receipt.status.as_deref(), Some("queued"));
    }

    #[test]
    fn every_failure_has_its_class() {
        for (response, class, code) in [
            (from_file(include_str!("../answers/invalid-number.json")), FailureClass::InvalidRecipient, "E104"),
            (from_file(include_str!("../answers/too-many.json")), FailureClass::RateLimited, "E429"),
            (response(401, ""), FailureClass::AuthenticationFailed, "401"),
            (response(500, "<html>"), FailureClass::InDoubt, "500"),
            (response(200, "<html>"), FailureClass::InDoubt, "200"),
        ] {
            let failure = run(response).result.unwrap_err();
            assert_eq!((failure.class, failure.provider_code.as_deref()), (class, Some(code)));
        }
    }

    #[test]
    fn retry_after_is_kept() {
        let failure = run(from_file(include_str!("../answers/too-many.json"))).result.unwrap_err();
        assert_eq!(failure.retry_after_seconds, Some(5));
    }
}
