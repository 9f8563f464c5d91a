//! Passes the code and the number to an HTTP endpoint of the tenant, which sends the message.
//!
//! This file has the metadata. [`request`] builds the request with its [`authentication`] and its [`extra`] headers and fields, and
//! [`response`] reads the response.

mod authentication;
mod extra;
mod request;
mod response;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, Host, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat,
    Receipt, Request, Response, SecretUse, Step, Usage,
};

/// The HTTP SMS connector.
pub struct HttpSms;

impl Connector for HttpSms {
    fn metadata() -> Metadata {
        // The places of a request are fixed in the metadata, so each format has a parameter or a method of its own.
        let endpoint = |origin, methods: &[Method], message, purpose| HostNeed {
            origin,
            methods: methods.to_vec(),
            path_prefix: "",
            message: Some(message),
            secrets: vec![
                ("authorization", SecretUse::Sent),
                ("password", SecretUse::Sent),
                ("bearerToken", SecretUse::Sent),
                ("apiKey", SecretUse::Sent),
                ("webhookSecret", SecretUse::SigningOnly),
            ],
            purpose,
        };
        let with_body = [Method::Post, Method::Put, Method::Patch];
        let format = NumberFormat::Digits;
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
            hosts: vec![
                endpoint(
                    "{endpoint}",
                    &with_body,
                    MessagePlaces::json(format, "/to", "/payload/*").client_ip([Step::Json("/ip")]),
                    "Passes the number and the code to your endpoint.",
                ),
                endpoint(
                    "{endpoint}",
                    &[Method::Get],
                    MessagePlaces::new(format, [Step::Query("to")], [Step::Query("code")])
                        .client_ip([Step::Query("ip")]),
                    "Passes the number and the code to your endpoint in the query, if the method is GET.",
                ),
                endpoint(
                    "{formEndpoint}",
                    &with_body,
                    MessagePlaces::form(format, "to", "code").client_ip([Step::Form("ip")]),
                    "Passes the number and the code to your endpoint in a form.",
                ),
            ],
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
        response::Expected::default().read(response)
    }

    /// Reads the response as the parameters say.
    fn send(message: &Message, config: &Config<'_>, host: &mut impl Host) -> Result<Receipt, Failure> {
        let expected = response::Expected::of(config)?;
        let response = host.send(&Self::build_request(message, config)?)?;
        expected.read(&response)
    }
}

sendbox_connector_sdk::export!(HttpSms);
