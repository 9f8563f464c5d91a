//! Tencent Cloud's response: `{Response: {SendStatusSet: [{SerialNo, Fee, Code, Message, …}], Error?, RequestId}}`. Errors come
//! with HTTP 200: in `Error` if the request was refused, in the `Code` of the number if the message was.

use sendbox_connector_sdk::{Failure, FailureClass, Receipt, Response, scalar};
use serde::Deserialize;
use serde_json::Value;

use crate::errors;

/// The name in the texts of failures.
const PROVIDER: &str = "Tencent Cloud";

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Response")]
    response: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    error: Option<Status>,
    send_status_set: Option<Vec<Status>>,
}

/// `Error`, or the result of one number. The types are loose, so that an unexpected value in one field does not lose the id of
/// a message that was accepted.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    code: Option<Value>,
    message: Option<Value>,
    serial_no: Option<Value>,
    fee: Option<Value>,
}

/// A receipt, or why the message was not sent.
pub(crate) fn read(response: &Response) -> Result<Receipt, Failure> {
    let Some(Envelope { response: content }) = response.json() else {
        return Err(Failure::unexpected_response(PROVIDER, response));
    };
    let first = content.send_status_set.and_then(|numbers| numbers.into_iter().next());
    let Some(status) = content.error.or(first) else {
        return Err(Failure::unexpected_response(PROVIDER, response));
    };
    match status.code.as_ref().and_then(scalar) {
        Some(code) if code.eq_ignore_ascii_case("ok") && response.is_success() => Ok(Receipt {
            message_id: status.serial_no.as_ref().and_then(scalar),
            status: Some(code),
            segments: status
                .fee
                .as_ref()
                .and_then(Value::as_u64)
                .and_then(|fee| fee.try_into().ok())
                .filter(|fee| *fee > 0),
            price: None,
        }),
        Some(code) if code.eq_ignore_ascii_case("ok") => Err(Failure::contradictory_response(PROVIDER, response)),
        Some(code) => Err(refused(response, &code, status.message.as_ref().and_then(scalar))),
        None => Err(Failure::unexpected_response(PROVIDER, response)),
    }
}

