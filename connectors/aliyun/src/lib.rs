//! Alibaba Cloud SMS (Aliyun, Dysmsapi 2017-05-25): sends a code with an approved template, with delivery reports.
//!
//! This file has the metadata. [`request`] builds the request and [`signature`] signs it, [`response`] reads the response,
//! [`report`] reads delivery reports, and [`errors`] has Alibaba Cloud's error codes.

mod errors;
mod report;
mod request;
mod response;
mod signature;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat, Receipt,
    Request, Response, SecretUse, Step, Usage,
};

/// The Alibaba Cloud connector.
pub struct Aliyun;

impl Connector for Aliyun {
    fn metadata() -> Metadata {
        let host = |endpoint: &request::Endpoint| HostNeed {
            origin: endpoint.origin,
            methods: vec![Method::Post],
            path_prefix: "/",
            message: Some(MessagePlaces::new(
                NumberFormat::Digits,
                [Step::Form("PhoneNumbers")],
                [Step::Form("TemplateParam"), Step::Json("/*")],
            )),
            secrets: vec![("accessKeySecret", SecretUse::SigningOnly)],
            purpose: endpoint.purpose,
        };
        Metadata {
            id: "aliyun-short-message-service",
            version: env!("CARGO_PKG_VERSION"),
            name: "Aliyun",
            description: "Sends one-time passwords through Alibaba Cloud SMS, to mainland China and overseas.",
            readme: include_str!("../README.md"),
            logo: Some(include_str!("../logo.svg")),
            parameters_schema: include_str!("../parameters.schema.json"),
            content: ContentKind::Template,
            template_schema: Some(include_str!("../template.schema.json")),
            hosts: request::ENDPOINTS.iter().map(host).collect(),
            usages: Usage::ALL.to_vec(),
            locales: vec![],
            // SendSms has no idempotency key; the nonce only rejects a request that is repeated as it is.
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

sendbox_connector_sdk::export_reporting!(Aliyun);
