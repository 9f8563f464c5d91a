//! The only way out.
//!
//! [`Egress::send`] is the only function of Sendbox that sends bytes to a provider. It takes a [`Permitted`] request, which only
//! [`permit`] creates, and dials a [`VettedAddr`], which only the address rules create.
//!
//! It promises
//! - the name is resolved once, every address is vetted, and the connection goes to exactly the address that was vetted;
//! - TLS 1.2 or newer, verified for the name; no redirects, cookies, proxies or retries;
//! - a response within its limits, or a typed error that says whether the request may have been sent.
//!
//! It must not know who asked: tenants, connectors and messages are only a [`PoolKey`](pool::PoolKey) to it.
//!
//! The HTTP client (reqwest) is configured in this file, and no other file names it.

pub(crate) mod body;
pub mod dns;
pub(crate) mod permit;
pub(crate) mod pool;
pub mod revocation;
pub(crate) mod scrub;

use std::collections::HashMap;
use std::error::Error as _;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use sendbox_policy::{AddressPolicy, AddressRefusal, Limits, Scheme, VettedAddr};
use tokio::time::Instant;

pub(crate) use self::body::LeavingFlag;
use self::body::WatchedBody;
use self::dns::Resolve;
use self::permit::Permitted;
use self::pool::PoolKey;
use self::revocation::Revocation;

/// Idle connections are closed before most servers close them: a request on a closing connection would be in doubt.
const IDLE: Duration = Duration::from_secs(15);
/// Maximum number of clients; each holds the idle connections of one key.
const MAX_CLIENTS: usize = 512;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ClientKey {
    pool: PoolKey,
    https: bool,
    host: String,
    peers: Vec<SocketAddr>,
}

impl ClientKey {
    fn of(request: &Permitted, peers: Vec<SocketAddr>) -> Self {
        Self {
            pool: request.pool.clone(),
            https: request.scheme() == Scheme::Https,
            host: request.host().to_owned(),
            peers,
        }
    }
}

/// Why there is no response. Mirrors `error-kind` of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EgressErrorKind {
    Dns,
    AddressRefused,
    Connect,
    Tls,
    Timeout,
    Reset,
    BadResponse,
}

/// A request without a response. The guest gets the kind and whether the request may have been sent; the message is for display.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct EgressError {
    pub(crate) kind: EgressErrorKind,
    pub(crate) message: String,
    /// Whether the request may have been sent.
    pub(crate) maybe_sent: bool,
}

impl EgressError {
    pub(crate) fn unsent(kind: EgressErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), maybe_sent: false }
    }

    fn after(kind: EgressErrorKind, message: impl Into<String>, maybe_sent: bool) -> Self {
        Self { kind, message: message.into(), maybe_sent }
    }
}

/// The provider's whole, decoded response, not yet scrubbed.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) peer: String,
}

/// What all sends share: the resolver, the trust anchors, the address rules and the connection pools.
pub(crate) struct Egress {
    resolver: Arc<dyn Resolve>,
    addresses: AddressPolicy,
    tls: rustls::ClientConfig,
    clients: Mutex<HashMap<ClientKey, (reqwest::Client, Instant)>>,
}

/// The trust anchors cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the extra certificate authority cannot be used: {0}")]
pub struct TrustError(String);

impl Egress {
    pub(crate) fn new(
        resolver: Arc<dyn Resolve>,
        addresses: AddressPolicy,
        extra_authorities: &[Vec<u8>],
    ) -> Result<Self, TrustError> {
        let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for der in extra_authorities {
            roots
                .add(rustls::pki_types::CertificateDer::from(der.clone()))
                .map_err(|error| TrustError(error.to_string()))?;
        }
        let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| TrustError(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { resolver, addresses, tls, clients: Mutex::new(HashMap::new()) })
    }

