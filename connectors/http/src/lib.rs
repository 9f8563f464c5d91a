//! Passes the code and the number to an HTTP endpoint of the tenant, which sends the message.
//!
//! This file has the metadata. [`request`] builds the request, and [`response`] reads the response.

mod request;
mod response;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat, Receipt,
    Request, Response, SecretUse, Step, Usage,
};

/// The HTTP SMS connector.
pub struct HttpSms;

impl Connector for HttpSms {
    fn metadata() -> Metadata {
        Metadata {
            id: "http-sms",
            version: env!("CARGO_PKG_VERSION"),
            name: "HTTP SMS",
            description: "Passes every message to an HTTP endpoint of your own, which sends it.",
            readme: include_str!("../README.md"),
            logo: Some(include_str!("../logo.svg")),
            parameters_schema: include_str!("../parameters.schema.json"),
            content: ContentKind::Variables,
            template_schema: None,
            hosts: vec![HostNeed {
                origin: "{endpoint}",
                methods: vec![Method::Post],
                path_prefix: "",
                message: Some(
                    MessagePlaces::json(NumberFormat::Digits, "/to", "/payload/*").client_ip([Step::Json("/ip")]),
                ),
                secrets: vec![("authorization", SecretUse::Sent), ("webhookSecret", SecretUse::SigningOnly)],
                purpose: "Passes the number and the code to your endpoint.",
            }],
            usages: Usage::ALL.to_vec(),
            locales: vec![],
            // `webhook-id` is the same for all attempts, but an endpoint may ignore it.
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

sendbox_connector_sdk::export!(HttpSms);
