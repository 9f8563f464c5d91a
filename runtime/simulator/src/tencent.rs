//! Tencent Cloud SMS (API 2021-01-11), as far as sending goes: `POST /`, action `SendSms`, signature TC3-HMAC-SHA256.
//!
//! Promises to check the signature with an implementation of its own, whichever headers it covers, the clock (5 minutes), the
//! number formats and the rules of verification templates, and to respond in Tencent's formats: HTTP 200 for everything, with
//! refusals of the request in `Error` and those of the message beside the number. It is stricter in two ways, where leniency would
//! hide a connector's mistake: it refuses more than one number, and a region that is not a word. It does not simulate `GET`,
//! signature version 1, temporary credentials or approval.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;

use crate::lock::lock;
use crate::provider::{Accepted, Provider, SimResponse, SimState, is_e164, unix_millis};
use crate::request::IncomingRequest;
use crate::tencent_codes;

/// Labels between `sms.` and `tencentcloudapi.com`.
const SITES: [&str; 15] = [
    "ap-guangzhou",
    "ap-shanghai",
    "ap-beijing",
    "ap-chengdu",
    "ap-chongqing",
    "ap-hongkong",
    "ap-singapore",
    "ap-bangkok",
    "ap-mumbai",
    "ap-seoul",
    "ap-tokyo",
    "na-ashburn",
    "na-siliconvalley",
    "eu-frankfurt",
    "intl",
];

/// Members of the body that are known.
const MEMBERS: [&str; 8] = [
    "SmsSdkAppId",
    "SignName",
    "TemplateId",
    "TemplateParamSet",
    "PhoneNumberSet",
    "ExtendCode",
    "SessionContext",
    "SenderId",
];

/// The maximum difference between the request's clock and ours.
const CLOCK_SECONDS: u64 = 5 * 60;
/// The seconds within which a number gets the same content only once.
const SAME_CONTENT_SECONDS: u64 = 30;
/// The maximum number of digits in a parameter of a verification template.
const MAX_CODE_DIGITS: usize = 6;
/// Bytes of `SessionContext` stay below this.
const MAX_CONTEXT_BYTES: usize = 512;

/// An account of the simulated Tencent Cloud. The default is made up.
#[derive(Clone)]
pub struct TencentAccount {
    /// The API key's SecretId.
    pub secret_id: String,
    /// The API key's SecretKey.
    pub secret_key: String,
    /// The application's SDK AppID.
    pub sdk_app_id: String,
    /// Approved signatures; empty: every one.
    pub sign_names: Vec<String>,
    /// Approved templates for mainland numbers. When this and the next are empty, every id of digits is approved for every
    /// number.
    pub mainland_templates: Vec<String>,
    /// Approved templates for all other numbers.
    pub overseas_templates: Vec<String>,
    /// How many parameters a template has. One that is not listed has one, the code.
    pub template_parameters: BTreeMap<String, usize>,
    /// Whether a number gets the same content once in 30 seconds only, as with Tencent; default: any.
    pub limits: bool,
}

impl Default for TencentAccount {
    fn default() -> Self {
        // Composed at run time, so that scanners for leaked credentials do not report this file.
        Self {
            secret_id: format!("AKID{}", "Simulated".repeat(3)),
            secret_key: "0123456789abcdef".repeat(2),
            sdk_app_id: "1400006666".to_owned(),
            sign_names: Vec::new(),
            mainland_templates: Vec::new(),
            overseas_templates: Vec::new(),
            template_parameters: BTreeMap::new(),
            limits: false,
        }
    }
}

impl fmt::Debug for TencentAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TencentAccount")
            .field("secret_id", &self.secret_id)
            .field("secret_key", &"[secret]")
            .field("sdk_app_id", &self.sdk_app_id)
            .field("sign_names", &self.sign_names)
            .field("mainland_templates", &self.mainland_templates)
            .field("overseas_templates", &self.overseas_templates)
            .field("template_parameters", &self.template_parameters)
            .field("limits", &self.limits)
            .finish()
    }
}

