//! SMS Aero: one text to one number, and what SMS Aero later reports about it.
//!
//! This file is glue. [`request`] says what leaves, [`answer`] what came back means, [`report`] reads status callbacks
//! and [`errors`] says what a refusal means.

mod answer;
mod errors;
mod report;
mod request;

use sendbox_connector_sdk::{
    Callback, Config, Connector, ContentKind, DeliveryReports, Failure, Host, HostNeed, Message, MessagePlaces,
    Metadata, Method, NumberFormat, Receipt, Report, ReportError, SecretUse, Usage, Verifier,
};

/// The connector.
pub struct SmsAero;

/// Every request goes here.
const PATH: &str = "/v2/sms/send";

impl Connector for SmsAero {
    fn metadata() -> Metadata {
        let host = |origin, purpose| HostNeed {
            origin,
            methods: vec![Method::Post],
            path_prefix: PATH,
            message: Some(MessagePlaces::json(NumberFormat::Digits, "/number", "/text")),
            secrets: vec![("apiKey", SecretUse::Sent)],
            purpose,
        };
        Metadata {
            id: "smsaero-short-message-service",
            version: env!("CARGO_PKG_VERSION"),
            name: "SMS Aero",
            description: "Sends texts through SMS Aero.",
            readme: include_str!("../README.md"),
            logo: Some(include_str!("../logo.svg")),
            parameters_schema: include_str!("../parameters.schema.json"),
            content: ContentKind::Text,
            template_schema: None,
            hosts: vec![
                host("https://gate.smsaero.ru", "Hands the message to SMS Aero, by its default gate."),
                host("https://gate.smsaero.org", "Hands the message to SMS Aero, by its second gate."),
                host("https://gate.smsaero.net", "Hands the message to SMS Aero, by its third gate."),
            ],
            usages: Usage::ALL.to_vec(),
            locales: vec![],
            // SMS Aero has no idempotency key.
            idempotent: false,
        }
    }

    fn send(message: &Message, config: &Config<'_>, host: &mut impl Host) -> Result<Receipt, Failure> {
        let response = host.send(&request::build(message, config)?)?;
        answer::read(&response)
    }
}

impl DeliveryReports for SmsAero {
    fn parse(callback: &Callback, _: &Config<'_>, _: &mut impl Verifier) -> Result<Vec<Report>, ReportError> {
        report::parse(callback)
    }
}

sendbox_connector_sdk::export_reporting!(SmsAero);
