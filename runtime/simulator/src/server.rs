//! The HTTPS listener: passes each request to the provider of its host.
//!
//! Promises that every request whose head could be read is recorded, that a `Host` other than the name of the TLS session is
//! refused (421, RFC 9110 15.5.20), and that no connection outlives the simulator. Knows neither the rules of a provider nor how
//! faults are carried out.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::callback::CallbackQueue;
use crate::error::SimulatorError;
use crate::fault::{AppliedFaults, Fault, FaultQueue, FaultSpec};
use crate::inbox::{Inbox, LiveCounters};
use crate::inject::{breaks_transfer, replacement, send_broken};
use crate::provider::{Provider, SimResponse, SimState};
use crate::request::IncomingRequest;
use crate::shutdown::Stopped;
use crate::tls::{Certificates, Handshake};
use crate::wire::{Connection, Head, WireError};

/// Pause after the system refused a connection (no descriptors left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The state that the connections of one simulator share.
pub(crate) struct Shared {
    pub(crate) certificates: Certificates,
    pub(crate) providers: Vec<Box<dyn Provider>>,
    pub(crate) extra_hosts: Vec<String>,
    pub(crate) state: SimState,
    pub(crate) inbox: Inbox,
    pub(crate) faults: FaultQueue,
    pub(crate) counters: LiveCounters,
    pub(crate) callbacks: CallbackQueue,
}

impl Shared {
    fn provider(&self, host: &str) -> Option<&dyn Provider> {
        self.providers.iter().map(AsRef::as_ref).find(|provider| provider.hosts(host))
    }

    pub(crate) fn serves(&self, host: &str) -> bool {
        self.provider(host).is_some() || self.extra_hosts.iter().any(|extra| extra == host)
    }

    /// Sets a fault, unless it could apply to nothing.
    pub(crate) fn inject(&self, spec: FaultSpec) -> Result<(), SimulatorError> {
        let aimed: Vec<&dyn Provider> = match self.provider(&spec.target) {
            Some(provider) => vec![provider],
            None => {
                let named = |provider: &&dyn Provider| spec.target == "*" || provider.name() == spec.target;
                self.providers.iter().map(AsRef::as_ref).filter(named).collect()
            }
        };
        if aimed.is_empty() && !self.serves(&spec.target) {
            let known = self.providers.iter().map(|provider| provider.name()).collect::<Vec<_>>().join(", ");
            return Err(SimulatorError::FaultTarget { target: spec.target, known });
        }
        if let Fault::Code(code) = &spec.fault
            && !aimed.iter().any(|provider| provider.error(code).is_some())
        {
            return Err(SimulatorError::FaultCode { target: spec.target, code: code.clone() });
        }
        self.faults.add(spec);
        Ok(())
    }
}

