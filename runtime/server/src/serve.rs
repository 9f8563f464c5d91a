//! Listens, from before the service has started until it is stopped.
//!
//! It shuts down gracefully: it reports not ready, still accepts requests for as long as load balancers need to notice, then accepts
//! nothing new, finishes requests in progress, and stops the service.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use sendbox_service::Service;
use tokio::net::TcpListener;
/// What [`listen`] returns.
pub use tokio::net::TcpListener as Listener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::api::{Api, Shared};
use crate::connection::ConnectionListener;
use crate::handler::Handler;
use crate::peers::{MAX_CONNECTIONS, TrustedProxies};
use crate::{openapi, routes};

/// The maximum number of connections of the listener for health checks.
const MAX_HEALTH_CONNECTIONS: usize = 64;
/// How long aborted requests may take to end.
const ABORT_TIMEOUT: Duration = Duration::from_millis(500);

/// Why serving failed, or did not shut down gracefully.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener cannot be used.
    #[error("the listener does not work: {0}")]
    Listener(#[source] io::Error),
    /// The start of the service panicked.
    #[error("the service could not be started: {0}")]
    Start(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The grace period ended before the requests in progress did, and they were aborted. What they had stored is resumed at the
    /// next start.
    #[error("{0} requests were still in progress at the end of the grace period, and were aborted")]
    Aborted(usize),
}

/// Where to listen.
#[derive(Debug)]
pub struct Listeners {
    /// For everything.
    pub api: TcpListener,
    /// For `/healthz` and `/readyz` alone: they are answered even when the other listener has no connection left.
    pub health: Option<TcpListener>,
    /// The proxies in front of the server.
    pub proxies: TrustedProxies,
}

impl From<TcpListener> for Listeners {
    fn from(api: TcpListener) -> Self {
        Self { api, health: None, proxies: TrustedProxies::default() }
    }
}

/// Listens on an address, for [`serve`].
///
/// # Errors
/// When the address is in use, or does not belong to this machine.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves the API on `listeners` until `stop` is ready. Then `/readyz` responds with 503. Requests are accepted for the time that `stop`
/// returns, then no new connection is accepted, and requests in progress are finished. All that ends `grace` after `stop`: the
/// service is stopped with what is left of that time, in any case.
///
/// # Errors
/// [`ServeError::Listener`] before anything is served; [`ServeError::Aborted`] after everything is stopped.
pub async fn serve(
    listeners: impl Into<Listeners>,
    service: Service,
    stop: impl Future<Output = Duration> + Send + 'static,
    grace: Duration,
) -> Result<(), ServeError> {
    serve_with_routes(listeners, service, Router::new(), stop, grace).await
}

/// Like [`serve`], with additional routes of the embedder. They need no key, and are not part of the API and its document.
///
/// # Errors
/// As for [`serve`].
pub async fn serve_with_routes(
    listeners: impl Into<Listeners>,
    service: Service,
    extra: Router,
    stop: impl Future<Output = Duration> + Send + 'static,
    grace: Duration,
) -> Result<(), ServeError> {
    let server = Server::new(listeners.into())?;
    server.run(service, extra, stop, grace).await
}

/// Like [`serve`], for a service that `start` returns. Until then `/healthz` succeeds and every other request is refused as `starting`
/// (503). If `stop` is ready first, the start is abandoned.
///
/// # Errors
/// The error of `start`, or those of [`serve`].
pub async fn serve_from_start<E: From<ServeError> + Send + 'static>(
    listeners: impl Into<Listeners>,
    start: impl Future<Output = Result<Service, E>> + Send + 'static,
    stop: impl Future<Output = Duration> + Send + 'static,
    grace: Duration,
) -> Result<(), E> {
    let mut server = Server::new(listeners.into())?;
    let mut stop = Box::pin(stop);
    // A task of its own, which may block its thread for a moment. It is aborted when it is dropped.
    let mut starting = JoinSet::new();
    starting.spawn(start);
    let until = async {
        tokio::select! {
            biased;
            _ = &mut stop => None,
            started = starting.join_next() => started,
        }
    };
    match server.accept(until).await {
        Some(Ok(service)) => Ok(server.run(service?, Router::new(), stop, grace).await?),
        Some(Err(panic)) => Err(ServeError::Start(panic.into()).into()),
        None => Ok(()),
    }
}

/// A server with its connections.
struct Server {
    listener: ConnectionListener,
    handler: Handler,
    shared: Shared,
    connections: JoinSet<()>,
    /// Serves the listener for health checks. It is aborted when it is dropped.
    health: Option<(Handler, JoinSet<()>)>,
}

