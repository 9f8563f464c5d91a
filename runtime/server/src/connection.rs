//! Accepts connections, and serves each to its end.
//!
//! Promises
//! - there are never more connections than the listener may have, and never more of one address than its share;
//! - a client that says nothing, or reads nothing, loses its connection after a while, and sooner when connections are short.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use crate::handler::Handler;
use crate::peers::{Client, CountByAddress, Counted, MAX_OF_ADDRESS, TrustedProxies};

/// How long the head of a request may take, and how long a connection may be idle between two requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// The same for connections that are accepted when half of those that the listener may have are in use.
const HEAD_TIMEOUT_WHEN_BUSY: Duration = Duration::from_secs(10);
/// How long a client may read nothing of a response that waits for it. Each connection is one of a bounded number.
const WRITE_TIMEOUT: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 30 });
/// The maximum size of the head of a request, in bytes.
const MAX_HEAD: usize = 32 * 1024;
/// The pause between two warnings that an address has too many connections.
const WARNING_PAUSE: Duration = Duration::from_secs(60);
/// The pause after the kernel failed to accept a connection, most often for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener, and how many connections it may have.
pub(crate) struct ConnectionListener {
    listener: TcpListener,
    max: usize,
    slots: Arc<Semaphore>,
    addresses: Arc<CountByAddress>,
    proxies: TrustedProxies,
    warned_at: Mutex<Option<Instant>>,
}

/// A connection that was accepted.
pub(crate) struct Connection {
    stream: TcpStream,
    peer: IpAddr,
    proxies: TrustedProxies,
    head_timeout: Duration,
    _slot: OwnedSemaphorePermit,
    _counted: Option<Counted>,
}

impl ConnectionListener {
    pub(crate) fn new(listener: TcpListener, max: usize, proxies: TrustedProxies) -> io::Result<Self> {
        let address = listener.local_addr()?;
        tracing::info!(%address, "listening");
        let slots = Arc::new(Semaphore::new(max));
        Ok(Self { listener, max, slots, addresses: Arc::default(), proxies, warned_at: Mutex::default() })
    }

    /// The next connection. `None` if one could not be accepted, or its address has as many as it may.
    pub(crate) async fn accept(&self) -> Option<Connection> {
        // The semaphore is never closed.
        let slot = self.slots.clone().acquire_owned().await.ok()?;
        let (stream, peer) = match self.listener.accept().await {
            Ok((stream, peer)) => (stream, peer.ip()),
            Err(error) => {
                if !is_caused_by_client(&error) {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
                return None;
            }
        };
        // A proxy has the connections of all its clients.
        let counted = match self.proxies.direct_client(peer) {
            Some(address) => match self.addresses.add(address) {
                Some(counted) => Some(counted),
                None => {
                    self.warn_of(address);
                    return None;
                }
            },
            None => None,
        };
        let is_busy = self.slots.available_permits() < self.max / 2;
        let head_timeout = if is_busy { HEAD_TIMEOUT_WHEN_BUSY } else { HEAD_TIMEOUT };
        Some(Connection { stream, peer, proxies: self.proxies.clone(), head_timeout, _slot: slot, _counted: counted })
    }

    /// Says in the log, once in a while, that an address has as many connections as it may: it may be a proxy of the operator.
    fn warn_of(&self, address: IpAddr) {
        let mut warned_at = self.warned_at.lock().unwrap_or_else(PoisonError::into_inner);
        if warned_at.is_none_or(|at| at.elapsed() >= WARNING_PAUSE) {
            *warned_at = Some(Instant::now());
            tracing::warn!(
                %address,
                connections = MAX_OF_ADDRESS,
                "an address has as many connections as it may, and further ones are closed; if it is a proxy, name it with --trusted-proxies"
            );
        }
    }
}

impl Connection {
    /// Serves the connection to its end. Once stopping begins, that is the end of the request in progress.
    pub(crate) async fn serve(self, handler: Handler, stopping: CancellationToken) {
        let Self { stream, peer, proxies, head_timeout, _slot, _counted } = self;
        // Small responses should not wait for more data.
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIMEOUT));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_timeout)
            .max_buf_size(MAX_HEAD)
            .serve_connection(
                TokioIo::new(Box::pin(stream)),
                service_fn(move |mut request: Request<Incoming>| {
                    let service = TowerToHyperService::new(handler.router().clone());
                    let client = Client(proxies.client(peer, request.headers()));
                    request.extensions_mut().insert(client);
                    async move { if names_one_host(&request) { service.call(request).await } else { Ok(bad_request()) } }
                }),
            );
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            // hyper's errors do not quote what the client sent.
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

/// Whether a request has exactly one `Host` header, as HTTP/1.1 requires (RFC 9112 section 3.2): with two, a proxy in front may have
/// read another one.
fn names_one_host(request: &Request<Incoming>) -> bool {
    let count = request.headers().get_all(HOST).iter().count();
    count == 1 || (count == 0 && request.version() == Version::HTTP_10)
}

/// The response to a request that is not HTTP, as the HTTP library gives it.
fn bad_request() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Whether the client closed the connection before it could be accepted.
fn is_caused_by_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
