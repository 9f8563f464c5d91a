//! Vonage's response: `{message-count, messages}` with one entry for every segment, each with a `status`, and with HTTP 200 for
//! errors too.

use sendbox_connector_sdk::{Failure, FailureClass, Price, Receipt, Response, scalar};
use serde_json::Value;

use crate::errors;

/// The name in the texts of failures.
const PROVIDER: &str = "Vonage";

/// The currency of all prices.
const CURRENCY: &str = "EUR";

/// Decimals of a price.
const DECIMALS: usize = 8;

/// A receipt, or why the message was not sent.
pub(crate) fn read(response: &Response) -> Result<Receipt, Failure> {
    let body = response.json::<Value>();
    let messages = body.as_ref().and_then(|body| body.get("messages")).and_then(Value::as_array);
    let Some(messages) = messages else { return Err(no_messages(response, body.as_ref())) };
    let refused: Vec<&Value> = messages.iter().filter(|message| status(message).as_deref() != Some("0")).collect();
    match refused.first() {
        Some(first) => Err(refusal(response, first, refused.len() < messages.len())),
        None if messages.is_empty() => Err(Failure::new(FailureClass::Unknown)
            .code(response.status.to_string())
            .text("Vonage accepted no message")
            .retry_after(response)),
        None if response.is_success() => Ok(receipt(messages)),
        None => Err(Failure::contradictory_response(PROVIDER, response)),
    }
}

fn receipt(parts: &[Value]) -> Receipt {
    Receipt {
        // There are delivery receipts for every segment. The first segment represents the message.
        message_id: parts.first().and_then(|part| text(part, "message-id")),
        status: Some("queued".to_owned()),
        segments: u32::try_from(parts.len()).ok(),
        price: total(parts).map(|amount| Price { amount, currency: CURRENCY.to_owned() }),
    }
}

fn refusal(response: &Response, message: &Value, others_were_accepted: bool) -> Failure {
    let code = status(message);
    let reason = text(message, "error-text");
    let number = code.as_deref().and_then(|code| code.parse().ok());
    let (class, reason) = if others_were_accepted {
        let reason = reason.unwrap_or_else(|| "no reason".to_owned());
        (FailureClass::InDoubt, format!("Vonage accepted some segments of the message and refused another: {reason}"))
    } else {
        let class = number.and_then(errors::class_of).unwrap_or(FailureClass::Unknown);
        (class, reason.unwrap_or_else(|| "Vonage refused the message and gave no reason".to_owned()))
    };
    Failure::new(class).code(code.unwrap_or_else(|| response.status.to_string())).text(reason).retry_after(response)
}

/// A response without messages: `{}`, a page, or an error of another API of Vonage.
fn no_messages(response: &Response, body: Option<&Value>) -> Failure {
    let failure = Failure::unexpected_response(PROVIDER, response);
    let reason = ["error_text", "detail", "title"].iter().find_map(|key| text(body?, key));
    match reason {
        Some(reason) => failure.text(reason),
        None => failure,
    }
}

/// A message's status: a string by the documentation, accepted as a number too.
fn status(message: &Value) -> Option<String> {
    message.get("status").and_then(scalar)
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The price of all segments; `None` if one of them has none.
fn total(parts: &[Value]) -> Option<String> {
    match parts {
        [only] => text(only, "message-price"),
        parts => {
            let sum =
                parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(scaled(&text(part, "message-price")?)?))?;
            let unit = 10_u64.pow(u32::try_from(DECIMALS).ok()?);
            Some(format!("{}.{:0DECIMALS$}", sum / unit, sum % unit))
        }
    }
}

