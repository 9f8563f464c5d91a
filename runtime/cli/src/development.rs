//! The development flags `--connect-to` and `--extra-ca`, shared by every command that sends, and the network configuration
//! that follows from them and from the operator's policy.
//!
//! The flags make loopback reachable for named hosts only, and trust certificate authorities that are not public. A command
//! warns whenever one is used.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use clap::Args;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use sendbox_sandbox::Resolve;
use sendbox_sandbox::policy::{AddressPolicy, HostPattern, OperatorPolicy, PortRule};

use crate::exit::{CliError, InputErrorExt as _};
use crate::render;

/// The development flags.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Development (never in production)")]
pub struct DevelopmentArgs {
    /// Connect to a loopback address instead of HOST:PORT; repeatable.
    ///
    /// `sendbox simulate` prints this flag ready to use. HOST must be an exact host name.
    #[arg(long, value_name = "HOST:PORT=127.0.0.1:PORT")]
    connect_to: Vec<String>,

    /// Trust the certificate authorities in this PEM file in addition to the public ones; repeatable.
    #[arg(long, value_name = "FILE")]
    extra_ca: Vec<PathBuf>,
}

/// What the development flags change of the defaults.
#[derive(Debug, Default)]
pub struct NetworkOverrides {
    /// The default policy with the `--connect-to` overrides.
    addresses: AddressPolicy,
    /// Certificates in DER.
    authorities: Vec<Vec<u8>>,
    /// The ports of `--connect-to` other than 443, which the operator's policy must grant too.
    ports: Vec<PortRule>,
    /// Replaces the machine's resolver.
    pub resolver: Option<Arc<dyn Resolve>>,
}

/// The network configuration of a sandbox. Its operator policy and its address policy agree: neither refuses what the other
/// one grants.
#[derive(Debug, Default)]
pub struct Network {
    pub operator: OperatorPolicy,
    pub addresses: AddressPolicy,
    /// Certificates in DER that are trusted in addition to the public authorities.
    pub authorities: Vec<Vec<u8>>,
    /// Replaces the machine's resolver.
    pub resolver: Option<Arc<dyn Resolve>>,
}

impl NetworkOverrides {
    /// Applies the overrides to the operator's policy. Every sandbox of this command gets its policies here.
    pub fn apply(self, mut operator: OperatorPolicy) -> Network {
        operator.ports.extend(self.ports);
        let addresses = self.addresses.with_operator(&operator);
        Network { operator, addresses, authorities: self.authorities, resolver: self.resolver }
    }
}

impl DevelopmentArgs {
    /// The flags with which a command reaches a simulator of its own.
    pub fn to_simulator(connect_to: Vec<String>, ca: PathBuf) -> Self {
        Self { connect_to, extra_ca: vec![ca] }
    }

    /// Whether any of the flags is used.
    pub fn is_used(&self) -> bool {
        !self.connect_to.is_empty() || !self.extra_ca.is_empty()
    }

    /// Parses the flags, and reads the files that they name.
    pub fn open(&self) -> Result<NetworkOverrides, CliError> {
        let mut overrides = NetworkOverrides::default();
        for spec in &self.connect_to {
            let flag = || format!("--connect-to {spec}");
            overrides.addresses = overrides.addresses.with_connect_to(spec).with_context(flag).into_input_error()?;
        }
        for (host, port, _) in overrides.addresses.connect_to_overrides().filter(|(_, port, _)| *port != 443) {
            let host = HostPattern::parse(host).with_context(|| format!("--connect-to {host}")).into_input_error()?;
            overrides.ports.push(PortRule { port, hosts: Some(vec![host]) });
        }
        for path in &self.extra_ca {
            let flag = || format!("--extra-ca {}", path.display());
            let pem = std::fs::read(path).with_context(flag).into_input_error()?;
            let before = overrides.authorities.len();
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                overrides.authorities.push(certificate.with_context(flag).into_input_error()?.to_vec());
            }
            if overrides.authorities.len() == before {
                return Err(CliError::usage(
                    anyhow!("the file contains no certificate; expected PEM (-----BEGIN CERTIFICATE-----)")
                        .context(flag()),
                ));
            }
        }
        Ok(overrides)
    }

    /// Prints a warning on stderr if the flags are used.
    pub fn warn(&self, overrides: &NetworkOverrides) {
        let mut parts: Vec<String> = overrides
            .addresses
            .connect_to_overrides()
            .map(|(host, port, target)| format!("{host}:{port} connects to {target}"))
            .collect();
        if !overrides.authorities.is_empty() {
            let files: Vec<String> = self.extra_ca.iter().map(|path| path.display().to_string()).collect();
            parts.push(format!("certificate authorities in {} are trusted", files.join(", ")));
        }
        if !parts.is_empty() {
            render::warn(&format!("warning: DEVELOPMENT FLAGS, NEVER IN PRODUCTION: {}", parts.join("; ")));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::net::IpAddr;

    use super::*;

    /// `serve --config` reads `[operator]` from TOML, `send --operator-policy` from JSON; both come through here.
    #[test]
    fn what_the_operator_grants_may_be_dialled() {
        let literal: IpAddr = "10.1.2.3".parse().unwrap();
        let operator: OperatorPolicy = toml::from_str("literals = [\"10.1.2.3\"]").unwrap();
        let flags = DevelopmentArgs::to_simulator(vec!["api.example:8443=127.0.0.1:9".to_owned()], PathBuf::new());
        let overrides = DevelopmentArgs { extra_ca: Vec::new(), ..flags }.open().unwrap();
        assert!(overrides.addresses.vet("10.1.2.3", 443, &[literal]).is_err());
        let network = overrides.apply(operator);
        assert!(network.addresses.vet("10.1.2.3", 443, &[literal]).is_ok());
        assert!(network.operator.ports.iter().any(|rule| rule.port == 8443));
        let other: IpAddr = "10.1.2.4".parse().unwrap();
        assert!(network.addresses.vet("10.1.2.4", 443, &[other]).is_err(), "nothing else is granted");
    }
}
