//! A host with a scripted response, for an author whose provider is not simulated.
//!
//! It responds to any request with the contents of a file, in the format of the starter project's folder `answers/`:
//! `{"status": 201, "headers": {"content-type": "application/json"}, "body": {"id": "msg-1"}}`. It checks nothing, so
//! the inbox shows its raw requests only.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::error::SimulatorError;
use crate::provider::{Accepted, Provider, SimResponse, SimState};
use crate::request::IncomingRequest;

/// A scripted response.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedAnswer {
    /// HTTP status, 200 to 599.
    pub status: u16,
    /// Response headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body: a string is sent unchanged, any other JSON value as JSON.
    #[serde(default)]
    pub body: Value,
}

/// A host with its scripted response.
#[derive(Clone, Debug)]
pub struct ScriptedHost {
    /// Lower-case DNS name.
    pub host: String,
    /// The response to every request.
    pub answer: ScriptedAnswer,
}

impl ScriptedHost {
    /// Refuses what HTTP does not allow.
    pub(crate) fn check(&self) -> Result<(), SimulatorError> {
        if !(200..=599).contains(&self.answer.status) {
            return Err(SimulatorError::Config("a scripted response needs a `status` from 200 to 599"));
        }
        let header_fits = |(name, value): (&String, &String)| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && value.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b))
        };
        if !self.answer.headers.iter().all(header_fits) {
            return Err(SimulatorError::Config("a scripted response has a header that HTTP does not allow"));
        }
        Ok(())
    }
}

/// The provider for one scripted host.
pub(crate) struct Scripted(pub(crate) ScriptedHost);

impl Scripted {
    fn answer(&self) -> SimResponse {
        let body = match &self.0.answer.body {
            Value::Null => Vec::new(),
            Value::String(text) => text.clone().into_bytes(),
            other => other.to_string().into_bytes(),
        };
        let headers = self.0.answer.headers.clone().into_iter().collect();
        SimResponse { status: self.0.answer.status, headers, body, accepted: None }
    }
}

impl Provider for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn known_hosts(&self) -> Vec<String> {
        vec![self.0.host.clone()]
    }

    fn hosts(&self, host: &str) -> bool {
        host == self.0.host
    }

    fn handle(&self, _request: &IncomingRequest, _state: &SimState) -> SimResponse {
        let answer = self.answer();
        if self.0.answer.status < 300 { answer.with_accepted(Accepted::default()) } else { answer }
    }

    fn refusal(&self, status: u16, message: &str) -> SimResponse {
        SimResponse::json(status, &serde_json::json!({ "message": message }))
    }

    fn error(&self, _code: &str) -> Option<SimResponse> {
        None
    }

    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(json: &str) -> ScriptedHost {
        ScriptedHost { host: "api.example.com".into(), answer: serde_json::from_str(json).unwrap() }
    }

    #[test]
    fn it_responds_as_the_file_says() {
        let scripted = Scripted(host(r#"{"status":201,"headers":{"x-a":"b"},"body":{"id":"m"}}"#));
        let answer = scripted.answer();
        assert_eq!((answer.status, answer.body.as_slice()), (201, &br#"{"id":"m"}"#[..]));
        assert_eq!(answer.headers, [("x-a".to_owned(), "b".to_owned())]);
        assert_eq!(Scripted(host(r#"{"status":200,"body":"plain"}"#)).answer().body, b"plain");
    }

    #[test]
    fn invalid_input_is_refused() {
        assert!(host(r#"{"status":99}"#).check().is_err());
        assert!(host(r#"{"status":200,"headers":{"a b":"c"}}"#).check().is_err());
        assert!(host(r#"{"status":200,"headers":{"a":"c\r\nd: e"}}"#).check().is_err());
        assert!(serde_json::from_str::<ScriptedAnswer>(r#"{"status":200,"bdy":1}"#).is_err());
    }
}