/// Accepts connections until the simulator stops; then ends all of them.
pub(crate) async fn run(listener: TcpListener, shared: Arc<Shared>, mut stop: watch::Receiver<Stopped>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // The sender was dropped or has sent `true`: in both cases, stop.
            _ = stop.changed() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((tcp, _)) => {
                    let id = LiveCounters::add(&shared.counters.connections);
                    let shared = Arc::clone(&shared);
                    connections.spawn(async move { serve_connection(tcp, id, &shared).await });
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    connections.shutdown().await;
}

async fn serve_connection(tcp: TcpStream, id: u64, shared: &Shared) {
    // Answers are written whole; waiting to fill a packet would only add latency to what is measured.
    tcp.set_nodelay(true).ok();
    match shared.certificates.accept(tcp, |name| shared.serves(name)).await {
        Ok(Handshake::Done(host, stream)) => {
            let mut connection = Connection::new(stream);
            loop {
                match connection.read_head().await {
                    Ok(Some(head)) => match serve_request(connection, head, &host, id, shared).await {
                        Some(reusable) => connection = reusable,
                        None => return,
                    },
                    Ok(None) => return connection.close().await,
                    Err(error) => return refuse(connection, &error).await,
                }
            }
        }
        Ok(Handshake::Stalled(tcp)) => wait_for_end(&tcp).await,
        Err(_) => {
            LiveCounters::add(&shared.counters.failed_handshakes);
        }
    }
}

/// Returns when the peer of a stalled socket has left.
async fn wait_for_end(tcp: &TcpStream) {
    let mut piece = [0; 1024];
    loop {
        if tcp.readable().await.is_err() {
            return;
        }
        match tcp.try_read(&mut piece) {
            Ok(0) => return,
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return,
            _ => {}
        }
    }
}

/// Responds to an invalid request, and ends the connection.
async fn refuse(mut connection: Connection, error: &WireError) {
    if let WireError::Refused(status, reason) = error {
        let response = SimResponse::json(*status, &json!({ "error": reason }));
        connection.respond(&response, false).await.ok();
        connection.close_early().await;
    }
}

/// Serves one request. Returns the connection if another request may follow.
async fn serve_request(
    mut connection: Connection,
    head: Head,
    sni: &str,
    id: u64,
    shared: &Shared,
) -> Option<Connection> {
    LiveCounters::add(&shared.counters.requests);
    let host = match head.host() {
        Ok(host) => host,
        Err(error) => {
            refuse(connection, &error).await;
            return None;
        }
    };
    let provider = if host == sni { shared.provider(&host) } else { None };
    let applied = shared.applied_faults(provider, &host);
    let mut request = IncomingRequest {
        host,
        method: head.method.clone(),
        path: head.path.clone(),
        headers: head.headers.clone(),
        body: Vec::new(),
        connection_id: id,
        received_at: head.received_at,
    };
    if applied.fault == Some(Fault::ResetBefore) {
        shared.inbox.record(Arc::new(request));
        connection.reset();
        return None;
    }
    match connection.read_body(&head).await {
        Ok(body) => request.body = body,
        Err(error) => {
            shared.inbox.record(Arc::new(request));
            refuse(connection, &error).await;
            return None;
        }
    }
    let request = Arc::new(request);
    shared.inbox.record(Arc::clone(&request));
    let mut response = shared.answer(provider, &request, sni, &applied);
    if response.status >= 400 {
        LiveCounters::add(&shared.counters.refused);
    }
    if head.method == "HEAD" {
        response.body.clear();
    }
    if !applied.delay.is_zero() {
        sleep(applied.delay).await;
    }
    if let Some(fault) = applied.fault.as_ref().filter(|fault| breaks_transfer(fault)) {
        // An error means that the client has left, which most faults provoke.
        send_broken(fault, connection, &response).await.ok();
        return None;
    }
    let sent = connection.respond(&response, head.keep_alive).await;
    match (sent, head.keep_alive) {
        (Ok(()), true) => Some(connection),
        (Ok(()), false) => {
            connection.close().await;
            None
        }
        (Err(_), _) => None,
    }
}

impl Shared {
    fn applied_faults(&self, provider: Option<&dyn Provider>, host: &str) -> AppliedFaults {
        let name = provider.map_or("", |provider| provider.name());
        let applied =
            self.faults.take(name, host, |code| provider.is_some_and(|provider| provider.error(code).is_some()));
        if applied != AppliedFaults::default() {
            LiveCounters::add(&self.counters.faults);
        }
        applied
    }

    /// The provider's response before it is broken. A message that the provider accepted is in the inbox afterwards.
    fn answer(
        &self,
        provider: Option<&dyn Provider>,
        request: &IncomingRequest,
        sni: &str,
        applied: &AppliedFaults,
    ) -> SimResponse {
        if request.host != sni {
            return SimResponse::json(421, &json!({ "error": "the Host header is not the name of the TLS session" }));
        }
        let provider = provider.unwrap_or(&RecordingHost);
        let replaced = applied.fault.as_ref().and_then(|fault| replacement(fault, provider, request));
        let mut response = replaced.unwrap_or_else(|| provider.handle(request, &self.state));
        if let Some(mut accepted) = response.accepted.take() {
            self.callbacks.take(std::mem::take(&mut accepted.callbacks));
            LiveCounters::add(&self.counters.accepted);
            let fault = applied.fault.as_ref().map(ToString::to_string);
            self.inbox.deliver(provider.name(), &provider.secrets(), request, accepted, fault);
        }
        response
    }
}

/// The provider for hosts that only record requests.
struct RecordingHost;

impl Provider for RecordingHost {
    fn name(&self) -> &'static str {
        "nobody"
    }

    fn known_hosts(&self) -> Vec<String> {
        Vec::new()
    }

    fn hosts(&self, _: &str) -> bool {
        false
    }

    fn handle(&self, _: &IncomingRequest, _: &SimState) -> SimResponse {
        self.refusal(404, "no provider serves this host")
    }

    fn refusal(&self, status: u16, message: &str) -> SimResponse {
        SimResponse::json(status, &json!({ "error": message }))
    }

    fn error(&self, _: &str) -> Option<SimResponse> {
        None
    }

    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }
}