/// A decimal number in units of its eighth decimal.
fn scaled(decimal: &str) -> Option<u64> {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let good = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !good(whole) || !good(fraction) || fraction.len() > DECIMALS {
        return None;
    }
    format!("{whole}{fraction:0<DECIMALS$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use FailureClass as Class;
    use sendbox_connector_sdk::testing::response;

    fn part(id: &str) -> String {
        format!(
            r#"{{"to":"[sealed]","message-id":"{id}","status":"0","remaining-balance":"15.5","message-price":"0.03330000","network":"23410"}}"#
        )
    }

    fn error(status: &str, text: &str) -> String {
        format!(r#"{{"to":"[sealed]","status":"{status}","error-text":"{text}"}}"#)
    }

    fn body(messages: &[String]) -> String {
        format!(r#"{{"message-count":"{}","messages":[{}]}}"#, messages.len(), messages.join(","))
    }

    #[test]
    fn messages_are_a_receipt() {
        let price = |amount: &str| Some(Price { amount: amount.into(), currency: "EUR".into() });
        let want = Receipt {
            message_id: Some("0C1".into()),
            status: Some("queued".into()),
            segments: Some(1),
            price: price("0.03330000"),
        };
        assert_eq!(read(&response(200, &body(&[part("0C1")]))), Ok(want.clone()));
        let want = Receipt { segments: Some(3), price: price("0.09990000"), ..want };
        assert_eq!(read(&response(200, &body(&[part("0C1"), part("0C2"), part("0C3")]))), Ok(want));
        let bare = r#"{"messages":[{"status":0,"message-id":"7"},{"status":"0"}]}"#;
        let receipt = read(&response(200, bare)).unwrap();
        assert_eq!((receipt.message_id.as_deref(), receipt.segments, receipt.price), (Some("7"), Some(2), None));
    }

    #[test]
    fn a_status_is_a_failure_whatever_http_says() {
        for (http, status, class) in [
            (200, "1", Class::RateLimited),
            (429, "1", Class::RateLimited),
            (200, "4", Class::AuthenticationFailed),
            (401, "4", Class::AuthenticationFailed),
            (200, "5", Class::ProviderUnavailable),
            (500, "7", Class::RecipientBlocked),
            (200, "9", Class::InsufficientBalance),
            (200, "15", Class::SenderRejected),
            (200, "29", Class::UnsupportedDestination),
            (200, "99", Class::Unknown),
            (200, "word", Class::Unknown),
        ] {
            let want = Failure::new(class).code(status).text("why");
            assert_eq!(read(&response(http, &body(&[error(status, "why")]))), Err(want), "{http} {status}");
        }
        let mute = r#"{"messages":[{}]}"#;
        assert_eq!(read(&response(200, mute)).unwrap_err().class, Class::Unknown);
    }

    #[test]
    fn a_message_that_was_accepted_in_part_is_in_doubt() {
        let failure = read(&response(200, &body(&[part("0C1"), error("9", "Quota Exceeded")]))).unwrap_err();
        assert_eq!((failure.class, failure.provider_code.as_deref()), (Class::InDoubt, Some("9")));
        assert!(failure.text.unwrap().ends_with("Quota Exceeded"));
    }

    #[test]
    fn success_without_messages_is_a_failure() {
        for (text, want) in [
            ("", Class::InDoubt),
            ("{}", Class::InDoubt),
            ("[]", Class::InDoubt),
            ("<html>", Class::InDoubt),
            (r#"{"messages":7}"#, Class::InDoubt),
            (r#"{"message-count":"0","messages":[]}"#, Class::Unknown),
        ] {
            assert_eq!(read(&response(200, text)).unwrap_err().class, want, "{text}");
        }
    }

    #[test]
    fn other_responses_are_classified_by_their_status() {
        for (status, want) in [
            (302, Class::Unknown),
            (400, Class::InvalidRequest),
            (401, Class::AuthenticationFailed),
            (402, Class::InsufficientBalance),
            (403, Class::AuthenticationFailed),
            (408, Class::InDoubt),
            (429, Class::RateLimited),
            (500, Class::InDoubt),
            (502, Class::InDoubt),
            (503, Class::ProviderUnavailable),
            (504, Class::InDoubt),
            (600, Class::Unknown),
        ] {
            let failure = read(&response(status, "<html>busy</html>")).unwrap_err();
            assert_eq!((failure.class, failure.provider_code), (want, Some(status.to_string())));
            let accepted = read(&response(status, &body(&[part("0C1")]))).unwrap_err();
            assert_eq!(accepted.class, Class::InDoubt, "a message that Vonage accepted, with HTTP {status}");
        }
        let problem = r#"{"type":"u","title":"Unauthorized","detail":"You did not provide correct credentials."}"#;
        let want =
            Failure::new(Class::AuthenticationFailed).code("401").text("You did not provide correct credentials.");
        assert_eq!(read(&response(401, problem)), Err(want));
    }

    #[test]
    fn retry_after_is_kept() {
        for text in ["", body(&[error("1", "Throttled")]).as_str()] {
            let mut response = response(429, text);
            response.headers.push(("retry-after".into(), "2".into()));
            assert_eq!(read(&response).unwrap_err().retry_after_seconds, Some(2));
        }
    }

    #[test]
    fn prices_that_are_not_decimals_have_no_sum() {
        for (decimal, want) in
            [("0.0333", Some(3_330_000)), ("2", Some(200_000_000)), ("", None), ("-1", None), ("0.000000001", None)]
        {
            assert_eq!(scaled(decimal), want, "{decimal}");
        }
    }
}
