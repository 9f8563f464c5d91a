//! GatewayAPI's REST API, with delivery reports.
//!
//! This file has the metadata. [`request`] builds the request, [`response`] reads the response, [`report`] reads status
//! notifications, and [`errors`] has GatewayAPI's error codes.

mod errors;
mod report;
mod request;
mod response;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat, Receipt,
    Request, Response, SecretUse, Usage,
};

/// The GatewayAPI connector.
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
            description: "Sends text messages through GatewayAPI's REST API.",
            readme: include_str!("../README.md"),
            logo: Some(include_str!("../logo.svg")),
            parameters_schema: include_str!("../parameters.schema.json"),
            content: ContentKind::Text,
            template_schema: None,
            hosts: vec![
                host(
                    request::ORIGIN,
                    request::PATH,
                    "Sends the message through GatewayAPI, if no endpoint is entered.",
                ),
                host(
                    // Accounts in the EU use another host, and a tenant can have a proxy.
                    "{endpoint}",
                    "",
                    "Sends the message through your endpoint: gatewayapi.eu for an account in the EU, or your proxy.",
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
