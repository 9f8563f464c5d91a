//! A connection's stored parameters, and the only function that hands them to a version of its connector.
//!
//! Promise: a stored secret is never handed to a version that does not seal it. A version without such a parameter does not
//! receive it; a version that would read it in clear is not used for the connection, and the error names the parameter. Stored
//! secrets are merged with the other parameters in [`StoredParameters::for_version`] and nowhere else.
//!
//! Must not know: what the version is used for (a send, a test, a report, a promotion, a comparison). The rule is the same.

use std::collections::BTreeSet;

use sendbox_domain::field_error::{FieldCode, FieldError, FieldErrors};
use sendbox_domain::rules::capability_diff::connection::StoredNames;
use sendbox_sandbox::Metadata;
use sendbox_store::rows::ConnectionRow;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::vault::TenantKey;

/// The associated data of a connection's sealed secrets: they open for this connection only.
pub(crate) fn secrets_aad(name: &str) -> String {
    format!("connection/{name}/secrets")
}

/// A connection's secrets, in clear. Only [`StoredParameters`] hands them to a version of a connector.
pub(crate) fn secrets(row: &ConnectionRow, key: &TenantKey) -> Result<Map<String, Value>> {
    let Some(sealed) = &row.secrets else { return Ok(Map::new()) };
    let plain = key.open(&secrets_aad(&row.name), sealed)?;
    serde_json::from_slice(&plain).map_err(|_| Error::Internal("stored secrets cannot be read".to_owned()))
}

/// Parameters of a connection, plain ones and secrets separately. Has no `Debug`: it holds secrets in clear.
#[derive(Default)]
pub(crate) struct StoredParameters {
    plain: Map<String, Value>,
    sealed: Map<String, Value>,
}

impl StoredParameters {
    /// Opens the parameters of a stored connection.
    pub(crate) fn of(row: &ConnectionRow, key: &TenantKey) -> Result<Self> {
        Ok(Self { plain: row.parameters.clone(), sealed: secrets(row, key)? })
    }

    /// Drops the plain parameters.
    pub(crate) fn secrets_only(self) -> Self {
        Self { plain: Map::new(), ..self }
    }

    /// Replaces parameters with the given ones. `null` removes a parameter.
    pub(crate) fn with(mut self, given: Map<String, Value>) -> Self {
        self.sealed.retain(|name, _| !given.contains_key(name));
        self.plain.extend(given);
        self
    }

    pub(crate) fn names(&self) -> StoredNames<'_> {
        StoredNames {
            plain: self.plain.keys().map(String::as_str).collect(),
            sealed: self.sealed.keys().map(String::as_str).collect(),
        }
    }

    /// The stored secrets that a version would read in clear.
    pub(crate) fn unsealed_by(&self, version: &Metadata) -> Vec<&str> {
        self.unsealed(&version.secret_keys, &version.parameters_schema)
    }

    /// The parameters that a version receives.
    ///
    /// # Errors
    /// One error for each stored secret that the version would read in clear.
    pub(crate) fn for_version(&self, version: &Metadata) -> Result<Map<String, Value>, FieldErrors> {
        self.merged_for(&version.secret_keys, &version.parameters_schema)
    }

    fn unsealed(&self, secret_keys: &BTreeSet<String>, schema: &Value) -> Vec<&str> {
        let is_named = |name: &str| schema.get("properties").is_some_and(|all| all.get(name).is_some());
        let names = self.sealed.keys().map(String::as_str);
        names.filter(|name| is_named(name) && !secret_keys.contains(*name)).collect()
    }

    fn merged_for(&self, secret_keys: &BTreeSet<String>, schema: &Value) -> Result<Map<String, Value>, FieldErrors> {
        FieldErrors::none_or(self.unsealed(secret_keys, schema).into_iter().map(unsealed).collect())?;
        let mut given = self.plain.clone();
        let sealed = self.sealed.iter().filter(|(name, _)| secret_keys.contains(*name));
        given.extend(sealed.map(|(name, value)| (name.clone(), value.clone())));
        given.retain(|_, value| !value.is_null());
        Ok(given)
    }
}

/// The error of a stored secret that a version would read in clear.
fn unsealed(name: &str) -> FieldError {
    let pointer = name.replace('~', "~0").replace('/', "~1");
    let message = "is stored as a secret, and this version of the connector would read it in clear; \
                   it is used only with versions that mark it `writeOnly`";
    FieldError::new(format!("/parameters/{pointer}"), message).coded(FieldCode::SecretUnsealed, &[])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The secrets of a version with such parameters, and its schema.
    fn version(properties: Value) -> (BTreeSet<String>, Value) {
        let all = properties.as_object().unwrap().iter();
        let secrets = all.filter(|(_, property)| property["writeOnly"] == true).map(|(name, _)| name.clone());
        (secrets.collect(), json!({ "properties": properties }))
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn stored() -> StoredParameters {
        StoredParameters { plain: map(json!({ "from": "Acme" })), sealed: map(json!({ "token": "s3cret" })) }
    }

    #[test]
    fn a_stored_secret_is_only_handed_to_versions_that_seal_it() {
        for (properties, given) in [
            (json!({ "token": { "writeOnly": true } }), Some(json!({ "from": "Acme", "token": "s3cret" }))),
            // A parameter that was plain and is a secret now is handed over, sealed.
            (
                json!({ "token": { "writeOnly": true }, "from": { "writeOnly": true } }),
                Some(json!({ "from": "Acme", "token": "s3cret" })),
            ),
            // The version has no such parameter, so it does not receive it, whatever else its schema allows.
            (json!({ "from": {} }), Some(json!({ "from": "Acme" }))),
            (json!({ "token": {} }), None),
            (json!({ "token": { "writeOnly": false } }), None),
            (json!({ "token": true }), None),
        ] {
            let (secrets, schema) = version(properties.clone());
            match (stored().merged_for(&secrets, &schema), given) {
                (Ok(found), Some(wanted)) => assert_eq!(Value::Object(found), wanted, "{properties}"),
                (Err(FieldErrors(errors)), None) => {
                    let [error] = errors.as_slice() else { panic!("{errors:?}") };
                    assert_eq!(error.field, "/parameters/token");
                    assert_eq!(error.code, Some(FieldCode::SecretUnsealed));
                    assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
                }
                (found, _) => panic!("{properties}: {found:?}"),
            }
        }
    }

    #[test]
    fn given_parameters_replace_stored_ones() {
        let (secrets, schema) = version(json!({ "token": { "writeOnly": true }, "from": {} }));
        for (given, wanted) in [
            (json!({ "from": "Other" }), json!({ "from": "Other", "token": "s3cret" })),
            (json!({ "token": "new" }), json!({ "from": "Acme", "token": "new" })),
            (json!({ "token": null, "from": null }), json!({})),
        ] {
            let found = stored().with(map(given.clone())).merged_for(&secrets, &schema).unwrap();
            assert_eq!(Value::Object(found), wanted, "{given}");
        }
        let alone = stored().secrets_only().with(map(json!({ "from": "Other" })));
        assert_eq!(alone.names().plain, ["from"].into());
        // A value that is given again, in clear, for a version that declares it plain is not a stored secret.
        let (secrets, schema) = version(json!({ "token": {} }));
        assert!(stored().with(map(json!({ "token": "public" }))).merged_for(&secrets, &schema).is_ok());
        assert!(stored().with(map(json!({ "from": "Other" }))).merged_for(&secrets, &schema).is_err());
    }
}
