//! Every built-in connector, as it ships, against its provider: a send, the credentials, and every error code of the
//! provider's table with the resulting class. The tables are written independently of the connectors, so
//! that connector and simulator cannot be wrong together.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use sendbox_sandbox::FailureClass::{
    self, AccountSuspended, AuthenticationFailed, ContentRejected, InsufficientBalance, InvalidRecipient,
    InvalidRequest, ProviderUnavailable, QuotaExceeded, RateLimited, RecipientBlocked, RecipientUnsubscribed,
    SenderRejected, TemplateRejected, UnsupportedDestination,
};
use sendbox_sandbox::RequestSent;
use sendbox_sandbox::policy::Limits;
use sendbox_simulator::SimulatorConfig;
use sendbox_tests::sandbox_fixture::{CODE, E164, TEXT};
use sendbox_tests::simulator_setup::{SimulatorSetup, connection};
use sendbox_tests::{expect_accepted, expect_failure};

async fn setup() -> SimulatorSetup {
    SimulatorSetup::new(SimulatorConfig::default(), Limits::default()).await
}

#[tokio::test]
async fn each_takes_a_message() {
    let setup = setup().await;
    for built_in in sendbox_catalogue::all() {
        let name = built_in.name;
        let connector = setup.load(name).await;
        let (parameters, template) = connection(name);
        setup.simulator.clear_inbox();
        let receipt = expect_accepted(name, setup.send(&connector, name, &parameters, template).await);
        let inbox = setup.simulator.inbox();
        assert_eq!(inbox.len(), 1, "{name}");
        let message = &inbox[0];
        assert_eq!(message.to.trim_start_matches('+'), &E164[1..], "{name}");
        match &message.text {
            Some(text) => assert_eq!(text, TEXT, "{name}"),
            None => assert!(message.variables.values().any(|value| value == CODE), "{name}: {:?}", message.variables),
        }
        assert!(receipt.message_id.is_some(), "{name} keeps the provider's id");
    }
}

#[tokio::test]
async fn wrong_credentials_are_classified() {
    let setup = setup().await;
    for (name, key, wrong) in [
        ("smsaero", "apiKey", "0123456789abcdefghijABCDEFGHIJ99"),
        ("gatewayapi", "apiToken", "not-the-token-of-anybody"),
        ("vonage", "apiSecret", "Wrong0Secret1234"),
        ("aliyun", "accessKeySecret", "NotTheSecretOfAnybody000000000"),
        ("tencent", "accessKeySecret", "NotTheSecretOfAnybody00000000000"),
    ] {
        let connector = setup.load(name).await;
        let (mut parameters, template) = connection(name);
        parameters[key] = wrong.into();
        let report = setup.send(&connector, name, &parameters, template).await;
        let failure = expect_failure(name, report, AuthenticationFailed, RequestSent::Yes);
        assert!(!failure.text.contains(wrong), "{name}: {}", failure.text);
    }
    assert!(setup.simulator.inbox().is_empty());
}

async fn codes(name: &str, table: &[(&[&str], FailureClass)]) {
    let setup = setup().await;
    let connector = setup.load(name).await;
    let (parameters, template) = connection(name);
    for (codes, class) in table {
        for code in *codes {
            let what = format!("{name} {code}");
            setup.simulator.inject_spec(format!("{name}=code:{code},times=1").parse().unwrap()).expect(&what);
            let report = setup.send(&connector, &what, &parameters, template).await;
            let failure = expect_failure(&what, report, *class, RequestSent::Yes);
            assert_eq!(failure.provider_code.as_deref(), Some(*code), "{what}: {failure:?}");
        }
    }
    assert!(setup.simulator.inbox().is_empty(), "{name}: an error is not a message");
    expect_accepted(name, setup.send(&connector, "after", &parameters, template).await);
}

/// SMS Aero has no codes: the class follows from its message and from the HTTP status.
#[tokio::test]
async fn smsaero_answers() {
    let setup = setup().await;
    let connector = setup.load("smsaero").await;
    let (parameters, template) = connection("smsaero");
    for (answer, class) in [
        ("no credits", InsufficientBalance),
        ("402", InsufficientBalance),
        ("reject", FailureClass::Unknown),
        ("success-false", FailureClass::Unknown),
        ("number", InvalidRecipient),
        ("sign", SenderRejected),
        ("text", ContentRejected),
        ("401", AuthenticationFailed),
        ("429", RateLimited),
    ] {
        setup.simulator.inject_spec(format!("smsaero=code:{answer},times=1").parse().unwrap()).expect(answer);
        let report = setup.send(&connector, answer, &parameters, template).await;
        expect_failure(answer, report, class, RequestSent::Yes);
    }
    assert!(setup.simulator.inbox().is_empty(), "a 200 that is no success is no message");
}

