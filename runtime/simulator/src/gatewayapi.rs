//! GatewayAPI's REST API, as far as sending one message goes: `POST /rest/mtsms`.
//!
//! Promises to refuse what GatewayAPI documents as an error, with GatewayAPI's own code and envelope, and to respond to a valid
//! request like GatewayAPI. Like the real one it accepts a text outside the GSM alphabet without `encoding: UCS2` and corrupts it:
//! the inbox shows what would arrive. It is stricter in one way, where leniency would hide a connector's mistake: it refuses
//! unknown members, and those for scheduled, binary and tagged messages.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use url::Url;

use crate::basic;
use crate::callback::{ENDED_AFTER, SENT_AFTER, StatusCallback};
use crate::error::SimulatorError;
use crate::gatewayapi_codes;
use crate::provider::{Accepted, Provider, SimResponse, SimState, is_international_digits, unix_millis};
use crate::request::IncomingRequest;
use crate::segments::{is_gsm, segments};

/// The hosts: for all accounts, and for accounts in the EU.
const HOSTS: [&str; 2] = ["gatewayapi.com", "gatewayapi.eu"];
/// Members of a message that are accepted.
const MEMBERS: [&str; 9] =
    ["sender", "message", "recipients", "encoding", "class", "priority", "validity_period", "callback_url", "userref"];
/// The maximum number of segments of one message.
const MAX_PARTS: usize = 255;
/// Some calling codes and their countries, for `usage`; the longest first.
const COUNTRIES: [(&str, &str); 8] =
    [("852", "HK"), ("45", "DK"), ("44", "GB"), ("49", "DE"), ("33", "FR"), ("86", "CN"), ("7", "RU"), ("1", "US")];

/// The account that the simulated GatewayAPI knows. The default is made up.
#[derive(Clone)]
pub struct GatewayApiAccount {
    /// The API token: the user of HTTP Basic authorization, with no password.
    pub api_token: String,
    /// The authentication token of the webhook. When set, status notifications are signed with it.
    pub webhook_secret: Option<String>,
}

impl Default for GatewayApiAccount {
    fn default() -> Self {
        // Composed at run time, so that scanners for leaked credentials do not report this file.
        Self { api_token: format!("Sim-{}", "0123456789abcdef".repeat(3)), webhook_secret: None }
    }
}

impl fmt::Debug for GatewayApiAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayApiAccount").field("api_token", &"[secret]").finish_non_exhaustive()
    }
}

impl GatewayApiAccount {
    /// Refuses an account with which no request could succeed.
    pub(crate) fn check(&self) -> Result<(), SimulatorError> {
        if self.api_token.is_empty() {
            return Err(SimulatorError::Config("`gatewayapi.api_token` must not be empty"));
        }
        Ok(())
    }
}

/// The simulated GatewayAPI with its one account.
pub(crate) struct GatewayApi {
    account: GatewayApiAccount,
}

/// A refusal of GatewayAPI: a code with the variables of its message, or an HTTP status and a message without a code.
enum Refusal {
    Code(u16, Vec<String>),
    Bare(u16, &'static str),
}

impl Refusal {
    fn naming(code: u16, name: &str) -> Self {
        Self::Code(code, vec![name.to_owned()])
    }

    /// «Invalid argument» of the API.
    fn argument(name: &str) -> Self {
        Self::naming(0x0308, name)
    }
}

impl Provider for GatewayApi {
    fn name(&self) -> &'static str {
        "gatewayapi"
    }

    fn known_hosts(&self) -> Vec<String> {
        HOSTS.map(str::to_owned).to_vec()
    }

    fn hosts(&self, host: &str) -> bool {
        HOSTS.contains(&host)
    }

    fn handle(&self, request: &IncomingRequest, state: &SimState) -> SimResponse {
        self.send(request, state).unwrap_or_else(|refusal| match refusal {
            Refusal::Code(code, variables) => coded(code, &variables, &state.new_id()),
            Refusal::Bare(status, message) => self.refusal(status, message),
        })
    }

    fn refusal(&self, status: u16, message: &str) -> SimResponse {
        if status < 400 {
            return SimResponse::json(status, &json!({ "ids": [message], "usage": { "currency": message } }));
        }
        SimResponse::json(status, &json!({ "incident_uuid": uuid(&"0".repeat(32)), "message": message }))
    }

