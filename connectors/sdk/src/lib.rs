//! Write a Sendbox connector that reads like ordinary code and never sees a secret.
//!
//! A connector says what it is ([`Connector::metadata`]) and hands one message to its provider ([`Connector::send`]):
//! build a [`Request`] out of text and [`Sealed`] values, let the [`Host`] send it, read the [`Response`].
//!
//! ```
//! use sendbox_connector_sdk::*;
//!
//! struct Example;
//!
//! impl Connector for Example {
//!     fn metadata() -> Metadata {
//!         Metadata {
//!             id: "example-sms",
//!             version: "1.0.0",
//!             name: "Example",
//!             description: "Sends through Example.",
//!             readme: "# Example",
//!             logo: None,
//!             parameters_schema: r#"{"type":"object","properties":{"token":{"type":"string","writeOnly":true}}}"#,
//!             content: ContentKind::Text,
//!             template_schema: None,
//!             hosts: vec![HostNeed {
//!                 origin: "https://api.example.com",
//!                 methods: vec![Method::Post],
//!                 path_prefix: "/v1/messages",
//!                 message: Some(MessagePlaces::json(NumberFormat::E164, "/to", "/text")),
//!                 secrets: vec![("token", SecretUse::Sent)],
//!                 purpose: "Hands the message to Example.",
//!             }],
//!             usages: Usage::ALL.to_vec(),
//!             locales: vec![],
//!             idempotent: false,
//!         }
//!     }
//!
//!     fn send(message: &Message, config: &Config<'_>, host: &mut impl Host) -> Result<Receipt, Failure> {
//!         let Content::Text(content) = &message.content else { return Err(Failure::new(FailureClass::Unknown)) };
//!         let body = Json::object([("to", Json::from(&message.recipient.e164)), ("text", Json::from(&content.text))]);
//!         let request = Request::post("https://api.example.com/v1/messages")
//!             .header("authorization", parts!["Bearer ", config.required_secret("token")?])
//!             .header("content-type", "application/json")
//!             .body(body.to_parts());
//!         let response = host.send(&request)?;
//!         if response.is_success() { Ok(Receipt::default()) } else { Err(Failure::new(FailureClass::Unknown)) }
//!     }
//! }
//!
//! export!(Example);
//! ```
//!
//! Promises: a connector built with this imports from the host only what it calls (`reveal` appears only if it is
//! used); everything but `guest` is pure, so a connector is tested natively, byte for byte, with the `testing` feature.
//!
//! Must not know: any provider.

// The code that `wit-bindgen` writes names this crate by its name, also inside of it.
#[cfg(target_arch = "wasm32")]
extern crate self as sendbox_connector_sdk;

mod config;
mod connector;
mod failure;
mod form;
mod header;
mod http;
mod json;
mod message;
mod metadata;
mod report;
mod sealed;
mod time;
mod url;

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod guest;
#[cfg(feature = "testing")]
pub mod testing;

pub use config::Config;
pub use connector::{Connector, DeliveryReports, Host, LogLevel, RevealDenied, Verifier};
pub use failure::{Failure, FailureClass};
pub use form::form;
pub use header::{basic_auth, retry_after};
pub use http::{HttpError, HttpErrorKind, Method, Request, Response, SendError};
pub use json::Json;
pub use message::{Attempt, Content, Message, Price, Receipt, Recipient, TextContent, TextEncoding, Usage, Variable};
pub use metadata::{ContentKind, HostNeed, MessagePlaces, Metadata, NumberFormat, SecretUse, Step};
pub use report::{Callback, Field, Report, ReportError, State};
pub use sealed::{Encoding, Hash, Part, Parts, Sealed};
pub use time::Utc;
pub use url::percent;
