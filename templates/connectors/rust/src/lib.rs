//! {{name}}: sends a text through the SMS provider Example.
//!
//! This file says what the connector is. `request.rs` builds the request, `response.rs` reads the provider's
//! response. Replace "Example" with your provider, step by step:
//!
//! 1. `metadata` below: the id, the name, the host, and where its request has the number and the text.
//! 2. `parameters.schema.json`: what a tenant must give. `"writeOnly": true` marks a secret.
//! 3. `request.rs` and `response.rs`, and the tests in them.

mod request;
mod response;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat, Receipt,
    Request, Response, SecretUse, Usage,
};

/// The connector. It has no state: every message gets a fresh instance.
pub struct Example;

impl Connector for Example {
    /// Read once, when somebody installs the connector. What stands in `hosts` is all that it can ever reach.
    fn metadata() -> Metadata {
        Metadata {
            id: "{{name}}",
            version: env!("CARGO_PKG_VERSION"),
            name: "{{name}}",
            description: "Sends texts through Example.",
            readme: include_str!("../README.md"),
            logo: Some(include_str!("../logo.svg")),
            parameters_schema: include_str!("../parameters.schema.json"),
            // `Text`: the host renders the tenant's template and hands over a finished text.
            content: ContentKind::Text,
            template_schema: None,
            hosts: vec![HostNeed {
                origin: "https://api.example.com",
                methods: vec![Method::Post],
                path_prefix: "/v1/messages",
                // Where the number and the text stand in the request. The host looks for them there, and lets nothing leave that
                // has them elsewhere, twice or changed. For a form: `MessagePlaces::form(NumberFormat::E164, "To", "Body")`.
                message: Some(MessagePlaces::json(NumberFormat::E164, "/to", "/text")),
                // The API key may go to this host, and to no other.
                secrets: vec![("apiKey", SecretUse::Sent)],
                purpose: "Hands the message to Example.",
            }],
            usages: Usage::ALL.to_vec(),
            // Empty: any language.
            locales: vec![],
            // Say `true` only if the provider documents that a repeated `Idempotency-Key` sends nothing twice.
            idempotent: false,
        }
    }

    /// The request that carries the message.
    fn build_request(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
        request::build(message, config)
    }

    /// What the provider's response means. When no response came, the SDK returns the right failure by itself.
    fn read_response(response: &Response) -> Result<Receipt, Failure> {
        response::read(response)
    }
}

// Makes the component. It does nothing in `cargo test`, which runs on your own machine.
sendbox_connector_sdk::export!(Example);