    fn error(&self, code: &str) -> Option<SimResponse> {
        let number = u16::from_str_radix(code.strip_prefix("0x")?, 16).ok()?;
        gatewayapi_codes::find(number)?;
        Some(coded(number, &["simulated".to_owned()], &"0".repeat(32)))
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.account.api_token.clone()]
    }
}

/// GatewayAPI's error body; `variables` is left out when it is empty.
fn coded(code: u16, variables: &[String], id: &str) -> SimResponse {
    let (status, message) =
        gatewayapi_codes::find(code).map_or((500, "Unknown error"), |entry| (entry.status, entry.message));
    let mut body = json!({ "code": format!("0x{code:04X}"), "incident_uuid": uuid(id), "message": message });
    if let (false, Value::Object(members)) = (variables.is_empty(), &mut body) {
        members.insert("variables".to_owned(), json!(variables));
    }
    SimResponse::json(status, &body)
}

/// 32 hexadecimal digits in the form of a UUID.
fn uuid(id: &str) -> String {
    let part = |range: std::ops::Range<usize>| id.get(range).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

impl GatewayApi {
    pub(crate) fn new(account: GatewayApiAccount) -> Self {
        Self { account }
    }

    fn send(&self, request: &IncomingRequest, state: &SimState) -> Result<SimResponse, Refusal> {
        if request.path != "/rest/mtsms" {
            return Err(Refusal::Bare(404, "Not Found"));
        }
        if !self.is_authorized(request) {
            return Err(Refusal::Code(0x0229, Vec::new()));
        }
        if request.method != "POST" {
            return Err(Refusal::Bare(405, "Method Not Allowed"));
        }
        let body: Option<Value> = match request.media_type().as_deref() {
            Some("application/json") => serde_json::from_slice(&request.body).ok(),
            _ => None,
        };
        let Some(Value::Object(body)) = body else { return Err(Refusal::Bare(422, "Invalid json request body")) };
        self.accept(&body, state)
    }

    /// The token as the user of HTTP Basic, or in an `Authorization: Token`.
    fn is_authorized(&self, request: &IncomingRequest) -> bool {
        let bare = request.header("authorization").and_then(|value| value.strip_prefix("Token "));
        basic::is_authorized(request, &self.account.api_token, "")
            || bare.is_some_and(|given| given.as_bytes().ct_eq(self.account.api_token.as_bytes()).into())
    }

    fn accept(&self, body: &Map<String, Value>, state: &SimState) -> Result<SimResponse, Refusal> {
        if let Some(unknown) = body.keys().find(|member| !MEMBERS.contains(&member.as_str())) {
            return Err(Refusal::naming(0x0220, unknown));
        }
        let message = match body.get("message") {
            None => return Err(Refusal::naming(0x0222, "message")),
            Some(Value::String(message)) if !message.is_empty() => message,
            Some(_) => return Err(Refusal::argument("message")),
        };
        let to = recipient(body)?;
        let sender = match body.get("sender") {
            None => None,
            Some(Value::String(sender)) if is_sender(sender) => Some(sender.clone()),
            Some(_) => return Err(Refusal::argument("sender")),
        };
        check_options(body)?;

        let arrives: String = match body.get("encoding").and_then(Value::as_str) {
            Some("UCS2") => message.clone(),
            _ => message.chars().map(|c| if is_gsm(c) { c } else { '?' }).collect(),
        };
        let parts = segments(&arrives);
        if parts > MAX_PARTS {
            return Err(Refusal::argument("message"));
        }
        let id = u32::from_str_radix(state.new_id().get(..8).unwrap_or_default(), 16).unwrap_or(1);
        let country = COUNTRIES.iter().find(|(code, _)| to.starts_with(code)).map_or("ZZ", |(_, country)| country);
        // 0.12 kroner for each part.
        let oere = 12 * parts;
        let answer = json!({
            "ids": [id],
            "usage": {
                "countries": { country: parts },
                "currency": "DKK",
                "total_cost": f64::from(u32::try_from(oere).unwrap_or(u32::MAX)) / 100.0,
            },
        });
        let msisdn: u64 = to.parse().unwrap_or_default();
        Ok(SimResponse::json(200, &answer).with_accepted(Accepted {
            to,
            sender,
            text: Some(arrives),
            provider_id: Some(id.to_string()),
            callbacks: self.callbacks(body, id, msisdn, state),
            ..Accepted::default()
        }))
    }
}

impl GatewayApi {
    /// The status notifications to the URL in the message.
    fn callbacks(&self, body: &Map<String, Value>, id: u32, msisdn: u64, state: &SimState) -> Vec<StatusCallback> {
        let Some(url) = body.get("callback_url").and_then(Value::as_str) else { return Vec::new() };
        let time = unix_millis(state.now()) / 1000;
        let report = |status: &str, after| {
            let body = json!({
                "id": id, "msisdn": msisdn, "time": time, "status": status, "error": null, "code": null, "userref": null,
            });
            let body = body.to_string();
            let mut headers = vec![("Content-Type", "application/json".to_owned())];
            headers.extend(self.token(&body).map(|token| ("X-Gwapi-Signature", token)));
            StatusCallback { after, url: url.to_owned(), headers, body }
        };
        vec![report("ENROUTE", SENT_AFTER), report("DELIVERED", ENDED_AFTER)]
    }

    /// The notification as a JSON Web Token (HS256), if the account has a secret for it.
    fn token(&self, claims: &str) -> Option<String> {
        let secret = self.account.webhook_secret.as_ref()?;
        let head = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"HS256"}"#);
        let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims));
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes()).ok()?;
        mac.update(signed.as_bytes());
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
    }
}

