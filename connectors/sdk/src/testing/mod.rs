//! Runs a connector natively, for its own tests.
//!
//! A [`Harness`] is one message and one configuration. [`Harness::send`] runs the connector with scripted responses and
//! returns each request as the provider would receive it; [`Harness::parse`] does the same for a callback.
//!
//! A request that breaks a rule ends the send on the host. Here it panics, so that the test fails. `rules.rs` lists which
//! rules are checked here and which only on the host. Masking and limits are not imitated: try the component with
//! `sendbox send --dry-run`.

mod cleartext;
mod harness;
mod host;
mod metadata;
mod rules;

pub use cleartext::hmac_sha1_base64;
pub use harness::{ClearRequest, Harness, Incoming, Run};
pub use metadata::{example_host, example_metadata, metadata_problems};

use serde_json::Value;

use crate::http::Response;

/// A response with this status and body, without headers. If a test adds some: the host passes only `content-type`, `date`,
/// `retry-after` and `x-ratelimit-*` on.
#[must_use]
pub fn response(status: u16, body: &str) -> Response {
    Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
}

/// `target` with the members of `patch`, where `null` removes a member: a JSON Merge Patch (RFC 7396) of the top level.
/// For tests that change one parameter of many.
#[must_use]
pub fn merge_patch(mut target: Value, patch: Value) -> Value {
    if let (Value::Object(members), Value::Object(changes)) = (&mut target, patch) {
        for (key, value) in changes {
            match value {
                Value::Null => drop(members.remove(&key)),
                value => drop(members.insert(key, value)),
            }
        }
    }
    target
}

/// A response read from JSON: `{"status": 201, "headers": {"retry-after": "2"}, "body": …}`. A string is the body itself, any
/// other value is the body as JSON. `None` when `text` has another form.
#[must_use]
pub fn response_from_json(text: &str) -> Option<Response> {
    let value: Value = serde_json::from_str(text).ok()?;
    let headers = value.get("headers").and_then(Value::as_object);
    Some(Response {
        status: value.get("status")?.as_u64()?.try_into().ok()?,
        headers: headers
            .into_iter()
            .flatten()
            .map(|(name, value)| Some((name.to_lowercase(), value.as_str()?.to_owned())))
            .collect::<Option<_>>()?,
        body: match value.get("body") {
            None => Vec::new(),
            Some(Value::String(text)) => text.clone().into_bytes(),
            Some(other) => other.to_string().into_bytes(),
        },
    })
}
