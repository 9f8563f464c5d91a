//! Reads the rest of a body that a handler did not read.
//!
//! A request can be refused before its body is read. If the connection were closed at that point, bytes in transit would make the
//! kernel reset it, and the client would never see the response. So the rest is read and dropped, as far as that is cheap.

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

/// The maximum number of bytes to read and drop. A client that sends more may see a reset.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// The maximum time to read.
const MAX_TIME: Duration = Duration::from_secs(5);

/// A body that can still be read after the handler has dropped it.
struct SharedBody(Arc<Mutex<Body>>);

impl SharedBody {
    fn with<T>(&self, act: impl FnOnce(&mut Body) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HttpBody for SharedBody {
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

/// The rest of a body that the handler may leave unread.
pub(crate) struct UnreadBody(SharedBody);

/// Splits a body into the handler's view and the unread rest. The rest is `None` if there can be none: there is no body, or the
/// client waits for `100 Continue` and has not begun to send.
pub(crate) fn share(body: Body, headers: &HeaderMap) -> (Body, Option<UnreadBody>) {
    if body.is_end_stream() || headers.contains_key(EXPECT) {
        return (body, None);
    }
    let body = Arc::new(Mutex::new(body));
    (Body::new(SharedBody(body.clone())), Some(UnreadBody(SharedBody(body))))
}

impl UnreadBody {
    /// Reads and drops the rest.
    pub(crate) async fn drain(mut self) {
        let read = async {
            let mut dropped = 0;
            while dropped < MAX_BYTES
                && let Some(Ok(frame)) = self.0.frame().await
            {
                dropped += frame.data_ref().map_or(0, Bytes::len);
            }
        };
        if timeout(MAX_TIME, read).await.is_err() {
            tracing::debug!("a client did not finish its body");
        }
    }
}
