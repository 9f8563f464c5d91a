//! The endpoint's response: what counts as accepted, and where the message's id is.

use sendbox_connector_sdk::{Config, Failure, FailureClass, Receipt, Response, scalar};
use serde_json::Value;

/// Where the id is if the parameters do not say.
const MESSAGE_ID: &str = "/id";

/// How an endpoint says that it accepted the message. By default, with any 2xx.
#[derive(Default)]
pub(crate) struct Expected {
    /// The statuses that mean success, all of them 2xx. Empty for every 2xx.
    statuses: Vec<u16>,
    /// A JSON pointer, and the value there as text.
    value: Option<(String, String)>,
    /// The JSON pointer to the message's id.
    message_id: Option<String>,
}

impl Expected {
    /// What the parameters say.
    ///
    /// # Errors
    ///
    /// A configuration failure if one of them is not as the schema has it.
    pub(crate) fn of(config: &Config<'_>) -> Result<Self, Failure> {
        let value = match (config.text("successPointer"), config.text("successValue")) {
            (Some(pointer), Some(value)) => Some((pointer, value)),
            (None, None) => None,
            _ => return Err(Failure::configuration("set `successPointer` and `successValue`, or neither")),
        };
        let statuses = config.json("successStatus")?.unwrap_or_default();
        Ok(Self { statuses, value, message_id: config.text("messageIdPointer") })
    }

    /// A receipt, or why the message was not sent.
    pub(crate) fn read(&self, response: &Response) -> Result<Receipt, Failure> {
        let status = response.status;
        if !response.is_success() {
            return Err(refused(response));
        }
        if !self.statuses.is_empty() && !self.statuses.contains(&status) {
            return Err(in_doubt(status, "which is not in `successStatus`"));
        }
        let body: Option<Value> = response.json();
        let at = |pointer: &str| body.as_ref().and_then(|body| body.pointer(pointer));
        if let Some((pointer, want)) = &self.value {
            let Some(found) = at(pointer).and_then(as_text) else {
                return Err(in_doubt(status, "but without a value at `successPointer`"));
            };
            if found != *want {
                let text = "the endpoint responded with another value than `successValue` at `successPointer`";
                return Err(Failure::new(FailureClass::Unknown).code(found).text(text));
            }
        }
        let message_id = at(self.message_id.as_deref().unwrap_or(MESSAGE_ID)).and_then(scalar);
        Ok(Receipt { message_id, ..Receipt::default() })
    }
}

/// A success that is not the one that was expected.
fn in_doubt(status: u16, why: &str) -> Failure {
    let text = format!("the endpoint responded with HTTP {status}, {why}; the message may have been sent");
    Failure::new(FailureClass::InDoubt).code(status.to_string()).text(text)
}

fn refused(response: &Response) -> Failure {
    let class = FailureClass::of_endpoint_status(response.status);
    let failure = Failure::new(class).code(response.status.to_string()).text(reason(response.status));
    match class {
        FailureClass::RateLimited | FailureClass::ProviderUnavailable => failure.retry_after(response),
        _ => failure,
    }
}

/// A text, a number or a boolean as text.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Bool(flag) => Some(flag.to_string()),
        other => scalar(other),
    }
}

