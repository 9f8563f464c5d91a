//! Twilio's response: a message resource, or an error `{code, message, more_info, status}`.

use sendbox_connector_sdk::{Failure, FailureClass, Price, Receipt, Response};
use serde::Deserialize;
use serde_json::Value;

use crate::errors;

/// What is read of a message resource. The types are loose, so that an unexpected value in one field does not lose the `sid`
/// of a message that was accepted.
#[derive(Deserialize)]
struct MessageResource {
    sid: Option<String>,
    status: Option<String>,
    num_segments: Option<Value>,
    price: Option<Value>,
    price_unit: Option<String>,
    error_code: Option<Value>,
    error_message: Option<String>,
}

#[derive(Deserialize)]
struct ErrorEnvelope {
    code: Option<Value>,
    message: Option<String>,
}

/// A receipt, or why the message was not sent.
pub(crate) fn read(response: &Response) -> Result<Receipt, Failure> {
    if response.is_success() { accepted(response) } else { Err(refused(response)) }
}

fn accepted(response: &Response) -> Result<Receipt, Failure> {
    let message = response.json::<MessageResource>();
    let Some(message) = message.filter(|message| message.sid.as_ref().is_some_and(|sid| !sid.is_empty())) else {
        return Err(Failure::unexpected_response("Twilio", response));
    };
    if matches!(message.status.as_deref(), Some("failed" | "undelivered" | "canceled")) {
        let code = number(message.error_code.as_ref());
        let failure = Failure::new(code.and_then(errors::class_of).unwrap_or(FailureClass::Unknown)).text(
            message
                .error_message
                .unwrap_or_else(|| "Twilio accepted the message and then failed to send it".to_owned()),
        );
        return Err(match code {
            Some(code) => failure.code(code.to_string()),
            None => failure,
        });
    }
    let price = match (message.price.as_ref(), message.price_unit) {
        (Some(Value::String(amount)), Some(currency)) => Some(Price { amount: amount.clone(), currency }),
        _ => None,
    };
    Ok(Receipt {
        message_id: message.sid,
        status: message.status,
        // With a Messaging Service, Twilio does not know the number yet and returns 0.
        segments: number(message.num_segments.as_ref()).filter(|segments| *segments > 0),
        price,
    })
}

fn refused(response: &Response) -> Failure {
    let failure = Failure::unexpected_response("Twilio", response);
    let Some(envelope) = response.json::<ErrorEnvelope>() else { return failure };
    let code = number(envelope.code.as_ref());
    let class = match code.and_then(errors::class_of) {
        // With another status than 4xx, Twilio may have sent the message, whatever the code says.
        Some(class) if (400..500).contains(&response.status) => class,
        _ => failure.class,
    };
    Failure {
        class,
        provider_code: code.map(|code| code.to_string()).or(failure.provider_code),
        text: envelope.message.or(failure.text),
        ..failure
    }
}

/// A number, which Twilio writes as a number in some fields and as a string in others.
fn number(value: Option<&Value>) -> Option<u32> {
    match value? {
        Value::Number(number) => number.as_u64().and_then(|number| number.try_into().ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendbox_connector_sdk::testing::response;

    const ACCEPTED: &str = r#"{"sid":"SM1","status":"accepted","num_segments":"0","price":null,"price_unit":"USD",
        "error_code":null,"error_message":null,"to":"[sealed]","body":"[sealed]"}"#;

    #[test]
    fn a_message_resource_is_a_receipt() {
        let want =
            Receipt { message_id: Some("SM1".into()), status: Some("accepted".into()), segments: None, price: None };
        assert_eq!(read(&response(201, ACCEPTED)), Ok(want.clone()));

        let priced = r#"{"sid":"SM1","status":"queued","num_segments":"2","price":"-0.0075","price_unit":"USD"}"#;
        let price = Price { amount: "-0.0075".into(), currency: "USD".into() };
        let want = Receipt { status: Some("queued".into()), segments: Some(2), price: Some(price), ..want };
        assert_eq!(read(&response(201, priced)), Ok(want));
    }

    #[test]
    fn unexpected_values_in_other_fields_do_not_lose_the_message() {
        let odd = r#"{"sid":"SM1","num_segments":1,"price":0.1,"error_code":"x"}"#;
        let receipt = read(&response(200, odd)).unwrap();
        assert_eq!((receipt.message_id.as_deref(), receipt.segments), (Some("SM1"), Some(1)));
    }

    #[test]
    fn success_without_a_message_is_in_doubt() {
        for body in ["", "{}", "[]", "<html>", r#"{"sid":""}"#, r#"{"sid":5}"#, r#"{"sid":null}"#] {
            assert_eq!(read(&response(200, body)).unwrap_err().class, FailureClass::InDoubt, "{body}");
        }
    }

    #[test]
    fn a_message_that_failed_immediately_is_not_a_receipt() {
        let body = r#"{"sid":"SM1","status":"failed","error_code":30450,"error_message":"why"}"#;
        let want = Failure::new(FailureClass::FraudBlocked).code("30450").text("why");
        assert_eq!(read(&response(201, body)), Err(want));
    }

    #[test]
    fn errors_keep_code_and_text() {
        let cases = [
            (400, r#"{"code":21211,"message":"m","status":400}"#, FailureClass::InvalidRecipient, "21211", "m"),
            (
                401,
                r#"{"code":20003,"message":"Authenticate"}"#,
                FailureClass::AuthenticationFailed,
                "20003",
                "Authenticate",
            ),
            (429, r#"{"code":20429,"message":"m"}"#, FailureClass::RateLimited, "20429", "m"),
            (429, r#"{"code":63038,"message":"m"}"#, FailureClass::QuotaExceeded, "63038", "m"),
            (400, r#"{"code":"21610","message":"m"}"#, FailureClass::RecipientUnsubscribed, "21610", "m"),
            (400, r#"{"code":99999,"message":"m"}"#, FailureClass::InvalidRequest, "99999", "m"),
            (503, r#"{"code":20503,"message":"m"}"#, FailureClass::ProviderUnavailable, "20503", "m"),
            (500, r#"{"code":21211,"message":"m"}"#, FailureClass::InDoubt, "21211", "m"),
        ];
        for (status, body, class, code, text) in cases {
            let want = Failure::new(class).code(code).text(text);
            assert_eq!(read(&response(status, body)), Err(want), "{status} {body}");
        }
    }

    #[test]
    fn other_responses_are_classified_by_their_status() {
        for (status, want) in [
            (401, FailureClass::AuthenticationFailed),
            (403, FailureClass::AuthenticationFailed),
            (404, FailureClass::InvalidRequest),
            (408, FailureClass::InDoubt),
            (429, FailureClass::RateLimited),
            (500, FailureClass::InDoubt),
            (502, FailureClass::InDoubt),
            (503, FailureClass::ProviderUnavailable),
            (504, FailureClass::InDoubt),
            (302, FailureClass::Unknown),
            (600, FailureClass::Unknown),
        ] {
            let failure = read(&response(status, "<html>busy</html>")).unwrap_err();
            assert_eq!((failure.class, failure.provider_code), (want, Some(status.to_string())));
        }
    }

    #[test]
    fn retry_after_is_kept() {
        let mut response = response(429, r#"{"code":20429,"message":"m"}"#);
        response.headers.push(("retry-after".into(), "2".into()));
        assert_eq!(read(&response).unwrap_err().retry_after_seconds, Some(2));
    }
}
