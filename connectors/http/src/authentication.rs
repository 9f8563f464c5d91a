//! How the endpoint recognizes Sendbox: an `Authorization` header, an API key in a header of its own, or both. The signature is part
//! of the [request](crate::request).

use sendbox_connector_sdk::{Config, Failure, Parts, basic_auth, parts};

/// The header for an API key, if no other is named.
const API_KEY_HEADER: &str = "x-api-key";

/// The value of the `Authorization` header, if there is one.
///
/// # Errors
///
/// A configuration failure if there is more than one, or a user name without a password or the reverse.
pub(crate) fn authorization(config: &Config<'_>) -> Result<Option<Parts>, Failure> {
    let verbatim = config.secret("authorization").map(Parts::from);
    let bearer = config.secret("bearerToken").map(|token| parts!["Bearer ", token]);
    let basic = match (config.text("username"), config.secret("password")) {
        (Some(user), Some(password)) => Some(basic_auth(user, password)),
        (None, None) => None,
        _ => return Err(Failure::configuration("set `username` and `password`, or neither")),
    };
    let mut set = [verbatim, bearer, basic].into_iter().flatten();
    match (set.next(), set.next()) {
        (value, None) => Ok(value),
        _ => Err(Failure::configuration(
            "set only one of `authorization`, `bearerToken`, and `username` with `password`",
        )),
    }
}

/// The header with the API key, if there is one.
pub(crate) fn api_key(config: &Config<'_>) -> Option<(String, Parts)> {
    let key = config.secret("apiKey")?;
    let name = config.text("apiKeyHeader").unwrap_or_else(|| API_KEY_HEADER.to_owned());
    Some((name, key.into()))
}

#[cfg(test)]
mod tests {
    use crate::HttpSms;
    use sendbox_connector_sdk::FailureClass;
    use sendbox_connector_sdk::testing::{Harness, merge_patch};
    use serde_json::{Value, json};

    fn harness(parameters: Value) -> Harness<HttpSms> {
        let endpoint = json!({ "endpoint": "https://sms.example.com/send" });
        Harness::new(merge_patch(endpoint, parameters)).variables([("code", "1")])
    }

    #[test]
    fn each_way_sets_its_header() {
        for (parameters, name, value) in [
            (json!({ "authorization": "Token t" }), "authorization", "Token t"),
            (json!({ "bearerToken": "abc.def" }), "authorization", "Bearer abc.def"),
            // printf 'Aladdin:open sesame' | base64
            (
                json!({ "username": "Aladdin", "password": "open sesame" }),
                "authorization",
                "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            ),
            (json!({ "apiKey": "k-1" }), "x-api-key", "k-1"),
            (json!({ "apiKey": "k-1", "apiKeyHeader": "x-auth-token" }), "x-auth-token", "k-1"),
        ] {
            let request = harness(parameters).request();
            assert_eq!(request.header(name), Some(value));
            assert_eq!(request.headers.len(), 2, "{:?}", request.headers);
        }
    }

    #[test]
    fn an_api_key_can_be_added_to_any_of_them() {
        let request = harness(json!({ "bearerToken": "t", "apiKey": "k" })).request();
        assert_eq!((request.header("authorization"), request.header("x-api-key")), (Some("Bearer t"), Some("k")));
    }

    #[test]
    fn what_contradicts_itself_is_not_sent() {
        for parameters in [
            json!({ "authorization": "a", "bearerToken": "b" }),
            json!({ "authorization": "a", "username": "u", "password": "p" }),
            json!({ "bearerToken": "b", "username": "u", "password": "p" }),
            json!({ "username": "u" }),
            json!({ "password": "p" }),
        ] {
            let run = harness(parameters.clone()).send([]);
            assert!(run.requests.is_empty(), "{parameters}");
            assert_eq!(run.result.unwrap_err().class, FailureClass::ConfigurationInvalid, "{parameters}");
        }
    }
}
