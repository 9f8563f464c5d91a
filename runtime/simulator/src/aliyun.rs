//! Alibaba Cloud SMS (Aliyun, Dysmsapi 2017-05-25), as far as sending goes: `POST /`, action `SendSms`, RPC signature 1.0.
//!
//! Promises to check the signature with an implementation of its own, the clock (15 minutes), that no nonce is repeated, the
//! number formats of mainland and overseas messages and the rules of verification templates, and to respond in Alibaba Cloud's
//! formats: 200 with a code for refusals of the service, a status of its own for those of the gateway. It is stricter in three
//! ways, where leniency would hide a connector's mistake: it refuses unknown fields, repeated fields, and more than one number. It
//! does not simulate `GET`, XML responses, temporary credentials or approval.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;
use time::{Date, Month, PrimitiveDateTime, Time};

use crate::aliyun_codes;
use crate::lock::lock;
use crate::provider::{Accepted, Provider, SimResponse, SimState, is_international_digits, unix_millis};
use crate::request::IncomingRequest;

const HOSTS: [&str; 7] = [
    "dysmsapi.aliyuncs.com",
    "dysmsapi-proxy.cn-beijing.aliyuncs.com",
    "dysmsapi-xman.cn-hongkong.aliyuncs.com",
    "dysmsapi.ap-southeast-1.aliyuncs.com",
    "dysmsapi.ap-southeast-5.aliyuncs.com",
    "dysmsapi.eu-central-1.aliyuncs.com",
    "dysmsapi.us-east-1.aliyuncs.com",
];

/// Fields of the request that are checked and accepted.
const FIELDS: [&str; 16] = [
    "Action",
    "Format",
    "RegionId",
    "SignatureMethod",
    "SignatureVersion",
    "Version",
    "AccessKeyId",
    "PhoneNumbers",
    "SignName",
    "TemplateCode",
    "TemplateParam",
    "OutId",
    "SmsUpExtendCode",
    "SignatureNonce",
    "Timestamp",
    "Signature",
];

/// The maximum difference between the request's clock and ours.
const CLOCK_SECONDS: u64 = 15 * 60;
/// Longest value of a variable, in characters, for accounts of individuals.
const MAX_VALUE_CHARS: usize = 15;
/// The limits on codes of one signature to one number: seconds, messages in that time, and the text of the refusal.
const LIMITS: [(u64, usize, &str); 3] =
    [(60, 1, "触发分钟级流控Permits:1"), (3600, 5, "触发小时级流控Permits:5"), (86_400, 10, "触发天级流控Permits:10")];

/// An account of the simulated Aliyun. The default is made up.
#[derive(Clone)]
pub struct AliyunAccount {
    /// The AccessKey's id.
    pub access_key_id: String,
    /// The AccessKey's secret.
    pub access_key_secret: String,
    /// Approved signatures; empty: every one.
    pub sign_names: Vec<String>,
    /// Approved templates for mainland numbers. When this and the next are empty, every code of the right shape is
    /// approved for every number.
    pub mainland_templates: Vec<String>,
    /// Approved templates for all other numbers.
    pub overseas_templates: Vec<String>,
    /// The variables of a template. One that is not listed has `code`, and accepts others.
    pub template_variables: BTreeMap<String, Vec<String>>,
    /// Whether a number gets 1 code a minute, 5 an hour and 10 a day of one signature, as with Aliyun; default: any.
    pub limits: bool,
}

impl Default for AliyunAccount {
    fn default() -> Self {
        // Composed at run time, so that scanners for leaked credentials do not report this file.
        Self {
            access_key_id: format!("LTAI5t{}", "Simulated".repeat(2)),
            access_key_secret: "0123456789abcdef".repeat(2),
            sign_names: Vec::new(),
            mainland_templates: Vec::new(),
            overseas_templates: Vec::new(),
            template_variables: BTreeMap::new(),
            limits: false,
        }
    }
}

impl fmt::Debug for AliyunAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AliyunAccount")
            .field("access_key_id", &self.access_key_id)
            .field("access_key_secret", &"[secret]")
            .field("sign_names", &self.sign_names)
            .field("mainland_templates", &self.mainland_templates)
            .field("overseas_templates", &self.overseas_templates)
            .field("template_variables", &self.template_variables)
            .field("limits", &self.limits)
            .finish()
    }
}

