//! HTTPS servers on loopback that behave like SMS providers, for `sendbox simulate`, `demo`, `dev` and tests.
//!
//! A [`Simulator`] is one TLS listener with an authority of its own, virtual hosts for every simulated provider, an
//! inbox (in memory and as a page), and faults on request. It promises
//!
//! - to check every request against the provider's documentation, independently of our connectors' code;
//! - to respond in the provider's real formats, including errors;
//! - to listen on 127.0.0.1 only, to send nothing but status callbacks to configured loopback addresses, and to end all its
//!   tasks and connections when it is dropped;
//! - to show no credential, number or text in logs, errors or `Debug` output. Only the inbox shows them.
//!
//! It must not know connectors, the sandbox or the policy: it is the other side of the wire.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use sendbox_simulator::{Simulator, SimulatorConfig};
//!
//! let simulator = Simulator::start(SimulatorConfig::default()).await?;
//! simulator.inject_spec("twilio=status:503,times=1".parse()?)?;
//! for line in simulator.connect_to() {
//!     println!("--connect-to {line}");
//! }
//! println!("inbox: http://{}/", simulator.inbox_addr());
//! assert!(simulator.inbox().is_empty());
//! simulator.shutdown().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! A provider is one file that implements `Provider`, and one line in `providers`.

mod aliyun;
mod aliyun_codes;
mod basic;
mod ca;
mod callback;
mod config;
mod error;
mod fault;
mod gatewayapi;
mod gatewayapi_codes;
mod http_sms;
mod inbox;
mod inject;
mod lock;
mod page;
mod provider;
mod request;
mod scripted;
mod segments;
mod server;
mod shutdown;
mod smsaero;
mod tencent;
mod tencent_codes;
mod tls;
mod twilio;
mod twilio_codes;
mod vonage;
mod wire;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use aliyun::AliyunAccount;
pub use config::{HttpSmsAccount, HttpSmsFormat, SimulatorConfig, TwilioAccount};
pub use error::SimulatorError;
pub use fault::{Fault, FaultError, FaultSpec};
pub use gatewayapi::GatewayApiAccount;
pub use inbox::{Counters, INBOX_CAPACITY, InboxEvent, InboxMessage, RawRequest};
pub use request::{IncomingRequest, RecordedRequest};
pub use scripted::{ScriptedAnswer, ScriptedHost};
pub use smsaero::SmsAeroAccount;
pub use tencent::TencentAccount;
pub use tls::TlsMode;
pub use vonage::VonageAccount;

use crate::provider::{Provider, SimState};
use crate::server::Shared;
use crate::shutdown::Stopped;
use crate::tls::Certificates;

/// Time limit for running responses of the inbox page when the simulator stops.
const PAGE_GRACE: Duration = Duration::from_secs(1);

/// The running simulators. Dropping it stops the servers and closes every connection; [`Simulator::shutdown`] waits for that.
pub struct Simulator {
    shared: Arc<Shared>,
    ca_pem: String,
    tls_addr: SocketAddr,
    inbox_addr: SocketAddr,
    stop: watch::Sender<Stopped>,
    tls_server: Option<JoinHandle<()>>,
    page_server: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator")
            .field("tls_addr", &self.tls_addr)
            .field("inbox_addr", &self.inbox_addr)
            .finish_non_exhaustive()
    }
}

/// All providers.
fn providers(config: &SimulatorConfig) -> Result<Vec<Box<dyn Provider>>, SimulatorError> {
    let mut all: Vec<Box<dyn Provider>> = Vec::new();
    // Scripted hosts come first: an author may script the response of a simulated host.
    for host in &config.scripted {
        all.push(Box::new(scripted::Scripted(host.clone())));
    }
    all.push(Box::new(twilio::Twilio::new(config.twilio.clone())));
    all.push(Box::new(http_sms::HttpSms::new(config.http.clone())?));
    all.push(Box::new(smsaero::SmsAero::new(config.smsaero.clone())));
    all.push(Box::new(gatewayapi::GatewayApi::new(config.gatewayapi.clone())));
    all.push(Box::new(vonage::Vonage::new(config.vonage.clone())));
    all.push(Box::new(aliyun::Aliyun::new(config.aliyun.clone())));
    all.push(Box::new(tencent::Tencent::new(config.tencent.clone())));
    Ok(all)
}

