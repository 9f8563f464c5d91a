//! Alibaba Cloud's delivery reports (SmsReport, "HTTP batch push"): a JSON array of
//! `{phone_number, send_time, report_time, success, err_code, err_msg, sms_size, biz_id, out_id}`.
//!
//! They are not signed: anyone who knows the callback URL can call it. The URL cannot be guessed, and a report only changes
//! the displayed state of a message.

use sendbox_connector_sdk::{Callback, CallbackError, Config, DeliveryReports, FailureClass, Report, State, Verifier};
use serde::Deserialize;
use serde_json::Value;

use crate::{Aliyun, errors};

#[derive(Deserialize)]
struct Entry {
    biz_id: Option<String>,
    success: Option<Value>,
    err_code: Option<String>,
    err_msg: Option<String>,
    report_time: Option<String>,
}

impl DeliveryReports for Aliyun {
    fn parse(callback: &Callback, _: &Config<'_>, _: &mut impl Verifier) -> Result<Vec<Report>, CallbackError> {
        let entries: Vec<Entry> = serde_json::from_str(&callback.body).map_err(|_| CallbackError::Malformed)?;
        let reports: Vec<Report> = entries.into_iter().filter_map(report).collect();
        if reports.is_empty() { Err(CallbackError::Malformed) } else { Ok(reports) }
    }
}

/// `None` for an entry without a message id or a result.
fn report(entry: Entry) -> Option<Report> {
    let message_id = entry.biz_id.filter(|id| !id.is_empty())?;
    let delivered = match entry.success? {
        Value::Bool(delivered) => delivered,
        Value::String(text) => text == "true",
        _ => return None,
    };
    let code = entry.err_code.filter(|code| !code.is_empty());
    let (state, class) = match delivered {
        true => (State::Delivered, None),
        false => failed(code.as_deref().unwrap_or_default()),
    };
    Some(Report { message_id, state, class, provider_code: code, text: entry.err_msg, at: entry.report_time })
}

/// State and class of a message that was not delivered, by its `err_code`.
fn failed(code: &str) -> (State, Option<FailureClass>) {
    use FailureClass as Class;
    let (state, class) = match code {
        // The carrier accepted the message and has reported nothing since.
        "REQUEST_SUCCESS" => return (State::Unknown, None),
        "EXPIRED" => return (State::Expired, None),
        "INVALID_NUMBER" | "MOBILE_ACCOUNT_ABNORMAL" => (State::Undelivered, Class::InvalidRecipient),
        "MOBILE_IN_BLACK" => (State::Rejected, Class::RecipientBlocked),
        "USER_REJECT" => (State::Rejected, Class::RecipientUnsubscribed),
        "MOBILE_SEND_LIMIT" => (State::Rejected, Class::RateLimited),
        "CONTENT_KEYWORD" | "CONTENT_ERROR" => (State::Rejected, Class::ContentRejected),
        "SIGNATURE_BLACKLIST" => (State::Rejected, Class::SenderRejected),
        "SP_NOT_BY_INTER_SMS" | "NO_ROUTE" => (State::Rejected, Class::UnsupportedDestination),
        "PARAMS_ILLEGAL" => (State::Rejected, Class::InvalidRequest),
        "IS_CLOSE" | "IS_CLOSED" => (State::Rejected, Class::ProviderUnavailable),
        // Switched off, out of reach, memory full, or no reason given. `MOBLLE` is the provider's spelling.
        "MOBILE_NOT_ON_SERVICE" | "MOBLLE_TERMINAL_ERROR" | "MOBILE_TERMINAL_ERROR" | "SP_UNKNOWN_ERROR" => {
            (State::Undelivered, Class::Unknown)
        }
        _ => match errors::class_of(code) {
            Some(class) => (State::Rejected, class),
            None => (State::Undelivered, Class::Unknown),
        },
    };
    (state, Some(class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendbox_connector_sdk::testing::{Harness, Incoming};
    use serde_json::json;

    fn parse_text(body: &str) -> Result<Vec<Report>, CallbackError> {
        Harness::<Aliyun>::new(json!({})).parse(&Incoming::body("https://us.example/reports/7", body))
    }

    fn entry(success: impl Into<Value>, code: &str) -> Value {
        json!({
            "phone_number": "1000001", "send_time": "2017-09-01 00:00:00", "report_time": "2017-09-01 00:00:01",
            "success": success.into(), "err_code": code, "err_msg": "why", "sms_size": "1", "biz_id": "9006^0", "out_id": "",
        })
    }

    #[test]
    fn receipt_codes_become_states() {
        for (success, code, state, class) in [
            (true, "DELIVERED", State::Delivered, None),
            (false, "EXPIRED", State::Expired, None),
            (false, "REQUEST_SUCCESS", State::Unknown, None),
            (false, "MOBILE_NOT_ON_SERVICE", State::Undelivered, Some(FailureClass::Unknown)),
            (false, "MOBLLE_TERMINAL_ERROR", State::Undelivered, Some(FailureClass::Unknown)),
            (false, "SP_UNKNOWN_ERROR", State::Undelivered, Some(FailureClass::Unknown)),
            (false, "INVALID_NUMBER", State::Undelivered, Some(FailureClass::InvalidRecipient)),
            (false, "MOBILE_ACCOUNT_ABNORMAL", State::Undelivered, Some(FailureClass::InvalidRecipient)),
            (false, "MOBILE_IN_BLACK", State::Rejected, Some(FailureClass::RecipientBlocked)),
            (false, "USER_REJECT", State::Rejected, Some(FailureClass::RecipientUnsubscribed)),
            (false, "MOBILE_SEND_LIMIT", State::Rejected, Some(FailureClass::RateLimited)),
            (false, "CONTENT_KEYWORD", State::Rejected, Some(FailureClass::ContentRejected)),
            (false, "SIGNATURE_BLACKLIST", State::Rejected, Some(FailureClass::SenderRejected)),
            (false, "NO_ROUTE", State::Rejected, Some(FailureClass::UnsupportedDestination)),
            (false, "IS_CLOSE", State::Rejected, Some(FailureClass::ProviderUnavailable)),
            (false, "isv.AMOUNT_NOT_ENOUGH", State::Rejected, Some(FailureClass::InsufficientBalance)),
            (false, "SOMETHING_NEW", State::Undelivered, Some(FailureClass::Unknown)),
        ] {
            let want = Report {
                message_id: "9006^0".into(),
                state,
                class,
                provider_code: Some(code.into()),
                text: Some("why".into()),
                at: Some("2017-09-01 00:00:01".into()),
            };
            assert_eq!(parse_text(&json!([entry(success, code)]).to_string()), Ok(vec![want]), "{code}");
        }
    }

    #[test]
    fn one_callback_reports_on_many_and_skips_entries_without_a_message() {
        let mut nameless = entry(true, "DELIVERED");
        nameless["biz_id"] = "".into();
        let body = json!([entry("true", "DELIVERED"), nameless, entry("false", ""), { "biz_id": "1^0" }]);
        let states: Vec<_> = parse_text(&body.to_string()).unwrap().iter().map(|report| report.state).collect();
        assert_eq!(states, [State::Delivered, State::Undelivered]);
    }

    #[test]
    fn what_is_no_report_is_malformed() {
        for body in ["", "{}", "[]", "[1]", "<xml/>", r#"[{"biz_id":"1^0"}]"#, r#"[{"success":true}]"#] {
            assert_eq!(parse_text(body), Err(CallbackError::Malformed), "{body}");
        }
    }
}
