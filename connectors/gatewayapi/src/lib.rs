//! GatewayAPI: one text to one number by its REST API, and what GatewayAPI later reports about it.
//!
//! This file is glue. [`request`] says what leaves, [`response`] what came back means, [`report`] reads status
//! notifications and [`errors`] is GatewayAPI's error index.

mod errors;
mod report;
mod request;
mod response;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat, Receipt,
    Request, Response, SecretUse, Usage,
};

/// The connector.
pub struct GatewayApi;

fn host(origin: &'static str, path_prefix: &'static str, purpose: &'static str) -> HostNeed {
    HostNeed {
        origin,
        methods: vec![Method::Post],
        path_prefix,
        message: Some(MessagePlaces::json(NumberFormat::Digits, "/recipients/0/msisdn", "/message")),
        secrets: vec![("apiToken", SecretUse::Sent)],
        purpose,
    }
}

impl Connector for GatewayApi {
    fn metadata() -> Metadata {
        Metadata {
            id: "gatewayapi-sms",
            version: env!("CARGO_PKG_VERSION"),
            name: "GatewayAPI",
            description: "Sends texts through GatewayAPI's REST API.",
            readme: include_str!("../README.md"),
            logo: Some(include_str!("../logo.svg")),
            parameters_schema: include_str!("../parameters.schema.json"),
            content: ContentKind::Text,
            template_schema: None,
            hosts: vec![
                host(request::ORIGIN, request::PATH, "Hands the message to GatewayAPI, where no endpoint is given."),
                host(
                    // Accounts in the EU have another host, and a tenant may have a proxy of its own.
                    "{endpoint}",
                    "",
                    "Hands the message to GatewayAPI at your endpoint: gatewayapi.eu for accounts in the EU, or your proxy.",
                ),
            ],
            usages: Usage::ALL.to_vec(),
            locales: vec![],
            // GatewayAPI has no idempotency key.
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

sendbox_connector_sdk::export_reporting!(GatewayApi);
