//! A tenant's own endpoint that receives `{to, type, payload, ip?}`, as users of the generic HTTP SMS connector run it; or the same
//! in a form or a query.
//!
//! Promises to check the authorization, the API key, further headers and the Standard Webhooks signature if the account has them,
//! and every member of the body. Real endpoints are more lenient; this one follows the documented contract. Any path is served.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::config::{HttpSmsAccount, HttpSmsFormat};
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
        let Self { account, .. } = self;
        let api_key = account.api_key.as_ref().map(|(_, key)| key);
        account.authorization.iter().chain(&account.webhook_secret).chain(api_key).cloned().collect()
    }
}

impl HttpSms {
    pub(crate) fn new(account: HttpSmsAccount) -> Result<Self, SimulatorError> {
        let webhook_key = account.webhook_key()?;
        Ok(Self { account, webhook_key })
    }

    fn judge(&self, request: &IncomingRequest, state: &SimState) -> Result<Accepted, Refusal> {
        if request.method != self.account.method {
            return Err(Refusal(405, "the endpoint does not accept this method"));
        }
        self.check_headers(request)?;
        if let Some(key) = &self.webhook_key {
            check_signature(request, key, unix_millis(state.now()) / 1000)?;
        }
        let mut message = match self.account.format {
            HttpSmsFormat::Json => self.read_json(request)?,
            HttpSmsFormat::Form => {
                expect_media_type(request, "application/x-www-form-urlencoded")?;
                self.read_fields(request.form().map_err(|_| Refusal(400, "the body is not a form"))?)?
            }
            HttpSmsFormat::Query => {
                if !request.body.is_empty() || request.media_type().is_some() {
                    return Err(Refusal(400, "the request must not have a body"));
                }
                self.read_fields(request.query().map_err(|_| Refusal(400, "the query is malformed"))?)?
            }
        };
        message.provider_id = Some(state.new_id());
        Ok(message)
    }

    fn check_headers(&self, request: &IncomingRequest) -> Result<(), Refusal> {
        let equals = |name: &str, wanted: &str| {
            let given = request.header(name).unwrap_or_default();
            bool::from(given.as_bytes().ct_eq(wanted.as_bytes()))
        };
        let Self { account, .. } = self;
        if account.authorization.as_ref().is_some_and(|wanted| !equals("authorization", wanted)) {
            return Err(Refusal(401, "the Authorization header is missing or invalid"));
        }
        if account.api_key.as_ref().is_some_and(|(name, wanted)| !equals(name, wanted)) {
            return Err(Refusal(401, "the API key is missing or invalid"));
        }
        if account.headers.iter().any(|(name, wanted)| !equals(name, wanted)) {
            return Err(Refusal(400, "a header is missing or has another value"));
        }
        Ok(())
    }

    fn read_json(&self, request: &IncomingRequest) -> Result<Accepted, Refusal> {
        expect_media_type(request, "application/json")?;
        let mut body: Map<String, Value> = match serde_json::from_slice(&request.body) {
            Ok(Value::Object(body)) => body,
            Ok(_) => return Err(Refusal(400, "the body must be a JSON object")),
            Err(_) => return Err(Refusal(400, "the body is not JSON")),
        };
        for (name, wanted) in &self.account.fields {
            if body.remove(name).as_ref() != Some(wanted) {
                return Err(Refusal(400, "a member of the body is missing or has another value"));
            }
        }
        read_message(&body)
    }

    /// The message in the fields of a form or a query. A query also has what the endpoint's own URL has.
    fn read_fields(&self, fields: Vec<(String, String)>) -> Result<Accepted, Refusal> {
        let count = fields.len();
        let mut fields: BTreeMap<String, String> = fields.into_iter().collect();
        if fields.len() != count {
            return Err(Refusal(400, "a field is repeated"));
        }
        for (name, wanted) in &self.account.fields {
            let wanted = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
            if fields.remove(name) != Some(wanted) {
                return Err(Refusal(400, "a field is missing or has another value"));
            }
        }
        let mut take = |name: &str| fields.remove(name).map(Value::from);
        let message = [("to", take("to")), ("type", take("type")), ("ip", take("ip"))];
        let payload = [("code", take("code")), ("locale", take("locale"))];
        if !fields.is_empty() {
            return Err(Refusal(400, "there is a field other than to, type, code, locale and ip"));
        }
        let set = |pairs: &[(&str, Option<Value>)]| -> Map<String, Value> {
            pairs.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?))).collect()
        };
        let mut body = set(&message);
        body.insert("payload".to_owned(), set(&payload).into());
        read_message(&body)
    }
}

fn expect_media_type(request: &IncomingRequest, wanted: &str) -> Result<(), Refusal> {
    if request.media_type().as_deref() == Some(wanted) {
        return Ok(());
    }
    Err(Refusal(415, "the content type is not the one that the endpoint takes"))
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
