//! The certificate for a client, by the requested name (SNI, RFC 6066) and the mode that is set for it.
//!
//! Promises that an unknown name, or none, ends in a refused handshake, and that no session of a bad mode can be resumed in a good
//! one (each mode has settings of its own). Knows nothing of HTTP.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use rustls::crypto::CryptoProvider;
use rustls::server::{Acceptor, ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::ca::{Authority, CertificateError};
use crate::lock::lock;

/// How the TLS handshake of one host behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum TlsMode {
    /// A certificate for the host, signed by the root that `ca_pem` gives.
    #[default]
    Good,
    /// Signed by the right root, for `wrong-name.simulator.test`.
    WrongName,
    /// For the right host, signed by a root that no client has.
    UnknownCa,
    /// The handshake is never answered; the connection stays open until the client leaves or the simulator ends.
    Stall,
}

/// The name in certificates of [`TlsMode::WrongName`].
const WRONG_NAME: &str = "wrong-name.simulator.test";
/// Region and edge names are free text, so the number of hosts is not bounded by itself.
const CACHED_CONFIGS: usize = 256;

/// Certificates and modes of all hosts.
pub(crate) struct Certificates {
    good: Authority,
    unknown: Authority,
    provider: Arc<CryptoProvider>,
    modes: Mutex<HashMap<String, TlsMode>>,
    configs: Mutex<HashMap<(String, TlsMode), Arc<ServerConfig>>>,
    refusal: Arc<ServerConfig>,
}

/// The result of a handshake.
pub(crate) enum Handshake {
    /// A session for this host.
    Done(String, Box<TlsStream<TcpStream>>),
    /// The mode of the host is to leave the client waiting on this socket.
    Stalled(TcpStream),
}

/// Why there is no TLS session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error("the client asked for a name that the simulator does not serve")]
    UnknownName,
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Certificates {
    pub(crate) fn new(provider: Arc<CryptoProvider>) -> Result<Self, CertificateError> {
        let refusal = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(NoCertificate));
        Ok(Self {
            good: Authority::new("Sendbox simulator (development only)")?,
            unknown: Authority::new("Nobody trusts this one")?,
            provider,
            modes: Mutex::default(),
            configs: Mutex::default(),
            refusal: Arc::new(refusal),
        })
    }

    /// The root that clients of the simulator have to trust.
    pub(crate) fn ca_pem(&self) -> String {
        self.good.pem()
    }

    pub(crate) fn set_mode(&self, host: &str, mode: TlsMode) {
        lock(&self.modes).insert(host.to_ascii_lowercase(), mode);
    }

    /// Performs the handshake with a client. `serves` says for which names there is a certificate.
    pub(crate) async fn accept(
        &self,
        tcp: TcpStream,
        serves: impl Fn(&str) -> bool,
    ) -> Result<Handshake, HandshakeError> {
        let start = LazyConfigAcceptor::new(Acceptor::default(), tcp).await?;
        let name = start.client_hello().server_name().map(str::to_ascii_lowercase);
        let Some(host) = name.filter(|name| serves(name)) else {
            // Completing with settings that own no certificate sends the client a proper fatal alert.
            start.into_stream(Arc::clone(&self.refusal)).await.ok();
            return Err(HandshakeError::UnknownName);
        };
        let mode = lock(&self.modes).get(&host).copied().unwrap_or_default();
        if mode == TlsMode::Stall {
            return Ok(Handshake::Stalled(start.io));
        }
        let config = self.config(&host, mode)?;
        Ok(Handshake::Done(host, Box::new(start.into_stream(config).await?)))
    }

    fn config(&self, host: &str, mode: TlsMode) -> Result<Arc<ServerConfig>, CertificateError> {
        let mut configs = lock(&self.configs);
        let key = (host.to_owned(), mode);
        if let Some(known) = configs.get(&key) {
            return Ok(Arc::clone(known));
        }
        let (authority, name) = match mode {
            TlsMode::Good | TlsMode::Stall => (&self.good, host),
            TlsMode::WrongName => (&self.good, WRONG_NAME),
            TlsMode::UnknownCa => (&self.unknown, host),
        };
        let made = Arc::new(authority.server_config(name, Arc::clone(&self.provider))?);
        if configs.len() >= CACHED_CONFIGS {
            configs.clear();
        }
        configs.insert(key, Arc::clone(&made));
        Ok(made)
    }
}

/// Has no certificate, so that rustls refuses the handshake.
struct NoCertificate;

impl fmt::Debug for NoCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoCertificate")
    }
}

impl ResolvesServerCert for NoCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}
