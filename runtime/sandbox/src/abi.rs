//! The contract's major versions.
//!
//! One frozen module per major, behind one trait, chosen at load by what the component exports. A call is written once,
//! against the trait.

pub(crate) mod v1;

use std::future::Future;
use std::pin::Pin;

use sendbox_contract::message::Message;
use sendbox_contract::metadata::RawMetadata;
use sendbox_contract::{DeliveryReport, FailureClass, Receipt, ReportRefusal};
use wasmtime::Store;
use wasmtime::component::{Component, Linker};

use crate::call::CallState;
use crate::report::Callback;

/// A failure as the guest wrote it, scrubbed later.
pub(crate) struct RawFailure {
    pub(crate) class: FailureClass,
    pub(crate) provider_code: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) retry_after: Option<u32>,
}

pub(crate) type AbiFuture<'a, T> = Pin<Box<dyn Future<Output = wasmtime::Result<T>> + Send + 'a>>;

/// One loaded connector, in the terms of its major version. Each method makes a fresh instance in the given store.
pub(crate) trait Abi: Send + Sync {
    /// Runs `metadata`.
    fn metadata<'a>(&'a self, store: &'a mut Store<CallState>) -> AbiFuture<'a, RawMetadata>;

    /// Runs `send`.
    fn send<'a>(
        &'a self,
        store: &'a mut Store<CallState>,
        message: &'a Message,
        message_key: &'a str,
    ) -> AbiFuture<'a, Result<Receipt, RawFailure>>;

    /// Whether it reads delivery reports.
    fn reads_reports(&self) -> bool;

    /// Runs `parse` of the delivery report.
    fn parse<'a>(
        &'a self,
        store: &'a mut Store<CallState>,
        callback: &'a Callback,
    ) -> AbiFuture<'a, Result<Vec<DeliveryReport>, ReportRefusal>>;
}

/// Links every major's imports. They have different names, so one linker serves all.
pub(crate) fn add_to_linker(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    v1::add_to_linker(linker)
}

/// Chooses the major by what the component exports.
pub(crate) fn load(linker: &Linker<CallState>, component: &Component) -> wasmtime::Result<Box<dyn Abi>> {
    // There is one major today. The choice is made from the export's version, which inspection has read already.
    Ok(Box::new(v1::V1::new(linker.instantiate_pre(component)?)?))
}
