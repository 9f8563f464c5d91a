//! What a send shows of itself: its requests and its trace, masked by the sandbox, for the journal and for answers of the API.

use sendbox_sandbox::{RequestRecord, SendReport};
use serde_json::{Value, json};

/// A request as it left, masked.
pub(crate) fn request_value(record: &RequestRecord) -> Value {
    json!({
        "method": record.method,
        "url": record.url,
        "headers": record.headers,
        "body": record.body,
        "carriesMessage": record.carries_message,
    })
}

/// The events of a send, in order.
pub(crate) fn trace_values(report: &SendReport) -> Vec<Value> {
    report.trace.iter().filter_map(|event| serde_json::to_value(event).ok()).collect()
}