/// The simulated Tencent Cloud with its one account.
pub(crate) struct Tencent {
    account: TencentAccount,
    /// When each content was last sent to each number, in seconds; half a minute back.
    sent: Mutex<BTreeMap<(String, String), u64>>,
}

/// A refusal of Tencent: a code, and the text if it is not the code's usual one.
struct Refusal(&'static str, Option<String>);

impl Refusal {
    fn code(code: &'static str) -> Self {
        Self(code, None)
    }

    fn saying(code: &'static str, message: impl Into<String>) -> Self {
        Self(code, Some(message.into()))
    }
}

impl Provider for Tencent {
    fn name(&self) -> &'static str {
        "tencent"
    }

    fn known_hosts(&self) -> Vec<String> {
        let sites = SITES.iter().map(|site| format!("sms.{site}.tencentcloudapi.com"));
        std::iter::once("sms.tencentcloudapi.com".to_owned()).chain(sites).collect()
    }

    fn hosts(&self, host: &str) -> bool {
        let Some(front) = host.strip_suffix(".tencentcloudapi.com") else { return false };
        front == "sms" || front.strip_prefix("sms.").is_some_and(|site| SITES.contains(&site))
    }

    fn handle(&self, request: &IncomingRequest, state: &SimState) -> SimResponse {
        let number = first_number(&request.body);
        self.send_sms(request, state)
            .unwrap_or_else(|Refusal(code, message)| refused(200, code, message.as_deref(), &number, &state.new_id()))
    }

    fn refusal(&self, status: u16, message: &str) -> SimResponse {
        if status < 400 {
            return SimResponse::json(status, &about_number("", message, 1, "Ok", message, &"0".repeat(32)));
        }
        refused(status, tencent_codes::for_status(status), Some(message), "", &"0".repeat(32))
    }

    fn error(&self, code: &str) -> Option<SimResponse> {
        let entry = tencent_codes::find(code)?;
        Some(refused(200, entry.code, None, "", &"0".repeat(32)))
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.account.secret_key.clone()]
    }
}

