//! SMS Aero's response: `{success, data, message}`, whatever the HTTP status is.

use sendbox_connector_sdk::{Failure, FailureClass, Price, Receipt, Response, scalar};
use serde_json::{Map, Value};

use crate::errors;

/// The name in the texts of failures.
const PROVIDER: &str = "SMS Aero";

/// The currency of all prices.
const CURRENCY: &str = "RUB";

/// A receipt, or why the message was not sent.
pub(crate) fn read(response: &Response) -> Result<Receipt, Failure> {
    match response.json::<Value>() {
        Some(Value::Object(body)) if body.contains_key("success") || body.contains_key("result") => {
            let good = body.get("success") == Some(&Value::Bool(true)) && !body.contains_key("result");
            match (good, response.is_success()) {
                (true, true) => accepted(response, &body),
                (true, false) => Err(Failure::contradictory_response(PROVIDER, response)),
                (false, _) => Err(refused(response, &body)),
            }
        }
        _ => Err(Failure::unexpected_response(PROVIDER, response)),
    }
}

fn accepted(response: &Response, body: &Map<String, Value>) -> Result<Receipt, Failure> {
    // An object for one number, an array for several.
    let data = match body.get("data") {
        Some(Value::Array(messages)) => messages.first(),
        data => data,
    };
    let Some((data, id)) = data.and_then(|data| Some((data, scalar(data.get("id")?)?))) else {
        return Err(Failure::unexpected_response(PROVIDER, response));
    };
    let extended = data.get("extendStatus").and_then(scalar);
    // 2: not delivered, 6: rejected.
    if let Some(status @ ("2" | "6")) = data.get("status").and_then(scalar).as_deref() {
        let text = format!(
            "SMS Aero accepted the message and then failed to send it ({})",
            extended.as_deref().unwrap_or(status)
        );
        return Err(Failure::new(FailureClass::Unknown).code(format!("status {status}")).text(text));
    }
    let price = data.get("cost").and_then(scalar);
    Ok(Receipt {
        message_id: Some(id),
        status: extended,
        segments: None,
        price: price.map(|amount| Price { amount, currency: CURRENCY.to_owned() }),
    })
}

fn refused(response: &Response, body: &Map<String, Value>) -> Failure {
    let text = |key: &str| body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let message = text("reason").or(text("message"));
    let result = text("result");
    let fields = wrong_fields(body);
    let class = result
        .and_then(errors::class_of_result)
        .or_else(|| fields.first().map(|(field, _)| errors::class_of_field(field)))
        .or_else(|| message.and_then(errors::class_of_text))
        .unwrap_or_else(|| match response.status {
            // An error with a 2xx status and an unknown message.
            200..=299 => FailureClass::Unknown,
            status => FailureClass::of_status(status),
        });
    let code = match (result, fields.first()) {
        (Some(result), _) => result.to_owned(),
        (None, Some((field, what))) => format!("{field}: {what}"),
        (None, None) => response.status.to_string(),
    };
    let mut explanation = message.unwrap_or("SMS Aero refused the message and gave no reason").to_owned();
    for (field, what) in &fields {
        explanation.push_str(&format!(" {field}: {what}"));
    }
    Failure::new(class).code(code).text(explanation).retry_after(response)
}