/// The failure of an error code, which counts whatever the HTTP status is.
fn refused(response: &Response, code: &str, message: Option<String>) -> Failure {
    let class = errors::class_of(code).unwrap_or_else(|| FailureClass::of_unlisted_code(response.status));
    let message = message.unwrap_or_else(|| "Tencent Cloud gave no reason".to_owned());
    let mut failure = Failure::new(class).code(code).retry_after(response);
    failure.retry_after_seconds = failure.retry_after_seconds.or_else(|| errors::wait(code));
    failure.text(match errors::advice(code) {
        Some(advice) => format!("{message} ({advice})"),
        None => message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendbox_connector_sdk::testing::response;
    use serde_json::json;

    /// A response with this code for one number.
    fn number(code: &str, message: &str) -> String {
        let status = json!({
            "SerialNo": "", "PhoneNumber": "+0", "Fee": 0, "SessionContext": "", "Code": code, "Message": message,
            "IsoCode": "",
        });
        json!({ "Response": { "SendStatusSet": [status], "RequestId": "a0aabda6" } }).to_string()
    }

    /// The response to a request that was refused.
    fn error(code: &str, message: &str) -> String {
        json!({ "Response": { "Error": { "Code": code, "Message": message }, "RequestId": "a0aabda6" } }).to_string()
    }

    #[test]
    fn ok_in_any_case_is_a_receipt() {
        for code in ["Ok", "ok", "OK"] {
            let body = format!(
                r#"{{"Response":{{"SendStatusSet":[{{"SerialNo":"5000:1045710669157053657849499619",
                "PhoneNumber":"+0","Fee":1,"SessionContext":"","Code":"{code}","Message":"send success","IsoCode":"CN"}}],
                "RequestId":"a0aabda6"}}}}"#
            );
            let want = Receipt {
                message_id: Some("5000:1045710669157053657849499619".into()),
                status: Some(code.into()),
                segments: Some(1),
                price: None,
            };
            assert_eq!(read(&response(200, &body)), Ok(want));
        }
    }

    #[test]
    fn unexpected_values_in_other_fields_do_not_lose_the_message() {
        let odd = r#"{"Response":{"SendStatusSet":[{"SerialNo":"1:2","Fee":"1","Code":"Ok","Message":5}]}}"#;
        let receipt = read(&response(200, odd)).unwrap();
        assert_eq!((receipt.message_id.as_deref(), receipt.segments), (Some("1:2"), None));
    }

    #[test]
    fn a_code_means_the_same_in_both_places_and_with_every_status() {
        let code = "FailedOperation.PhoneNumberInBlacklist";
        let want = Failure::new(FailureClass::RecipientUnsubscribed).code(code).text("why");
        for status in [200, 400, 403, 429, 500, 503] {
            for body in [number(code, "why"), error(code, "why")] {
                assert_eq!(read(&response(status, &body)), Err(want.clone()), "{status} {body}");
            }
        }
    }

    #[test]
    fn limits_say_how_long() {
        for (code, want) in [
            ("LimitExceeded.PhoneNumberThirtySecondLimit", Some(30)),
            ("LimitExceeded.PhoneNumberOneHourLimit", Some(3600)),
            ("LimitExceeded.PhoneNumberDailyLimit", Some(86_400)),
            ("LimitExceeded.DeliveryFrequencyLimit", None),
            ("RequestLimitExceeded", None),
        ] {
            let failure = read(&response(200, &number(code, "why"))).unwrap_err();
            assert_eq!((failure.class, failure.retry_after_seconds), (FailureClass::RateLimited, want), "{code}");
        }
        let mut response = response(200, &error("RequestLimitExceeded", "why"));
        response.headers.push(("retry-after".into(), "2".into()));
        assert_eq!(read(&response).unwrap_err().retry_after_seconds, Some(2));
    }

    #[test]
    fn a_template_rule_says_what_to_change() {
        let body = number(
            "InvalidParameterValue.TemplateParameterFormatError",
            "verification code template parameter format error",
        );
        let failure = read(&response(200, &body)).unwrap_err();
        assert_eq!(failure.class, FailureClass::TemplateRejected);
        let text = failure.text.unwrap();
        assert!(text.starts_with("verification code template") && text.contains("up to 6 digits"), "{text}");
    }

    #[test]
    fn unknown_codes_keep_their_text() {
        for (status, want) in [
            (200, FailureClass::Unknown),
            (400, FailureClass::Unknown),
            (403, FailureClass::AuthenticationFailed),
            (429, FailureClass::RateLimited),
            (500, FailureClass::InDoubt),
            (503, FailureClass::ProviderUnavailable),
        ] {
            let failure = read(&response(status, &number("FailedOperation.New", "why")));
            assert_eq!(failure, Err(Failure::new(want).code("FailedOperation.New").text("why")), "{status}");
        }
    }

    #[test]
    fn other_responses_are_classified_by_their_status() {
        let nothing = r#"{"Response":{"SendStatusSet":[],"RequestId":"R"}}"#;
        let no_code = r#"{"Response":{"SendStatusSet":[{"SerialNo":"1:2"}]}}"#;
        for body in ["", "{}", "[]", "<html>busy</html>", nothing, no_code, r#"{"Response":{}}"#, r#"{"Response":1}"#] {
            for (status, want) in [
                (200, FailureClass::InDoubt),
                (302, FailureClass::Unknown),
                (400, FailureClass::InvalidRequest),
                (401, FailureClass::AuthenticationFailed),
                (403, FailureClass::AuthenticationFailed),
                (404, FailureClass::InvalidRequest),
                (408, FailureClass::InDoubt),
                (429, FailureClass::RateLimited),
                (500, FailureClass::InDoubt),
                (502, FailureClass::InDoubt),
                (503, FailureClass::ProviderUnavailable),
                (504, FailureClass::InDoubt),
            ] {
                let failure = read(&response(status, body)).unwrap_err();
                assert_eq!((failure.class, failure.provider_code), (want, Some(status.to_string())), "{body}");
            }
        }
    }

    #[test]
    fn ok_with_an_error_status_is_in_doubt() {
        assert_eq!(read(&response(500, &number("Ok", "send success"))).unwrap_err().class, FailureClass::InDoubt);
    }
}
