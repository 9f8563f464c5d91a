//! A tenant's own endpoint that receives `{to, type, payload, ip?}`, as users of the generic HTTP SMS connector run it.
//!
//! Promises to check the authorization and the Standard Webhooks signature if the account has them, and every member of the body.
//! Real endpoints are more lenient; this one follows the documented contract. Any path is served.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::config::HttpSmsAccount;
use crate::error::SimulatorError;
use crate::provider::{Accepted, Provider, SimResponse, SimState, is_international_digits, unix_millis};
use crate::request::IncomingRequest;

/// How far a signature's time may be from ours, in seconds (the Standard Webhooks libraries use five minutes).
const TOLERANCE_SECONDS: u64 = 300;
/// The values of `type`, as users of this contract know them.
const USAGES: &[&str] = &[
    "SignIn",
    "Register",
    "ForgotPassword",
    "Generic",
    "OrganizationInvitation",
    "UserPermissionValidation",
    "BindNewIdentifier",
    "MfaVerification",
    "BindMfa",
];

/// The simulated endpoint.
pub(crate) struct HttpSms {
    account: HttpSmsAccount,
    webhook_key: Option<Vec<u8>>,
}

/// An HTTP status and a reason.
struct Refusal(u16, &'static str);

impl Provider for HttpSms {
    fn name(&self) -> &'static str {
        "http"
    }

    fn known_hosts(&self) -> Vec<String> {
        self.account.hosts.clone()
    }

    fn hosts(&self, host: &str) -> bool {
        self.account.hosts.iter().any(|known| known == host)
    }

    fn handle(&self, request: &IncomingRequest, state: &SimState) -> SimResponse {
        match self.judge(request, state) {
            Ok(mut message) if self.account.no_content => {
                message.provider_id = None;
                SimResponse::empty(204).with_accepted(message)
            }
            Ok(message) => {
                let body = json!({ "success": true, "id": message.provider_id });
                SimResponse::json(200, &body).with_accepted(message)
            }
            Err(Refusal(status, reason)) => self.refusal(status, reason),
        }
    }

    fn refusal(&self, status: u16, message: &str) -> SimResponse {
        let body =
            if status < 400 { json!({ "id": message, "message": message }) } else { json!({ "error": message }) };
        SimResponse::json(status, &body)
    }

    fn error(&self, _code: &str) -> Option<SimResponse> {
        None
    }

    fn secrets(&self) -> Vec<String> {
        self.account.authorization.iter().chain(&self.account.webhook_secret).cloned().collect()
    }
}

impl HttpSms {
    pub(crate) fn new(account: HttpSmsAccount) -> Result<Self, SimulatorError> {
        let webhook_key = account.webhook_key()?;
        Ok(Self { account, webhook_key })
    }

    fn judge(&self, request: &IncomingRequest, state: &SimState) -> Result<Accepted, Refusal> {
        if request.method != "POST" {
            return Err(Refusal(405, "the method must be POST"));
        }
        if let Some(wanted) = &self.account.authorization {
            let given = request.header("authorization").unwrap_or_default();
            if !bool::from(given.as_bytes().ct_eq(wanted.as_bytes())) {
                return Err(Refusal(401, "the Authorization header is missing or invalid"));
            }
        }
        if let Some(key) = &self.webhook_key {
            check_signature(request, key, unix_millis(state.now()) / 1000)?;
        }
        if request.media_type().as_deref() != Some("application/json") {
            return Err(Refusal(415, "the content type must be application/json"));
        }
        let body: Value = serde_json::from_slice(&request.body).map_err(|_| Refusal(400, "the body is not JSON"))?;
        let body = body.as_object().ok_or(Refusal(400, "the body must be a JSON object"))?;
        let mut message = read_message(body)?;
        message.provider_id = Some(state.new_id());
        Ok(message)
    }
}

/// Standard Webhooks: `webhook-signature` lists `v1,<base64>`, separated by spaces, one of which must be the
/// HMAC-SHA256 of `id.timestamp.body`.
fn check_signature(request: &IncomingRequest, key: &[u8], now: u64) -> Result<(), Refusal> {
    let header = |name, missing| request.header(name).filter(|v| !v.is_empty()).ok_or(Refusal(401, missing));
    let id = header("webhook-id", "the webhook-id header is missing")?;
    let timestamp = header("webhook-timestamp", "the webhook-timestamp header is missing")?;
    let signatures = header("webhook-signature", "the webhook-signature header is missing")?;
    let seconds: u64 = timestamp.parse().map_err(|_| Refusal(401, "webhook-timestamp is not a number of seconds"))?;
    if seconds.abs_diff(now) > TOLERANCE_SECONDS {
        return Err(Refusal(401, "webhook-timestamp is more than five minutes from now"));
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| Refusal(500, "the signing key is invalid"))?;
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", &request.body] {
        mac.update(part);
    }
    let wanted = STANDARD.encode(mac.finalize().into_bytes());
    let matches =
        |listed: &str| listed.strip_prefix("v1,").is_some_and(|given| given.as_bytes().ct_eq(wanted.as_bytes()).into());
    if signatures.split(' ').any(matches) {
        Ok(())
    } else {
        Err(Refusal(401, "none of the webhook signatures is valid"))
    }
}

fn read_message(body: &Map<String, Value>) -> Result<Accepted, Refusal> {
    if body.keys().any(|key| !["to", "type", "payload", "ip"].contains(&key.as_str())) {
        return Err(Refusal(400, "the body has a member other than to, type, payload and ip"));
    }
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let to = text("to")
        .filter(|to| is_international_digits(to.strip_prefix('+').unwrap_or(to)))
        .ok_or(Refusal(400, "`to` must be an international number, digits with or without `+`"))?;
    let usage = text("type")
        .filter(|usage| USAGES.contains(usage))
        .ok_or(Refusal(400, "`type` must be one of the nine usages, such as SignIn"))?;
    let payload =
        body.get("payload").and_then(Value::as_object).ok_or(Refusal(400, "`payload` must be a JSON object"))?;
    if payload.get("code").is_some_and(|code| code.as_str().is_none_or(str::is_empty)) {
        return Err(Refusal(400, "`payload.code` must be a string that is not empty"));
    }
    if body.get("ip").is_some_and(|ip| ip.as_str().is_none_or(|ip| ip.parse::<IpAddr>().is_err())) {
        return Err(Refusal(400, "`ip` must be an IP address"));
    }
    let variables: BTreeMap<String, String> = payload
        .iter()
        .map(|(key, value)| (key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    Ok(Accepted { to: to.to_owned(), variables, usage: Some(usage.to_owned()), ..Accepted::default() })
}