/// A template can have more variables than the code. The account refuses one too few and one too many.
#[tokio::test]
async fn templates_with_more_variables_are_filled_in() {
    let mut config = SimulatorConfig::default();
    config.aliyun.template_variables = [("SMS_7".to_owned(), vec!["yzm".to_owned(), "min".to_owned()])].into();
    config.tencent.template_parameters = [("7".to_owned(), 2)].into();
    let setup = SimulatorSetup::new(config, Limits::default()).await;
    for (name, good, bad, variables) in [
        (
            "aliyun",
            r#"{"china":"SMS_1","overseas":"SMS_7","variables":{"yzm":"code","min":"minutes"}}"#,
            r#"{"template":"SMS_7","variables":{"yzm":"code"}}"#,
            [("min", "10"), ("yzm", CODE)],
        ),
        (
            "tencent",
            r#"{"template":"7","variables":["minutes","code"]}"#,
            r#"{"template":"7","variables":["code"]}"#,
            [("1", "10"), ("2", CODE)],
        ),
    ] {
        let connector = setup.load(name).await;
        let (parameters, _) = connection(name);
        assert_eq!(connector.metadata().check_template(good), Ok(()), "{name}");
        setup.simulator.clear_inbox();
        expect_accepted(name, setup.send(&connector, "good", &parameters, good).await);
        let inbox = setup.simulator.inbox();
        let got: Vec<(&str, &str)> = inbox[0].variables.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(got, variables, "{name}");
        let report = setup.send(&connector, "bad", &parameters, bad).await;
        expect_failure(name, report, TemplateRejected, RequestSent::Yes);
    }
}

/// The host checks what a connector cannot see against the connector's schemas, before anything is sent.
#[tokio::test]
async fn codes_and_templates_that_a_provider_refuses_are_named_before() {
    let setup = setup().await;
    for (name, good, bad) in [("tencent", "123456", ["1234567", "12a456"]), ("aliyun", "12a456", ["12-456", "12 456"])]
    {
        let connector = setup.load(name).await;
        let metadata = connector.metadata();
        assert!(metadata.takes_code(good), "{name}");
        bad.iter().for_each(|code| assert!(!metadata.takes_code(code), "{name} {code}"));
        let (_, template) = connection(name);
        assert_eq!(metadata.check_template(template), Ok(()), "{name}");
        for wrong in [r#"{"china":"1"}"#, "not a template id!", "[]", ""] {
            assert!(metadata.check_template(wrong).is_err(), "{name} {wrong}");
        }
    }
    let twilio = setup.load("twilio").await;
    assert!(twilio.metadata().takes_code("a1b2c3d4"));
}

#[tokio::test]
async fn gatewayapi_codes() {
    codes(
        "gatewayapi",
        &[
            (&["0x0210", "0x0211", "0x0223", "0x0224", "0x0225", "0x0226", "0x0229"], AuthenticationFailed),
            (&["0x0212", "0x0213"], AuthenticationFailed),
            (&["0x0214", "0x0215"], RecipientBlocked),
            (&["0x0216"], InsufficientBalance),
            (&["0x0217", "0x021F", "0x0313"], UnsupportedDestination),
            (&["0x021D", "0x022A"], AccountSuspended),
            (&["0x0218", "0x021E", "0x0220", "0x0222", "0x0310", "0x0311"], InvalidRequest),
            (&["0x0312"], ContentRejected),
        ],
    )
    .await;
}

#[tokio::test]
async fn vonage_statuses() {
    codes(
        "vonage",
        &[
            (&["1", "10"], RateLimited),
            (&["2", "3", "12", "22", "23"], InvalidRequest),
            (&["4", "14", "32"], AuthenticationFailed),
            (&["5"], ProviderUnavailable),
            (&["6", "33"], InvalidRecipient),
            (&["7"], RecipientBlocked),
            (&["8", "11"], AccountSuspended),
            (&["9"], InsufficientBalance),
            (&["15"], SenderRejected),
            (&["29"], UnsupportedDestination),
        ],
    )
    .await;
}

