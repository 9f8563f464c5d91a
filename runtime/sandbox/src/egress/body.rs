//! A body that reports when its first byte is about to be sent, and can be held back until then; and the decoding of a response
//! under its limits.

use std::io::Read;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::Notify;

use crate::egress::revocation::Revocation;

/// Nothing has been sent.
const WAITING: u8 = 0;
/// Bytes may have been sent.
const LEAVING: u8 = 1;
/// Nothing has been sent, and nothing will be.
const REVOKED: u8 = 2;

/// Set when the HTTP client asks for the body: the connection is open and the head is being written. Before that, no byte of the
/// request has been sent; afterwards, some may have been. Either it is set first, or the request is revoked first, and never both.
#[derive(Debug, Default)]
pub(crate) struct LeavingFlag {
    state: AtomicU8,
    changed: Notify,
}

impl LeavingFlag {
    pub(crate) fn is_set(&self) -> bool {
        self.state.load(Ordering::Acquire) == LEAVING
    }

    /// Whether the request was kept from being sent.
    pub(crate) fn is_revoked(&self) -> bool {
        self.state.load(Ordering::Acquire) == REVOKED
    }

    /// `false`: the request was revoked.
    fn set(&self) -> bool {
        let is_set = self.change(LEAVING);
        self.changed.notify_one();
        is_set
    }

    /// Keeps the request from being sent. `false`: it is too late.
    pub(crate) fn revoke(&self) -> bool {
        self.change(REVOKED)
    }

    fn change(&self, to: u8) -> bool {
        match self.state.compare_exchange(WAITING, to, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(state) => state == to,
        }
    }

    /// Waits until the flag is set.
    pub(crate) async fn wait(&self) {
        while !self.is_set() {
            self.changed.notified().await;
        }
    }
}

/// The request was revoked before a byte of it was sent.
#[derive(Debug, thiserror::Error)]
#[error("the request was revoked")]
pub(crate) struct Revoked;

/// A body of known length that sets a [`LeavingFlag`] when it is first polled, unless the request is revoked by then: the task that
/// revokes it in time may not have run yet.
pub(crate) struct WatchedBody {
    bytes: Option<Bytes>,
    flag: Arc<LeavingFlag>,
    revocation: Revocation,
}

impl WatchedBody {
    pub(crate) fn new(bytes: Bytes, flag: Arc<LeavingFlag>, revocation: Revocation) -> Self {
        Self { bytes: Some(bytes), flag, revocation }
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = Revoked;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.bytes.is_some() && self.revocation.is_revoked() {
            self.flag.revoke();
        }
        if !self.flag.set() {
            return Poll::Ready(Some(Err(Revoked)));
        }
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// A compressed response may always grow to this size: a ratio is meaningless for a few bytes.
const RATIO_FLOOR: usize = 16 * 1024;

/// Decodes the content encoding that the host asked for.
///
/// `limit` bounds the decoded size, and `ratio` how far the response may grow.
pub(crate) fn decode(encoding: &str, raw: Vec<u8>, limit: usize, ratio: usize) -> Result<Vec<u8>, String> {
    let bound = limit.min(raw.len().saturating_mul(ratio).max(RATIO_FLOOR));
    match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(raw),
        "gzip" | "x-gzip" => read_bounded(flate2::read::MultiGzDecoder::new(raw.as_slice()), bound),
        "br" => read_bounded(brotli_decompressor::Decompressor::new(raw.as_slice(), 4096), bound),
        _ => Err("the answer is compressed in a way that was not asked for".into()),
    }
}

fn read_bounded(reader: impl Read, bound: usize) -> Result<Vec<u8>, String> {
    let mut decoded = Vec::new();
    reader
        .take(bound as u64 + 1)
        .read_to_end(&mut decoded)
        .map_err(|_| "the compressed answer is broken".to_owned())?;
    if decoded.len() > bound {
        return Err(format!("the compressed answer grows beyond {bound} bytes"));
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_request_is_sent_or_revoked_and_never_both() {
        let poll_with = |flag: &Arc<LeavingFlag>, revocation: Revocation| {
            let mut body = WatchedBody::new(Bytes::from_static(b"To=%2B45"), Arc::clone(flag), revocation);
            let mut context = Context::from_waker(std::task::Waker::noop());
            let Poll::Ready(Some(frame)) = Pin::new(&mut body).poll_frame(&mut context) else { panic!() };
            frame.is_ok()
        };
        let poll = |flag: &Arc<LeavingFlag>| poll_with(flag, Revocation::default());
        let revoked = Arc::new(LeavingFlag::default());
        assert!(revoked.revoke() && revoked.revoke());
        assert!(!poll(&revoked) && !revoked.is_set());
        let sent = Arc::new(LeavingFlag::default());
        assert!(poll(&sent) && sent.is_set());
        assert!(!sent.revoke() && sent.is_set());
        // Revoked, and nobody has noticed yet.
        let late = Arc::new(LeavingFlag::default());
        let revocation = Revocation { may_leave: Some(Arc::new(|| false)), ..Revocation::default() };
        assert!(!poll_with(&late, revocation) && late.is_revoked());
    }

    #[test]
    fn an_answer_is_decoded_within_its_limits() {
        assert_eq!(decode("", b"plain".to_vec(), 100, 20).unwrap(), b"plain");
        assert_eq!(decode("gzip", gzip(b"hello"), 100, 20).unwrap(), b"hello");
        assert!(decode("deflate", b"x".to_vec(), 100, 20).is_err());
        assert!(decode("gzip", b"not gzip".to_vec(), 100, 20).is_err());
    }

    #[test]
    fn a_bomb_is_stopped_by_size_and_by_ratio() {
        let bomb = gzip(&vec![0; 10 << 20]);
        assert!(decode("gzip", bomb, 256 << 10, 20).unwrap_err().contains("grows beyond"));
        // Small as it is, it has the limit of any other answer.
        assert!(decode("gzip", gzip(&vec![0; 2000]), 1000, 20).unwrap_err().contains("beyond 1000 bytes"));
        let dense = gzip(&vec![0; 200 << 10]);
        assert!(decode("gzip", dense, 256 << 10, 20).unwrap_err().contains("grows beyond"));
    }
}