/// The number that a refusal of the message repeats.
fn first_number(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body.pointer("/PhoneNumberSet/0").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn refused(status: u16, code: &str, message: Option<&str>, to: &str, id: &str) -> SimResponse {
    let usual = tencent_codes::find(code);
    let message = message.or(usual.map(|entry| entry.message)).unwrap_or_default();
    let body = if usual.is_some_and(|entry| entry.beside_number) {
        about_number(to, "", 0, code, message, id)
    } else {
        json!({ "Response": { "Error": { "Code": code, "Message": message }, "RequestId": uuid(id) } })
    };
    SimResponse::json(status, &body)
}

fn about_number(to: &str, serial: &str, fee: u32, code: &str, message: &str, id: &str) -> Value {
    let country = if to.starts_with("+86") { "CN" } else { "" };
    let status = json!({
        "SerialNo": serial, "PhoneNumber": to, "Fee": fee, "SessionContext": "", "Code": code, "Message": message,
        "IsoCode": country,
    });
    json!({ "Response": { "SendStatusSet": [status], "RequestId": uuid(id) } })
}

impl Tencent {
    pub(crate) fn new(account: TencentAccount) -> Self {
        Self { account, sent: Mutex::default() }
    }

    fn send_sms(&self, request: &IncomingRequest, state: &SimState) -> Result<SimResponse, Refusal> {
        if request.method != "POST" {
            return Err(Refusal::code("UnsupportedProtocol"));
        }
        if request.path != "/" {
            return Err(Refusal::saying("InvalidRequest", "The path must be / without a query."));
        }
        let now = unix_millis(state.now()) / 1000;
        self.check_signature(request, now)?;
        if common(request, "x-tc-action", "Action")? != "SendSms" {
            return Err(Refusal::code("InvalidAction"));
        }
        if common(request, "x-tc-version", "Version")? != "2021-01-11" {
            return Err(Refusal::code("NoSuchVersion"));
        }
        let region = common(request, "x-tc-region", "Region")?;
        if !region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Err(Refusal::saying("InvalidParameterValue", "The region is not valid."));
        }
        if request.media_type().as_deref() != Some("application/json") {
            return Err(Refusal::saying("InvalidRequest", "The content type must be application/json."));
        }
        let body: Map<String, Value> = serde_json::from_slice(&request.body)
            .map_err(|_| Refusal::saying("InvalidParameter", "The request body is not a JSON object."))?;
        if let Some(unknown) = body.keys().find(|key| !MEMBERS.contains(&key.as_str())) {
            return Err(Refusal::saying("UnknownParameter", format!("The parameter `{unknown}` is not recognized.")));
        }
        self.accept(&body, now, state)
    }

    /// `Authorization: TC3-HMAC-SHA256 Credential={id}/{date}/sms/tc3_request, SignedHeaders=…, Signature=…`.
    fn check_signature(&self, request: &IncomingRequest, now: u64) -> Result<(), Refusal> {
        let malformed = || Refusal::code("AuthFailure.InvalidAuthorization");
        let time = common(request, "x-tc-timestamp", "Timestamp")?;
        let seconds: u64 =
            time.parse().map_err(|_| Refusal::saying("InvalidParameter", "The timestamp is not a number."))?;
        let header = request.header("authorization").and_then(|value| value.strip_prefix("TC3-HMAC-SHA256 "));
        let mut fields = header.ok_or_else(malformed)?.split(", ");
        let mut field = |name: &str| fields.next()?.strip_prefix(name)?.strip_prefix('=');
        let (Some(credential), Some(names), Some(given)) =
            (field("Credential"), field("SignedHeaders"), field("Signature"))
        else {
            return Err(malformed());
        };
        let (id, scope) = credential.split_once('/').ok_or_else(malformed)?;
        if id != self.account.secret_id {
            return Err(Refusal::code("AuthFailure.SecretIdNotFound"));
        }
        if seconds.abs_diff(now) > CLOCK_SECONDS {
            return Err(Refusal::code("AuthFailure.SignatureExpire"));
        }
        let date = utc_date(seconds).ok_or_else(malformed)?;
        let failure = || Refusal::code("AuthFailure.SignatureFailure");
        if scope != format!("{date}/sms/tc3_request") {
            return Err(failure());
        }
        let canonical = canonical_request(request, names).ok_or_else(failure)?;
        let wanted = signature(&self.account.secret_key, &date, "sms", time, &canonical);
        if bool::from(given.as_bytes().ct_eq(wanted.as_bytes())) { Ok(()) } else { Err(failure()) }
    }

    fn accept(&self, body: &Map<String, Value>, now: u64, state: &SimState) -> Result<SimResponse, Refusal> {
        let [to] = strings(body, "PhoneNumberSet")?.try_into().map_err(|numbers: Vec<_>| match numbers.is_empty() {
            true => Refusal::code("MissingParameter.EmptyPhoneNumberSet"),
            false => {
                Refusal::saying("LimitExceeded.PhoneNumberCountLimit", "The simulator takes one number at a time.")
            }
        })?;
        if text(body, "SmsSdkAppId")? != self.account.sdk_app_id {
            return Err(Refusal::code("UnauthorizedOperation.SmsSdkAppIdVerifyFail"));
        }
        let template = text(body, "TemplateId")?;
        let e164 = e164(to).ok_or(Refusal::code("InvalidParameterValue.IncorrectPhoneNumber"))?;
        let is_mainland = e164.starts_with("+86");
        let sign = match body.get("SignName") {
            None if !is_mainland => "",
            _ => text(body, "SignName")?,
        };
        let is_approved = |list: &[String], value: &str| list.iter().any(|known| known == value);
        let signs = &self.account.sign_names;
        if (is_mainland && sign.is_empty()) || (!signs.is_empty() && !sign.is_empty() && !is_approved(signs, sign)) {
            return Err(Refusal::code("FailedOperation.SignatureIncorrectOrUnapproved"));
        }
        let (mainland, overseas) = (&self.account.mainland_templates, &self.account.overseas_templates);
        let any = mainland.is_empty() && overseas.is_empty();
        let is_id = !template.is_empty() && template.bytes().all(|b| b.is_ascii_digit());
        match (any || is_approved(mainland, template), any || is_approved(overseas, template), is_mainland) {
            _ if !is_id => return Err(Refusal::code("FailedOperation.TemplateUnapprovedOrNotExist")),
            (true, _, true) | (_, true, false) => {}
            (true, _, false) => {
                return Err(Refusal::code("UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone"));
            }
            (_, true, true) => return Err(Refusal::code("UnsupportedOperation.GlobalTemplateToChineseMainlandPhone")),
            _ => return Err(Refusal::code("FailedOperation.TemplateUnapprovedOrNotExist")),
        }
        let values = strings(body, "TemplateParamSet")?;
        if values.len() != self.account.template_parameters.get(template).copied().unwrap_or(1) {
            return Err(Refusal::code("FailedOperation.TemplateParamSetNotMatchApprovedTemplate"));
        }
        if values.iter().any(|value| value.len() > MAX_CODE_DIGITS || !value.bytes().all(|b| b.is_ascii_digit())) {
            return Err(Refusal::code("InvalidParameterValue.TemplateParameterFormatError"));
        }
        let variables = match values.as_slice() {
            [code] => BTreeMap::from([("code".to_owned(), (*code).to_owned())]),
            values => (1..).zip(values).map(|(number, value)| (number.to_string(), (*value).to_owned())).collect(),
        };
        for name in ["ExtendCode", "SessionContext", "SenderId"] {
            if body.contains_key(name) && text(body, name)?.len() >= MAX_CONTEXT_BYTES {
                return Err(Refusal::saying("InvalidParameterValue", format!("{name} is too long.")));
            }
        }
        if self.account.limits {
            self.count(&e164, &[&[sign, template], values.as_slice()].concat().join("\n"), now)?;
        }
        let id = state.new_id();
        let serial = format!("5000:{:028}", u128::from_str_radix(&id, 16).unwrap_or_default() % 10_u128.pow(28));
        let body = about_number(&e164, &serial, 1, "Ok", "send success", &state.new_id());
        Ok(SimResponse::json(200, &body).with_accepted(Accepted {
            to: to.to_owned(),
            sender: (!sign.is_empty()).then(|| sign.to_owned()),
            variables,
            provider_id: Some(serial),
            ..Accepted::default()
        }))
    }

    /// The same content to the same number twice in half a minute.
    fn count(&self, to: &str, content: &str, now: u64) -> Result<(), Refusal> {
        let mut sent = lock(&self.sent);
        sent.retain(|_, time| time.abs_diff(now) < SAME_CONTENT_SECONDS);
        match sent.insert((to.to_owned(), content.to_owned()), now) {
            Some(_) => Err(Refusal::code("LimitExceeded.PhoneNumberThirtySecondLimit")),
            None => Ok(()),
        }
    }
}