/// What the admin should change. The body is left out: it can contain anything.
fn reason(status: u16) -> String {
    let advice = match status {
        300..=399 => "redirects are not followed; enter the final URL",
        401 | 403 => "it does not accept the credentials",
        404 | 405 | 410 => "nothing accepts the request there; check the URL and `method`",
        408 => "it timed out, and may have sent the message",
        400..=499 => "it does not accept the request",
        503 => "it is not available",
        500..=599 => "it failed, and may have sent the message",
        _ => "HTTP does not define this status",
    };
    format!("the endpoint responded with HTTP {status}: {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HttpSms;
    use sendbox_connector_sdk::testing::{Harness, merge_patch, response};
    use serde_json::json;

    fn read(response: &Response) -> Result<Receipt, Failure> {
        Expected::default().read(response)
    }

    /// The result of a send with these parameters and this response.
    fn sent(parameters: &Value, status: u16, body: &str) -> Result<Receipt, Failure> {
        let endpoint = json!({ "endpoint": "https://sms.example.com/send" });
        let harness = Harness::<HttpSms>::new(merge_patch(endpoint, parameters.clone()));
        harness.variables([("code", "1")]).send([response(status, body)]).result
    }

    #[test]
    fn a_status_that_is_not_listed_is_in_doubt() {
        let listed = json!({ "successStatus": [200, 202] });
        for (status, want) in [
            (200, None),
            (202, None),
            (201, Some(FailureClass::InDoubt)),
            (204, Some(FailureClass::InDoubt)),
            (429, Some(FailureClass::RateLimited)),
        ] {
            assert_eq!(sent(&listed, status, "").err().map(|failure| failure.class), want, "{status}");
        }
    }

    #[test]
    fn the_value_at_the_pointer_decides() {
        let ok = json!({ "successPointer": "/result/0/ok", "successValue": "true" });
        let zero = json!({ "successPointer": "/code", "successValue": "0" });
        let text = json!({ "successPointer": "/a~1b", "successValue": "OK" });
        for (parameters, body, want) in [
            (&ok, r#"{"result":[{"ok":true}]}"#, None),
            (&ok, r#"{"result":[{"ok":"true"}]}"#, None),
            (&ok, r#"{"result":[{"ok":false}]}"#, Some((FailureClass::Unknown, "false"))),
            (&ok, r#"{"result":[]}"#, Some((FailureClass::InDoubt, "200"))),
            (&ok, r#"{"result":[{"ok":null}]}"#, Some((FailureClass::InDoubt, "200"))),
            (&ok, "<html>", Some((FailureClass::InDoubt, "200"))),
            (&ok, "", Some((FailureClass::InDoubt, "200"))),
            (&zero, r#"{"code":0}"#, None),
            (&zero, r#"{"code":1042}"#, Some((FailureClass::Unknown, "1042"))),
            (&text, r#"{"a/b":"OK"}"#, None),
            (&text, r#"{"a/b":"ok"}"#, Some((FailureClass::Unknown, "ok"))),
        ] {
            let failure = sent(parameters, 200, body).err();
            let found = failure.as_ref().map(|failure| (failure.class, failure.provider_code.as_deref().unwrap()));
            assert_eq!(found, want, "{body}");
        }
        // The status of a refusal counts, whatever the body says.
        let failure = sent(&zero, 500, r#"{"code":0}"#).unwrap_err();
        assert_eq!(failure.class, FailureClass::InDoubt);
    }

    #[test]
    fn the_id_is_where_the_pointer_says() {
        let pointer = json!({ "messageIdPointer": "/messages/0/ref" });
        for (parameters, body, want) in [
            (&pointer, r#"{"messages":[{"ref":"m-1"}],"id":"no"}"#, Some("m-1")),
            (&pointer, r#"{"messages":[{"ref":7}]}"#, Some("7")),
            (&pointer, r#"{"messages":[],"id":"no"}"#, None),
            (&json!({}), r#"{"id":"m-2"}"#, Some("m-2")),
        ] {
            assert_eq!(sent(parameters, 200, body).unwrap().message_id.as_deref(), want, "{body}");
        }
    }

    #[test]
    fn half_an_expectation_is_a_configuration_error() {
        for parameters in [json!({ "successPointer": "/a" }), json!({ "successValue": "1" })] {
            let failure = sent(&parameters, 200, "{}").unwrap_err();
            assert_eq!(failure.class, FailureClass::ConfigurationInvalid);
        }
    }

    #[test]
    fn any_2xx_is_accepted_whatever_the_body() {
        for (status, body, id) in [
            (200, "", None),
            (204, "", None),
            (201, r#"{"id":"m-1"}"#, Some("m-1")),
            (202, r#"{"id":7,"x":[]}"#, Some("7")),
            (200, r#"{"id":""}"#, None),
            (200, r#"{"id":{}}"#, None),
            (200, "[1]", None),
            (299, "<html>ok</html>", None),
        ] {
            let want = Receipt { message_id: id.map(str::to_owned), ..Receipt::default() };
            assert_eq!(read(&response(status, body)), Ok(want), "{status} {body}");
        }
    }

    #[test]
    fn the_status_decides_the_class() {
        use FailureClass as Class;
        for (status, want) in [
            (301, Class::ConfigurationInvalid),
            (307, Class::ConfigurationInvalid),
            (400, Class::InvalidRequest),
            (401, Class::AuthenticationFailed),
            (403, Class::AuthenticationFailed),
            (404, Class::ConfigurationInvalid),
            (405, Class::ConfigurationInvalid),
            (408, Class::InDoubt),
            (410, Class::ConfigurationInvalid),
            (418, Class::InvalidRequest),
            (422, Class::InvalidRequest),
            (429, Class::RateLimited),
            (500, Class::InDoubt),
            (502, Class::InDoubt),
            (503, Class::ProviderUnavailable),
            (504, Class::InDoubt),
            (600, Class::Unknown),
        ] {
            let failure = read(&response(status, "secret diagnostics")).unwrap_err();
            assert_eq!((failure.class, failure.provider_code), (want, Some(status.to_string())), "{status}");
            assert!(!failure.text.unwrap().contains("diagnostics"));
        }
    }

    #[test]
    fn retry_after_is_kept_where_it_means_something() {
        for (status, want) in [(429, Some(7)), (503, Some(7)), (400, None)] {
            let mut response = response(status, "");
            response.headers.push(("retry-after".into(), "7".into()));
            assert_eq!(read(&response).unwrap_err().retry_after_seconds, want);
        }
    }
}
