//! Alibaba Cloud's response: `{Code, Message, RequestId, BizId?}`. The code is `OK` for success and counts with any HTTP
//! status.

use sendbox_connector_sdk::{Failure, FailureClass, Receipt, Response, scalar};
use serde::Deserialize;
use serde_json::Value;

use crate::errors;

/// The name in the texts of failures.
const PROVIDER: &str = "Alibaba Cloud";

/// What is read of a response. The types are loose, so that an unexpected value in one field does not lose the id of a
/// message that was accepted.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    code: Option<Value>,
    message: Option<Value>,
    biz_id: Option<Value>,
}

/// A receipt, or why the message was not sent.
pub(crate) fn read(response: &Response) -> Result<Receipt, Failure> {
    let Some(Answer { code, message, biz_id }) = response.json() else {
        return Err(Failure::unexpected_response(PROVIDER, response));
    };
    let [code, message, id] = [code, message, biz_id].map(|value| value.as_ref().and_then(scalar));
    match code {
        Some(code) if code == "OK" && response.is_success() => {
            Ok(Receipt { message_id: id, status: Some(code), ..Receipt::default() })
        }
        Some(code) if code == "OK" => Err(Failure::contradictory_response(PROVIDER, response)),
        Some(code) => Err(refused(response, &code, message)),
        None => Err(Failure::unexpected_response(PROVIDER, response)),
    }
}

/// The failure of an error code, which counts whatever the HTTP status is.
fn refused(response: &Response, code: &str, message: Option<String>) -> Failure {
    let class = errors::class_of(code).unwrap_or_else(|| FailureClass::of_unlisted_code(response.status));
    let message = message.unwrap_or_else(|| "Alibaba Cloud gave no reason".to_owned());
    // For a wrong signature, Alibaba Cloud returns what it signed: number and code, encoded so that the host cannot mask
    // them.
    let message = message.split("server string to sign").next().unwrap_or_default().trim_end().to_owned();
    let mut failure = Failure::new(class).code(code).retry_after(response);
    failure.retry_after_seconds = failure.retry_after_seconds.or_else(|| errors::wait(code, &message));
    failure.text(match errors::advice(code) {
        Some(advice) => format!("{message} ({advice})"),
        None => message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendbox_connector_sdk::testing::response;

    #[test]
    fn ok_is_a_receipt() {
        let body = r#"{"Message":"OK","RequestId":"F655A8D5","BizId":"900619746936498440^0","Code":"OK"}"#;
        let want = Receipt {
            message_id: Some("900619746936498440^0".into()),
            status: Some("OK".into()),
            segments: None,
            price: None,
        };
        assert_eq!(read(&response(200, body)), Ok(want.clone()));
        let without = Receipt { message_id: None, ..want };
        assert_eq!(read(&response(200, r#"{"Code":"OK","Message":null,"BizId":{}}"#)), Ok(without));
    }

    #[test]
    fn a_code_means_the_same_with_every_status() {
        for status in [200, 202, 400, 403, 404, 429, 500, 503] {
            let body = r#"{"Code":"isv.MOBILE_NUMBER_ILLEGAL","Message":"0invalid mobile number","RequestId":"R"}"#;
            let want = Failure::new(FailureClass::InvalidRecipient)
                .code("isv.MOBILE_NUMBER_ILLEGAL")
                .text("0invalid mobile number");
            assert_eq!(read(&response(status, body)), Err(want), "{status}");
        }
    }

    #[test]
    fn limits_are_typed_and_say_how_long() {
        let body = r#"{"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":"触发分钟级流控Permits:1","RequestId":"R"}"#;
        for status in [200, 400] {
            let failure = read(&response(status, body)).unwrap_err();
            assert_eq!((failure.class, failure.retry_after_seconds), (FailureClass::RateLimited, Some(60)));
            assert_eq!(failure.text.as_deref(), Some("触发分钟级流控Permits:1"));
        }
        let mut response = response(200, body);
        response.headers.push(("retry-after".into(), "7".into()));
        assert_eq!(read(&response).unwrap_err().retry_after_seconds, Some(7), "the header counts before the text");
    }

    #[test]
    fn a_template_rule_says_what_to_change() {
        let message = "Params must be [a-zA-Z0-9] for verification sms";
        let body = format!(r#"{{"Code":"isv.TEMPLATE_PARAMS_ILLEGAL","Message":"{message}","RequestId":"R"}}"#);
        let failure = read(&response(200, &body)).unwrap_err();
        assert_eq!(failure.class, FailureClass::TemplateRejected);
        let text = failure.text.unwrap();
        assert!(text.starts_with(message) && text.contains("letters and digits"), "{text}");
    }

    #[test]
    fn the_string_to_sign_is_removed() {
        let message = "Specified signature is not matched with our calculation.";
        let body = format!(
            r#"{{"Code":"SignatureDoesNotMatch","Message":"{message} server string to sign is:POST&%2F&%253D12%255C"}}"#
        );
        let text = read(&response(400, &body)).unwrap_err().text.unwrap();
        assert_eq!(text, format!("{message} (the AccessKey secret is probably wrong)"));
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
            let failure = read(&response(status, r#"{"Code":"isv.NEW","Message":"why"}"#));
            assert_eq!(failure, Err(Failure::new(want).code("isv.NEW").text("why")), "{status}");
        }
    }

    #[test]
    fn other_responses_are_classified_by_their_status() {
        for body in ["", "{}", "[]", "<html>busy</html>", r#"{"Code":""}"#, r#"{"Code":null}"#, r#"{"code":"OK"}"#] {
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
        let failure = read(&response(500, r#"{"Code":"OK","Message":"OK"}"#)).unwrap_err();
        assert_eq!(failure.class, FailureClass::InDoubt);
    }
}