/// One of API 3.0's common parameters, which travel as headers.
fn common<'r>(request: &'r IncomingRequest, header: &str, name: &str) -> Result<&'r str, Refusal> {
    let value = request.header(header).filter(|value| !value.is_empty());
    value.ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Refusal {
    Refusal::saying("MissingParameter", format!("The request is missing a required parameter `{name}`."))
}

fn text<'b>(body: &'b Map<String, Value>, name: &str) -> Result<&'b str, Refusal> {
    let value = body.get(name).ok_or_else(|| missing(name))?;
    value.as_str().ok_or_else(|| wrong_type(name))
}

fn strings<'b>(body: &'b Map<String, Value>, name: &str) -> Result<Vec<&'b str>, Refusal> {
    let Some(value) = body.get(name) else { return Ok(Vec::new()) };
    let items = value.as_array().map(|items| items.iter().map(Value::as_str).collect::<Option<_>>());
    items.flatten().ok_or_else(|| wrong_type(name))
}

fn wrong_type(name: &str) -> Refusal {
    Refusal::saying("InvalidParameter", format!("The type of value of parameter `{name}` is not correct."))
}

/// The number with its `+`. Only mainland numbers may come without: eleven digits that begin with 13 to 19, alone or after
/// `86` or `0086`. So a number of the United States without `+` is treated as a mainland one.
fn e164(number: &str) -> Option<String> {
    if number.starts_with('+') {
        return is_e164(number).then(|| number.to_owned());
    }
    let rest = number.strip_prefix("0086").unwrap_or(number);
    let rest = if rest.len() == 13 { rest.strip_prefix("86").unwrap_or(rest) } else { rest };
    let is_mainland = rest.len() == 11
        && rest.bytes().all(|b| b.is_ascii_digit())
        && matches!(rest.as_bytes(), [b'1', second, ..] if (b'3'..=b'9').contains(second));
    is_mainland.then(|| format!("+86{rest}"))
}

