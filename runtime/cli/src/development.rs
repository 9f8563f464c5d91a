//! The two flags of development: `--connect-to` and `--extra-ca`. Shared by every command that sends.
//!
//! They make loopback reachable for named hosts only, and trust a certificate authority that is not public. They say so,
//! loudly, whenever they are used.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use clap::Args;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use sendbox_sandbox::Resolve;
use sendbox_sandbox::policy::{AddressPolicy, HostPattern, OperatorPolicy, PortRule};

use crate::exit::{Blame as _, Stop};
use crate::render;

/// The flags.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Development (never in production)")]
pub struct Development {
    /// Reach HOST:PORT on this machine instead, at a loopback address; repeatable.
    ///
    /// `sendbox simulate` prints the ready flag. Only an exact host name can be led elsewhere, and only to loopback.
    #[arg(long, value_name = "HOST:PORT=127.0.0.1:PORT")]
    connect_to: Vec<String>,

    /// Trust the certificate authorities in this PEM file, beside the public ones; repeatable.
    #[arg(long, value_name = "FILE")]
    extra_ca: Vec<PathBuf>,
}

/// What the flags open.
#[derive(Debug, Default)]
pub struct Opened {
    /// With the overrides.
    pub addresses: AddressPolicy,
    /// DER.
    pub authorities: Vec<Vec<u8>>,
    /// For overrides of other ports than 443: whoever names a port here, wants it reached.
    ports: Vec<PortRule>,
    /// Another resolver than the machine's.
    pub resolver: Option<Arc<dyn Resolve>>,
}

impl Opened {
    /// Makes the operator's policy and the rules of addresses agree: what one of them opens, the other one must not refuse.
    /// Ports of overrides are granted, and literal addresses that the operator grants may be dialled.
    pub fn agree_with(&mut self, operator: &mut OperatorPolicy) {
        operator.ports.extend(self.ports.iter().cloned());
        self.addresses.literals.extend(&operator.literals);
    }
}

impl Development {
    /// For commands that make their own provider.
    pub fn to_simulator(connect_to: Vec<String>, ca: PathBuf) -> Self {
        Self { connect_to, extra_ca: vec![ca] }
    }

    /// Reads the flags.
    pub fn open(&self) -> Result<Opened, Stop> {
        let mut opened = Opened::default();
        for spec in &self.connect_to {
            let flag = || format!("--connect-to {spec}");
            opened.addresses = opened.addresses.with_connect_to(spec).with_context(flag).blame_input()?;
        }
        for (host, port, _) in opened.addresses.connect_to_overrides().filter(|(_, port, _)| *port != 443) {
            let host = HostPattern::parse(host).with_context(|| format!("--connect-to {host}")).blame_input()?;
            opened.ports.push(PortRule { port, hosts: Some(vec![host]) });
        }
        for path in &self.extra_ca {
            let flag = || format!("--extra-ca {}", path.display());
            let pem = std::fs::read(path).with_context(flag).blame_input()?;
            let before = opened.authorities.len();
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                opened.authorities.push(certificate.with_context(flag).blame_input()?.to_vec());
            }
            if opened.authorities.len() == before {
                return Err(Stop::usage(
                    anyhow!("the file holds no certificate; give one in PEM (-----BEGIN CERTIFICATE-----)")
                        .context(flag()),
                ));
            }
        }
        Ok(opened)
    }

    /// One line on stderr, when the flags are used.
    pub fn warn(&self, opened: &Opened) {
        let mut parts: Vec<String> = opened
            .addresses
            .connect_to_overrides()
            .map(|(host, port, target)| format!("{host}:{port} is {target}"))
            .collect();
        if !opened.authorities.is_empty() {
            parts.push(format!("certificate authorities from {} file(s) are trusted", self.extra_ca.len()));
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
    fn what_the_operator_opens_may_be_dialled() {
        let literal: IpAddr = "10.1.2.3".parse().unwrap();
        let mut operator: OperatorPolicy = toml::from_str("literals = [\"10.1.2.3\"]").unwrap();
        let flags = Development::to_simulator(vec!["api.example:8443=127.0.0.1:9".to_owned()], PathBuf::new());
        let mut opened = Development { extra_ca: Vec::new(), ..flags }.open().unwrap();
        assert!(opened.addresses.vet("10.1.2.3", 443, &[literal]).is_err());
        opened.agree_with(&mut operator);
        assert!(opened.addresses.vet("10.1.2.3", 443, &[literal]).is_ok());
        assert!(operator.ports.iter().any(|rule| rule.port == 8443));
        let other: IpAddr = "10.1.2.4".parse().unwrap();
        assert!(opened.addresses.vet("10.1.2.4", 443, &[other]).is_err(), "nothing else is opened");
    }
}
