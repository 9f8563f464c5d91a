//! Alibaba Cloud SMS (Aliyun, Dysmsapi 2017-05-25): one code into an approved template, and what Alibaba Cloud later
//! reports about it.
//!
//! This file is glue. [`request`] says what leaves, [`signature`] signs it blind, [`template`] picks the template by
//! destination, [`response`] says what came back means, [`report`] reads delivery reports and [`errors`] is the provider's
//! error table.

mod errors;
mod report;
mod request;
mod response;
mod signature;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat, Receipt,
    Request, Response, SecretUse, Step, Usage,
};

/// The connector.
pub struct Aliyun;

impl Connector for Aliyun {
    fn metadata() -> Metadata {
        let host = |origin, purpose| HostNeed {
            origin,
            methods: vec![Method::Post],
            path_prefix: "/",
            message: Some(MessagePlaces::new(
                NumberFormat::Digits,
                [Step::Form("PhoneNumbers")],
                [Step::Form("TemplateParam"), Step::Json("/*")],
            )),
            secrets: vec![("accessKeySecret", SecretUse::SigningOnly)],
            purpose,
        };
        Metadata {
            id: "aliyun-short-message-service",
            version: env!("CARGO_PKG_VERSION"),
            name: "Aliyun",
            description: "Sends codes through Alibaba Cloud SMS, to the mainland and overseas.",
            readme: include_str!("../README.md"),
            logo: Some(include_str!("../logo.svg")),
            parameters_schema: include_str!("../parameters.schema.json"),
            content: ContentKind::Template,
            template_schema: Some(include_str!("../template.schema.json")),
            // `request::ENDPOINTS`, written out for the person who grants them.
            hosts: vec![
                host(
                    "https://dysmsapi.aliyuncs.com",
                    "Hands the message to Alibaba Cloud in mainland China, its default.",
                ),
                host("https://dysmsapi-proxy.cn-beijing.aliyuncs.com", "The same in Beijing, when it is chosen."),
                host("https://dysmsapi-xman.cn-hongkong.aliyuncs.com", "The same in Hong Kong, when it is chosen."),
                host("https://dysmsapi.ap-southeast-1.aliyuncs.com", "The same in Singapore, when it is chosen."),
                host("https://dysmsapi.ap-southeast-5.aliyuncs.com", "The same in Jakarta, when it is chosen."),
                host("https://dysmsapi.eu-central-1.aliyuncs.com", "The same in Frankfurt, when it is chosen."),
                host("https://dysmsapi.us-east-1.aliyuncs.com", "The same in Virginia, when it is chosen."),
            ],
            usages: Usage::ALL.to_vec(),
            locales: vec![],
            // The nonce only stops a replayed request; SendSms has no idempotency key.
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
