//! {{name}}: sends text messages through the SMS provider Example.
//!
//! This file declares what the connector is. `request.rs` builds the request, and `response.rs` reads the provider's
//! response. Replace "Example" with your provider, step by step:
//!
//! 1. `metadata` below: the ID, the name, the host, and where a request has the number and the text.
//! 2. `parameters.schema.json`: what a tenant enters. `"writeOnly": true` marks a secret.
//! 3. `request.rs` and `response.rs`, and their tests.

mod request;
mod response;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat, Receipt,
    Request, Response, SecretUse, Usage,
};

/// The connector. It has no state: every message runs in a fresh instance.
pub struct Example;

impl Connector for Example {
    /// Read once, when the connector is installed. It can reach the `hosts` and nothing else.
    fn metadata() -> Metadata {
        Metadata {
            id: "{{name}}",
            version: env!("CARGO_PKG_VERSION"),
            name: "{{name}}",
            description: "Sends text messages through Example.",
            readme: include_str!("../README.md"),
            logo: Some(include_str!("../logo.svg")),
            parameters_schema: include_str!("../parameters.schema.json"),
            // `Text`: the host renders the tenant's template, and the connector gets the text.
            content: ContentKind::Text,
            template_schema: None,
            hosts: vec![HostNeed {
                origin: "https://api.example.com",
                methods: vec![Method::Post],
                path_prefix: "/v1/messages",
                // Where a request has the number and the text. The host sends only a request that has them there, once each
                // and unchanged. For a form: `MessagePlaces::form(NumberFormat::E164, "To", "Body")`.
                message: Some(MessagePlaces::json(NumberFormat::E164, "/to", "/text")),
                // A request to this host may contain the API key; to no other host.
                secrets: vec![("apiKey", SecretUse::Sent)],
                purpose: "Sends the message.",
            }],
            usages: Usage::ALL.to_vec(),
            // Empty: any language.
            locales: vec![],
            // Set this to `true` only if the provider documents that it sends one message for a repeated `Idempotency-Key`.
            idempotent: false,
        }
    }

    fn build_request(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
        request::build(message, config)
    }

    fn read_response(response: &Response) -> Result<Receipt, Failure> {
        response::read(response)
    }
}

// Exports the component. In `cargo test`, which runs natively, this does nothing.
sendbox_connector_sdk::export!(Example);
