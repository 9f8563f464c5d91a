//! GatewayAPI's response: `{ids, usage}`, or `{code, incident_uuid, message, variables}`.

use sendbox_connector_sdk::{Failure, FailureClass, Price, Receipt, Response, scalar};
use serde_json::{Map, Value};

use crate::errors;

/// The name in the texts of failures.
const PROVIDER: &str = "GatewayAPI";

/// A receipt, or why the message was not sent.
pub(crate) fn read(response: &Response) -> Result<Receipt, Failure> {
    let body = match response.json::<Value>() {
        Some(Value::Object(body)) => body,
        _ => Map::new(),
    };
    // A code is an error, also with HTTP 200.
    if response.is_success() && !body.contains_key("code") {
        accepted(response, &body)
    } else {
        Err(refused(response, &body))
    }
}

fn accepted(response: &Response, body: &Map<String, Value>) -> Result<Receipt, Failure> {
    let Some(ids) = body.get("ids").and_then(Value::as_array) else {
        return Err(Failure::unexpected_response(PROVIDER, response));
    };
    let Some(id) = ids.first().and_then(scalar) else {
        return Err(Failure::new(FailureClass::Unknown)
            .code(response.status.to_string())
            .text("GatewayAPI responded with success but accepted no message"));
    };
    Ok(Receipt { message_id: Some(id), status: None, segments: None, price: price(body) })
}

/// The price of the message, if the response has one.
fn price(body: &Map<String, Value>) -> Option<Price> {
    let usage = body.get("usage")?;
    let amount = scalar(usage.get("total_cost")?)?;
    Some(Price { amount, currency: usage.get("currency")?.as_str()?.to_owned() })
}

fn refused(response: &Response, body: &Map<String, Value>) -> Failure {
    let status = response.status;
    let written = body.get("code").and_then(Value::as_str);
    let code = written.and_then(errors::parse);
    let class = code
        .and_then(errors::class_of)
        // A low byte does not count with a 5xx, after which the message may have been sent.
        .or_else(|| code.filter(|_| status < 500).and_then(errors::class_of_low_byte))
        .unwrap_or_else(|| match (code, status) {
            // An unknown code: only its text says what is wrong.
            (_, 200..=299) | (Some(_), 400..=499) => FailureClass::Unknown,
            _ => FailureClass::of_endpoint_status(status),
        });
    let failure = Failure::unexpected_response(PROVIDER, response);
    let text = match body.get("message").and_then(Value::as_str) {
        Some(message) => Some(fill_in(message, body.get("variables"))),
        None if class == FailureClass::ConfigurationInvalid => {
            failure.text.map(|text| format!("{text}: check the parameter `endpoint`"))
        }
        None => failure.text,
    };
    Failure { class, provider_code: written.map(str::to_owned).or(failure.provider_code), text, ..failure }
}

/// The message with its variables filled in for `%1`, `%2` and so on.
fn fill_in(message: &str, variables: Option<&Value>) -> String {
    let variables = variables.and_then(Value::as_array).into_iter().flatten();
    // The last one first, so that `%1` does not replace a part of `%10`.
    let mut numbered: Vec<(usize, String)> =
        variables.enumerate().filter_map(|(index, value)| Some((index + 1, scalar(value)?))).collect();
    numbered.reverse();
    numbered.iter().fold(message.to_owned(), |text, (number, value)| text.replace(&format!("%{number}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use FailureClass as Class;
    use sendbox_connector_sdk::testing::response;

    #[test]
    fn ids_are_a_receipt() {
        let plain = Receipt { message_id: Some("421332671".into()), ..Receipt::default() };
        assert_eq!(read(&response(200, r#"{"ids":[421332671],"usage":{"countries":{"DK":1}}}"#)), Ok(plain.clone()));
        let priced = r#"{"ids":[421332671],"usage":{"countries":{"DK":1},"currency":"DKK","total_cost":0.12}}"#;
        let price = Price { amount: "0.12".into(), currency: "DKK".into() };
        assert_eq!(read(&response(200, priced)), Ok(Receipt { price: Some(price), ..plain }));
    }

    #[test]
    fn success_with_no_message_is_a_failure() {
        for (body, want) in [
            (r#"{"ids":[]}"#, Class::Unknown),
            (r#"{"ids":[null]}"#, Class::Unknown),
            ("", Class::InDoubt),
            ("{}", Class::InDoubt),
            ("[1]", Class::InDoubt),
            ("<html>", Class::InDoubt),
            (r#"{"ids":7}"#, Class::InDoubt),
        ] {
            assert_eq!(read(&response(200, body)).unwrap_err().class, want, "{body}");
        }
    }

    #[test]
    fn errors_keep_code_and_text_whatever_the_status() {
        let ip =
            r#"{"code":"0x0213","incident_uuid":"d8","message":"Unauthorized IP-address: %1","variables":["1.2.3.4"]}"#;
        for (status, body, class, code, text) in [
            (403, ip, Class::AuthenticationFailed, "0x0213", "Unauthorized IP-address: 1.2.3.4"),
            (200, ip, Class::AuthenticationFailed, "0x0213", "Unauthorized IP-address: 1.2.3.4"),
            (500, ip, Class::AuthenticationFailed, "0x0213", "Unauthorized IP-address: 1.2.3.4"),
            (403, r#"{"code":"0x0216","message":"m"}"#, Class::InsufficientBalance, "0x0216", "m"),
            (422, r#"{"code":"0x0308","message":"m"}"#, Class::InvalidRequest, "0x0308", "m"),
            (400, r#"{"code":"0x0309","message":"m"}"#, Class::ProviderUnavailable, "0x0309", "m"),
            (500, r#"{"code":"0x0301","message":"m"}"#, Class::InDoubt, "0x0301", "m"),
            (503, r#"{"code":"0x0301","message":"m"}"#, Class::ProviderUnavailable, "0x0301", "m"),
            (400, r#"{"code":"0x03FF","message":"m"}"#, Class::Unknown, "0x03FF", "m"),
            (401, r#"{"message":"m"}"#, Class::AuthenticationFailed, "401", "m"),
            (422, r#"{"message":"%1 %2 %1","variables":["a",2]}"#, Class::InvalidRequest, "422", "a 2 a"),
        ] {
            assert_eq!(
                read(&response(status, body)),
                Err(Failure::new(class).code(code).text(text)),
                "{status} {body}"
            );
        }
    }

    #[test]
    fn other_responses_are_classified_by_their_status() {
        for (status, want) in [
            (302, Class::ConfigurationInvalid),
            (400, Class::InvalidRequest),
            (401, Class::AuthenticationFailed),
            (403, Class::AuthenticationFailed),
            (404, Class::ConfigurationInvalid),
            (408, Class::InDoubt),
            (422, Class::InvalidRequest),
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
        let mut response = response(429, r#"{"message":"m"}"#);
        response.headers.push(("retry-after".into(), "2".into()));
        assert_eq!(read(&response).unwrap_err().retry_after_seconds, Some(2));
    }
}
