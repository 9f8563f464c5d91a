//! A loaded connector, independent of the major version of its contract.

use std::future::Future;
use std::pin::Pin;

use sendbox_contract::metadata::RawMetadata;
use sendbox_contract::{DeliveryReport, FailureClass, Message, Receipt, ReportRefusal};
use wasmtime::Store;

use crate::call::CallState;
use crate::report::Callback;

/// A failure as the guest wrote it, not yet scrubbed.
pub(crate) struct RawFailure {
    pub(crate) class: FailureClass,
    pub(crate) provider_code: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) retry_after: Option<u32>,
}

pub(crate) type AbiFuture<'a, T> = Pin<Box<dyn Future<Output = wasmtime::Result<T>> + Send + 'a>>;

/// A loaded connector, independent of its major version. Each method creates a fresh instance in the given store.
pub(crate) trait Abi: Send + Sync {
    /// Calls `metadata`.
    fn metadata<'a>(&'a self, store: &'a mut Store<CallState>) -> AbiFuture<'a, RawMetadata>;

    /// Calls `send`.
    fn send<'a>(
        &'a self,
        store: &'a mut Store<CallState>,
        message: &'a Message,
        message_key: &'a str,
    ) -> AbiFuture<'a, Result<Receipt, RawFailure>>;

    /// Whether the connector reads delivery reports.
    fn reads_reports(&self) -> bool;

    /// Calls `parse` of the delivery reports.
    fn parse<'a>(
        &'a self,
        store: &'a mut Store<CallState>,
        callback: &'a Callback,
    ) -> AbiFuture<'a, Result<Vec<DeliveryReport>, ReportRefusal>>;
}