impl Simulator {
    /// Creates the authorities, opens both listeners and starts serving. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the configuration is invalid, a port is in use, or certificates cannot be created.
    pub async fn start(config: SimulatorConfig) -> Result<Self, SimulatorError> {
        config.check()?;
        let crypto = Arc::new(rustls::crypto::ring::default_provider());
        let mut seed = [0; 16];
        crypto
            .secure_random
            .fill(&mut seed)
            .map_err(|_| SimulatorError::Certificates("the system gives no random bytes".to_owned()))?;
        let (stop, stopped) = watch::channel(false);
        let certificates =
            Certificates::new(crypto).map_err(|error| SimulatorError::Certificates(error.to_string()))?;
        let ca_pem = certificates.ca_pem();
        let shared = Arc::new(Shared {
            certificates,
            providers: providers(&config)?,
            extra_hosts: config.extra_hosts,
            state: SimState::new(seed),
            inbox: inbox::Inbox::new(),
            faults: fault::FaultQueue::default(),
            counters: inbox::LiveCounters::default(),
            callbacks: callback::CallbackQueue::start(config.fronts, stopped.clone()),
        });
        let (tls, tls_addr) = listen(config.tls_port).await?;
        let (page, inbox_addr) = listen(config.inbox_port).await?;
        let tls_server = Some(tokio::spawn(server::run(tls, Arc::clone(&shared), stopped.clone())));
        let page_server = Some(tokio::spawn(page::run(page, Arc::clone(&shared), stopped)));
        Ok(Self { shared, ca_pem, tls_addr, inbox_addr, stop, tls_server, page_server })
    }

    /// The root that a client has to trust, in PEM. New at each start.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Writes [`Simulator::ca_pem`] to a file, for `--extra-ca`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_ca(&self, path: impl AsRef<Path>) -> Result<(), SimulatorError> {
        let path = path.as_ref();
        std::fs::write(path, &self.ca_pem).map_err(|source| SimulatorError::WriteCa { path: path.to_owned(), source })
    }

    /// Where HTTPS is served: 127.0.0.1 and a port.
    #[must_use]
    pub fn tls_addr(&self) -> SocketAddr {
        self.tls_addr
    }

    /// Where the inbox page is served over plain HTTP: 127.0.0.1 and a port.
    #[must_use]
    pub fn inbox_addr(&self) -> SocketAddr {
        self.inbox_addr
    }

    /// Hosts that are served by name. Twilio's `api.{edge}.{region}.twilio.com` is served for any edge and region.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        let known = self.shared.providers.iter().flat_map(|provider| provider.known_hosts());
        known.chain(self.shared.extra_hosts.iter().cloned()).collect()
    }

    /// A line `HOST:443=127.0.0.1:PORT` for each of [`Simulator::hosts`], for `--connect-to`.
    #[must_use]
    pub fn connect_to(&self) -> Vec<String> {
        self.hosts().iter().map(|host| format!("{host}:443={}", self.tls_addr)).collect()
    }

    /// Sets a fault for every provider: for the next `times` requests, or for all until it is cleared.
    ///
    /// # Errors
    /// When no provider has the code of a [`Fault::Code`].
    pub fn inject(&self, fault: Fault, times: Option<u32>) -> Result<(), SimulatorError> {
        self.inject_spec(FaultSpec { target: "*".to_owned(), fault, times })
    }

    /// Sets a fault. Faults apply in the order in which they were set; delays are added to other faults.
    ///
    /// # Errors
    /// When the target or the provider's code does not exist.
    pub fn inject_spec(&self, spec: FaultSpec) -> Result<(), SimulatorError> {
        self.shared.inject(spec)
    }

    /// The faults that still apply; `times` counts down.
    #[must_use]
    pub fn faults(&self) -> Vec<FaultSpec> {
        self.shared.faults.list()
    }

    /// Clears all faults.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Sets how TLS handshakes for a host behave from now on. Established connections are not affected.
    ///
    /// # Errors
    /// When the host is not served.
    pub fn set_tls_mode(&self, host: &str, mode: TlsMode) -> Result<(), SimulatorError> {
        if !self.shared.serves(host) {
            return Err(SimulatorError::FaultTarget { target: host.to_owned(), known: self.hosts().join(", ") });
        }
        self.shared.certificates.set_mode(host, mode);
        Ok(())
    }

    /// The messages that providers accepted, oldest first; at most [`INBOX_CAPACITY`].
    #[must_use]
    pub fn inbox(&self) -> Vec<InboxMessage> {
        self.shared.inbox.messages().iter().map(|message| InboxMessage::clone(message)).collect()
    }

    /// Empties the inbox.
    pub fn clear_inbox(&self) {
        self.shared.inbox.clear();
    }

    /// Subscribes to the inbox. A subscriber that falls more than [`INBOX_CAPACITY`] events behind gets an error, and then the
    /// remaining events.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<InboxEvent> {
        self.shared.inbox.subscribe()
    }

    /// Every request whose head could be read, accepted or not, oldest first; at most [`INBOX_CAPACITY`]. As it
    /// arrived, with credentials.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.inbox.requests().iter().map(|request| IncomingRequest::clone(request)).collect()
    }

    /// Counts since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.counters.read()
    }

    /// Closes listeners and connections, and waits until the servers have ended.
    pub async fn shutdown(mut self) {
        self.stop.send(true).ok();
        // A server that panicked has stopped too, so results are ignored.
        if let Some(server) = self.tls_server.take() {
            server.await.ok();
        }
        if let Some(server) = self.page_server.take() {
            // Running responses are finished; a client with an incomplete request is not waited for.
            timeout(PAGE_GRACE, server).await.ok();
        }
    }
}

async fn listen(port: Option<u16>) -> Result<(TcpListener, SocketAddr), SimulatorError> {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0)));
    let failed = |source| SimulatorError::Listen { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
