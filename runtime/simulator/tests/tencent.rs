//! The simulated Tencent Cloud over real TLS: a good request, and every way to be wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails; clippy's allowance covers test functions and not what they call"
)]

mod client;

use std::time::{SystemTime, UNIX_EPOCH};

use client::*;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sendbox_simulator::{Simulator, SimulatorConfig, TencentAccount};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

const HOST: &str = "sms.tencentcloudapi.com";
const MAINLAND: &str = "+8613912345678";
const CONTENT_TYPE: &str = "application/json; charset=utf-8";

fn good_body() -> Value {
    json!({
        "SmsSdkAppId": "1400006666", "SignName": "腾讯云 \"~*'", "TemplateId": "449739",
        "TemplateParamSet": ["246810"], "PhoneNumberSet": [MAINLAND],
    })
}

/// The good body with another value, or none.
fn body(name: &str, value: Value) -> Value {
    let mut body = good_body();
    match value {
        Value::Null => drop(body.as_object_mut().unwrap().remove(name)),
        value => body[name] = value,
    }
    body
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

fn request(body: &Value) -> Sent {
    signed(body.to_string().into_bytes(), HOST, now(), &TencentAccount::default(), false)
}

fn signed(body: Vec<u8>, host: &str, time: i64, account: &TencentAccount, with_action: bool) -> Sent {
    let at = OffsetDateTime::from_unix_timestamp(time).unwrap();
    let date = format!("{:04}-{:02}-{:02}", at.year(), u8::from(at.month()), at.day());
    let (names, action) = match with_action {
        true => ("content-type;host;x-tc-action", "x-tc-action:sendsms\n"),
        false => ("content-type;host", ""),
    };
    let headers = format!("content-type:{CONTENT_TYPE}\nhost:{host}\n{action}");
    let canonical = format!("POST\n/\n\n{headers}\n{names}\n{}", hex::encode(Sha256::digest(&body)));
    let scope = format!("{date}/sms/tc3_request");
    let to_sign = format!("TC3-HMAC-SHA256\n{time}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
    let mut key = format!("TC3{}", account.secret_key).into_bytes();
    for step in [&date, "sms", "tc3_request", &to_sign] {
        key = Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(step).finalize().into_bytes().to_vec();
    }
    let authorization = format!(
        "TC3-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
        account.secret_id,
        hex::encode(key)
    );
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", CONTENT_TYPE),
        ("X-TC-Action", "SendSms"),
        ("X-TC-Timestamp", &time.to_string()),
        ("X-TC-Version", "2021-01-11"),
        ("X-TC-Region", "ap-guangzhou"),
    ];
    Sent {
        host: host.into(),
        method: "POST".into(),
        path: "/".into(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        body,
    }
}

/// The code of a response, wherever it is.
fn code(answer: &Answer) -> String {
    let json = answer.json();
    let response = &json["Response"];
    assert_eq!(response["RequestId"].as_str().map(str::len), Some(36), "{json}");
    let code = response.pointer("/Error/Code").or_else(|| response.pointer("/SendStatusSet/0/Code"));
    code.and_then(Value::as_str).unwrap_or_else(|| panic!("{json}")).to_owned()
}

#[tokio::test]
async fn a_valid_request_gets_a_tencent_response() {
    let simulator = start().await;
    let mut events = simulator.subscribe();
    let answer = request(&good_body()).to(&simulator).await;
    assert_eq!((answer.status, code(&answer).as_str()), (200, "Ok"));
    let status = &answer.json()["Response"]["SendStatusSet"][0];
    assert_eq!(
        (&status["PhoneNumber"], &status["Fee"], &status["IsoCode"]),
        (&MAINLAND.into(), &1.into(), &"CN".into())
    );
    assert_eq!(status["Message"], "send success");
    let serial = status["SerialNo"].as_str().unwrap();
    let (queue, digits) = serial.split_once(':').unwrap();
    assert!(queue == "5000" && digits.len() == 28 && digits.bytes().all(|b| b.is_ascii_digit()), "{serial}");

    let message = next_message(&mut events).await;
    assert_eq!((message.provider.as_str(), message.to.as_str()), ("tencent", MAINLAND));
    assert_eq!(message.sender.as_deref(), Some("腾讯云 \"~*'"));
    assert_eq!(message.variables.get("code").map(String::as_str), Some("246810"));
    assert_eq!(message.provider_id.as_deref(), Some(serial));
}

#[tokio::test]
async fn every_endpoint_is_served_and_signed() {
    let simulator = start().await;
    let hosts: Vec<_> = simulator.hosts().into_iter().filter(|host| host.ends_with(".tencentcloudapi.com")).collect();
    assert_eq!(hosts.len(), 16);
    let (account, bytes) = (TencentAccount::default(), good_body().to_string().into_bytes());
    for host in hosts {
        let good = signed(bytes.clone(), &host, now(), &account, false);
        assert_eq!(code(&good.to(&simulator).await), "Ok", "{host}");
        let elsewhere = Sent { host, ..signed(bytes.clone(), "sms.example.com", now(), &account, false) };
        assert_eq!(code(&elsewhere.to(&simulator).await), "AuthFailure.SignatureFailure");
    }
}

#[tokio::test]
async fn every_member_is_checked() {
    let simulator = start().await;
    let cases = [
        ("PhoneNumberSet", json!(["+14155550100"]), "Ok"),
        ("PhoneNumberSet", json!(["13912345678"]), "Ok"),
        ("PhoneNumberSet", json!(["8613912345678"]), "Ok"),
        ("PhoneNumberSet", json!(["4512345678"]), "InvalidParameterValue.IncorrectPhoneNumber"),
        ("PhoneNumberSet", json!(["+86 13912345678"]), "InvalidParameterValue.IncorrectPhoneNumber"),
        ("PhoneNumberSet", json!([]), "MissingParameter.EmptyPhoneNumberSet"),
        ("PhoneNumberSet", Value::Null, "MissingParameter.EmptyPhoneNumberSet"),
        ("PhoneNumberSet", json!([MAINLAND, "+8613912345679"]), "LimitExceeded.PhoneNumberCountLimit"),
        ("PhoneNumberSet", json!(MAINLAND), "InvalidParameter"),
        ("PhoneNumberSet", json!([8_613_912_345_678_u64]), "InvalidParameter"),
        ("SmsSdkAppId", json!("1400006667"), "UnauthorizedOperation.SmsSdkAppIdVerifyFail"),
        ("SmsSdkAppId", json!(1_400_006_666), "InvalidParameter"),
        ("SmsSdkAppId", Value::Null, "MissingParameter"),
        ("SignName", json!(""), "FailedOperation.SignatureIncorrectOrUnapproved"),
        ("SignName", Value::Null, "MissingParameter"),
        ("TemplateId", json!("abc"), "FailedOperation.TemplateUnapprovedOrNotExist"),
        ("TemplateId", Value::Null, "MissingParameter"),
        ("TemplateParamSet", json!(["0"]), "Ok"),
        ("TemplateParamSet", json!([]), "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
        ("TemplateParamSet", json!(["246810", "fr en"]), "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
        ("TemplateParamSet", Value::Null, "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
        ("TemplateParamSet", json!(["1234567"]), "InvalidParameterValue.TemplateParameterFormatError"),
        ("TemplateParamSet", json!(["12a456"]), "InvalidParameterValue.TemplateParameterFormatError"),
        ("TemplateParamSet", json!([246_810]), "InvalidParameter"),
        ("SessionContext", json!("x"), "Ok"),
        ("SessionContext", json!("x".repeat(512)), "InvalidParameterValue"),
        ("Nonsense", json!("x"), "UnknownParameter"),
    ];
    let mut taken = 0;
    for (name, value, want) in cases {
        let answer = request(&body(name, value.clone())).to(&simulator).await;
        assert_eq!((answer.status, code(&answer).as_str()), (200, want), "{name} {value}");
        taken += usize::from(want == "Ok");
    }
    assert_eq!(simulator.inbox().len(), taken, "a refused request leaves nothing in the inbox");
    let mut overseas = body("SignName", Value::Null);
    overseas["PhoneNumberSet"] = json!(["+4512345678"]);
    assert_eq!(code(&request(&overseas).to(&simulator).await), "Ok", "abroad the signature may be missing");
}

#[tokio::test]
async fn the_signature_and_the_clock_are_checked() {
    let simulator = start().await;
    let bytes = good_body().to_string().into_bytes();
    let account = TencentAccount::default();
    let good = |offset: i64| signed(bytes.clone(), HOST, now() + offset, &account, false);
    let other_key = TencentAccount { secret_key: "other".into(), ..account.clone() };
    let other_id = TencentAccount { secret_id: "AKIDother".into(), ..account.clone() };
    let authorization = good(0).headers[0].1.clone();
    let with = |value: &str| {
        let mut request = good(0);
        request.set("Authorization", value);
        request
    };
    let mut tampered = good(0);
    tampered.body = body("PhoneNumberSet", json!(["+8613912345679"])).to_string().into_bytes();
    let mut retyped = good(0);
    retyped.set("Content-Type", "application/json");
    let mut later = good(0);
    later.set("X-TC-Timestamp", &(now() + 60).to_string());
    let cases = [
        ("signed action", signed(bytes.clone(), HOST, now(), &account, true), "Ok"),
        ("a little early", good(240), "Ok"),
        ("a little late", good(-240), "Ok"),
        ("too early", good(400), "AuthFailure.SignatureExpire"),
        ("too late", good(-400), "AuthFailure.SignatureExpire"),
        ("other key", signed(bytes.clone(), HOST, now(), &other_key, false), "AuthFailure.SignatureFailure"),
        ("other id", signed(bytes.clone(), HOST, now(), &other_id, false), "AuthFailure.SecretIdNotFound"),
        ("tampered body", tampered, "AuthFailure.SignatureFailure"),
        ("other content type", retyped, "AuthFailure.SignatureFailure"),
        ("other time", later, "AuthFailure.SignatureFailure"),
        ("other service", with(&authorization.replace("/sms/", "/cvm/")), "AuthFailure.SignatureFailure"),
        ("host not signed", with(&authorization.replace(";host", "")), "AuthFailure.SignatureFailure"),
        ("basic", with("Basic eDp5"), "AuthFailure.InvalidAuthorization"),
        ("half", with("TC3-HMAC-SHA256 Credential=x"), "AuthFailure.InvalidAuthorization"),
    ];
    for (name, request, want) in cases {
        let answer = request.to(&simulator).await;
        assert_eq!((answer.status, code(&answer).as_str()), (200, want), "{name}");
    }
}

#[tokio::test]
async fn the_envelope_around_the_members_is_checked() {
    let simulator = start().await;
    type Change = Box<dyn Fn(&mut Sent)>;
    let cases: Vec<(&str, Change, &str)> = vec![
        ("GET", Box::new(|s| s.method = "GET".into()), "UnsupportedProtocol"),
        ("path", Box::new(|s| s.path = "/sms".into()), "InvalidRequest"),
        ("no action", Box::new(|s| s.remove("X-TC-Action")), "MissingParameter"),
        ("other action", Box::new(|s| s.set("X-TC-Action", "PullSmsSendStatus")), "InvalidAction"),
        ("other version", Box::new(|s| s.set("X-TC-Version", "2019-07-11")), "NoSuchVersion"),
        ("no region", Box::new(|s| s.remove("X-TC-Region")), "MissingParameter"),
        ("odd region", Box::new(|s| s.set("X-TC-Region", "Guangzhou!")), "InvalidParameterValue"),
        ("no timestamp", Box::new(|s| s.remove("X-TC-Timestamp")), "MissingParameter"),
        ("no authorization", Box::new(|s| s.remove("Authorization")), "AuthFailure.InvalidAuthorization"),
    ];
    for (name, change, want) in cases {
        let mut request = request(&good_body());
        change(&mut request);
        assert_eq!(code(&request.to(&simulator).await), want, "{name}");
    }
    let account = TencentAccount::default();
    for bytes in [&b"[]"[..], b"x", b"{\"a\":"] {
        let answer = signed(bytes.to_vec(), HOST, now(), &account, false).to(&simulator).await;
        assert_eq!(code(&answer), "InvalidParameter");
    }
}

#[tokio::test]
async fn configured_templates_and_signatures_are_enforced() {
    let mut config = SimulatorConfig::default();
    config.tencent.sign_names = vec!["腾讯云 \"~*'".into()];
    config.tencent.mainland_templates = vec!["1".into()];
    config.tencent.overseas_templates = vec!["2".into()];
    let simulator = Simulator::start(config).await.unwrap();
    for (template, number, want) in [
        ("1", MAINLAND, "Ok"),
        ("2", "+4512345678", "Ok"),
        ("1", "+4512345678", "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone"),
        ("2", MAINLAND, "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone"),
        ("2", "14155550100", "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone"),
        ("3", MAINLAND, "FailedOperation.TemplateUnapprovedOrNotExist"),
    ] {
        let mut body = body("TemplateId", template.into());
        body["PhoneNumberSet"] = json!([number]);
        let answer = request(&body).to(&simulator).await;
        assert_eq!(code(&answer), want, "{template} {number}");
    }
    let mut other = body("SignName", "Sendbox".into());
    other["TemplateId"] = "1".into();
    assert_eq!(code(&request(&other).to(&simulator).await), "FailedOperation.SignatureIncorrectOrUnapproved");
}

#[tokio::test]
async fn the_parameters_of_a_known_template_are_counted() {
    let mut config = SimulatorConfig::default();
    config.tencent.template_parameters = [("2".to_owned(), 2)].into();
    let simulator = Simulator::start(config).await.unwrap();
    for (template, parameters, want) in [
        ("2", json!(["246810", "10"]), "Ok"),
        ("2", json!(["246810"]), "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
        ("2", json!(["246810", "ten"]), "InvalidParameterValue.TemplateParameterFormatError"),
        ("1", json!(["246810", "10"]), "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"),
    ] {
        let mut body = body("TemplateId", template.into());
        body["TemplateParamSet"] = parameters;
        assert_eq!(code(&request(&body).to(&simulator).await), want, "{body}");
    }
    assert_eq!(simulator.inbox()[0].variables["2"], "10");
}

#[tokio::test]
async fn limits_apply_to_each_number_when_enabled() {
    let mut config = SimulatorConfig::default();
    config.tencent.limits = true;
    let simulator = Simulator::start(config).await.unwrap();
    assert_eq!(code(&request(&good_body()).to(&simulator).await), "Ok");
    let again = request(&good_body()).to(&simulator).await;
    assert_eq!(code(&again), "LimitExceeded.PhoneNumberThirtySecondLimit");
    assert_eq!(again.json()["Response"]["SendStatusSet"][0]["PhoneNumber"], MAINLAND);
    assert_eq!(code(&request(&body("TemplateParamSet", json!(["135791"]))).to(&simulator).await), "Ok");
}

#[tokio::test]
async fn every_code_of_the_table_comes_on_request() {
    let simulator = start().await;
    let in_error = "AuthFailure.SecretIdNotFound AuthFailure.SignatureFailure AuthFailure.SignatureExpire \
        AuthFailure.InvalidAuthorization AuthFailure.TokenFailure UnauthorizedOperation.SmsSdkAppIdVerifyFail \
        UnauthorizedOperation.RequestIpNotInWhitelist UnauthorizedOperation.RequestPermissionDeny \
        UnauthorizedOperation.ServiceSuspendDueToArrears UnauthorizedOperation.SdkAppIdIsDisabled \
        InternalError.RequestTimeException InternalError.Timeout InternalError.SendAndRecvFail InternalError.OtherError \
        RequestLimitExceeded InvalidParameter.DirtyWordFound InvalidParameterValue.SdkAppIdNotExist \
        MissingParameter.EmptyPhoneNumberSet InvalidParameter MissingParameter";
    let beside_number = "LimitExceeded.PhoneNumberThirtySecondLimit LimitExceeded.PhoneNumberOneHourLimit \
        LimitExceeded.PhoneNumberDailyLimit LimitExceeded.PhoneNumberSameContentDailyLimit \
        LimitExceeded.DeliveryFrequencyLimit LimitExceeded.GlobalSmsSendingRateLimit LimitExceeded.AppDailyLimit \
        LimitExceeded.AppGlobalDailyLimit LimitExceeded.AppMainlandChinaDailyLimit LimitExceeded.DailyLimit \
        LimitExceeded.AppCountryOrRegionInBlacklist LimitExceeded.AppCountryOrRegionDailyLimit \
        UnsupportedOperation.UnsupportedRegion UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone \
        UnsupportedOperation.GlobalTemplateToChineseMainlandPhone \
        UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber InvalidParameterValue.IncorrectPhoneNumber \
        FailedOperation.PhoneNumberParseFail FailedOperation.PhoneNumberInBlacklist \
        FailedOperation.InsufficientBalanceInSmsPackage FailedOperation.SignatureIncorrectOrUnapproved \
        FailedOperation.MissingSignature FailedOperation.TemplateIncorrectOrUnapproved \
        FailedOperation.TemplateUnapprovedOrNotExist FailedOperation.TemplateParamSetNotMatchApprovedTemplate \
        InvalidParameterValue.TemplateParameterFormatError InvalidParameterValue.TemplateParameterLengthLimit \
        InvalidParameterValue.ProhibitedUseUrlInTemplateParameter InvalidParameterValue.ContentLengthLimit \
        FailedOperation.ContainSensitiveWord";
    for (codes, member) in [(in_error, "Error"), (beside_number, "SendStatusSet")] {
        for want in codes.split_whitespace() {
            simulator.inject_spec(format!("tencent=code:{want},times=1").parse().unwrap()).unwrap();
            let answer = request(&good_body()).to(&simulator).await;
            assert_eq!((answer.status, code(&answer).as_str()), (200, want));
            assert!(!answer.json()["Response"][member].is_null(), "{want}");
        }
    }
    assert!(simulator.inbox().is_empty());
    assert!(simulator.inject_spec("tencent=code:AuthFailure.Nonsense".parse().unwrap()).is_err());
    for (status, want) in [(429, "RequestLimitExceeded"), (503, "ServiceUnavailable"), (500, "InternalError")] {
        simulator.inject_spec(format!("tencent=status:{status},times=1").parse().unwrap()).unwrap();
        let answer = request(&good_body()).to(&simulator).await;
        assert_eq!((answer.status, code(&answer).as_str()), (status, want));
    }
}
