//! Runs a connector natively and in the clear, for its own tests.
//!
//! A [`Harness`] is one message and one configuration; [`Harness::send`] runs the connector against scripted answers and
//! shows each request as the bytes that a provider would get. [`Harness::parse`] does the same for a delivery report.
//!
//! Promise: the plans that the component hands to the host are the plans that are carried out here. A request that breaks a rule
//! ends the send on the host, so here it panics, which fails the test; which rules are checked, and which only the host
//! checks, stands in `rules.rs`. Scrubbing and limits are not imitated: that is what `sendbox send --dry-run` shows.

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

/// An answer with this status and body, and no headers. A connector is shown `content-type`, `date`, `retry-after` and
/// `x-ratelimit-*`; others that a test adds would not reach it.
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

/// An answer written down as JSON: `{"status": 201, "headers": {"retry-after": "2"}, "body": …}`, where a body that is a
/// string is taken as it is and any other is written as JSON. `None` when `text` is not that.
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
