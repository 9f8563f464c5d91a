//! The endpoint's response. The HTTP status decides; the body is read only for an `id`.

use sendbox_connector_sdk::{Failure, FailureClass, Receipt, Response, scalar};
use serde_json::Value;

/// A receipt for any 2xx, or why the message was not sent.
pub(crate) fn read(response: &Response) -> Result<Receipt, Failure> {
    if response.is_success() {
        return Ok(Receipt { message_id: message_id(response), ..Receipt::default() });
    }
    let class = FailureClass::of_endpoint_status(response.status);
    let mut failure = Failure::new(class).code(response.status.to_string()).text(reason(response.status));
    if matches!(class, FailureClass::RateLimited | FailureClass::ProviderUnavailable) {
        failure = failure.retry_after(response);
    }
    Err(failure)
}

/// The endpoint's own id, if the body is a JSON object with a string or number `id`.
fn message_id(response: &Response) -> Option<String> {
    scalar(response.json::<Value>()?.get("id")?)
}

/// What the admin should change. The body is left out: it can contain anything.
fn reason(status: u16) -> String {
    let advice = match status {
        300..=399 => "redirects are not followed; enter the final URL as `endpoint`",
        401 | 403 => "it does not accept `authorization`",
        404 | 405 | 410 => "nothing accepts a POST there; check `endpoint`",
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
    use sendbox_connector_sdk::testing::response;

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