/// The simulated Aliyun with its one account.
pub(crate) struct Aliyun {
    account: AliyunAccount,
    /// Nonces of the last 15 minutes, each with its time in seconds.
    nonces: Mutex<BTreeMap<String, u64>>,
    /// When each pair of number and signature was sent to, in seconds, a day back.
    sent: Mutex<BTreeMap<(String, String), Vec<u64>>>,
}

/// A refusal of Aliyun: a code, and the text if it is not the code's usual one.
#[derive(Debug)]
struct Refusal(String, Option<String>);

impl Refusal {
    fn code(code: &str) -> Self {
        Self(code.to_owned(), None)
    }

    fn saying(code: &str, message: impl Into<String>) -> Self {
        Self(code.to_owned(), Some(message.into()))
    }
}

impl Provider for Aliyun {
    fn name(&self) -> &'static str {
        "aliyun"
    }

    fn known_hosts(&self) -> Vec<String> {
        HOSTS.map(str::to_owned).to_vec()
    }

    fn hosts(&self, host: &str) -> bool {
        HOSTS.contains(&host)
    }

    fn handle(&self, request: &IncomingRequest, state: &SimState) -> SimResponse {
        self.send_sms(request, state).unwrap_or_else(|Refusal(code, message)| {
            let usual = aliyun_codes::find(&code);
            let text = message.as_deref().or(usual.map(|entry| entry.message)).unwrap_or_default();
            refused(&code, usual.map_or(400, |entry| entry.status), text, &uuid(&state.new_id()), &request.host)
        })
    }

    fn refusal(&self, status: u16, message: &str) -> SimResponse {
        let [host, ..] = HOSTS;
        refused(aliyun_codes::for_status(status), status, message, &uuid(&"0".repeat(32)), host)
    }

    fn error(&self, code: &str) -> Option<SimResponse> {
        let [host, ..] = HOSTS;
        let entry = aliyun_codes::find(code)?;
        Some(refused(entry.code, entry.status, entry.message, &uuid(&"0".repeat(32)), host))
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.account.access_key_secret.clone()]
    }
}

/// Aliyun's response to a refused request. The gateway's has two more members than the service's.
fn refused(code: &str, status: u16, message: &str, request_id: &str, host: &str) -> SimResponse {
    let mut body = json!({ "RequestId": request_id, "Message": message, "Code": code });
    if status >= 400
        && let Some(members) = body.as_object_mut()
    {
        members.insert("HostId".to_owned(), host.into());
        members.insert(
            "Recommend".to_owned(),
            format!("https://next.api.aliyun.com/troubleshoot?q={code}&product=Dysmsapi").into(),
        );
    }
    SimResponse::json(status, &body)
}

impl Aliyun {
    pub(crate) fn new(account: AliyunAccount) -> Self {
        Self { account, nonces: Mutex::default(), sent: Mutex::default() }
    }

    fn send_sms(&self, request: &IncomingRequest, state: &SimState) -> Result<SimResponse, Refusal> {
        if request.path != "/" {
            return Err(Refusal::code("InvalidAction.NotFound"));
        }
        if request.method != "POST" {
            return Err(Refusal::code("UnsupportedHTTPMethod"));
        }
        if request.media_type().as_deref() != Some("application/x-www-form-urlencoded") {
            return Err(Refusal::code("UnsupportedContentType"));
        }
        let fields = request.form().map_err(|error| Refusal::saying("InvalidParameter", error.to_string()))?;
        let fields = Fields::new(fields)?;
        let now = unix_millis(state.now()) / 1000;
        self.check_envelope(&fields, now)?;
        self.accept(&fields, now, state)
    }

