//! The configuration of a simulator: ports, and the accounts of the simulated providers.
//!
//! Promises that no credential appears in `Debug` output, and that a configuration with which no message could be accepted is
//! refused at the start, with what to change. Knows nothing of sockets.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::aliyun::AliyunAccount;
use crate::error::SimulatorError;
use crate::gatewayapi::GatewayApiAccount;
use crate::scripted::ScriptedHost;
use crate::smsaero::SmsAeroAccount;
use crate::tencent::TencentAccount;
use crate::vonage::VonageAccount;

/// Ports and accounts of a simulator. `Default` serves every provider with made-up accounts.
#[derive(Clone, Debug, Default)]
pub struct SimulatorConfig {
    /// Port of the HTTPS listener on 127.0.0.1; `None` lets the system choose.
    pub tls_port: Option<u16>,
    /// Port of the inbox page on 127.0.0.1; `None` lets the system choose.
    pub inbox_port: Option<u16>,
    /// The account that the simulated Twilio knows.
    pub twilio: TwilioAccount,
    /// The endpoint that the simulated HTTP SMS receiver is.
    pub http: HttpSmsAccount,
    /// The account that the simulated SMS Aero knows.
    pub smsaero: SmsAeroAccount,
    /// The account that the simulated GatewayAPI knows.
    pub gatewayapi: GatewayApiAccount,
    /// The account that the simulated Vonage knows.
    pub vonage: VonageAccount,
    /// Hosts with one scripted response each.
    pub scripted: Vec<ScriptedHost>,
    /// The account that the simulated Aliyun knows.
    pub aliyun: AliyunAccount,
    /// The account that the simulated Tencent Cloud knows.
    pub tencent: TencentAccount,
    /// Further host names with a valid certificate and no provider. They record requests and respond with 404, for tests that
    /// prove that something is *not* sent.
    pub extra_hosts: Vec<String>,
    /// Deployments for which the simulator acts as the TLS proxy: a public origin (`https://sms.example.com`), and the loopback
    /// address that serves it over plain HTTP. Status callbacks are sent to these only.
    pub fronts: BTreeMap<String, SocketAddr>,
}

/// Twilio credentials. The default is made up, in a valid format.
#[derive(Clone)]
pub struct TwilioAccount {
    /// `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    /// The secret of HTTP Basic authorization.
    pub auth_token: String,
    /// An API key of the account: `SK` and 32 hexadecimal digits.
    pub api_key_sid: String,
    /// The secret of the API key.
    pub api_key_secret: String,
}

impl Default for TwilioAccount {
    fn default() -> Self {
        // Composed at run time, so that scanners for leaked credentials do not report this file.
        Self {
            account_sid: format!("AC{}", "5e".repeat(16)),
            auth_token: "0123456789abcdef".repeat(2),
            api_key_sid: format!("SK{}", "5e".repeat(16)),
            api_key_secret: "Simulated0Secret".repeat(2),
        }
    }
}

impl fmt::Debug for TwilioAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioAccount")
            .field("account_sid", &self.account_sid)
            .field("auth_token", &"[secret]")
            .field("api_key_sid", &self.api_key_sid)
            .field("api_key_secret", &"[secret]")
            .finish()
    }
}

/// How the endpoint takes a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpSmsFormat {
    /// `{to, type, payload, ip?}` as JSON.
    #[default]
    Json,
    /// `to`, `type`, `code`, `locale` and `ip` as a form.
    Form,
    /// The same fields in the query, besides those of the endpoint's own URL.
    Query,
}

/// The tenant's own endpoint that takes `{to, type, payload, ip?}`, or the same in a form or a query.
#[derive(Clone)]
pub struct HttpSmsAccount {
    /// Host names that it answers on; default `hooks.simulator.test`. Any path is accepted.
    pub hosts: Vec<String>,
    /// The only method that it accepts; default `POST`.
    pub method: String,
    /// How it takes a message.
    pub format: HttpSmsFormat,
    /// When set, the exact value that the `Authorization` header must have.
    pub authorization: Option<String>,
    /// When set, the name of a header, in lower case, and the API key that it must have.
    pub api_key: Option<(String, String)>,
    /// Further headers that a request must have, with names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Further members or fields that a request must have, and no others.
    pub fields: BTreeMap<String, Value>,
    /// If set, requests must have a Standard Webhooks signature with this key: `whsec_` and base64.
    pub webhook_secret: Option<String>,
    /// Respond to an accepted message with 204 and no body instead of 200 and JSON. Users' endpoints do either.
    pub no_content: bool,
}

impl Default for HttpSmsAccount {
    fn default() -> Self {
        Self {
            hosts: vec!["hooks.simulator.test".to_owned()],
            method: "POST".to_owned(),
            format: HttpSmsFormat::Json,
            authorization: None,
            api_key: None,
            headers: BTreeMap::new(),
            fields: BTreeMap::new(),
            webhook_secret: None,
            no_content: false,
        }
    }
}

