//! The simulated Aliyun over real TLS: a good request, and every way to be wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails; clippy's allowance covers test functions and not what they call"
)]

mod client;

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use client::*;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sendbox_simulator::{AliyunAccount, Simulator, SimulatorConfig};
use sha1::Sha1;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const HOST: &str = "dysmsapi.aliyuncs.com";
const MAINLAND: &str = "8613912345678";

/// A request that is signed when it is sent, so that fields can be varied before.
struct Fields(Vec<(String, String)>);

impl Fields {
    /// A good request, with a nonce of its own.
    fn good(nonce: &str) -> Self {
        let account = AliyunAccount::default();
        Self(
            [
                ("Action", "SendSms"),
                ("Format", "json"),
                ("RegionId", "cn-hangzhou"),
                ("SignatureMethod", "HMAC-SHA1"),
                ("SignatureVersion", "1.0"),
                ("Version", "2017-05-25"),
                ("AccessKeyId", account.access_key_id.as_str()),
                ("PhoneNumbers", MAINLAND),
                ("SignName", "阿里云 *~'+"),
                ("TemplateCode", "SMS_154950909"),
                ("TemplateParam", r#"{"code":"246810"}"#),
                ("SignatureNonce", nonce),
                ("Timestamp", timestamp(0).as_str()),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        )
    }

    /// Another value, or none.
    fn with(mut self, name: &str, value: Option<&str>) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        self
    }

    fn signed(&self) -> Sent {
        let mut fields = self.0.clone();
        fields.sort();
        let query = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let to_sign = format!("POST&%2F&{}", encode(&query.collect::<Vec<_>>().join("&")));
        let key = format!("{}&", AliyunAccount::default().access_key_secret);
        let mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap().chain_update(to_sign);
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let mut pairs: Vec<_> = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        pairs.push(("Signature", &signature));
        Sent {
            host: HOST.into(),
            method: "POST".into(),
            path: "/".into(),
            headers: vec![("Content-Type".into(), "application/x-www-form-urlencoded".into())],
            body: form(&pairs),
        }
    }
}

fn encode(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    encoded.collect()
}

/// So many seconds from now.
fn timestamp(offset: i64) -> String {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    OffsetDateTime::from_unix_timestamp(now + offset).unwrap().format(&Rfc3339).unwrap()
}

async fn with_account(change: impl FnOnce(&mut AliyunAccount)) -> Simulator {
    let mut config = SimulatorConfig::default();
    change(&mut config.aliyun);
    Simulator::start(config).await.unwrap()
}

#[tokio::test]
async fn a_valid_request_gets_an_aliyun_response() {
    let simulator = start().await;
    let mut events = simulator.subscribe();
    let answer = Fields::good("n1").signed().to(&simulator).await;
    assert_eq!(answer.status, 200, "{}", answer.head);
    let json = answer.json();
    assert_eq!((&json["Code"], &json["Message"]), (&"OK".into(), &"OK".into()));
    let (id, request_id) = (json["BizId"].as_str().unwrap(), json["RequestId"].as_str().unwrap());
    let (digits, tail) = id.split_once('^').unwrap();
    assert!(digits.len() == 18 && digits.bytes().all(|b| b.is_ascii_digit()) && tail == "0", "{id}");
    assert!(request_id.len() == 36 && request_id.to_uppercase() == request_id, "{request_id}");

    let message = next_message(&mut events).await;
    assert_eq!((message.provider.as_str(), message.to.as_str()), ("aliyun", MAINLAND));
    assert_eq!((message.sender.as_deref(), message.text.as_deref()), (Some("阿里云 *~'+"), None));
    assert_eq!(message.variables.get("code").map(String::as_str), Some("246810"));
    assert_eq!(message.provider_id.as_deref(), Some(id));
}

#[tokio::test]
async fn every_endpoint_is_served() {
    let simulator = start().await;
    let hosts: Vec<String> = simulator.hosts().into_iter().filter(|host| host.ends_with(".aliyuncs.com")).collect();
    assert_eq!(hosts.len(), 7);
    for host in hosts {
        let request = Sent { host: host.clone(), ..Fields::good(&host).signed() };
        assert_eq!(request.to(&simulator).await.json()["Code"], "OK", "{host}");
    }
}

#[tokio::test]
async fn every_field_is_checked() {
    let simulator = start().await;
    let cases: &[(&str, Option<&str>, u16, &str)] = &[
        ("PhoneNumbers", Some("13912345678"), 200, "OK"),
        ("PhoneNumbers", Some("+8613912345678"), 200, "OK"),
        ("PhoneNumbers", Some("008613912345678"), 200, "OK"),
        ("PhoneNumbers", Some("14155550100"), 200, "OK"),
        ("PhoneNumbers", Some("85291234567"), 200, "OK"),
        ("PhoneNumbers", Some("+4512345678"), 200, "isv.MOBILE_NUMBER_ILLEGAL"),
        ("PhoneNumbers", Some("8612345"), 200, "isv.MOBILE_NUMBER_ILLEGAL"),
        ("PhoneNumbers", Some("139 1234 5678"), 200, "isv.MOBILE_NUMBER_ILLEGAL"),
        ("PhoneNumbers", Some("13912345678,13912345679"), 200, "isv.MOBILE_COUNT_OVER_LIMIT"),
        ("PhoneNumbers", None, 400, "MissingPhoneNumbers"),
        ("SignName", None, 400, "MissingSignName"),
        ("TemplateCode", Some("154950909"), 200, "isv.SMS_TEMPLATE_ILLEGAL"),
        ("TemplateCode", Some("SMS_"), 200, "isv.SMS_TEMPLATE_ILLEGAL"),
        ("TemplateCode", None, 400, "MissingTemplateCode"),
        ("TemplateParam", Some(r#"{"code":"A1b2"}"#), 200, "OK"),
        ("TemplateParam", Some(r#"{"code":"246810","product":"Shop"}"#), 200, "OK"),
        ("TemplateParam", Some(r#"{"code":"246810","uiLocales":"fr-CA fr en"}"#), 200, "isv.TEMPLATE_PARAMS_ILLEGAL"),
        ("TemplateParam", Some(r#"{"code":"24-68"}"#), 200, "isv.TEMPLATE_PARAMS_ILLEGAL"),
        ("TemplateParam", Some(r#"{"code":"1234567890123456"}"#), 200, "isv.PARAM_LENGTH_LIMIT"),
        ("TemplateParam", Some(r#"{"code":246810}"#), 200, "isv.INVALID_JSON_PARAM"),
        ("TemplateParam", Some("246810"), 200, "isv.INVALID_JSON_PARAM"),
        ("TemplateParam", Some(r#"{"code":""}"#), 200, "isv.TEMPLATE_MISSING_PARAMETERS"),
        ("TemplateParam", Some("{}"), 200, "isv.TEMPLATE_MISSING_PARAMETERS"),
        ("TemplateParam", None, 200, "isv.TEMPLATE_MISSING_PARAMETERS"),
        ("OutId", Some("abc"), 200, "OK"),
        ("Nonsense", Some("1"), 400, "InvalidParameter"),
        ("Format", Some("XML"), 400, "InvalidParameter"),
        ("Action", Some("SendBatchSms"), 404, "InvalidAction.NotFound"),
        ("Action", None, 400, "MissingAction"),
        ("Version", Some("2018-05-01"), 400, "InvalidVersion"),
        ("AccessKeyId", Some("LTAI0"), 404, "InvalidAccessKeyId.NotFound"),
        ("SignatureMethod", Some("HMAC-SHA256"), 400, "IncompleteSignature"),
        ("SignatureVersion", Some("2.0"), 400, "IncompleteSignature"),
        ("Timestamp", Some("2026-11-23 08:00:00"), 400, "InvalidTimeStamp.Format"),
        ("Timestamp", Some(&timestamp(-16 * 60)), 400, "InvalidTimeStamp.Expired"),
        ("Timestamp", Some(&timestamp(16 * 60)), 400, "InvalidTimeStamp.Expired"),
        ("Timestamp", Some(&timestamp(-14 * 60)), 200, "OK"),
        ("SignatureNonce", None, 400, "MissingSignatureNonce"),
    ];
    let mut taken = 0;
    for (number, (name, value, status, code)) in cases.iter().enumerate() {
        let answer = Fields::good(&format!("case-{number}")).with(name, *value).signed().to(&simulator).await;
        let json = answer.json();
        assert_eq!((answer.status, &json["Code"]), (*status, &(*code).into()), "{name} {value:?}: {json}");
        assert_eq!(json["HostId"].is_string(), *status >= 400, "{json}");
        taken += usize::from(*code == "OK");
    }
    assert_eq!(simulator.inbox().len(), taken, "a refused request leaves nothing in the inbox");
}

#[tokio::test]
async fn the_signature_covers_every_field_and_no_nonce_comes_twice() {
    let simulator = start().await;
    let good = Fields::good("once").signed();
    let changed = |from: &str, to: &str| {
        let body = String::from_utf8(good.body.clone()).unwrap();
        assert!(body.contains(from), "{body}");
        Sent { body: body.replace(from, to).into_bytes(), ..good.clone() }
    };
    for request in [
        changed(MAINLAND, "8613912345679"),
        changed("246810", "246811"),
        changed("SMS_154950909", "SMS_154950908"),
        changed("Signature=", "Signature=A"),
    ] {
        let answer = request.to(&simulator).await;
        let json = answer.json();
        assert_eq!((answer.status, &json["Code"]), (400, &"SignatureDoesNotMatch".into()));
        let text = json["Message"].as_str().unwrap();
        assert!(text.contains("server string to sign is:POST&%2F&AccessKeyId%3D"), "{text}");
    }
    assert_eq!(good.to(&simulator).await.json()["Code"], "OK", "a refused request uses no nonce up");
    let again = good.to(&simulator).await;
    assert_eq!((again.status, &again.json()["Code"]), (400, &"SignatureNonceUsed".into()));
    assert_eq!(simulator.inbox().len(), 1);
}

#[tokio::test]
async fn the_envelope_around_the_fields_is_checked() {
    let simulator = start().await;
    type Change = Box<dyn Fn(&mut Sent)>;
    let cases: Vec<(&str, Change, u16, &str)> = vec![
        ("GET", Box::new(|s| s.method = "GET".into()), 405, "UnsupportedHTTPMethod"),
        ("path", Box::new(|s| s.path = "/sms".into()), 404, "InvalidAction.NotFound"),
        ("query", Box::new(|s| s.path = "/?Action=SendSms".into()), 404, "InvalidAction.NotFound"),
        ("JSON", Box::new(|s| s.set("Content-Type", "application/json")), 415, "UnsupportedContentType"),
        ("twice", Box::new(|s| s.body.extend(b"&Action=SendSms")), 400, "InvalidParameter"),
        ("not UTF-8", Box::new(|s| s.body = b"SignName=%E6".to_vec()), 400, "InvalidParameter"),
    ];
    for (name, change, status, code) in cases {
        let mut request = Fields::good(name).signed();
        change(&mut request);
        let answer = request.to(&simulator).await;
        assert_eq!((answer.status, &answer.json()["Code"]), (status, &code.into()), "{name}");
    }
}

#[tokio::test]
async fn configured_templates_and_signatures_are_enforced() {
    let simulator = with_account(|account| {
        account.sign_names = vec!["阿里云 *~'+".into()];
        account.mainland_templates = vec!["SMS_1".into()];
        account.overseas_templates = vec!["SMS_2".into()];
    })
    .await;
    for (template, number, code) in [
        ("SMS_1", MAINLAND, "OK"),
        ("SMS_2", "4512345678", "OK"),
        // The digits are those of a mainland number without its calling code: the template tells them apart.
        ("SMS_2", "18624017194", "OK"),
        ("SMS_2", MAINLAND, "isv.DOMESTIC_NUMBER_NOT_SUPPORTED"),
        ("SMS_1", "4512345678", "isv.MOBILE_NUMBER_ILLEGAL"),
        ("SMS_3", MAINLAND, "isv.SMS_TEMPLATE_ILLEGAL"),
    ] {
        let fields = Fields::good(&format!("{template}-{number}")).with("TemplateCode", Some(template));
        let answer = fields.with("PhoneNumbers", Some(number)).signed().to(&simulator).await;
        assert_eq!(answer.json()["Code"], code, "{template} {number}");
    }
    let other = Fields::good("sign").with("SignName", Some("Sendbox")).with("TemplateCode", Some("SMS_1"));
    assert_eq!(other.signed().to(&simulator).await.json()["Code"], "isv.SMS_SIGNATURE_ILLEGAL");
}

#[tokio::test]
async fn the_variables_of_a_known_template_are_enforced() {
    let simulator = with_account(|account| {
        account.template_variables = [("SMS_1".into(), vec!["yzm".into(), "min".into()])].into()
    })
    .await;
    for (number, (template, variables, code)) in [
        ("SMS_1", r#"{"yzm":"246810","min":"10"}"#, "OK"),
        ("SMS_1", r#"{"yzm":"246810"}"#, "isv.TEMPLATE_MISSING_PARAMETERS"),
        ("SMS_1", r#"{"yzm":"246810","min":""}"#, "isv.TEMPLATE_MISSING_PARAMETERS"),
        ("SMS_1", r#"{"yzm":"246810","min":"10","code":"1"}"#, "isv.TEMPLATE_PARAMS_ILLEGAL"),
        ("SMS_2", r#"{"yzm":"246810","min":"10"}"#, "isv.TEMPLATE_MISSING_PARAMETERS"),
    ]
    .into_iter()
    .enumerate()
    {
        let fields = Fields::good(&format!("variables-{number}")).with("TemplateCode", Some(template));
        let answer = fields.with("TemplateParam", Some(variables)).signed().to(&simulator).await;
        assert_eq!(answer.json()["Code"], code, "{template} {variables}");
    }
    assert_eq!(simulator.inbox()[0].variables["yzm"], "246810");
}

#[tokio::test]
async fn limits_apply_to_each_number_when_enabled() {
    let simulator = with_account(|account| account.limits = true).await;
    assert_eq!(Fields::good("1").signed().to(&simulator).await.json()["Code"], "OK");
    let second = Fields::good("2").signed().to(&simulator).await;
    assert_eq!((second.status, &second.json()["Code"]), (200, &"isv.BUSINESS_LIMIT_CONTROL".into()));
    assert_eq!(second.json()["Message"], "触发分钟级流控Permits:1");
    let other = Fields::good("3").with("PhoneNumbers", Some("8613912345679")).signed();
    assert_eq!(other.to(&simulator).await.json()["Code"], "OK");
}

#[tokio::test]
async fn every_code_of_the_table_comes_on_request_with_its_status() {
    let simulator = start().await;
    for (status, codes) in [
        (
            200,
            "isv.BUSINESS_LIMIT_CONTROL isv.DAY_LIMIT_CONTROL isv.MONTH_LIMIT_CONTROL isv.MOBILE_NUMBER_ILLEGAL \
             isv.MOBILE_COUNT_OVER_LIMIT isv.DOMESTIC_NUMBER_NOT_SUPPORTED isv.DENY_IP_RANGE isv.AMOUNT_NOT_ENOUGH \
             isv.OUT_OF_SERVICE isp.RAM_PERMISSION_DENY isv.ACCOUNT_NOT_EXISTS isv.ACCOUNT_ABNORMAL \
             isv.PRODUCT_UN_SUBSCRIPT isv.PRODUCT_UNSUBSCRIBE isv.SMS_SIGNATURE_ILLEGAL isv.SMS_SIGN_ILLEGAL \
             isv.SIGN_STATE_ILLEGAL isv.SMS_SIGNATURE_SCENE_ILLEGAL isv.EXTEND_CODE_ERROR isv.SMS_TEMPLATE_ILLEGAL \
             isv.TEMPLATE_MISSING_PARAMETERS isv.TEMPLATE_PARAMS_ILLEGAL isv.INVALID_JSON_PARAM isv.PARAM_LENGTH_LIMIT \
             isv.BLACK_KEY_CONTROL_LIMIT isv.SMS_CONTENT_ILLEGAL isv.PARAM_NOT_SUPPORT_URL isp.SYSTEM_ERROR \
             isp.UNKNOWN_ERROR isv.INVALID_PARAMETERS",
        ),
        (
            400,
            "Throttling Throttling.User SignatureDoesNotMatch InvalidTimeStamp.Expired SignatureNonceUsed InvalidVersion",
        ),
        (403, "Forbidden.RAM"),
        (404, "InvalidAccessKeyId.NotFound InvalidAction.NotFound"),
    ] {
        for code in codes.split_whitespace() {
            simulator.inject_spec(format!("aliyun=code:{code},times=1").parse().unwrap()).unwrap();
            let answer = Fields::good(code).signed().to(&simulator).await;
            let json = answer.json();
            assert_eq!((answer.status, &json["Code"]), (status, &code.into()), "{json}");
            assert!(!json["Message"].as_str().unwrap().is_empty());
        }
    }
    assert!(simulator.inbox().is_empty());
    assert!(simulator.inject_spec("aliyun=code:isv.NONSENSE".parse().unwrap()).is_err());
    for (status, code) in [(429, "Throttling"), (503, "ServiceUnavailable"), (500, "InternalError")] {
        simulator.inject_spec(format!("aliyun=status:{status},times=1").parse().unwrap()).unwrap();
        let answer = Fields::good(code).signed().to(&simulator).await;
        assert_eq!((answer.status, &answer.json()["Code"]), (status, &code.into()));
    }
}
