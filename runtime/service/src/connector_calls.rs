//! What loads connectors, validates settings for them, and runs the calls of a message: the sandbox. A simulation takes its place, to decide how sends end.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sendbox_policy::PinnedShapes;
use sendbox_sandbox::{
    Callback, CallbackError, Connector, DeliveryReport, LoadError, Parameters, Rehearsal, RehearsalError, Sandbox,
    SendRequest, SendResult,
};

/// Loads connectors, and runs the calls of messages and their delivery reports. The promises are those of [`Sandbox`].
pub trait ConnectorCalls: Send + Sync {
    /// As [`Sandbox::load`].
    fn load<'a>(&'a self, component: &'a [u8]) -> BoxFuture<'a, Result<Connector, LoadError>>;

    /// As [`Sandbox::rehearse`].
    fn rehearse<'a>(
        &'a self,
        connector: &'a Connector,
        rehearsal: &'a Rehearsal,
    ) -> BoxFuture<'a, Result<PinnedShapes, RehearsalError>>;

    /// As [`Sandbox::send`].
    fn send<'a>(&'a self, connector: &'a Connector, request: SendRequest) -> BoxFuture<'a, SendResult>;

    /// As [`Sandbox::parse_report`].
    fn parse_report<'a>(
        &'a self,
        connector: &'a Connector,
        parameters: Arc<Parameters>,
        callback: &'a Callback,
    ) -> BoxFuture<'a, Result<Vec<DeliveryReport>, CallbackError>>;

    /// Runs work that may take long, on a thread where it delays no task.
    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // Whoever waits for a result notices that there is none.
            tokio::task::spawn_blocking(work).await.ok();
        })
    }
}

impl ConnectorCalls for Sandbox {
    fn load<'a>(&'a self, component: &'a [u8]) -> BoxFuture<'a, Result<Connector, LoadError>> {
        Box::pin(self.load(component))
    }

    fn rehearse<'a>(
        &'a self,
        connector: &'a Connector,
        rehearsal: &'a Rehearsal,
    ) -> BoxFuture<'a, Result<PinnedShapes, RehearsalError>> {
        Box::pin(self.rehearse(connector, rehearsal))
    }

    fn send<'a>(&'a self, connector: &'a Connector, request: SendRequest) -> BoxFuture<'a, SendResult> {
        Box::pin(self.send(connector, request))
    }

    fn parse_report<'a>(
        &'a self,
        connector: &'a Connector,
        parameters: Arc<Parameters>,
        callback: &'a Callback,
    ) -> BoxFuture<'a, Result<Vec<DeliveryReport>, CallbackError>> {
        Box::pin(self.parse_report(connector, parameters, callback))
    }
}