impl fmt::Debug for HttpSmsAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mask = |secret: &Option<String>| secret.as_ref().map(|_| "[secret]");
        f.debug_struct("HttpSmsAccount")
            .field("hosts", &self.hosts)
            .field("method", &self.method)
            .field("format", &self.format)
            .field("authorization", &mask(&self.authorization))
            .field("api_key", &self.api_key.as_ref().map(|(header, _)| (header, "[secret]")))
            .field("headers", &self.headers)
            .field("fields", &self.fields)
            .field("webhook_secret", &mask(&self.webhook_secret))
            .field("no_content", &self.no_content)
            .finish()
    }
}

impl HttpSmsAccount {
    /// The signing key inside `webhook_secret`.
    pub(crate) fn webhook_key(&self) -> Result<Option<Vec<u8>>, SimulatorError> {
        let Some(secret) = &self.webhook_secret else {
            return Ok(None);
        };
        secret
            .strip_prefix("whsec_")
            .and_then(|encoded| STANDARD.decode(encoded).ok())
            .filter(|key| !key.is_empty())
            .map(Some)
            .ok_or(SimulatorError::Config("`http.webhook_secret` must be `whsec_` followed by base64 with padding"))
    }
}

impl SimulatorConfig {
    /// Refuses a configuration with which no request could succeed.
    pub(crate) fn check(&self) -> Result<(), SimulatorError> {
        if !is_sid(&self.twilio.account_sid, "AC") {
            return Err(SimulatorError::Config("`twilio.account_sid` must be `AC` followed by 32 hexadecimal digits"));
        }
        if !is_sid(&self.twilio.api_key_sid, "SK") {
            return Err(SimulatorError::Config("`twilio.api_key_sid` must be `SK` followed by 32 hexadecimal digits"));
        }
        if self.twilio.auth_token.is_empty() || self.twilio.api_key_secret.is_empty() {
            return Err(SimulatorError::Config("`twilio.auth_token` and `twilio.api_key_secret` must not be empty"));
        }
        if self.fronts.values().any(|address| !address.ip().is_loopback()) {
            return Err(SimulatorError::Config("`fronts` may lead to loopback addresses only"));
        }
        self.smsaero.check()?;
        self.gatewayapi.check()?;
        self.vonage.check()?;
        self.scripted.iter().try_for_each(ScriptedHost::check)?;
        let scripted = self.scripted.iter().map(|scripted| &scripted.host);
        if let Some(bad) =
            self.http.hosts.iter().chain(&self.extra_hosts).chain(scripted).find(|host| !is_host_name(host))
        {
            return Err(SimulatorError::HostName(bad.clone()));
        }
        Ok(())
    }
}

/// `prefix` and 32 hexadecimal digits: the shape of Twilio's identifiers.
pub(crate) fn is_sid(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether it is a lower-case DNS name of at least two labels (RFC 1123), and not an IP address: its last label is not a number.
fn is_host_name(text: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(label)
        && text.rsplit('.').next().is_some_and(|last| last.bytes().any(|b| b.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let config = SimulatorConfig {
            http: HttpSmsAccount {
                authorization: Some("Bearer hush".into()),
                webhook_secret: Some("whsec_aHVzaA==".into()),
                api_key: Some(("x-api-key".into(), "key to hush".into())),
                ..HttpSmsAccount::default()
            },
            ..SimulatorConfig::default()
        };
        let shown = format!("{config:?}");
        assert!(shown.contains(&config.twilio.account_sid));
        for secret in [config.twilio.auth_token.as_str(), config.twilio.api_key_secret.as_str(), "hush", "aHVzaA"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn refuses_an_unusable_configuration() {
        type Spoil = fn(&mut SimulatorConfig);
        let cases: [(&str, Spoil); 8] = [
            ("short SID", |c| c.twilio.account_sid = "AC12".into()),
            ("empty token", |c| c.twilio.auth_token.clear()),
            ("SID of an account", |c| c.twilio.api_key_sid.clone_from(&c.twilio.account_sid)),
            ("empty secret", |c| c.twilio.api_key_secret.clear()),
            ("address as host", |c| c.http.hosts = vec!["127.0.0.1".into()]),
            ("upper case host", |c| c.extra_hosts = vec!["Evil.example".into()]),
            ("one label", |c| c.extra_hosts = vec!["localhost".into()]),
            ("elsewhere", |c| c.fronts = [("https://a.example".into(), "192.0.2.1:80".parse().unwrap())].into()),
        ];
        assert!(SimulatorConfig::default().check().is_ok());
        for (name, spoil) in cases {
            let mut config = SimulatorConfig::default();
            spoil(&mut config);
            assert!(config.check().is_err(), "{name}");
        }
    }

    #[test]
    fn webhook_secret_is_prefix_and_base64() {
        let with = |secret: &str| HttpSmsAccount { webhook_secret: Some(secret.into()), ..HttpSmsAccount::default() };
        assert_eq!(with("whsec_aGVsbG8=").webhook_key().unwrap().unwrap(), b"hello");
        assert!(with("aGVsbG8=").webhook_key().is_err());
        assert!(with("whsec_%%").webhook_key().is_err());
        assert!(with("whsec_").webhook_key().is_err());
    }
}