    /// Sends a permitted request and waits for the whole response until `deadline`. Nothing is sent once the request is revoked;
    /// what is being sent by then is not interrupted. `leaving` is set before the first byte of a request with a body is sent, for a
    /// caller that does not wait for the end.
    pub(crate) async fn send(
        &self,
        request: Permitted,
        limits: &Limits,
        deadline: Instant,
        revocation: &Revocation,
        leaving: &Arc<LeavingFlag>,
    ) -> Result<Answer, EgressError> {
        let vetted = tokio::time::timeout_at(deadline, self.vet(&request))
            .await
            .map_err(|_| EgressError::unsent(EgressErrorKind::Dns, "the name did not resolve in time"))??;
        if revocation.is_revoked() {
            return Err(revoked());
        }
        let peers: Vec<SocketAddr> = vetted.iter().map(|peer| peer.get()).collect();
        let peer = peers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let client = self.client(ClientKey::of(&request, peers), limits)?;

        let has_body = !request.body.is_empty();
        let outgoing = outgoing(&client, request, leaving, revocation)?;
        let connecting = Duration::from_millis(limits.connect_ms + limits.tls_ms);
        let first_byte = Duration::from_millis(limits.first_byte_ms);
        let mut answered = pin!(client.execute(outgoing));
        let silence = async {
            if has_body {
                leaving.wait().await;
            } else {
                tokio::time::sleep(connecting).await;
            }
            tokio::time::sleep(first_byte).await;
        };
        let mut silence = pin!(silence);
        let mut revoked_in_time = pin!(revocation.revoked());
        let mut may_revoke = has_body;
        // A request without a body may have been sent as soon as there is a connection, which nobody can see.
        let maybe_sent = || !has_body || !leaving.revoke();
        let response = loop {
            tokio::select! {
                biased;
                response = &mut answered => break response.map_err(|error| {
                    if leaving.is_revoked() { revoked() } else { classify(&error, !has_body || leaving.is_set()) }
                })?,
                () = &mut revoked_in_time, if may_revoke => {
                    if leaving.revoke() {
                        return Err(revoked());
                    }
                    may_revoke = false;
                }
                () = &mut silence => {
                    let message = format!("no answer within {first_byte:?}");
                    return Err(EgressError::after(EgressErrorKind::Timeout, message, true));
                }
                () = tokio::time::sleep_until(deadline) => {
                    let sent = maybe_sent();
                    let kind = if sent { EgressErrorKind::Timeout } else { EgressErrorKind::Connect };
                    return Err(EgressError::after(kind, "the time of this send is used up", sent));
                }
            }
        };
        tokio::time::timeout_at(deadline, read(response, limits, peer)).await.map_err(|_| {
            EgressError::after(
                EgressErrorKind::Timeout,
                "the answer began, and did not end in the time of this send",
                true,
            )
        })?
    }

    /// Resolves the host and vets its addresses. Returns only addresses that may be dialled.
    async fn vet(&self, request: &Permitted) -> Result<Vec<VettedAddr>, EgressError> {
        let host = request.host();
        let port = request.port();
        if let Some(development) = self.addresses.connect_to(host, port) {
            return Ok(vec![development]);
        }
        let answers = match literal(host) {
            Some(address) => vec![address],
            None => self
                .resolver
                .resolve(host)
                .await
                .map_err(|error| EgressError::unsent(EgressErrorKind::Dns, error.to_string()))?,
        };
        let mut vetted = self.addresses.vet(host, port, &answers).map_err(|refusal| {
            let kind = match refusal {
                AddressRefusal::NoAddress { .. } => EgressErrorKind::Dns,
                _ => EgressErrorKind::AddressRefused,
            };
            EgressError::unsent(kind, refusal.to_string())
        })?;
        vetted.sort_unstable_by_key(|peer| peer.get());
        Ok(vetted)
    }

