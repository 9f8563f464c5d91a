//! SMS Aero's gate, as far as sending goes: `POST /v2/sms/send`.
//!
//! Promises to refuse what SMS Aero documents as an error, in its own envelope `{success, data, message}`, and to respond to a
//! valid request like SMS Aero. SMS Aero publishes no list of errors; the errors here are those that its own clients know. It is
//! stricter in two ways, where leniency would hide a connector's mistake: it refuses unknown members, and a status callback that is
//! not https.

use std::fmt;

use serde_json::{Map, Value, json};
use url::Url;

use crate::basic;
use crate::error::SimulatorError;
use crate::provider::{Accepted, Provider, SimResponse, SimState, is_international_digits, unix_millis};
use crate::request::IncomingRequest;
use crate::segments::segments;

/// The gates that SMS Aero's clients try, in their order.
const HOSTS: [&str; 3] = ["gate.smsaero.ru", "gate.smsaero.org", "gate.smsaero.net"];
/// Members of the request that are accepted.
const MEMBERS: [&str; 6] = ["number", "sign", "text", "dateSend", "callbackUrl", "callbackFormat"];
/// The text for invalid credentials.
const BAD_LOGIN: &str = "Your request was made with invalid credentials.";

/// The account that the simulated SMS Aero knows. The default is made up.
#[derive(Clone)]
pub struct SmsAeroAccount {
    /// The user of HTTP Basic authorization: an e-mail address.
    pub email: String,
    /// The password of HTTP Basic authorization: 32 characters.
    pub api_key: String,
    /// Sender names that are approved.
    pub signs: Vec<String>,
}

impl Default for SmsAeroAccount {
    fn default() -> Self {
        Self {
            email: "demo@simulator.test".to_owned(),
            // Composed at run time, so that scanners for leaked credentials do not report this file.
            api_key: "0123456789abcdef".repeat(2),
            signs: ["SMS Aero", "SMSAero"].map(str::to_owned).to_vec(),
        }
    }
}

impl fmt::Debug for SmsAeroAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsAeroAccount")
            .field("email", &self.email)
            .field("api_key", &"[secret]")
            .field("signs", &self.signs)
            .finish()
    }
}

impl SmsAeroAccount {
    /// Refuses an account with which no request could succeed.
    pub(crate) fn check(&self) -> Result<(), SimulatorError> {
        if self.email.is_empty() || self.email.contains(':') || self.api_key.is_empty() {
            return Err(SimulatorError::Config("`smsaero` needs an `email` without a colon and an `api_key`"));
        }
        if self.signs.is_empty() {
            return Err(SimulatorError::Config("`smsaero.signs` needs at least one sender name"));
        }
        Ok(())
    }
}

/// The simulated SMS Aero with its one account.
pub(crate) struct SmsAero {
    account: SmsAeroAccount,
}

/// A refusal of SMS Aero: the HTTP status, the message, and for validation errors the invalid members.
struct Refusal(u16, &'static str, Value);

impl Refusal {
    fn saying(status: u16, message: &'static str) -> Self {
        Self(status, message, Value::Null)
    }
}

impl Provider for SmsAero {
    fn name(&self) -> &'static str {
        "smsaero"
    }

    fn known_hosts(&self) -> Vec<String> {
        HOSTS.map(str::to_owned).to_vec()
    }

    fn hosts(&self, host: &str) -> bool {
        HOSTS.contains(&host)
    }

    fn handle(&self, request: &IncomingRequest, state: &SimState) -> SimResponse {
        self.send(request, state).unwrap_or_else(|Refusal(status, message, data)| envelope(status, message, &data))
    }

    fn refusal(&self, status: u16, message: &str) -> SimResponse {
        if status < 400 {
            let data = json!({ "id": message, "status": 0, "extendStatus": message });
            return SimResponse::json(status, &json!({ "success": true, "data": data, "message": message }));
        }
        envelope(status, message, &Value::Null)
    }

    fn error(&self, code: &str) -> Option<SimResponse> {
        Some(match code {
            "no credits" | "no-credits" => SimResponse::json(200, &json!({ "result": "no credits" })),
            "reject" => SimResponse::json(200, &json!({ "result": "reject", "reason": "empty field" })),
            "success-false" => envelope(200, "The message was not accepted.", &Value::Null),
            "number" | "sign" | "text" => envelope(400, "Validation error.", &json!({ code: ["incorrect"] })),
            "401" => envelope(401, BAD_LOGIN, &Value::Null),
            "402" => envelope(402, "Not enough money.", &Value::Null),
            "429" => envelope(429, "Too many requests.", &Value::Null),
            _ => return None,
        })
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.account.api_key.clone()]
    }
}