/// The fields of a validation error: `{"number": ["incorrect"]}`.
fn wrong_fields(body: &Map<String, Value>) -> Vec<(String, String)> {
    let fields = body.get("data").and_then(Value::as_object).into_iter().flatten();
    fields
        .filter_map(|(field, what)| {
            let what = match what {
                Value::Array(reasons) => reasons.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
                Value::String(reason) => reason.clone(),
                _ => return None,
            };
            Some((field.clone(), what))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use FailureClass as Class;
    use sendbox_connector_sdk::testing::response;

    const ACCEPTED: &str = r#"{"success":true,"data":{"id":12345,"from":"SMS Aero","number":"[sealed]","text":"[sealed]",
        "status":0,"extendStatus":"queue","channel":"FREE SIGN","cost":5.49,"dateCreate":1,"dateSend":1},"message":null}"#;

    #[test]
    fn a_message_is_a_receipt() {
        let want = Receipt {
            message_id: Some("12345".into()),
            status: Some("queue".into()),
            segments: None,
            price: Some(Price { amount: "5.49".into(), currency: "RUB".into() }),
        };
        assert_eq!(read(&response(200, ACCEPTED)), Ok(want));
        let in_a_list = r#"{"success":true,"data":[{"id":"7","status":8,"extendStatus":"moderation"}]}"#;
        let want = Receipt { message_id: Some("7".into()), status: Some("moderation".into()), ..Receipt::default() };
        assert_eq!(read(&response(200, in_a_list)), Ok(want));
    }

    #[test]
    fn refusals_are_failures_whatever_the_status() {
        let number = r#"{"success":false,"data":{"number":["incorrect"]},"message":"Validation error."}"#;
        let sign = r#"{"success":false,"data":{"sign":["not found"]},"message":"Validation error."}"#;
        let text = r#"{"success":false,"data":{"text":["too long"]},"message":"Validation error."}"#;
        let login = r#"{"success":false,"data":null,"message":"Your request was made with invalid credentials."}"#;
        for (status, body, class, code, explanation) in [
            (200, number, Class::InvalidRecipient, "number: incorrect", "Validation error. number: incorrect"),
            (400, number, Class::InvalidRecipient, "number: incorrect", "Validation error. number: incorrect"),
            (400, sign, Class::SenderRejected, "sign: not found", "Validation error. sign: not found"),
            (400, text, Class::ContentRejected, "text: too long", "Validation error. text: too long"),
            (401, login, Class::AuthenticationFailed, "401", "Your request was made with invalid credentials."),
            (200, login, Class::AuthenticationFailed, "200", "Your request was made with invalid credentials."),
            (
                200,
                r#"{"result":"no credits"}"#,
                Class::InsufficientBalance,
                "no credits",
                "SMS Aero refused the message and gave no reason",
            ),
            (200, r#"{"result":"reject","reason":"why"}"#, Class::Unknown, "reject", "why"),
            (402, r#"{"success":false,"message":"m"}"#, Class::InsufficientBalance, "402", "m"),
            (429, r#"{"success":false,"message":"m"}"#, Class::RateLimited, "429", "m"),
            (200, r#"{"success":false,"message":"new words"}"#, Class::Unknown, "200", "new words"),
            (500, r#"{"success":false,"message":"new words"}"#, Class::InDoubt, "500", "new words"),
            (200, r#"{"success":"true","data":{"id":1},"message":"m"}"#, Class::Unknown, "200", "m"),
        ] {
            assert_eq!(
                read(&response(status, body)),
                Err(Failure::new(class).code(code).text(explanation)),
                "{status} {body}"
            );
        }
    }

    #[test]
    fn success_with_an_error_status_is_in_doubt() {
        for status in [400, 401, 429, 503] {
            let failure = read(&response(status, r#"{"success":true,"data":{"id":1},"message":"m"}"#)).unwrap_err();
            assert_eq!((failure.class, failure.provider_code), (Class::InDoubt, Some(status.to_string())));
        }
    }

    #[test]
    fn success_without_a_message_is_in_doubt() {
        for body in ["", "{}", "[]", "<html>", r#"{"success":true}"#, r#"{"success":true,"data":{"id":null}}"#] {
            assert_eq!(read(&response(200, body)).unwrap_err().class, Class::InDoubt, "{body}");
        }
    }

    #[test]
    fn a_message_that_failed_immediately_is_not_a_receipt() {
        for status in ["2", "6"] {
            let body = format!(r#"{{"success":true,"data":{{"id":1,"status":{status},"extendStatus":"reject"}}}}"#);
            let failure = read(&response(200, &body)).unwrap_err();
            assert_eq!((failure.class, failure.provider_code), (Class::Unknown, Some(format!("status {status}"))));
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
            (404, Class::InvalidRequest),
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
        }
    }

    #[test]
    fn retry_after_is_kept() {
        for body in ["", r#"{"success":false,"message":"m"}"#] {
            let mut response = response(429, body);
            response.headers.push(("retry-after".into(), "2".into()));
            assert_eq!(read(&response).unwrap_err().retry_after_seconds, Some(2));
        }
    }
}