    /// The gateway's checks before the service sees the request.
    fn check_envelope(&self, fields: &Fields, now: u64) -> Result<(), Refusal> {
        if fields.required("Action")? != "SendSms" {
            return Err(Refusal::code("InvalidAction.NotFound"));
        }
        if fields.required("Version")? != "2017-05-25" {
            return Err(Refusal::code("InvalidVersion"));
        }
        if !fields.get("Format").is_some_and(|format| format.eq_ignore_ascii_case("json")) {
            return Err(Refusal::saying("InvalidParameter", "The simulator answers in JSON only: set Format to json."));
        }
        if fields.required("AccessKeyId")? != self.account.access_key_id {
            return Err(Refusal::code("InvalidAccessKeyId.NotFound"));
        }
        if fields.required("SignatureMethod")? != "HMAC-SHA1" || fields.required("SignatureVersion")? != "1.0" {
            return Err(Refusal::code("IncompleteSignature"));
        }
        let time = unix_seconds(fields.required("Timestamp")?).ok_or(Refusal::code("InvalidTimeStamp.Format"))?;
        if time.abs_diff(now) > CLOCK_SECONDS {
            return Err(Refusal::code("InvalidTimeStamp.Expired"));
        }
        let nonce = fields.required("SignatureNonce")?;
        let to_sign = string_to_sign("POST", &fields.0);
        let wanted = signature(&to_sign, &self.account.access_key_secret);
        if !bool::from(fields.required("Signature")?.as_bytes().ct_eq(wanted.as_bytes())) {
            // Aliyun shows the string that it would have signed, including number and code.
            let message =
                format!("Specified signature is not matched with our calculation. server string to sign is:{to_sign}");
            return Err(Refusal::saying("SignatureDoesNotMatch", message));
        }
        let mut nonces = lock(&self.nonces);
        nonces.retain(|_, used| used.abs_diff(now) <= CLOCK_SECONDS);
        if nonces.insert(nonce.to_owned(), now).is_some() {
            return Err(Refusal::code("SignatureNonceUsed"));
        }
        Ok(())
    }

    fn accept(&self, fields: &Fields, now: u64, state: &SimState) -> Result<SimResponse, Refusal> {
        let (to, sign, template) =
            (fields.required("PhoneNumbers")?, fields.required("SignName")?, fields.required("TemplateCode")?);
        if to.contains(',') {
            return Err(Refusal::code("isv.MOBILE_COUNT_OVER_LIMIT"));
        }
        let is_approved = |list: &[String], value: &str| list.iter().any(|known| known == value);
        if !self.account.sign_names.is_empty() && !is_approved(&self.account.sign_names, sign) {
            return Err(Refusal::code("isv.SMS_SIGNATURE_ILLEGAL"));
        }
        let (mainland, overseas) = (&self.account.mainland_templates, &self.account.overseas_templates);
        let any = mainland.is_empty() && overseas.is_empty();
        let (for_mainland, for_overseas) =
            (any || is_approved(mainland, template), any || is_approved(overseas, template));
        let digits = template.strip_prefix("SMS_").unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) || !(for_mainland || for_overseas) {
            return Err(Refusal::code("isv.SMS_TEMPLATE_ILLEGAL"));
        }
        // A mainland number without its calling code looks like one of the United States: the template tells them apart.
        let is_overseas = is_international_digits(to) && !to.starts_with("86");
        if !(for_mainland && is_mainland(to) || for_overseas && is_overseas) {
            return Err(match is_mainland(to) {
                true => Refusal::code("isv.DOMESTIC_NUMBER_NOT_SUPPORTED"),
                false => Refusal::saying("isv.MOBILE_NUMBER_ILLEGAL", format!("{to}invalid mobile number")),
            });
        }
        let variables = variables(fields.get("TemplateParam"))?;
        check_names(&variables, self.account.template_variables.get(template))?;
        if self.account.limits {
            self.count(to, sign, now)?;
        }
        let id = format!("{:018}^0", digits_of(&state.new_id()));
        let body = json!({ "Message": "OK", "RequestId": uuid(&state.new_id()), "BizId": id, "Code": "OK" });
        Ok(SimResponse::json(200, &body).with_accepted(Accepted {
            to: to.to_owned(),
            sender: Some(sign.to_owned()),
            variables,
            provider_id: Some(id),
            ..Accepted::default()
        }))
    }

    /// Counts a message against the limits of its number and signature.
    fn count(&self, to: &str, sign: &str, now: u64) -> Result<(), Refusal> {
        let mut sent = lock(&self.sent);
        let times = sent.entry((to.to_owned(), sign.to_owned())).or_default();
        for (seconds, messages, text) in LIMITS {
            if times.iter().filter(|time| time.abs_diff(now) < seconds).count() >= messages {
                return Err(Refusal::saying("isv.BUSINESS_LIMIT_CONTROL", text));
            }
        }
        times.retain(|time| time.abs_diff(now) < 86_400);
        times.push(now);
        Ok(())
    }
}

