//! Twilio Programmable Messaging: one text to one number, and what Twilio later reports about it.
//!
//! This file is glue. [`request`] says what leaves, [`response`] what came back means, [`report`] reads status callbacks
//! and [`errors`] is Twilio's error table.

mod errors;
mod report;
mod request;
mod response;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat, Receipt,
    Request, Response, SecretUse, Usage,
};

/// The connector.
pub struct Twilio;

/// Every request goes below this.
const PATH_PREFIX: &str = "/2010-04-01/Accounts/";

impl Connector for Twilio {
    fn metadata() -> Metadata {
        let host = |origin, purpose| HostNeed {
            origin,
            methods: vec![Method::Post],
            path_prefix: PATH_PREFIX,
            message: Some(MessagePlaces::form(NumberFormat::E164, "To", "Body")),
            secrets: vec![("authToken", SecretUse::Sent)],
            purpose,
        };
        Metadata {
            id: "twilio-short-message-service",
            version: env!("CARGO_PKG_VERSION"),
            name: "Twilio",
            description: "Sends texts through Twilio Programmable Messaging.",
            readme: include_str!("../README.md"),
            logo: Some(include_str!("../logo.svg")),
            parameters_schema: include_str!("../parameters.schema.json"),
            content: ContentKind::Text,
            template_schema: None,
            hosts: vec![
                host("https://api.twilio.com", "Hands the message to Twilio in the United States, its default."),
                host(
                    "https://api.{edge}.us1.twilio.com",
                    "The same through the chosen edge, when no region is chosen.",
                ),
                host(
                    "https://api.{edge}.{region}.twilio.com",
                    "Hands the message to Twilio through the chosen edge and region.",
                ),
            ],
            usages: Usage::ALL.to_vec(),
            locales: vec![],
            // Twilio has no idempotency key for creating messages.
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

sendbox_connector_sdk::export_reporting!(Twilio);