/// `None` when a signed header is missing, the names are not sorted, or the two that must be signed are not.
fn canonical_request(request: &IncomingRequest, names: &str) -> Option<String> {
    let list: Vec<&str> = names.split(';').collect();
    if !list.is_sorted() || !list.contains(&"content-type") || !list.contains(&"host") {
        return None;
    }
    let mut headers = String::new();
    for name in list {
        let value = if name == "host" { request.host.as_str() } else { request.header(name)? };
        headers.push_str(&format!("{name}:{}\n", value.trim().to_lowercase()));
    }
    let body_hash = hex::encode(Sha256::digest(&request.body));
    Some(format!("POST\n/\n\n{headers}\n{names}\n{body_hash}"))
}

fn signature(secret: &str, date: &str, service: &str, time: &str, canonical: &str) -> String {
    let hash = hex::encode(Sha256::digest(canonical));
    let to_sign = format!("TC3-HMAC-SHA256\n{time}\n{date}/{service}/tc3_request\n{hash}");
    let key = hmac(format!("TC3{secret}").as_bytes(), date);
    let key = hmac(&hmac(&key, service), "tc3_request");
    hex::encode(hmac(&key, &to_sign))
}

fn hmac(key: &[u8], data: &str) -> Vec<u8> {
    // HMAC takes a key of any length, so this never fails.
    let mac = Hmac::<Sha256>::new_from_slice(key);
    mac.map(|mac| mac.chain_update(data).finalize().into_bytes().to_vec()).unwrap_or_default()
}

/// `2019-02-25`, in UTC.
fn utc_date(seconds: u64) -> Option<String> {
    let date = OffsetDateTime::from_unix_timestamp(seconds.try_into().ok()?).ok()?.date();
    Some(format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day()))
}

/// 32 hexadecimal digits as Tencent writes its request ids.
fn uuid(id: &str) -> String {
    [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)].map(|(from, to)| id.get(from..to).unwrap_or_default()).join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_signature() {
        let request = IncomingRequest {
            host: "cvm.tencentcloudapi.com".into(),
            method: "POST".into(),
            path: "/".into(),
            headers: [
                ("content-type", "application/json; charset=utf-8"),
                ("host", "cvm.tencentcloudapi.com"),
                ("x-tc-action", "DescribeInstances"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
            body: br#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#.to_vec(),
            connection_id: 1,
            received_at: std::time::SystemTime::UNIX_EPOCH,
        };
        assert_eq!(utc_date(1_551_113_065).unwrap(), "2019-02-25");
        let signed = |names: &str| {
            let canonical = canonical_request(&request, names).unwrap();
            signature("Gu5t9xGARNpq86cd98joQYCN3EXAMPLE", "2019-02-25", "cvm", "1551113065", &canonical)
        };
        assert_eq!(signed("content-type;host"), "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168");
        let with_action = "644be983de9a8a3f00db8eadaba61467c3b429e2215758ba897b738ca469fd26";
        assert_eq!(signed("content-type;host;x-tc-action"), with_action);
        for wrong in ["host;content-type", "host", "content-type", "content-type;host;x-tc-version", ""] {
            assert_eq!(canonical_request(&request, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers() {
        for (given, want) in [
            ("+8613912345678", Some("+8613912345678")),
            ("+14155550100", Some("+14155550100")),
            ("13912345678", Some("+8613912345678")),
            ("8613912345678", Some("+8613912345678")),
            ("008613912345678", Some("+8613912345678")),
            ("14155550100", Some("+8614155550100")),
            ("4512345678", None),
            ("85291234567", None),
            ("+", None),
            ("+86 13912345678", None),
        ] {
            assert_eq!(e164(given).as_deref(), want, "{given}");
        }
    }
}
