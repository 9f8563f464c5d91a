//! Twilio's Programmable Messaging, as far as sending goes: `POST /2010-04-01/Accounts/{sid}/Messages.json`.
//!
//! Promises to refuse what Twilio documents as an error, with Twilio's own code and envelope, and to respond to a valid request
//! like Twilio (201, with `to` and `body`), with signed status callbacks if requested. It is stricter in three ways, where leniency
//! would hide a connector's mistake: it refuses unknown fields, repeated fields, and a status callback that is not https. It does
//! not simulate credentials per region, scheduling or content templates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac as _};
use serde_json::{Value, json};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::{Url, form_urlencoded};

use crate::callback::{ENDED_AFTER, SENT_AFTER, StatusCallback};
use crate::config::{TwilioAccount, is_sid};
use crate::provider::{Accepted, Provider, SimResponse, SimState, is_e164};
use crate::request::IncomingRequest;
use crate::segments::segments;
use crate::twilio_codes::{self, MAGIC_RECIPIENTS, UNREACHABLE, UNREACHABLE_RECIPIENT};

/// Longest `Body`, in characters.
const MAX_BODY_CHARS: usize = 1600;
/// Fields of the request that are checked and accepted.
const FIELDS: &[&str] = &[
    "To",
    "From",
    "MessagingServiceSid",
    "Body",
    "RiskCheck",
    "ValidityPeriod",
    "StatusCallback",
    "SmartEncoded",
    "ContentRetention",
    "AddressRetention",
    "MessageIntent",
    "MaxPrice",
    "Attempt",
];

/// The simulated Twilio with its one account.
pub(crate) struct Twilio {
    account: TwilioAccount,
}

/// A refusal of Twilio: a code, and the text if it is not the code's usual one.
struct Refusal(u32, Option<String>);

impl Refusal {
    fn code(code: u32) -> Self {
        Self(code, None)
    }

    fn saying(code: u32, message: impl Into<String>) -> Self {
        Self(code, Some(message.into()))
    }
}

impl Provider for Twilio {
    fn name(&self) -> &'static str {
        "twilio"
    }

    fn known_hosts(&self) -> Vec<String> {
        // The global host, and the two regions that Twilio sells besides US1 with the edge nearest to each.
        ["api.twilio.com", "api.dublin.ie1.twilio.com", "api.sydney.au1.twilio.com"].map(str::to_owned).to_vec()
    }

    fn hosts(&self, host: &str) -> bool {
        let Some(front) = host.strip_suffix(".twilio.com") else {
            return false;
        };
        let label = |l: &str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let labels: Vec<&str> = front.split('.').collect();
        matches!(labels.as_slice(), ["api"])
            || matches!(labels.as_slice(), ["api", edge, region] if label(edge) && label(region))
    }

    fn handle(&self, request: &IncomingRequest, state: &SimState) -> SimResponse {
        let answer = self.create_message(request, state).unwrap_or_else(|Refusal(code, message)| {
            let usual = twilio_codes::find(code);
            let status = usual.map_or(400, |entry| entry.status);
            let text = message.as_deref().or(usual.map(|entry| entry.message)).unwrap_or_default();
            let answer = SimResponse::json(status, &envelope(code, status, text));
            if status == 401 { answer.with_header("www-authenticate", "Basic realm=\"Twilio API\"") } else { answer }
        });
        answer
            .with_header("twilio-request-id", format!("RQ{}", state.new_id()))
            .with_header("twilio-concurrent-requests", "1")
    }

    fn refusal(&self, status: u16, message: &str) -> SimResponse {
        if status < 400 {
            return SimResponse::json(status, &json!({ "sid": message, "status": message, "body": message }));
        }
        SimResponse::json(status, &envelope(twilio_codes::for_status(status), status, message))
    }

    fn error(&self, code: &str) -> Option<SimResponse> {
        let entry = twilio_codes::find(code.parse().ok()?)?;
        Some(SimResponse::json(entry.status, &envelope(entry.code, entry.status, entry.message)))
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.account.auth_token.clone(), self.account.api_key_secret.clone()]
    }
}

/// Twilio's error body.
fn envelope(code: u32, status: u16, message: &str) -> Value {
    json!({
        "code": code,
        "message": message,
        "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
        "status": status,
    })
}

impl Twilio {
    pub(crate) fn new(account: TwilioAccount) -> Self {
        Self { account }
    }

