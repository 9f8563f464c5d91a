//! Vonage's SMS API, as far as sending goes: `POST /sms/json`.
//!
//! Promises to refuse what Vonage documents as an error, with Vonage's own status and HTTP 200, and to respond to a valid request
//! like Vonage: with one entry for every part. Like the real one it accepts a text outside the GSM alphabet without `type=unicode`
//! and corrupts it: the inbox shows what would arrive. It is stricter in one way, where leniency would hide a connector's mistake:
//! it refuses unknown members. It does not simulate signed requests.

use std::fmt;

use serde_json::{Map, Value, json};
use url::Url;

use crate::basic;
use crate::error::SimulatorError;
use crate::provider::{Accepted, Provider, SimResponse, SimState, is_international_digits};
use crate::request::IncomingRequest;
use crate::segments::{is_gsm, segments};

const HOST: &str = "rest.nexmo.com";
/// Members of the request that are accepted.
const MEMBERS: [&str; 8] = ["from", "to", "text", "type", "ttl", "callback", "status-report-req", "client-ref"];
/// Longest `text`, in characters (Vonage's support pages).
const MAX_TEXT_CHARS: usize = 3200;
/// Longest `callback` and `client-ref`, in characters.
const MAX_REFERENCE_CHARS: usize = 100;

/// Every status but 0, with what Vonage says. Source: «API Errors, SMS API» of its documentation.
const STATUSES: &[(u32, &str)] = &[
    (1, "Throughput Rate Exceeded - please wait and retry"),
    (2, "Missing parameter"),
    (3, "Invalid value for parameter"),
    (4, "Bad Credentials"),
    (5, "Internal Error"),
    (6, "Unroutable message - rejected"),
    (7, "Number barred"),
    (8, "Partner account barred"),
    (9, "Quota Exceeded - rejected"),
    (10, "Too many existing binds"),
    (11, "Account not enabled for HTTP"),
    (12, "Message too long"),
    (14, "Invalid Signature"),
    (15, "Illegal Sender Address - rejected"),
    (22, "Invalid network code"),
    (23, "Invalid callback url"),
    (29, "Non White-listed Destination - rejected"),
    (32, "Signature and API secret disallowed"),
    (33, "Number de-activated"),
];

/// The account that the simulated Vonage knows. The default is made up.
#[derive(Clone)]
pub struct VonageAccount {
    /// The user of HTTP Basic authorization.
    pub api_key: String,
    /// The password of HTTP Basic authorization.
    pub api_secret: String,
}

impl Default for VonageAccount {
    fn default() -> Self {
        // Composed at run time, so that scanners for leaked credentials do not report this file.
        Self { api_key: format!("5e{}", "0a".repeat(3)), api_secret: format!("{}{}", "01234567", "89abcdef") }
    }
}

impl fmt::Debug for VonageAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VonageAccount").field("api_key", &"[secret]").field("api_secret", &"[secret]").finish()
    }
}

impl VonageAccount {
    /// Refuses an account with which no request could succeed.
    pub(crate) fn check(&self) -> Result<(), SimulatorError> {
        if self.api_key.is_empty() || self.api_key.contains(':') || self.api_secret.is_empty() {
            return Err(SimulatorError::Config("`vonage` needs an `api_key` without a colon and an `api_secret`"));
        }
        Ok(())
    }
}

/// The simulated Vonage with its one account.
pub(crate) struct Vonage {
    account: VonageAccount,
}

/// A refusal of Vonage: a status, and the invalid parameter.
struct Refusal(u32, Option<String>);

impl Refusal {
    fn status(status: u32) -> Self {
        Self(status, None)
    }

    fn naming(status: u32, parameter: &str) -> Self {
        Self(status, Some(parameter.to_owned()))
    }
}

impl Provider for Vonage {
    fn name(&self) -> &'static str {
        "vonage"
    }

    fn known_hosts(&self) -> Vec<String> {
        vec![HOST.to_owned()]
    }

    fn hosts(&self, host: &str) -> bool {
        host == HOST
    }

    fn handle(&self, request: &IncomingRequest, state: &SimState) -> SimResponse {
        if request.path != "/sms/json" {
            return self.refusal(404, "The requested path does not exist.");
        }
        if request.method != "POST" {
            return self.refusal(405, "The method is not allowed.");
        }
        self.send(request, state).unwrap_or_else(|Refusal(status, parameter)| {
            let usual = STATUSES.iter().find(|(known, _)| *known == status).map_or("", |(_, text)| text);
            let text = parameter.map_or_else(|| usual.to_owned(), |parameter| format!("{usual}: {parameter}"));
            refused(status, &text)
        })
    }

    fn refusal(&self, status: u16, message: &str) -> SimResponse {
        if status < 400 {
            let part = json!({ "to": message, "message-id": message, "status": "0", "network": message });
            return SimResponse::json(status, &json!({ "message-count": "1", "messages": [part] }));
        }
        // Before a request reaches the SMS API, Vonage's gateway answers with a problem document (RFC 9457).
        let body = json!({ "type": "https://developer.vonage.com/api-errors", "title": "Error", "detail": message });
        SimResponse::json(status, &body)
    }

    fn error(&self, code: &str) -> Option<SimResponse> {
        let status: u32 = code.parse().ok()?;
        let (_, text) = STATUSES.iter().find(|(known, _)| *known == status)?;
        Some(refused(status, text))
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.account.api_key.clone(), self.account.api_secret.clone()]
    }
}