#[tokio::test]
async fn aliyun_codes() {
    codes(
        "aliyun",
        &[
            (&["isv.BUSINESS_LIMIT_CONTROL", "Throttling", "Throttling.User"], RateLimited),
            (&["isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL"], QuotaExceeded),
            (&["isv.MOBILE_NUMBER_ILLEGAL", "isv.MOBILE_COUNT_OVER_LIMIT"], InvalidRecipient),
            (&["isv.DOMESTIC_NUMBER_NOT_SUPPORTED", "isv.DENY_IP_RANGE"], UnsupportedDestination),
            (&["isv.AMOUNT_NOT_ENOUGH", "isv.OUT_OF_SERVICE"], InsufficientBalance),
            (
                &[
                    "isp.RAM_PERMISSION_DENY",
                    "isv.ACCOUNT_NOT_EXISTS",
                    "InvalidAccessKeyId.NotFound",
                    "SignatureDoesNotMatch",
                    "InvalidTimeStamp.Expired",
                    "SignatureNonceUsed",
                    "Forbidden.RAM",
                ],
                AuthenticationFailed,
            ),
            (&["isv.ACCOUNT_ABNORMAL", "isv.PRODUCT_UN_SUBSCRIPT", "isv.PRODUCT_UNSUBSCRIBE"], AccountSuspended),
            (
                &[
                    "isv.SMS_SIGNATURE_ILLEGAL",
                    "isv.SMS_SIGN_ILLEGAL",
                    "isv.SIGN_STATE_ILLEGAL",
                    "isv.SMS_SIGNATURE_SCENE_ILLEGAL",
                    "isv.EXTEND_CODE_ERROR",
                ],
                SenderRejected,
            ),
            (
                &[
                    "isv.SMS_TEMPLATE_ILLEGAL",
                    "isv.TEMPLATE_MISSING_PARAMETERS",
                    "isv.TEMPLATE_PARAMS_ILLEGAL",
                    "isv.INVALID_JSON_PARAM",
                    "isv.PARAM_LENGTH_LIMIT",
                ],
                TemplateRejected,
            ),
            (&["isv.BLACK_KEY_CONTROL_LIMIT", "isv.SMS_CONTENT_ILLEGAL", "isv.PARAM_NOT_SUPPORT_URL"], ContentRejected),
            (&["isp.SYSTEM_ERROR", "isp.UNKNOWN_ERROR"], ProviderUnavailable),
            (&["isv.INVALID_PARAMETERS", "InvalidVersion", "InvalidAction.NotFound"], InvalidRequest),
        ],
    )
    .await;
}

#[tokio::test]
async fn tencent_codes() {
    codes(
        "tencent",
        &[
            (
                &[
                    "AuthFailure.SecretIdNotFound",
                    "AuthFailure.SignatureFailure",
                    "AuthFailure.SignatureExpire",
                    "UnauthorizedOperation.SmsSdkAppIdVerifyFail",
                    "UnauthorizedOperation.RequestIpNotInWhitelist",
                    "InternalError.RequestTimeException",
                ],
                AuthenticationFailed,
            ),
            (
                &[
                    "LimitExceeded.PhoneNumberThirtySecondLimit",
                    "LimitExceeded.PhoneNumberOneHourLimit",
                    "LimitExceeded.PhoneNumberDailyLimit",
                    "LimitExceeded.DeliveryFrequencyLimit",
                    "RequestLimitExceeded",
                ],
                RateLimited,
            ),
            (
                &[
                    "LimitExceeded.AppCountryOrRegionInBlacklist",
                    "LimitExceeded.AppCountryOrRegionDailyLimit",
                    "UnsupportedOperation.UnsupportedRegion",
                    "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone",
                    "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone",
                ],
                UnsupportedDestination,
            ),
            (&["InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberParseFail"], InvalidRecipient),
            (&["FailedOperation.PhoneNumberInBlacklist"], RecipientUnsubscribed),
            (
                &[
                    "FailedOperation.InsufficientBalanceInSmsPackage",
                    "UnauthorizedOperation.ServiceSuspendDueToArrears",
                ],
                InsufficientBalance,
            ),
            (&["FailedOperation.SignatureIncorrectOrUnapproved"], SenderRejected),
            (
                &[
                    "FailedOperation.TemplateIncorrectOrUnapproved",
                    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
                    "InvalidParameterValue.TemplateParameterFormatError",
                    "InvalidParameterValue.TemplateParameterLengthLimit",
                ],
                TemplateRejected,
            ),
            (&["FailedOperation.ContainSensitiveWord", "InvalidParameter.DirtyWordFound"], ContentRejected),
            (&["UnauthorizedOperation.SdkAppIdIsDisabled"], AccountSuspended),
            (&["InternalError.OtherError"], ProviderUnavailable),
            (&["InvalidParameterValue.SdkAppIdNotExist"], InvalidRequest),
        ],
    )
    .await;
}
