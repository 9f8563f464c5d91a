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
            description: "Sends one-time passwords through Tencent Cloud SMS, to mainland China and overseas.",
            readme: include_str!("../README.md"),
            logo: Some(include_str!("../logo.svg")),
            parameters_schema: include_str!("../parameters.schema.json"),
            content: ContentKind::Template,
            template_schema: Some(include_str!("../template.schema.json")),
            // The endpoints of `request::ENDPOINTS`, each with a purpose for the admin who grants it.
            hosts: vec![
                host(
                    "https://sms.tencentcloudapi.com",
                    "Sends the message through Tencent Cloud's nearest site (default).",
                ),
                host(
                    "https://sms.ap-guangzhou.tencentcloudapi.com",
                    "Sends the message through Tencent Cloud in Guangzhou, if selected.",
                ),
                host(
                    "https://sms.ap-shanghai.tencentcloudapi.com",
                    "Sends the message through Tencent Cloud in Shanghai, if selected.",
                ),
                host(
                    "https://sms.ap-beijing.tencentcloudapi.com",
                    "Sends the message through Tencent Cloud in Beijing, if selected.",
                ),
                host(
                    "https://sms.ap-chengdu.tencentcloudapi.com",
                    "Sends the message through Tencent Cloud in Chengdu, if selected.",
                ),
                host(
                    "https://sms.ap-chongqing.tencentcloudapi.com",
                    "Sends the message through Tencent Cloud in Chongqing, if selected.",
                ),
                host(
                    "https://sms.ap-hongkong.tencentcloudapi.com",
                    "Sends the message through Tencent Cloud in Hong Kong, if selected.",
                ),
                host(
                    "https://sms.ap-singapore.tencentcloudapi.com",
                    "Sends the message through Tencent Cloud in Singapore, if selected.",
                ),
                host(
                    "https://sms.ap-bangkok.tencentcloudapi.com",
                    "Sends the message through Tencent Cloud in Bangkok, if selected.",
                ),
                host(
                    "https://sms.ap-mumbai.tencentcloudapi.com",
                    "Sends the message through Tencent Cloud in Mumbai, if selected.",
                ),
                host(
                    "https://sms.ap-seoul.tencentcloudapi.com",
                    "Sends the message through Tencent Cloud in Seoul, if selected.",
                ),
                host(
                    "https://sms.ap-tokyo.tencentcloudapi.com",
                    "Sends the message through Tencent Cloud in Tokyo, if selected.",
                ),
                host(
                    "https://sms.na-ashburn.tencentcloudapi.com",
                    "Sends the message through Tencent Cloud in Virginia, if selected.",
                ),
                host(
                    "https://sms.na-siliconvalley.tencentcloudapi.com",
                    "Sends the message through Tencent Cloud in Silicon Valley, if selected.",
                ),
                host(
                    "https://sms.eu-frankfurt.tencentcloudapi.com",
                    "Sends the message through Tencent Cloud in Frankfurt, if selected.",
                ),
                host(
                    "https://sms.intl.tencentcloudapi.com",
                    "Sends the message through Tencent Cloud's international site, if selected.",
                ),
            ],
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
