//! What leaves for the provider.
//!
//! The number, the text and the API key are *sealed*: you can place, encode and sign them, and never read them. The host
//! puts the real values in after the request has left your code.

use sendbox_connector_sdk::{Config, Failure, Json, Message, Request, parts};

/// The one request of a send.
pub fn build(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
    // A JSON body. Strings may be literals or sealed values; both are escaped. Number and text stand where `metadata` says.
    // For a form body there is `form([("to", …), …])`, for HTTP Basic `basic_auth(user, password)`.
    let body = Json::object([
        ("from", Json::from(config.required("sender")?)),
        ("to", Json::from(&message.recipient.e164)),
        ("text", Json::from(&message.text()?.text)),
    ]);

    Ok(Request::post("https://api.example.com/v1/messages")
        .header("Authorization", parts!["Bearer ", config.required_secret("apiKey")?])
        .header("Content-Type", "application/json")
        .header("Idempotency-Key", &message.message_key)
        .body(body.to_parts()))
}

#[cfg(test)]
mod tests {
    use crate::Example;
    use sendbox_connector_sdk::testing::{Harness, metadata_problems};
    use serde_json::json;

    /// A harness is one message and one configuration. `request()` shows what the provider would get, in the clear.
    #[test]
    fn the_request_is_what_the_provider_documents() {
        let request = Harness::<Example>::new(json!({ "apiKey": "k-1", "sender": "MyShop" }))
            .to("+4512345678", "45")
            .text("123456 is your \"code\".")
            .request();

        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://api.example.com/v1/messages"));
        assert_eq!(request.header("authorization"), Some("Bearer k-1"));
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.body, r#"{"from":"MyShop","to":"+4512345678","text":"123456 is your \"code\"."}"#);
    }

    #[test]
    fn the_metadata_is_sound() {
        assert_eq!(metadata_problems::<Example>(), Vec::<String>::new());
    }
}