/// The one recipient, as digits.
fn recipient(body: &Map<String, Value>) -> Result<String, Refusal> {
    let recipients = body.get("recipients").ok_or_else(|| Refusal::naming(0x0222, "recipients"))?;
    let recipients = recipients.as_array().ok_or_else(|| Refusal::argument("recipients"))?;
    let numbers: Vec<String> = recipients.iter().map(msisdn).collect::<Result<_, _>>()?;
    match numbers.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Refusal::argument("recipients")),
        [first, rest @ ..] if rest.contains(first) => Err(Refusal::naming(0x0310, first)),
        // Real accounts may; a code goes to one number.
        [_, ..] => Err(Refusal::argument("recipients")),
    }
}

fn msisdn(recipient: &Value) -> Result<String, Refusal> {
    let members = recipient.as_object().ok_or_else(|| Refusal::argument("recipients"))?;
    if let Some(unknown) = members.keys().find(|member| *member != "msisdn") {
        return Err(Refusal::naming(0x0220, unknown));
    }
    let number = match members.get("msisdn") {
        None => return Err(Refusal::naming(0x0222, "msisdn")),
        Some(Value::String(digits)) => digits.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => String::new(),
    };
    if is_international_digits(&number) { Ok(number) } else { Err(Refusal::argument("msisdn")) }
}

/// Up to 11 characters, or a number of up to 15 digits.
fn is_sender(sender: &str) -> bool {
    let digits = sender.strip_prefix('+').unwrap_or(sender);
    let number = (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let name = (1..=11).contains(&sender.chars().count()) && !sender.chars().any(char::is_control);
    number || name
}

/// The optional members, each with what GatewayAPI documents for it.
fn check_options(body: &Map<String, Value>) -> Result<(), Refusal> {
    let one_of = |member: &str, values: &[&str]| match body.get(member) {
        Some(value) if !value.as_str().is_some_and(|value| values.contains(&value)) => Err(Refusal::argument(member)),
        _ => Ok(()),
    };
    one_of("encoding", &["UTF8", "UCS2"])?;
    if body.get("class").is_some_and(|class| !matches!(class.as_str(), Some("standard" | "premium" | "secret"))) {
        let class = body.get("class").and_then(Value::as_str).unwrap_or_default();
        return Err(Refusal::naming(0x0218, class));
    }
    if body.get("priority").is_some() && one_of("priority", &["BULK", "NORMAL", "URGENT", "VERY_URGENT"]).is_err() {
        let priority = body.get("priority").and_then(Value::as_str).unwrap_or_default();
        return Err(Refusal::naming(0x0311, priority));
    }
    let fits = |member: &str, good: fn(&Value) -> bool| match body.get(member) {
        Some(value) if !good(value) => Err(Refusal::argument(member)),
        _ => Ok(()),
    };
    fits("validity_period", Value::is_u64)?;
    fits("userref", Value::is_string)?;
    fits("callback_url", |url| url.as_str().is_some_and(|url| Url::parse(url).is_ok_and(|url| url.scheme() == "https")))
}
