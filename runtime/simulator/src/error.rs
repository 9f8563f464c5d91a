//! Why a simulator does not start, or does not do what it is told.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a simulator could not start, or would not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// A port is taken or not allowed.
    #[error("cannot listen on {addr} ({source}); choose another port, or none to let the system choose")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The cryptographic library failed.
    #[error("cannot make the simulator's certificates: {0}")]
    Certificates(String),
    /// A value of the configuration is not usable.
    #[error("the simulator's configuration is wrong: {0}")]
    Config(&'static str),
    /// A host of the configuration is no DNS name.
    #[error("`{0}` is no host name: give lower-case DNS names with at least one dot, and no addresses")]
    HostName(String),
    /// A fault is aimed at nothing that exists.
    #[error("no fault can hit `{target}`: give one of the providers ({known}), a host that is served, or `*`")]
    FaultTarget {
        /// As it was given.
        target: String,
        /// The providers there are.
        known: String,
    },
    /// A fault wants a code that no targeted provider has.
    #[error("`{target}` has no error code `{code}`: take one from the provider's table")]
    FaultCode {
        /// As it was given.
        target: String,
        /// As it was given.
        code: String,
    },
    /// The root certificate could not be written.
    #[error("cannot write the simulator's root certificate to {}: {source}", path.display())]
    WriteCa {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