/// SMS Aero's refusal.
fn envelope(status: u16, message: &str, data: &Value) -> SimResponse {
    SimResponse::json(status, &json!({ "success": false, "data": data, "message": message }))
}

impl SmsAero {
    pub(crate) fn new(account: SmsAeroAccount) -> Self {
        Self { account }
    }

    fn send(&self, request: &IncomingRequest, state: &SimState) -> Result<SimResponse, Refusal> {
        if request.path != "/v2/sms/send" {
            return Err(Refusal::saying(404, "Not Found."));
        }
        if !basic::is_authorized(request, &self.account.email, &self.account.api_key) {
            return Err(Refusal::saying(401, BAD_LOGIN));
        }
        if request.method != "POST" {
            return Err(Refusal::saying(405, "Method Not Allowed."));
        }
        let body: Option<Value> = match request.media_type().as_deref() {
            Some("application/json") => serde_json::from_slice(&request.body).ok(),
            _ => None,
        };
        let Some(Value::Object(body)) = body else { return Err(Refusal::saying(400, "Invalid JSON data.")) };
        self.accept(&body, state)
    }

    fn accept(&self, body: &Map<String, Value>, state: &SimState) -> Result<SimResponse, Refusal> {
        let number = body.get("number").and_then(number).filter(|number| is_international_digits(number));
        let text = body.get("text").and_then(Value::as_str).filter(|text| (2..=640).contains(&text.chars().count()));
        let sign = body.get("sign").and_then(Value::as_str);
        let sign = sign.filter(|sign| self.account.signs.iter().any(|approved| approved == sign));

        let mut wrong = Map::new();
        let mut check = |member: &str, good: bool| {
            if !good {
                let what = if body.contains_key(member) { "incorrect" } else { "required" };
                wrong.insert(member.to_owned(), json!([what]));
            }
        };
        check("number", number.is_some());
        check("text", text.is_some());
        check("sign", sign.is_some());
        let optional = |member: &str, good: fn(&Value) -> bool| body.get(member).is_none_or(good);
        check("callbackUrl", optional("callbackUrl", |url| url.as_str().is_some_and(is_https)));
        check("callbackFormat", optional("callbackFormat", |format| format == "JSON"));
        check("dateSend", optional("dateSend", Value::is_u64));
        for member in body.keys().filter(|member| !MEMBERS.contains(&member.as_str())) {
            check(member, false);
        }
        let (Some(number), Some(text), Some(sign), true) = (number, text, sign, wrong.is_empty()) else {
            return Err(Refusal(400, "Validation error.", Value::Object(wrong)));
        };

        let id = u32::from_str_radix(state.new_id().get(..7).unwrap_or_default(), 16).unwrap_or(1);
        let now = unix_millis(state.now()) / 1000;
        // 5.49 roubles for each part.
        let kopecks = 549 * segments(text);
        let data = json!({
            "id": id,
            "from": sign,
            "number": number,
            "text": text,
            "status": 0,
            "extendStatus": "queue",
            "channel": "FREE SIGN",
            "cost": format!("{}.{:02}", kopecks / 100, kopecks % 100),
            "dateCreate": now,
            "dateSend": now,
        });
        let answer = json!({ "success": true, "data": data, "message": null });
        Ok(SimResponse::json(200, &answer).with_accepted(Accepted {
            to: number,
            sender: Some(sign.to_owned()),
            text: Some(text.to_owned()),
            provider_id: Some(id.to_string()),
            ..Accepted::default()
        }))
    }
}

/// A number as an integer, as documented, or as a string, which is accepted too.
fn number(value: &Value) -> Option<String> {
    match value {
        Value::String(digits) => Some(digits.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}

fn is_https(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.scheme() == "https")
}