    /// Releases the clients of a revision and their idle connections. A request in progress keeps its client.
    pub(crate) fn forget(&self, revision: &str) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<_> = clients.extract_if(|key, _| &*key.pool.revision == revision).collect();
        drop(clients);
        // Closing connections takes time, so it is done outside of the lock.
        drop(gone);
    }

    pub(crate) fn clients_kept(&self) -> usize {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn client(&self, key: ClientKey, limits: &Limits) -> Result<reqwest::Client, EgressError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((client, used)) = clients.get_mut(&key) {
            *used = Instant::now();
            return Ok(client.clone());
        }
        if clients.len() >= MAX_CLIENTS {
            let oldest = clients.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                clients.remove(&oldest);
            }
        }
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .https_only(key.https)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(Duration::from_millis(limits.connect_ms + limits.tls_ms))
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .dns_resolver(NoOtherName)
            .resolve_to_addrs(&key.host, &key.peers)
            .build()
            .map_err(|_| EgressError::unsent(EgressErrorKind::Connect, "the HTTP client could not be made"))?;
        clients.insert(key, (client.clone(), Instant::now()));
        Ok(client)
    }
}

/// The literal address in a URL's host, as the `url` crate writes it.
fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Every client knows the vetted addresses of its only host. No other name resolves.
struct NoOtherName;

impl reqwest::dns::Resolve for NoOtherName {
    fn resolve(&self, _name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async { Err("only vetted addresses are dialled".into()) })
    }
}

fn revoked() -> EgressError {
    EgressError::unsent(
        EgressErrorKind::Connect,
        "the message has expired or was cancelled, or its sender may not send it any more",
    )
}

fn outgoing(
    client: &reqwest::Client,
    request: Permitted,
    flag: &Arc<LeavingFlag>,
    revocation: &Revocation,
) -> Result<reqwest::Request, EgressError> {
    let invalid = |what: &str| EgressError::unsent(EgressErrorKind::Connect, what.to_owned());
    let method = reqwest::Method::from_bytes(request.method.name().as_bytes())
        .map_err(|_| invalid("the method is not allowed"))?;
    let mut builder = client.request(method, request.url.clone());
    for (name, value) in &request.headers {
        let mut value =
            reqwest::header::HeaderValue::from_bytes(value).map_err(|_| invalid("a header value is malformed"))?;
        value.set_sensitive(true);
        builder = builder.header(name.as_str(), value);
    }
    // Not copied: the memory is wiped when the body is dropped.
    let body = WatchedBody::new(Bytes::from_owner(request.body), Arc::clone(flag), revocation.clone());
    builder.body(reqwest::Body::wrap(body)).build().map_err(|_| invalid("the request is malformed"))
}

/// Describes what failed. reqwest's message may contain the URL, and the URL sealed values, so only our own texts and the TLS
/// library's reason are used.
fn classify(error: &reqwest::Error, maybe_sent: bool) -> EgressError {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(tls) = tls_error(cause) {
            // A session that breaks after the handshake may have transmitted the request.
            return if error.is_connect() {
                EgressError::unsent(EgressErrorKind::Tls, format!("no verified TLS session: {tls}"))
            } else {
                EgressError::after(EgressErrorKind::Reset, format!("the TLS session broke: {tls}"), maybe_sent)
            };
        }
        source = cause.source();
    }
    if error.is_connect() {
        let message =
            if error.is_timeout() { "no connection in time" } else { "no connection: refused or unreachable" };
        return EgressError::unsent(EgressErrorKind::Connect, message);
    }
    if error.is_timeout() {
        return EgressError::after(EgressErrorKind::Timeout, "no answer in time", maybe_sent);
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(http) = cause.downcast_ref::<hyper::Error>()
            && http.is_parse()
        {
            return EgressError::after(EgressErrorKind::BadResponse, "the answer is not HTTP", maybe_sent);
        }
        source = cause.source();
    }
    EgressError::after(EgressErrorKind::Reset, "the connection broke before an answer came", maybe_sent)
}

fn tls_error<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    // An I/O error may wrap another, and `source` skips the inner one.
    tls_error(cause.downcast_ref::<std::io::Error>()?.get_ref()?)
}