/// Whether these are the variables of the template, none of them empty.
fn check_names(variables: &BTreeMap<String, String>, wanted: Option<&Vec<String>>) -> Result<(), Refusal> {
    let code = [String::from("code")];
    let names = wanted.map_or(code.as_slice(), Vec::as_slice);
    if names.iter().any(|name| variables.get(name).is_none_or(String::is_empty)) {
        return Err(Refusal::code("isv.TEMPLATE_MISSING_PARAMETERS"));
    }
    match wanted {
        Some(names) if variables.keys().any(|name| !names.contains(name)) => {
            Err(Refusal::code("isv.TEMPLATE_PARAMS_ILLEGAL"))
        }
        _ => Ok(()),
    }
}

/// The variables of a verification template: an object of strings, letters and digits only.
fn variables(json: Option<&str>) -> Result<BTreeMap<String, String>, Refusal> {
    let json = json.ok_or(Refusal::code("isv.TEMPLATE_MISSING_PARAMETERS"))?;
    let members: Map<String, Value> =
        serde_json::from_str(json).map_err(|_| Refusal::code("isv.INVALID_JSON_PARAM"))?;
    let mut variables = BTreeMap::new();
    for (name, value) in members {
        let Value::String(value) = value else { return Err(Refusal::code("isv.INVALID_JSON_PARAM")) };
        if !value.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Refusal::code("isv.TEMPLATE_PARAMS_ILLEGAL"));
        }
        if value.len() > MAX_VALUE_CHARS {
            return Err(Refusal::code("isv.PARAM_LENGTH_LIMIT"));
        }
        variables.insert(name, value);
    }
    Ok(variables)
}

/// Eleven digits that begin with 13 to 19, alone or after `+86`, `0086`, `86` or `+`.
fn is_mainland(number: &str) -> bool {
    let rest = ["+86", "0086", "+"].iter().find_map(|prefix| number.strip_prefix(prefix)).unwrap_or(number);
    let rest = if rest.len() == 13 { rest.strip_prefix("86").unwrap_or(rest) } else { rest };
    rest.len() == 11
        && rest.bytes().all(|b| b.is_ascii_digit())
        && matches!(rest.as_bytes(), [b'1', second, ..] if (b'3'..=b'9').contains(second))
}

/// `2017-07-12T02:42:19Z` as Unix time.
fn unix_seconds(text: &str) -> Option<u64> {
    let (date, clock) = text.strip_suffix('Z').filter(|text| text.len() == 19)?.split_once('T')?;
    let numbers =
        |text: &str, separator| text.split(separator).map(|n| n.parse::<u16>().ok()).collect::<Option<Vec<_>>>();
    let (date, clock) = (numbers(date, '-')?, numbers(clock, ':')?);
    let (&[year, month, day], &[hour, minute, second]) = (date.as_slice(), clock.as_slice()) else { return None };
    let small = |number: u16| u8::try_from(number).ok();
    let month = Month::try_from(small(month)?).ok()?;
    let date = Date::from_calendar_date(year.into(), month, small(day)?).ok()?;
    let time = Time::from_hms(small(hour)?, small(minute)?, small(second)?).ok()?;
    PrimitiveDateTime::new(date, time).assume_utc().unix_timestamp().try_into().ok()
}

/// The method, `/` and the canonical query, of which everything but `Signature` is a part.
fn string_to_sign(method: &str, fields: &[(String, String)]) -> String {
    let signed: BTreeSet<(&str, &str)> =
        fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).filter(|(name, _)| *name != "Signature").collect();
    let query: Vec<String> = signed.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    format!("{method}&{}&{}", encode("/"), encode(&query.join("&")))
}