impl Server {
    fn new(listeners: Listeners) -> Result<Self, ServeError> {
        let shared = Shared::default();
        let health = match listeners.health {
            Some(listener) => {
                let handler = Handler::starting(&shared);
                let listener = ConnectionListener::new(listener, MAX_HEALTH_CONNECTIONS, listeners.proxies.clone())
                    .map_err(ServeError::Listener)?;
                let mut task = JoinSet::new();
                task.spawn(serve_health(listener, handler.clone(), shared.lifecycle.stopping.clone()));
                Some((handler, task))
            }
            None => None,
        };
        Ok(Self {
            listener: ConnectionListener::new(listeners.api, MAX_CONNECTIONS, listeners.proxies)
                .map_err(ServeError::Listener)?,
            handler: Handler::starting(&shared),
            shared,
            connections: JoinSet::new(),
            health,
        })
    }

    /// Serves a service until `stop`, and stops it.
    async fn run(
        self,
        service: Service,
        extra: Router,
        stop: impl Future<Output = Duration>,
        grace: Duration,
    ) -> Result<(), ServeError> {
        let api = Api { service: service.clone(), shared: self.shared.clone(), document: &openapi::DOCUMENT };
        if let Some((handler, _)) = &self.health {
            handler.set(routes::health_router(api.clone()));
        }
        self.handler.set(routes::router(api, extra));
        tracing::info!("serving");
        let (stopping, leaving) = (service.clone(), self.shared.lifecycle.leaving.clone());
        let stop = async move {
            let drain = stop.await.min(grace);
            leaving.cancel();
            // Immediately, and not when the last request has finished: the worker would start new messages until there is no time
            // left to finish them.
            stopping.begin_shutdown();
            sleep(drain).await;
            stopping.refuse_requests();
            grace - drain
        };
        let (aborted, deadline) = self.serve_until(stop).await;
        service.stop(deadline.saturating_duration_since(Instant::now())).await;
        tracing::info!(aborted, "stopped");
        if aborted == 0 { Ok(()) } else { Err(ServeError::Aborted(aborted)) }
    }

    /// Serves until `stop` is ready, and finishes the requests in progress in the time that it returns. Returns how many had to be
    /// aborted, and when that time ends.
    async fn serve_until(mut self, stop: impl Future<Output = Duration>) -> (usize, Instant) {
        let grace = self.accept(stop).await;
        let Self { listener, shared: Shared { lifecycle, .. }, mut connections, health, .. } = self;
        drop((listener, health));
        lifecycle.leaving.cancel();
        lifecycle.stopping.cancel();
        tracing::info!(connections = connections.len(), "stopping");
        let deadline = Instant::now() + grace;
        let ended = timeout_at(deadline, async { while connections.join_next().await.is_some() {} }).await;
        // Requests may outlive their connections.
        lifecycle.requests.close();
        let all_ended = timeout_at(deadline, lifecycle.requests.wait()).await.is_ok() && ended.is_ok();
        let aborted = if all_ended { 0 } else { lifecycle.requests.len() };
        lifecycle.abort.cancel();
        // Aborting takes a moment. A request that takes longer blocks its thread, and is not waited for.
        let ended = async {
            lifecycle.requests.wait().await;
            connections.shutdown().await;
        };
        if timeout(ABORT_TIMEOUT, ended).await.is_err() {
            tracing::warn!(requests = lifecycle.requests.len(), "aborted requests did not end");
        }
        (aborted, deadline)
    }

    /// Accepts connections until `until` is ready.
    async fn accept<T>(&mut self, until: impl Future<Output = T>) -> T {
        tokio::pin!(until);
        loop {
            tokio::select! {
                biased;
                ready = &mut until => return ready,
                accepted = self.listener.accept() => {
                    if let Some(connection) = accepted {
                        let (handler, stopping) = (self.handler.clone(), self.shared.lifecycle.stopping.clone());
                        self.connections.spawn(connection.serve(handler, stopping));
                    }
                }
            }
            // Reap the connections that have ended.
            while self.connections.try_join_next().is_some() {}
        }
    }
}

