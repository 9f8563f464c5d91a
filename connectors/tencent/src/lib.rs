//! Tencent Cloud SMS (API 2021-01-11): one code into an approved template, and what Tencent later reports about it.
//!
//! This file is glue. [`request`] says what leaves, [`signature`] signs it blind, [`template`] picks the template by
//! destination, [`response`] says what came back means, [`report`] reads delivery reports and [`errors`] is Tencent's error
//! table.

mod errors;
mod report;
mod request;
mod response;
mod signature;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, HostNeed, Message, MessagePlaces, Metadata, Method, NumberFormat, Receipt,
    Request, Response, SecretUse, Usage,
};

/// The connector.
pub struct Tencent;

impl Connector for Tencent {
    fn metadata() -> Metadata {
        let host = |origin, purpose| HostNeed {
            origin,
            methods: vec![Method::Post],
            path_prefix: "/",
            message: Some(MessagePlaces::json(NumberFormat::E164, "/PhoneNumberSet/0", "/TemplateParamSet/*")),
            secrets: vec![("accessKeySecret", SecretUse::SigningOnly)],
            purpose,
        };
        Metadata {
            id: "tencent-short-message-service",
            version: env!("CARGO_PKG_VERSION"),
            name: "Tencent Cloud",
            description: "Sends codes through Tencent Cloud SMS, to the mainland and overseas.",
            readme: include_str!("../README.md"),
            logo: Some(include_str!("../logo.svg")),
            parameters_schema: include_str!("../parameters.schema.json"),
            content: ContentKind::Template,
            template_schema: Some(include_str!("../template.schema.json")),
            // `request::ENDPOINTS`, written out for the person who grants them.
            hosts: vec![
                host(
                    "https://sms.tencentcloudapi.com",
                    "Hands the message to Tencent Cloud's nearest site, its default.",
                ),
                host("https://sms.ap-guangzhou.tencentcloudapi.com", "The same in Guangzhou, when it is chosen."),
                host("https://sms.ap-shanghai.tencentcloudapi.com", "The same in Shanghai, when it is chosen."),
                host("https://sms.ap-beijing.tencentcloudapi.com", "The same in Beijing, when it is chosen."),
                host("https://sms.ap-chengdu.tencentcloudapi.com", "The same in Chengdu, when it is chosen."),
                host("https://sms.ap-chongqing.tencentcloudapi.com", "The same in Chongqing, when it is chosen."),
                host("https://sms.ap-hongkong.tencentcloudapi.com", "The same in Hong Kong, when it is chosen."),
                host("https://sms.ap-singapore.tencentcloudapi.com", "The same in Singapore, when it is chosen."),
                host("https://sms.ap-bangkok.tencentcloudapi.com", "The same in Bangkok, when it is chosen."),
                host("https://sms.ap-mumbai.tencentcloudapi.com", "The same in Mumbai, when it is chosen."),
                host("https://sms.ap-seoul.tencentcloudapi.com", "The same in Seoul, when it is chosen."),
                host("https://sms.ap-tokyo.tencentcloudapi.com", "The same in Tokyo, when it is chosen."),
                host("https://sms.na-ashburn.tencentcloudapi.com", "The same in Virginia, when it is chosen."),
                host(
                    "https://sms.na-siliconvalley.tencentcloudapi.com",
                    "The same in Silicon Valley, when it is chosen.",
                ),
                host("https://sms.eu-frankfurt.tencentcloudapi.com", "The same in Frankfurt, when it is chosen."),
                host("https://sms.intl.tencentcloudapi.com", "The same at the international site, when it is chosen."),
            ],
            usages: Usage::ALL.to_vec(),
            locales: vec![],
            // Tencent has no idempotency key for sending.
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
