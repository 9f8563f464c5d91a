//! Hands the code and its circumstances to an endpoint of the tenant's own, which does the sending.
//!
//! This file is glue: [`request`] says what leaves, [`response`] what came back means.

mod request;
mod response;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat, Receipt,
    Request, Response, SecretUse, Step, Usage,
};

/// The connector.
pub struct HttpSms;

impl Connector for HttpSms {
    fn metadata() -> Metadata {
        Metadata {
            id: "http-sms",
            version: env!("CARGO_PKG_VERSION"),
            name: "HTTP SMS",
            description: "Hands every message to an endpoint of your own, which sends it.",
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
                purpose: "Hands the code and the number to your own endpoint.",
            }],
            usages: Usage::ALL.to_vec(),
            locales: vec![],
            // `webhook-id` is the same over all attempts, but nobody promises that an endpoint looks at it.
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
