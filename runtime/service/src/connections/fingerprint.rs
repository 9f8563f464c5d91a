//! The fingerprint of a connection's settings.

use sendbox_sandbox::Connector;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::vault::TenantKey;

/// A keyed hash of everything that determines what a connection sends. A successful test counts for this fingerprint.
pub(crate) fn fingerprint(
    key: &TenantKey,
    connector: &Connector,
    parameters: &Map<String, Value>,
    templates: &Value,
) -> Vec<u8> {
    let digest = connector.digest().to_string();
    let parameters = Zeroizing::new(sorted(&Value::Object(parameters.clone())).to_string());
    let templates = sorted(templates).to_string();
    key.hash("fingerprint", &[digest.as_bytes(), parameters.as_bytes(), templates.as_bytes()])
}

/// The same value with its members sorted, so that equal settings have equal fingerprints.
pub(crate) fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            Value::Object(members.into_iter().map(|(name, member)| (name.clone(), sorted(member))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        plain => plain.clone(),
    }
}
