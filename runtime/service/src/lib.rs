//! The operations of Sendbox: tenants, connections, releases, messages, verifications, delivery reports, audit.
//!
//! [`Service`] carries out what a [`Caller`] requests. The rules that decide are pure functions of `sendbox_domain::rules`, the
//! rows and their SQL are in `sendbox_store`, and the shapes of requests and responses are in `sendbox_domain::model`.
//! `sendbox_domain::plan` turns a request into the one [`sendbox_sandbox::Message`] that a connector receives.
//!
//! Promises
//! - an accepted message is on disk; an outcome that is not known is reported as in doubt; a request causes at most as many
//!   physical messages as its tenant's policy allows;
//! - a code verifies at most once, and limits are exact, whatever the concurrency and however many processes;
//! - when the store fails, nothing is accepted;
//! - no error, `Debug` text, log line or row contains a secret, a code, a text or a full number in clear.
//!
//! Must not know: HTTP frameworks, the command line, wasmtime.

mod access;
mod catalogue;
pub mod clock;
mod connections;
mod connector_calls;
mod delivery_reports;
pub mod error;
mod id;
mod ingress;
mod key_registry;
mod leases;
mod lock;
mod overload;
mod paging;
mod public_url;
mod readiness;
mod releases;
mod retention;
mod revision;
mod sending;
pub mod service;
mod standard_webhooks;
mod statistics;
mod tenants;
pub mod vault;
mod webhooks;

pub use sendbox_store::{Store, StoreError};

pub use self::access::caller::Caller;
pub use self::access::request_limits::{AdmittedRequest, RequestKind};
pub use self::catalogue::BuiltIn;
pub use self::connector_calls::ConnectorCalls;
pub use self::delivery_reports::receiver::{ReportCall, ReportReceiver};
pub use self::error::Error;
pub use self::ingress::authentication::IngressRequest;
pub use self::ingress::receiver::{IngressReceiver, UnreadBody};
pub use self::key_registry::has_master_keys;
pub use self::public_url::{PublicUrl, PublicUrlError};
pub use self::revision::{IfMatch, connection_revision, policy_revision};
pub use self::service::{Service, ServiceConfig, StartError};
pub use self::webhooks::secret::webhook_signature;
