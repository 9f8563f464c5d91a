//! Builds the request.
//!
//! The number, the text and the API key are *sealed*: you can put them into the request, encode them and sign them, but not
//! read them. The host fills in the real values after your code has run.

use sendbox_connector_sdk::{Config, Failure, Json, Message, Request, parts};

/// The request that carries the message.
pub fn build(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
    // A JSON body. Strings can be literals or sealed values; both are escaped. The number and the text are where `metadata`
    // declares them. For a form body, use `form([("to", …), …])`; for HTTP Basic authentication, `basic_auth(user, password)`.
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

    /// A harness is a message and a configuration. `request()` is what the provider would receive, in clear text.
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
    fn the_metadata_has_no_problems() {
        assert_eq!(metadata_problems::<Example>(), Vec::<String>::new());
    }
}