    fn create_message(&self, request: &IncomingRequest, state: &SimState) -> Result<SimResponse, Refusal> {
        let not_found = || Refusal::saying(20404, "The requested resource was not found");
        let sid = request
            .path
            .strip_prefix("/2010-04-01/Accounts/")
            .and_then(|rest| rest.strip_suffix("/Messages.json"))
            .ok_or_else(not_found)?;
        if !self.is_authorized(request) {
            return Err(Refusal::code(20003));
        }
        if sid != self.account.account_sid {
            return Err(not_found());
        }
        if request.method != "POST" {
            return Err(Refusal::code(20004));
        }
        if request.media_type().as_deref() != Some("application/x-www-form-urlencoded") {
            return Err(Refusal::code(20415));
        }
        let fields = request.form().map_err(|error| Refusal::saying(20001, error.to_string()))?;
        let fields = Fields::new(fields)?;
        self.accept(&fields, state)
    }

    /// HTTP Basic with the account's SID and token, or with the API key and its secret, in exactly one header.
    fn is_authorized(&self, request: &IncomingRequest) -> bool {
        let given = request
            .header("authorization")
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|(_, encoded)| STANDARD.decode(encoded).ok());
        let Self { account } = self;
        let wanted = [(&account.account_sid, &account.auth_token), (&account.api_key_sid, &account.api_key_secret)]
            .map(|(user, password)| format!("{user}:{password}"));
        given.is_some_and(|given| wanted.iter().any(|wanted| bool::from(given.ct_eq(wanted.as_bytes()))))
    }

    fn accept(&self, fields: &Fields, state: &SimState) -> Result<SimResponse, Refusal> {
        let to = fields.get("To").filter(|to| !to.is_empty()).ok_or(Refusal::code(21604))?;
        if !is_e164(to) {
            return Err(Refusal::saying(21211, format!("Invalid 'To' Phone Number: {to}")));
        }
        if let Some((_, code)) = MAGIC_RECIPIENTS.iter().find(|(number, _)| *number == to) {
            return Err(Refusal::code(*code));
        }
        let body = fields.get("Body").filter(|body| !body.is_empty()).ok_or(Refusal::code(21602))?;
        if body.chars().count() > MAX_BODY_CHARS {
            return Err(Refusal::code(21617));
        }
        let (service, from) = senders(fields)?;
        check_options(fields)?;

        let id = format!("SM{}", state.new_id());
        let account = &self.account.account_sid;
        let uri = format!("/2010-04-01/Accounts/{account}/Messages/{id}");
        // A messaging service picks the sender later, and segments are counted only then: Twilio says "0" until then.
        let (status, parts) = if service.is_some() { ("accepted", 0) } else { ("queued", segments(body)) };
        let date = OffsetDateTime::from(state.now()).format(&Rfc2822).unwrap_or_default();
        let resource = json!({
            "account_sid": account,
            "api_version": "2010-04-01",
            "body": body,
            "date_created": date,
            "date_sent": null,
            "date_updated": date,
            "direction": "outbound-api",
            "error_code": null,
            "error_message": null,
            "from": from,
            "messaging_service_sid": service,
            "num_media": "0",
            "num_segments": parts.to_string(),
            "price": null,
            "price_unit": if service.is_some() { Value::Null } else { json!("USD") },
            "sid": id,
            "status": status,
            "subresource_uris": { "media": format!("{uri}/Media.json") },
            "to": to,
            "uri": format!("{uri}.json"),
        });
        Ok(SimResponse::json(201, &resource).with_accepted(Accepted {
            to: to.to_owned(),
            sender: from.or(service).map(str::to_owned),
            text: Some(body.to_owned()),
            callbacks: self.callbacks(fields, &id, to),
            provider_id: Some(id),
            ..Accepted::default()
        }))
    }
}

impl Twilio {
    /// The status callbacks to the URL in the request: sent, and then delivered or undelivered.
    fn callbacks(&self, fields: &Fields, id: &str, to: &str) -> Vec<StatusCallback> {
        let Some(url) = fields.get("StatusCallback") else { return Vec::new() };
        let end = if to == UNREACHABLE_RECIPIENT { "undelivered" } else { "delivered" };
        let report = |status: &str, after| {
            let code = (status == "undelivered").then(|| UNREACHABLE.to_string());
            let mut form: Vec<(&str, &str)> = vec![
                ("AccountSid", &self.account.account_sid),
                ("ApiVersion", "2010-04-01"),
                ("MessageSid", id),
                ("MessageStatus", status),
                ("SmsSid", id),
                ("SmsStatus", status),
                ("To", to),
            ];
            form.extend(fields.get("MessagingServiceSid").map(|service| ("MessagingServiceSid", service)));
            form.extend(fields.get("From").map(|from| ("From", from)));
            form.extend(code.as_deref().map(|code| ("ErrorCode", code)));
            let signature = ("X-Twilio-Signature", self.signature(url, form.clone()));
            let media_type = ("Content-Type", "application/x-www-form-urlencoded".to_owned());
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            StatusCallback { after, url: url.to_owned(), headers: vec![media_type, signature], body }
        };
        vec![report("sent", SENT_AFTER), report(end, ENDED_AFTER)]
    }

