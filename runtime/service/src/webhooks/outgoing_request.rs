//! What is sent to a webhook endpoint, and the sending of it.
//!
//! [`OutgoingRequest`] is a URL, headers and a body, whoever made them and however they are signed. [`OutgoingRequest::of_event`] makes
//! those of Standard Webhooks; a callback in another format is another constructor.
//!
//! Promises
//! - requests leave through the sandbox's egress, under the operator's policy, and only to addresses that connectors may reach, too;
//! - tenants take turns: there is a fixed number of requests in progress, and one tenant has only a share of them;
//! - of a response, only the status and when to try again are kept.

use sendbox_domain::model::Timestamp;
use sendbox_sandbox::{MayLeave, Post, PostError, PostResponse, Revocation};
use sendbox_slots::Waiting;
use sendbox_store::rows::EventRow;
use serde_json::json;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::service::Service;
use crate::webhooks::secret::{WebhookSecret, signatures};

/// A POST request, complete and signed. Has no `Debug`.
pub(crate) struct OutgoingRequest {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl OutgoingRequest {
    /// An event for an endpoint, signed at this time with each of these secrets.
    pub(crate) fn of_event(url: String, event: &EventRow, secrets: &[WebhookSecret], now: Timestamp) -> Result<Self> {
        let body = json!({ "type": event.kind, "timestamp": event.happened_at, "data": event.data });
        let body = serde_json::to_vec(&body).map_err(|error| Error::Internal(error.to_string()))?;
        let seconds = now.0.div_euclid(1000);
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("webhook-id", event.id.clone()),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", signatures(secrets, &event.id, seconds, &body)),
        ];
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Self { url, headers, body })
    }
}

impl Service {
    /// Sends a request in the name of a tenant, in its turn, if it may leave then. Returns what counts of the response.
    pub(crate) async fn send_request(
        &self,
        tenant: &str,
        request: OutgoingRequest,
        may_leave: MayLeave,
    ) -> Result<PostResponse, PostError> {
        // Never refused: what waits was claimed, and that is bounded.
        let _slot = self.inner.webhook_slots.acquire(tenant, Waiting::Unbounded).await;
        let OutgoingRequest { url, headers, body } = request;
        let post = Post { owner: tenant.to_owned(), url, headers, body: Zeroizing::new(body) };
        let revocation = Revocation { may_leave: Some(may_leave), ..Revocation::default() };
        self.inner.sandbox.post(&self.inner.operator, post, &revocation).await
    }
}
