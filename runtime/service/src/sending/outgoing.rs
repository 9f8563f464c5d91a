//! What is to be sent: as it is asked for, as it is kept until it is final, and as a connector is handed it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use sendbox_domain::message_fields::MAX_VARIABLES;
use sendbox_domain::model::{Flow, Mode, RouteReason, Sensitive};
use sendbox_domain::plan::MessageRequest;
use sendbox_domain::problem::{FieldCode, Problem, Problems};
use sendbox_domain::{phone, template};
use sendbox_sandbox::{Attempt, Recipient, Usage};
use sendbox_store::rows::TenantRow;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::vault::TenantKey;

/// What a message needs until it is final. Sealed at rest; has no `Debug`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Payload {
    pub(crate) to: Zeroizing<String>,
    pub(crate) code: Zeroizing<String>,
    pub(crate) variables: Vec<(String, Zeroizing<String>)>,
    pub(crate) client_ip: Option<Zeroizing<String>>,
    pub(crate) lifetime_seconds: u32,
}

impl Payload {
    pub(crate) fn seal(&self, key: &TenantKey, message: &str) -> Result<Vec<u8>> {
        let plain = serde_json::to_vec(self).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(key.seal(&format!("message/{message}"), &Zeroizing::new(plain))?)
    }

    pub(crate) fn open(key: &TenantKey, message: &str, sealed: &[u8]) -> Result<Self> {
        let plain = key.open(&format!("message/{message}"), sealed)?;
        serde_json::from_slice(&plain).map_err(|_| Error::Internal("a stored message cannot be read".to_owned()))
    }
}

/// What is to be sent, wherever it comes from.
pub(crate) struct Outgoing {
    pub(crate) recipient: Recipient,
    pub(crate) usage: Usage,
    pub(crate) locale: Option<String>,
    pub(crate) payload: Payload,
    pub(crate) verification: Option<String>,
    pub(crate) mode: Mode,
}

/// Reads the end user's address. Empty is none.
pub(crate) fn client_ip_of(address: Option<&Sensitive>) -> Result<Option<IpAddr>, Problem> {
    let Some(text) = address.map(|address| address.expose().trim()).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let wrong = |_| Problem::new("/clientIp", "must be an IPv4 or IPv6 address").coded(FieldCode::IpAddress, &[]);
    text.parse::<IpAddr>().map(|ip| Some(ip.to_canonical())).map_err(wrong)
}

/// What a request says about itself, whatever the tenant has set up.
pub(crate) struct RequestFields<'a> {
    pub(crate) to: &'a Sensitive,
    pub(crate) client_ip: Option<&'a Sensitive>,
    pub(crate) locale: Option<&'a str>,
    pub(crate) code: Option<&'a Sensitive>,
    pub(crate) lifetime_seconds: Option<u32>,
    pub(crate) variables: &'a BTreeMap<String, Sensitive>,
}

impl RequestFields<'_> {
    /// Reads number and address, and names everything that is wrong at once.
    pub(crate) fn read(&self) -> Result<(Recipient, Option<IpAddr>), Problems> {
        let mut problems = Vec::new();
        let recipient = phone::recipient(self.to.expose())
            .map_err(|error| problems.push(Problem::new("/to", error.to_string()).coded(FieldCode::PhoneNumber, &[])))
            .ok();
        let client_ip = client_ip_of(self.client_ip).map_err(|problem| problems.push(problem)).ok();
        if self.locale.is_some_and(|tag| !tag.is_empty() && !template::is_language_tag(tag)) {
            problems.push(
                Problem::new("/locale", "must be a language tag, like `da` or `pt-BR`")
                    .coded(FieldCode::LanguageTag, &[]),
            );
        }
        let is_code =
            |code: &str| (4..=12).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if self.code.is_some_and(|code| !is_code(code.expose())) {
            problems.push(
                Problem::new("/code", "must be 4 to 12 letters (a-z, A-Z) and digits")
                    .coded(FieldCode::CodeFormat, &[("min", "4"), ("max", "12")]),
            );
        }
        if self.lifetime_seconds.is_some_and(|seconds| !(1..=3600).contains(&seconds)) {
            problems.push(
                Problem::new("/lifetimeSeconds", "must be from 1 to 3600, an hour")
                    .coded(FieldCode::Range, &[("min", "1"), ("max", "3600")]),
            );
        }
        if self.variables.len() > MAX_VARIABLES {
            let text = format!("there are {}; {MAX_VARIABLES} are allowed", self.variables.len());
            problems.push(
                Problem::new("/variables", text).coded(FieldCode::MaxItems, &[("bound", &MAX_VARIABLES.to_string())]),
            );
        }
        match (recipient, client_ip) {
            (Some(recipient), Some(client_ip)) if problems.is_empty() => Ok((recipient, client_ip)),
            _ => Err(Problems(problems)),
        }
    }
}

/// Refuses a usage whose flow is off.
pub(crate) fn check_flow(tenant: &TenantRow, usage: Usage) -> Result<()> {
    match Flow::of(usage) {
        Some(flow) if !tenant.flows.is_on(flow) => Err(Error::FlowOff(flow)),
        _ => Ok(()),
    }
}

/// The connections for a number, in the order in which they are tried: the route of its country or the active one, then
/// the fallbacks.
pub(crate) fn routes(tenant: &TenantRow, country: Option<&str>) -> Vec<String> {
    let delivery = &tenant.policy.delivery;
    let routed = country.and_then(|country| delivery.routes.get(country)).or(tenant.active_connection.as_ref());
    let mut names: Vec<String> = routed.cloned().into_iter().collect();
    if !names.is_empty() {
        for name in &delivery.fallbacks {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    names
}

/// Why an attempt goes over its connection: `retry` of the attempt before it, route of the `country`, the `active`
/// connection, a `fallback`, or `earlier`: chosen before the policy changed.
pub(crate) fn route(tenant: &TenantRow, country: Option<&str>, name: &str, before: Option<&str>) -> RouteReason {
    let delivery = &tenant.policy.delivery;
    let routed = country.and_then(|country| delivery.routes.get(country));
    match routed {
        _ if before == Some(name) => RouteReason::Retry,
        Some(routed) if routed == name => RouteReason::Country,
        None if tenant.active_connection.as_deref() == Some(name) => RouteReason::Active,
        _ if delivery.fallbacks.iter().any(|fallback| fallback == name) => RouteReason::Fallback,
        _ => RouteReason::Earlier,
    }
}

/// What a connector's message is made of, for one attempt.
pub(crate) fn request(
    tenant: &TenantRow,
    id: &str,
    usage: Usage,
    locale: Option<String>,
    payload: &Payload,
    number: u32,
) -> Result<MessageRequest> {
    let first = Attempt::first().map_err(|error| Error::Internal(error.to_string()))?;
    Ok(MessageRequest {
        to: payload.to.clone(),
        usage,
        locale,
        code: payload.code.clone(),
        variables: payload.variables.clone(),
        client_ip: payload.client_ip.clone(),
        lifetime: Duration::from_secs(u64::from(payload.lifetime_seconds)),
        // The same over all attempts: an idempotent provider sends one message, however often it is asked.
        idempotency_key: id.to_owned(),
        attempt: Attempt { number, ..first },
        origin_domain: tenant.policy.origin_domain.clone(),
    })
}