/// Serves the listener for health checks.
async fn serve_health(listener: ConnectionListener, handler: Handler, stopping: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        if let Some(connection) = listener.accept().await {
            connections.spawn(connection.serve(handler.clone(), stopping.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::routing::{get, post};
    use http::StatusCode;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::api::Lifecycle;

    struct Served {
        address: SocketAddr,
        lifecycle: Lifecycle,
        stop: CancellationToken,
        end: JoinHandle<(usize, Instant)>,
    }

    async fn served(router: Router, grace: Duration) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::new(listener.into()).unwrap();
        let (lifecycle, stop) = (server.shared.lifecycle.clone(), CancellationToken::new());
        server.handler.set(routes::with_middleware(router, server.shared.clone()));
        let stopped = stop.clone().cancelled_owned();
        let end = tokio::spawn(server.serve_until(async move {
            stopped.await;
            grace
        }));
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
    async fn health_checks_are_answered_when_no_connection_is_left() {
        let [api, health] =
            [TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap()];
        let (address, checks) = (api.local_addr().unwrap(), health.local_addr().unwrap());
        let spare = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listeners = Listeners { health: Some(health), ..Listeners::from(spare) };
        let mut server = Server::new(listeners).unwrap();
        server.listener = ConnectionListener::new(api, 1, TrustedProxies::default()).unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let served = tokio::spawn(server.serve_until(async move {
            stopped.await;
            Duration::ZERO
        }));
        // It has the only connection once it is answered, and says nothing more.
        let mut silent = TcpStream::connect(address).await.unwrap();
        silent.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        silent.read_exact(&mut [0; 16]).await.unwrap();
        let mut waiting = TcpStream::connect(address).await.unwrap();
        waiting.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
        for (path, status) in [("/healthz", "200"), ("/readyz", "503"), ("/v1/tenants", "503")] {
            let mut stream = TcpStream::connect(checks).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let answer = answer(stream).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        }
        drop(silent);
        assert!(
            answer(waiting).await.starts_with("HTTP/1.1 200"),
            "the connection that became free serves the next one"
        );
        stop.cancel();
        served.await.unwrap();
    }

    #[tokio::test]
    async fn a_client_behind_a_proxy_has_a_bounded_number_of_requests_in_progress() {
        let server = Server::new(TcpListener::bind("127.0.0.1:0").await.unwrap().into()).unwrap();
        let (shared, handler) = (server.shared.clone(), server.handler.clone());
        let busy: std::net::IpAddr = "203.0.113.9".parse().unwrap();
        let held: Vec<_> = (0..crate::peers::MAX_OF_ADDRESS).map(|_| shared.clients.add(busy).unwrap()).collect();
        handler.set(routes::with_middleware(Router::new().route("/", get(async || "done")), shared));
        let status = async |client: &str| {
            use hyper::service::Service as _;
            let request = http::Request::get("/").extension(crate::peers::Client(Some(client.parse().unwrap())));
            let service = hyper_util::service::TowerToHyperService::new(handler.router().clone());
            service.call(request.body(axum::body::Body::empty()).unwrap()).await.unwrap().status()
        };
        assert_eq!(status("203.0.113.9").await, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(status("203.0.113.10").await, StatusCode::OK);
        drop(held);
        assert_eq!(status("203.0.113.9").await, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_request_in_progress_finishes() {
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
    async fn until_the_service_has_started_it_says_so() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let stopped = async move {
            stopped.await;
            Duration::ZERO
        };
        let start = std::future::pending::<Result<Service, ServeError>>();
        let end = tokio::spawn(serve_from_start(listener, start, stopped, Duration::from_secs(60)));
        for (target, status) in [("GET /healthz", 200), ("GET /readyz", 503), ("POST /v1/tenants", 503), ("GET /", 503)]
        {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("{target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let answer = answer(stream).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{target}: {answer}");
            assert_eq!(
                answer.contains("/problems/starting") && answer.contains("retry-after: 1"),
                status == 503,
                "{answer}"
            );
        }
        // A start that does not end is abandoned.
        stop.cancel();
        end.await.unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err(), "nothing new is accepted");
    }

    #[tokio::test]
    async fn a_start_that_fails_ends_the_server() {
        for start in [Some(ServeError::Aborted(1)), None] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let start = async move { Err::<Service, _>(start.expect("it panics")) };
            let ended = serve_from_start(listener, start, std::future::pending(), Duration::ZERO).await;
            assert!(ended.is_err());
        }
    }

    #[tokio::test]
    async fn a_client_that_disconnects_interrupts_nothing() {
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
    async fn a_request_that_does_not_finish_in_time_is_aborted() {
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
            served(Router::new().route("/refuse", post(async || StatusCode::IM_A_TEAPOT)), Duration::ZERO).await;
        let mut request =
            b"POST /refuse HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 8000000\r\n\r\n".to_vec();
        request.resize(request.len() + 8_000_000, b'x');
        let answer = answer(served.send(&request).await).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("/problems/bad-request"), "{answer}");
    }

    #[tokio::test]
    async fn a_client_that_reads_nothing_is_not_waited_for_forever() {
        const LENGTH: usize = 64 << 20;
        let large = get(async || vec![b'x'; LENGTH]);
        let served = served(Router::new().route("/large", large), Duration::ZERO).await;
        let mut stream = served.send(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let mut start = [0; 12];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 200");
        // Until the server has closed the connection, which shows without reading.
        let closed = async {
            while stream.write_all(b"x").await.is_ok() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(60), closed).await.expect("the connection stays open");
    }

    #[tokio::test]
    async fn unusual_targets_are_not_found() {
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
