//! Listens, and stops in order: not ready any more, nothing new, what is under way comes to its end, then the service.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use sendbox_service::Service;
/// What [`listen`] gives.
pub use tokio::net::TcpListener as Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::api::{Api, Lifecycle};
use crate::routes;

/// Connections at the same time. Further ones wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 4096;
/// The head of a request has to be here in this time, and a connection may idle so long between two requests.
const HEAD_WITHIN: Duration = Duration::from_secs(60);
/// The head of a request, in bytes.
const LARGEST_HEAD: usize = 32 * 1024;
/// After the kernel refused a connection (most often: no file descriptors left) the next try is made so much later.
const PAUSE: Duration = Duration::from_millis(100);
/// How long requests may take to notice that they are cut.
const CUTTING: Duration = Duration::from_millis(500);

/// Why serving did not end in order.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener is not one.
    #[error("the listener does not work: {0}")]
    Listener(#[source] io::Error),
    /// The time to stop ran out. The requests that were still under way were cut; what they had put on record is taken up
    /// again at the next start.
    #[error("{0} requests were still under way when the time to stop ran out, and were cut")]
    Cut(usize),
}

/// Listens on an address, for [`serve`].
///
/// # Errors
/// When the address is taken or not of this machine.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves the API on `listener` until `stop` is ready. Then `/readyz` says 503, nothing new is accepted, and what is under way
/// has `grace` in all to come to its end; the service is stopped with what is left of it, in any case.
///
/// # Errors
/// [`ServeError::Listener`] before anything is served; [`ServeError::Cut`] after everything is stopped.
pub async fn serve(
    listener: TcpListener,
    service: Service,
    stop: impl Future<Output = ()> + Send + 'static,
    grace: Duration,
) -> Result<(), ServeError> {
    serve_beside(listener, service, Router::new(), stop, grace).await
}

/// The same, with routes of the embedder's own. They need no key, and are no part of the API and its document.
///
/// # Errors
/// As for [`serve`].
pub async fn serve_beside(
    listener: TcpListener,
    service: Service,
    beside: Router,
    stop: impl Future<Output = ()> + Send + 'static,
    grace: Duration,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    let lifecycle = Lifecycle::default();
    let router = routes::router(Api { service: service.clone(), lifecycle: lifecycle.clone() }, beside);
    // At once, and not when the last request has ended: the worker would go on with new messages until there is no time left
    // to end them.
    let stopping = service.clone();
    let stop = async move {
        stop.await;
        stopping.begin_to_stop();
    };
    tracing::info!(%address, "serving");
    let (cut, deadline) = serve_router(listener, &router, &lifecycle, stop, grace).await;
    service.stop(deadline.saturating_duration_since(Instant::now())).await;
    tracing::info!(cut, "stopped");
    if cut == 0 { Ok(()) } else { Err(ServeError::Cut(cut)) }
}

/// Serves until `stop` is ready, and ends what is under way. Gives back how many requests had to be cut, and when the time is
/// up.
async fn serve_router(
    listener: TcpListener,
    router: &Router,
    lifecycle: &Lifecycle,
    stop: impl Future<Output = ()>,
    grace: Duration,
) -> (usize, Instant) {
    let mut connections = accept(listener, router, &lifecycle.stopping, stop).await;
    tracing::info!(connections = connections.len(), "stopping");
    let deadline = Instant::now() + grace;
    let ended = timeout_at(deadline, async { while connections.join_next().await.is_some() {} }).await;
    // Requests may outlive their connections.
    lifecycle.requests.close();
    let all_ended = timeout_at(deadline, lifecycle.requests.wait()).await.is_ok() && ended.is_ok();
    let cut = if all_ended { 0 } else { lifecycle.requests.len() };
    lifecycle.cut.cancel();
    // Cutting takes a moment. What takes longer holds its thread, and is not waited for.
    let ended = async {
        lifecycle.requests.wait().await;
        connections.shutdown().await;
    };
    if timeout(CUTTING, ended).await.is_err() {
        tracing::warn!(requests = lifecycle.requests.len(), "requests that were cut did not end");
    }
    (cut, deadline)
}