fn signature(to_sign: &str, secret: &str) -> String {
    // HMAC takes a key of any length, so this never fails.
    let mac = Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes());
    mac.map(|mac| STANDARD.encode(mac.chain_update(to_sign).finalize().into_bytes())).unwrap_or_default()
}

/// RFC 3986: all but the unreserved characters, byte by byte.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// 32 hexadecimal digits as Aliyun writes its request ids.
fn uuid(id: &str) -> String {
    let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)].map(|(from, to)| id.get(from..to).unwrap_or_default());
    parts.join("-").to_ascii_uppercase()
}

/// A number of at most 18 digits that is as unique as the id.
fn digits_of(id: &str) -> u64 {
    let number = id.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or_default();
    number % 1_000_000_000_000_000_000
}

/// The form's fields. Unknown and repeated ones are refused.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn new(fields: Vec<(String, String)>) -> Result<Self, Refusal> {
        let mut seen = BTreeSet::new();
        for (name, _) in &fields {
            if !FIELDS.contains(&name.as_str()) || !seen.insert(name) {
                let message = format!("The parameter {name} is unknown, or repeated.");
                return Err(Refusal::saying("InvalidParameter", message));
            }
        }
        Ok(Self(fields))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn required(&self, name: &str) -> Result<&str, Refusal> {
        let value = self.get(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| Refusal::saying(&format!("Missing{name}"), format!("{name} is mandatory for this action.")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(method: &str, secret: &str, fields: &[(&str, &str)]) -> String {
        let fields: Vec<_> = fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        signature(&string_to_sign(method, &fields), secret)
    }

    #[test]
    fn published_signatures() {
        let sms = [
            ("AccessKeyId", "testId"),
            ("Action", "SendSms"),
            ("Format", "XML"),
            ("OutId", "123"),
            ("PhoneNumbers", "15300000001"),
            ("RegionId", "cn-hangzhou"),
            ("SignName", "阿里云短信测试专用"),
            ("Signature", "is not signed"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", "45e25e9b-0a6f-4070-8c85-2956eda1b466"),
            ("SignatureVersion", "1.0"),
            ("TemplateCode", "SMS_71390007"),
            ("TemplateParam", "{\"customer\":\"test\"}"),
            ("Timestamp", "2017-07-12T02:42:19Z"),
            ("Version", "2017-05-25"),
        ];
        assert_eq!(signed("GET", "testSecret", &sms), "zJDF+Lrzhj/ThnlvIToysFRq6t4=");
        let mail = [
            ("AccessKeyId", "testid"),
            ("AccountName", "<a%b'>"),
            ("Action", "SingleSendMail"),
            ("AddressType", "1"),
            ("Format", "XML"),
            ("HtmlBody", "4"),
            ("RegionId", "cn-hangzhou"),
            ("ReplyToAddress", "true"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", "c1b2c332-4cfb-4a0f-b8cc-ebe622aa0a5c"),
            ("SignatureVersion", "1.0"),
            ("Subject", "3"),
            ("TagName", "2"),
            ("Timestamp", "2016-10-20T06:27:56Z"),
            ("ToAddress", "1@test.com"),
            ("Version", "2015-11-23"),
        ];
        assert_eq!(signed("POST", "testsecret", &mail), "llJfXJjBW3OacrVgxxsITgYaYm0=");
    }

    #[test]
    fn mainland_numbers() {
        for good in ["13912345678", "+13912345678", "8613912345678", "+8613912345678", "008613912345678"] {
            assert!(is_mainland(good), "{good}");
        }
        for bad in ["12012345678", "1391234567", "85291234567", "86139123456789", "+86 13912345678", "1391234567x", ""]
        {
            assert!(!is_mainland(bad), "{bad}");
        }
    }

    #[test]
    fn timestamps() {
        assert_eq!(unix_seconds("2017-07-12T02:42:19Z"), Some(1_499_827_339));
        for bad in ["2017-07-12T02:42:19", "2017-07-12 02:42:19Z", "2017-7-12T02:42:19Z", "2017-02-29T00:00:00Z", "x"] {
            assert_eq!(unix_seconds(bad), None, "{bad}");
        }
    }
}