/// Reads the response under its limits.
async fn read(mut response: reqwest::Response, limits: &Limits, peer: String) -> Result<Answer, EgressError> {
    let bad = |message: String| EgressError::after(EgressErrorKind::BadResponse, message, true);
    let status = response.status().as_u16();
    if response.headers().len() > limits.response_headers {
        return Err(bad(format!("the answer has more than {} headers", limits.response_headers)));
    }
    let header_bytes: usize =
        response.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if header_bytes > limits.response_header_bytes {
        return Err(bad(format!("the headers of the answer have more than {} bytes", limits.response_header_bytes)));
    }
    let encoding =
        response.headers().get("content-encoding").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let headers =
        response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    let mut raw = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if raw.len() + chunk.len() > limits.response_body => {
                return Err(bad(format!("the answer has more than {} bytes", limits.response_body)));
            }
            Ok(Some(chunk)) => raw.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(_) => {
                return Err(EgressError::after(
                    EgressErrorKind::Reset,
                    format!("the connection broke in the middle of the answer (status {status})"),
                    true,
                ));
            }
        }
    }
    let body = body::decode(&encoding, raw, limits.response_body, limits.decompress_ratio as usize).map_err(bad)?;
    Ok(Answer { status, headers, body, peer })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;
    use crate::egress::dns::SystemResolver;

    /// Another address would get what was meant for this one, and nobody has judged it.
    #[tokio::test]
    async fn a_redirect_is_an_answer_and_is_not_followed() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let requests = std::thread::spawn(move || {
            let (mut connection, _) = server.accept().unwrap();
            let mut head = [0; 4096];
            let read = connection.read(&mut head).unwrap();
            connection.write_all(b"HTTP/1.1 302 Found\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n").unwrap();
            // A request to the other address would come by this connection: the client keeps it.
            connection.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let next = connection.read(&mut head[read..]).unwrap_or_default();
            (read, next)
        });
        let egress = Egress::new(Arc::new(SystemResolver::default()), AddressPolicy::default(), &[]).unwrap();
        let pool = PoolKey { owner: "owner".into(), revision: "revision".into() };
        let key = ClientKey { pool, https: false, host: "provider.test".into(), peers: vec![address] };
        let client = egress.client(key, &Limits::default()).unwrap();
        let response = client.get(format!("http://provider.test:{}/a", address.port())).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 302);
        // The connections end with their client, and with them the server's wait.
        drop((response, client, egress));
        let (first, second) = requests.join().unwrap();
        assert!(first > 0 && second == 0, "{second} bytes of another request");
    }

    /// What the host makes of an answer with these headers and this body, under small limits.
    async fn answer(headers: &[(String, String)], body: Vec<u8>) -> Result<Answer, EgressError> {
        let mut response = http::Response::builder();
        for (name, value) in headers {
            response = response.header(name, value);
        }
        let limits =
            Limits { response_body: 1_000, response_headers: 3, response_header_bytes: 100, ..Limits::default() };
        let response = reqwest::Response::from(response.body(body).unwrap());
        read(response, &limits, "192.0.2.1:443".into()).await
    }

    fn headers(count: usize, value: usize) -> Vec<(String, String)> {
        (0..count).map(|number| (format!("x-{number}"), "y".repeat(value))).collect()
    }

    #[tokio::test]
    async fn an_answer_within_its_limits_is_read() {
        // `x-0: ` and the end of its line are 7 bytes.
        for (headers, body) in [(headers(3, 20), 0), (headers(1, 93), 0), (headers(0, 0), 1_000)] {
            let answer = answer(&headers, vec![b'a'; body]).await.unwrap();
            assert_eq!((answer.headers.len(), answer.body.len()), (headers.len(), body));
        }
    }

    #[tokio::test]
    async fn an_answer_beyond_a_limit_is_refused_after_bytes_have_left() {
        for (what, headers, body) in [
            ("a header too many", headers(4, 1), 0),
            ("a byte too many in a header", headers(1, 94), 0),
            ("a byte too many in all headers", headers(3, 27), 0),
            ("a byte too many in the body", headers(0, 0), 1_001),
        ] {
            let Err(error) = answer(&headers, vec![b'a'; body]).await else { panic!("{what} is read") };
            assert_eq!((error.kind, error.maybe_sent), (EgressErrorKind::BadResponse, true), "{what}");
        }
    }
}
