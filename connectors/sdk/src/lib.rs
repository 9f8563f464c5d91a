//! Write a Sendbox connector that reads like ordinary code and never sees a secret.
//!
//! Start with [`Connector`]: its documentation has a whole connector, its test, its configuration and the commands.
//!
//! | you need | you use |
//! |---|---|
//! | the connector's metadata: parameters, hosts, where a request contains the message | [`Metadata`], [`HostNeed`], [`MessagePlaces`] |
//! | recipient, text, template, variables | [`Message`] |
//! | parameters and secrets of the connection | [`Config`] |
//! | a request | [`Request`], [`Json`], [`form`](fn@form), [`parts!`], [`percent`], [`basic_auth`] |
//! | a template for mainland China or overseas, and its variables | [`template_for_country`], [`template_values`] |
//! | to sign, encode or hash what you cannot read | [`Sealed`] |
//! | what the provider's response means | [`Response`], [`Receipt`], [`Failure`], [`FailureClass::of_status`] |
//! | delivery reports | [`DeliveryReports`], [`Callback`], [`Verifier`] |
//! | native tests (feature `testing`) | `testing::Harness` |
//!
//! A connector imports from the host only the functions that it calls. Everything but the module `guest` is free of
//! WebAssembly, so that a connector is tested natively, byte for byte. The SDK knows no provider.

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
mod template;
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
pub use json::{Json, scalar};
pub use message::{Attempt, Content, Message, Price, Receipt, Recipient, TextContent, TextEncoding, Usage, Variable};
pub use metadata::{ContentKind, HostNeed, MessagePlaces, Metadata, NumberFormat, SecretUse, Step};
pub use report::{Callback, CallbackError, Field, Report, State};
pub use sealed::{Encoding, Hash, Part, Parts, Sealed};
pub use template::{template_for_country, template_values, template_variables};
pub use time::Utc;
pub use url::percent;