    /// HMAC-SHA-1 over the URL and the fields, sorted by name: <https://www.twilio.com/docs/usage/security>.
    fn signature(&self, url: &str, mut form: Vec<(&str, &str)>) -> String {
        form.sort_unstable();
        let Ok(mut mac) = <Hmac<Sha1> as KeyInit>::new_from_slice(self.account.auth_token.as_bytes()) else {
            return String::new();
        };
        mac.update(url.as_bytes());
        for (name, value) in form {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

/// The messaging service and the sender; at least one of them, both allowed.
fn senders(fields: &Fields) -> Result<(Option<&str>, Option<&str>), Refusal> {
    let service = fields.get("MessagingServiceSid");
    let from = fields.get("From");
    match (service, from) {
        (None, None) => Err(Refusal::code(21603)),
        (Some(sid), _) if !is_sid(sid, "MG") => Err(Refusal::code(21705)),
        (_, Some(from)) if !is_sender(from) => Err(Refusal::saying(
            21212,
            format!("The 'From' number {from} is not a valid phone number, shortcode, or alphanumeric sender ID"),
        )),
        both => Ok(both),
    }
}

/// A number in E.164, a short code of 4 to 8 digits, or an alphanumeric id of at most 11 characters with a letter.
fn is_sender(from: &str) -> bool {
    let short_code = (4..=8).contains(&from.len()) && from.bytes().all(|b| b.is_ascii_digit());
    let alphanumeric = (1..=11).contains(&from.len())
        && from.bytes().all(|b| b.is_ascii_alphanumeric() || b" +-_&".contains(&b))
        && from.bytes().any(|b| b.is_ascii_alphabetic());
    is_e164(from) || short_code || alphanumeric
}

/// The optional fields, each with what Twilio documents for it.
fn check_options(fields: &Fields) -> Result<(), Refusal> {
    fields.one_of("RiskCheck", &["enable", "disable"])?;
    fields.one_of("SmartEncoded", &["true", "false"])?;
    fields.one_of("ContentRetention", &["retain", "discard"])?;
    fields.one_of("AddressRetention", &["retain", "obfuscate"])?;
    fields.whole_number("ValidityPeriod", 1, 36_000)?;
    fields.whole_number("Attempt", 1, u32::MAX)?;
    fields.check("MessageIntent", "a word of lower-case letters", |v| {
        !v.is_empty() && v.bytes().all(|b| b.is_ascii_lowercase())
    })?;
    fields.check("MaxPrice", "a decimal number", |v| v.parse::<f64>().is_ok_and(|n| n.is_finite() && n >= 0.0))?;
    match fields.get("StatusCallback") {
        Some(url) if !is_callback(url) => Err(Refusal::code(21609)),
        _ => Ok(()),
    }
}

/// Absolute, https, at most 4000 characters, with a host name that has no underscore.
fn is_callback(text: &str) -> bool {
    text.len() <= 4000
        && Url::parse(text)
            .is_ok_and(|url| url.scheme() == "https" && url.host_str().is_some_and(|host| !host.contains('_')))
}

/// The form's fields. Unknown and repeated ones are refused.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn new(fields: Vec<(String, String)>) -> Result<Self, Refusal> {
        let mut seen: Vec<&str> = Vec::with_capacity(fields.len());
        for (name, _) in &fields {
            if !FIELDS.contains(&name.as_str()) {
                return Err(Refusal::saying(20001, format!("Unknown parameters: {name}")));
            }
            if seen.contains(&name.as_str()) {
                return Err(Refusal::saying(20001, format!("Parameter {name} is repeated")));
            }
            seen.push(name);
        }
        Ok(Self(fields))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn check(&self, name: &str, wanted: &str, good: impl Fn(&str) -> bool) -> Result<(), Refusal> {
        match self.get(name) {
            Some(value) if !good(value) => Err(Refusal::saying(20001, format!("Parameter {name} must be {wanted}"))),
            _ => Ok(()),
        }
    }

    fn one_of(&self, name: &str, values: &[&str]) -> Result<(), Refusal> {
        self.check(name, &values.join(" or "), |value| values.contains(&value))
    }

    fn whole_number(&self, name: &str, least: u32, most: u32) -> Result<(), Refusal> {
        self.check(name, &format!("a whole number from {least} to {most}"), |value| {
            value.bytes().all(|b| b.is_ascii_digit()) && value.parse().is_ok_and(|n: u32| (least..=most).contains(&n))
        })
    }
}