/// Accepts until `stop` is ready, and gives back the connections that are open then.
async fn accept(
    listener: TcpListener,
    router: &Router,
    stopping: &CancellationToken,
    stop: impl Future<Output = ()>,
) -> JoinSet<()> {
    let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let next = async {
            // The semaphore is never closed.
            let slot = slots.clone().acquire_owned().await.ok()?;
            match listener.accept().await {
                Ok((stream, _)) => Some((stream, slot)),
                Err(error) => {
                    if !is_of_the_client(&error) {
                        tracing::warn!(%error, "a connection could not be accepted");
                        sleep(PAUSE).await;
                    }
                    None
                }
            }
        };
        tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = next => {
                if let Some((stream, slot)) = accepted {
                    connections.spawn(converse(stream, slot, router.clone(), stopping.clone()));
                }
            }
        }
        // Those that have ended.
        while connections.try_join_next().is_some() {}
    }
    stopping.cancel();
    connections
}

/// Whether the connection was gone before it could be accepted.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Serves one connection to its end. When stopping begins, that is after the request that is under way.
async fn converse(stream: TcpStream, _slot: OwnedSemaphorePermit, router: Router, stopping: CancellationToken) {
    // Small answers should not wait for more.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // What a client sent stands in no error of hyper.
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;

    use super::*;

    struct Served {
        address: SocketAddr,
        lifecycle: Lifecycle,
        stop: CancellationToken,
        end: JoinHandle<(usize, Instant)>,
    }

    async fn served(router: Router, grace: Duration) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (lifecycle, stop) = (Lifecycle::default(), CancellationToken::new());
        let router = routes::accompanied(router, lifecycle.clone());
        let (inner, stopped) = (lifecycle.clone(), stop.clone().cancelled_owned());
        let end = tokio::spawn(async move { serve_router(listener, &router, &inner, stopped, grace).await });
        Served { address, lifecycle, stop, end }
    }

    impl Served {
        async fn send(&self, request: &[u8]) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(request).await.unwrap();
            stream
        }
    }

    async fn answer(mut stream: TcpStream) -> String {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_request_under_way_comes_to_its_end() {
        let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (inner, left) = (entered.clone(), leave.clone());
        let slow = get(async move || {
            inner.notify_one();
            left.notified().await;
            "done"
        });
        let served = served(Router::new().route("/slow", slow), Duration::from_secs(60)).await;
        let stream = served.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
        entered.notified().await;
        served.stop.cancel();
        served.lifecycle.stopping.cancelled().await;
        leave.notify_one();
        let answer = answer(stream).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
        assert_eq!(served.end.await.unwrap().0, 0);
        assert!(TcpStream::connect(served.address).await.is_err(), "nothing new is accepted");
    }

    #[tokio::test]
    async fn a_client_that_goes_away_stops_nothing_halfway() {
        let (entered, leave, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()), CancellationToken::new());
        let (inner, left, reached) = (entered.clone(), leave.clone(), done.clone());
        let slow = get(async move || {
            inner.notify_one();
            left.notified().await;
            reached.cancel();
        });
        let served = served(Router::new().route("/slow", slow), Duration::from_secs(60)).await;
        let stream = served.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await;
        entered.notified().await;
        drop(stream);
        served.stop.cancel();
        served.lifecycle.stopping.cancelled().await;
        leave.notify_one();
        assert_eq!(served.end.await.unwrap().0, 0);
        assert!(done.is_cancelled());
    }

    #[tokio::test]
    async fn what_does_not_end_in_time_is_cut_and_told_so() {
        let entered = Arc::new(Notify::new());
        let inner = entered.clone();
        let endless = get(async move || {
            inner.notify_one();
            std::future::pending::<()>().await;
        });
        let served = served(Router::new().route("/endless", endless), Duration::ZERO).await;
        let _stream = served.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await;
        entered.notified().await;
        served.stop.cancel();
        assert_eq!(served.end.await.unwrap().0, 1);
    }

    #[tokio::test]
    async fn a_refusal_reaches_a_client_that_is_still_sending() {
        let served =
            served(Router::new().route("/refuse", post(async || http::StatusCode::IM_A_TEAPOT)), Duration::ZERO).await;
        let mut request =
            b"POST /refuse HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 8000000\r\n\r\n".to_vec();
        request.resize(request.len() + 8_000_000, b'x');
        let answer = answer(served.send(&request).await).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("/problems/bad-request"), "{answer}");
    }

    #[tokio::test]
    async fn odd_targets_are_not_found() {
        let served = served(Router::new(), Duration::ZERO).await;
        for (target, status) in [
            ("OPTIONS *", 404),
            ("CONNECT a:443", 404),
            ("GET http://a/b?+4512345678", 404),
            ("GET /../../etc", 404),
            ("GET /%00%ff", 404),
            ("BREW /", 404),
        ] {
            let request = format!("{target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            let answer = answer(served.send(request.as_bytes()).await).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{target}: {answer}");
            assert!(answer.contains("application/problem+json"), "{target}: {answer}");
        }
    }
}
