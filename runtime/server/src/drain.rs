//! Reads what a handler left of a body.
//!
//! A request can be refused before its body is read. Were the connection closed at that point, bytes that are still on their
//! way would make the kernel reset it, and the client would never see why it was refused. So the rest is read and dropped, as
//! far as that is cheap.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http::HeaderMap;
use http::header::EXPECT;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::timeout;

/// So much is read and dropped, in bytes. What is larger deserves the reset.
const MOST: usize = 16 * 1024 * 1024;
/// So long.
const WITHIN: Duration = Duration::from_secs(5);

/// A body that can still be read when the handler has dropped it.
struct Lent(Arc<Mutex<Body>>);

impl Lent {
    fn with<T>(&self, act: impl FnOnce(&mut Body) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.with(|body| Pin::new(body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.size_hint())
    }
}

/// What may be left of a body.
pub(crate) struct Rest(Lent);

/// Lends a body out. `None` when nothing could be left of it: there is none, or the client waits for `100 Continue` and has
/// not begun to send.
pub(crate) fn lend(body: Body, headers: &HeaderMap) -> (Body, Option<Rest>) {
    if body.is_end_stream() || headers.contains_key(EXPECT) {
        return (body, None);
    }
    let body = Arc::new(Mutex::new(body));
    (Body::new(Lent(body.clone())), Some(Rest(Lent(body))))
}

impl Rest {
    /// Reads and drops it.
    pub(crate) async fn drain(mut self) {
        let read = async {
            let mut dropped = 0;
            while dropped < MOST
                && let Some(Ok(frame)) = self.0.frame().await
            {
                dropped += frame.data_ref().map_or(0, Bytes::len);
            }
        };
        if timeout(WITHIN, read).await.is_err() {
            tracing::debug!("a client did not end its body");
        }
    }
}
