//! Tencent Cloud SMS (API 2021-01-11): sends a code with an approved template, with delivery reports.
//!
//! This file has the metadata. [`request`] builds the request and [`signature`] signs it, [`response`] reads the response,
//! [`report`] reads delivery reports, and [`errors`] has Tencent Cloud's error codes.

mod errors;
mod report;
mod request;
mod response;
mod signature;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat, Receipt,
    Request, Response, SecretUse, Usage,
};

/// The Tencent Cloud connector.
pub struct Tencent;

impl Connector for Tencent {
    fn metadata() -> Metadata {
        let host = |endpoint: request::Endpoint| HostNeed {
            origin: endpoint.origin,
            methods: vec![Method::Post],
            path_prefix: "/",
            message: Some(MessagePlaces::json(NumberFormat::E164, "/PhoneNumberSet/0", "/TemplateParamSet/*")),
            secrets: vec![("accessKeySecret", SecretUse::SigningOnly)],
            purpose: endpoint.purpose,
        };
        Metadata {
            id: "tencent-short-message-service",
            version: env!("CARGO_PKG_VERSION"),
            name: "Tencent Cloud",
            description: "Sends one-time passwords through Tencent Cloud SMS, to mainland China and overseas.",
            readme: include_str!("../README.md"),
            logo: Some(include_str!("../logo.svg")),
            parameters_schema: include_str!("../parameters.schema.json"),
            content: ContentKind::Template,
            template_schema: Some(include_str!("../template.schema.json")),
            hosts: request::ENDPOINTS.into_iter().map(host).collect(),
            usages: Usage::ALL.to_vec(),
            locales: vec![],
            // SendSms has no idempotency key.
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

sendbox_connector_sdk::export_reporting!(Tencent);