/// Vonage's refusal: HTTP 200, and one message with its status.
fn refused(status: u32, text: &str) -> SimResponse {
    let message = json!({ "status": status.to_string(), "error-text": text });
    SimResponse::json(200, &json!({ "message-count": "1", "messages": [message] }))
}

impl Vonage {
    pub(crate) fn new(account: VonageAccount) -> Self {
        Self { account }
    }

    fn send(&self, request: &IncomingRequest, state: &SimState) -> Result<SimResponse, Refusal> {
        if !basic::is_authorized(request, &self.account.api_key, &self.account.api_secret) {
            return Err(Refusal::status(4));
        }
        accept(&members(request)?, state)
    }
}

/// The request's members, from JSON or from a form.
fn members(request: &IncomingRequest) -> Result<Map<String, Value>, Refusal> {
    match request.media_type().as_deref() {
        Some("application/json") => match serde_json::from_slice(&request.body) {
            Ok(Value::Object(members)) => Ok(members),
            _ => Err(Refusal::naming(3, "body")),
        },
        Some("application/x-www-form-urlencoded") => {
            let fields = request.form().map_err(|_| Refusal::naming(3, "body"))?;
            Ok(fields.into_iter().map(|(name, value)| (name, Value::String(value))).collect())
        }
        _ => Err(Refusal::naming(3, "content-type")),
    }
}

fn accept(members: &Map<String, Value>, state: &SimState) -> Result<SimResponse, Refusal> {
    if let Some(unknown) = members.keys().find(|member| !MEMBERS.contains(&member.as_str())) {
        return Err(Refusal::naming(3, unknown));
    }
    let text = |name: &str| match members.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.as_str()),
        None | Some(Value::String(_)) => Err(Refusal::naming(2, name)),
        Some(_) => Err(Refusal::naming(3, name)),
    };
    let (from, to, message) = (text("from")?, text("to")?, text("text")?);
    if to.starts_with('0') {
        return Err(Refusal::status(6));
    }
    if !is_international_digits(to) {
        return Err(Refusal::naming(3, "to"));
    }
    if !is_sender(from) {
        return Err(Refusal::status(15));
    }
    if message.chars().count() > MAX_TEXT_CHARS {
        return Err(Refusal::status(12));
    }
    let unicode = check_options(members)?;

    let arrives: String =
        if unicode { message.to_owned() } else { message.chars().map(|c| if is_gsm(c) { c } else { '?' }).collect() };
    let ids: Vec<String> = (0..segments(&arrives))
        .map(|_| state.new_id().to_ascii_uppercase().get(..16).unwrap_or_default().to_owned())
        .collect();
    let parts: Vec<Value> = ids
        .iter()
        .map(|id| {
            let mut part = json!({
                "to": to,
                "message-id": id,
                "status": "0",
                "remaining-balance": "15.53590000",
                "message-price": "0.03330000",
                "network": "23410",
            });
            if let (Some(reference), Value::Object(part)) = (members.get("client-ref"), &mut part) {
                part.insert("client-ref".to_owned(), reference.clone());
            }
            part
        })
        .collect();
    let answer = json!({ "message-count": parts.len().to_string(), "messages": parts });
    Ok(SimResponse::json(200, &answer).with_accepted(Accepted {
        to: to.to_owned(),
        sender: Some(from.to_owned()),
        text: Some(arrives),
        provider_id: ids.into_iter().next(),
        ..Accepted::default()
    }))
}

/// A number of up to 15 digits, or a name of up to 11 printable characters; spaces are dropped.
fn is_sender(from: &str) -> bool {
    let digits = from.strip_prefix('+').unwrap_or(from);
    let number = (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let name = from.bytes().all(|b| (b' '..=b'~').contains(&b))
        && (1..=11).contains(&from.bytes().filter(|b| *b != b' ').count());
    number || name
}

/// The optional members, each with what Vonage documents for it. Says whether the text is unicode.
fn check_options(members: &Map<String, Value>) -> Result<bool, Refusal> {
    // In a form every value is a string.
    let written =
        |name: &str| members.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let unicode = match written("type").as_deref() {
        None | Some("text") => false,
        Some("unicode") => true,
        Some(_) => return Err(Refusal::naming(3, "type")),
    };
    let in_range = |ttl: &str| ttl.parse().is_ok_and(|ttl: u32| (20_000..=604_800_000).contains(&ttl));
    if written("ttl").is_some_and(|ttl| !in_range(&ttl)) {
        return Err(Refusal::naming(3, "ttl"));
    }
    if written("status-report-req").is_some_and(|wanted| !["true", "false", "1", "0"].contains(&wanted.as_str())) {
        return Err(Refusal::naming(3, "status-report-req"));
    }
    if written("client-ref").is_some_and(|reference| reference.chars().count() > MAX_REFERENCE_CHARS) {
        return Err(Refusal::naming(3, "client-ref"));
    }
    let is_callback = |url: &str| {
        url.chars().count() <= MAX_REFERENCE_CHARS && Url::parse(url).is_ok_and(|url| url.scheme() == "https")
    };
    match written("callback") {
        Some(url) if !is_callback(&url) => Err(Refusal::status(23)),
        _ => Ok(unicode),
    }
}
