//! Errors of a simulator: why it did not start, or refused an operation.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a simulator could not start, or refused an operation.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// A port is in use or not allowed.
    #[error("cannot listen on {addr} ({source}); choose another port, or none to let the system choose")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The cryptographic library failed.
    #[error("cannot create the simulator's certificates: {0}")]
    Certificates(String),
    /// A value of the configuration is not usable.
    #[error("invalid configuration of the simulator: {0}")]
    Config(&'static str),
    /// A host of the configuration is not a DNS name.
    #[error("invalid host name `{0}`; expected a lower-case DNS name with at least one dot, not an IP address")]
    HostName(String),
    /// The target of a fault does not exist.
    #[error("unknown fault target `{target}`; expected a provider ({known}), a host that is served, or `*`")]
    FaultTarget {
        /// The value as it was given.
        target: String,
        /// The names of the providers.
        known: String,
    },
    /// A fault has a code that no targeted provider has.
    #[error("`{target}` has no error code `{code}`; the provider's documentation lists its codes")]
    FaultCode {
        /// The value as it was given.
        target: String,
        /// The value as it was given.
        code: String,
    },
    /// The root certificate could not be written.
    #[error("cannot write the simulator's root certificate to {}: {source}", path.display())]
    WriteCa {
        /// The path of the file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}
