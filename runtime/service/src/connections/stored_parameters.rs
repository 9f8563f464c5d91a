//! A connection's parameters as they are stored, and the one way from there to a version of its connector.
//!
//! Promise: what is stored as a secret is never handed to a version that does not seal it. A version that has no such
//! parameter is not given it; with a version that would read it in clear the connection is not used, and the refusal names the
//! parameter. There is no other way by which stored secrets are joined with the rest: [`StoredParameters::for_version`].
//!
//! Must not know: why a version is asked for (a send, a test, a report, a promotion, a comparison). The rule is the same.

use std::collections::BTreeSet;

use sendbox_domain::problem::{FieldCode, Problem, Problems};
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

/// A connection's secrets, in clear. They go to a version of a connector by [`StoredParameters`] alone.
pub(crate) fn secrets(row: &ConnectionRow, key: &TenantKey) -> Result<Map<String, Value>> {
    let Some(sealed) = &row.secrets else { return Ok(Map::new()) };
    let plain = key.open(&secrets_aad(&row.name), sealed)?;
    serde_json::from_slice(&plain).map_err(|_| Error::Internal("stored secrets cannot be read".to_owned()))
}

/// Parameters of a connection, with those apart that are stored as secrets. Has no `Debug`: it holds them.
#[derive(Default)]
pub(crate) struct StoredParameters {
    plain: Map<String, Value>,
    sealed: Map<String, Value>,
}

impl StoredParameters {
    /// Of a stored connection.
    pub(crate) fn of(row: &ConnectionRow, key: &TenantKey) -> Result<Self> {
        Ok(Self { plain: row.parameters.clone(), sealed: secrets(row, key)? })
    }

    /// Only those that are stored as secrets.
    pub(crate) fn secrets_alone(self) -> Self {
        Self { plain: Map::new(), ..self }
    }

    /// With what was given in their place. `null` takes a value away.
    pub(crate) fn with(mut self, given: Map<String, Value>) -> Self {
        self.sealed.retain(|name, _| !given.contains_key(name));
        self.plain.extend(given);
        self
    }

    /// Their names.
    pub(crate) fn names(&self) -> StoredNames<'_> {
        StoredNames {
            plain: self.plain.keys().map(String::as_str).collect(),
            sealed: self.sealed.keys().map(String::as_str).collect(),
        }
    }

    /// Secrets that a version would read in clear.
    pub(crate) fn unsealed_by(&self, version: &Metadata) -> Vec<&str> {
        self.unsealed(&version.secret_keys, &version.parameters_schema)
    }

    /// What a version is given.
    ///
    /// # Errors
    /// The secrets that it would read in clear.
    pub(crate) fn for_version(&self, version: &Metadata) -> Result<Map<String, Value>, Problems> {
        self.given_to(&version.secret_keys, &version.parameters_schema)
    }

    fn unsealed(&self, secret_keys: &BTreeSet<String>, schema: &Value) -> Vec<&str> {
        let is_named = |name: &str| schema.get("properties").is_some_and(|all| all.get(name).is_some());
        let names = self.sealed.keys().map(String::as_str);
        names.filter(|name| is_named(name) && !secret_keys.contains(*name)).collect()
    }

    fn given_to(&self, secret_keys: &BTreeSet<String>, schema: &Value) -> Result<Map<String, Value>, Problems> {
        Problems::none_or(self.unsealed(secret_keys, schema).into_iter().map(unsealed).collect())?;
        let mut given = self.plain.clone();
        let sealed = self.sealed.iter().filter(|(name, _)| secret_keys.contains(*name));
        given.extend(sealed.map(|(name, value)| (name.clone(), value.clone())));
        given.retain(|_, value| !value.is_null());
        Ok(given)
    }
}

/// A secret that a version would read in clear.
fn unsealed(name: &str) -> Problem {
    let pointer = name.replace('~', "~0").replace('/', "~1");
    let message = "is stored as a secret, and this version of the connector would read it in clear; \
                   it is used only with versions that mark it `writeOnly`";
    Problem::new(format!("/parameters/{pointer}"), message).coded(FieldCode::SecretUnsealed, &[])
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
    fn a_stored_secret_goes_only_where_it_is_sealed() {
        for (properties, given) in [
            (json!({ "token": { "writeOnly": true } }), Some(json!({ "from": "Acme", "token": "s3cret" }))),
            // What was plain and is a secret now is handed over: sealed.
            (
                json!({ "token": { "writeOnly": true }, "from": { "writeOnly": true } }),
                Some(json!({ "from": "Acme", "token": "s3cret" })),
            ),
            // It has no such parameter, and is not given what it does not name, whatever else its schema lets in.
            (json!({ "from": {} }), Some(json!({ "from": "Acme" }))),
            (json!({ "token": {} }), None),
            (json!({ "token": { "writeOnly": false } }), None),
            (json!({ "token": true }), None),
        ] {
            let (secrets, schema) = version(properties.clone());
            match (stored().given_to(&secrets, &schema), given) {
                (Ok(found), Some(wanted)) => assert_eq!(Value::Object(found), wanted, "{properties}"),
                (Err(Problems(problems)), None) => {
                    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
                    assert_eq!(problem.field, "/parameters/token");
                    assert_eq!(problem.code, Some(FieldCode::SecretUnsealed));
                    assert!(!format!("{problem:?}").contains("s3cret"), "{problem:?}");
                }
                (found, _) => panic!("{properties}: {found:?}"),
            }
        }
    }

    #[test]
    fn what_is_given_anew_takes_the_place_of_what_is_stored() {
        let (secrets, schema) = version(json!({ "token": { "writeOnly": true }, "from": {} }));
        for (given, wanted) in [
            (json!({ "from": "Other" }), json!({ "from": "Other", "token": "s3cret" })),
            (json!({ "token": "new" }), json!({ "from": "Acme", "token": "new" })),
            (json!({ "token": null, "from": null }), json!({})),
        ] {
            let found = stored().with(map(given.clone())).given_to(&secrets, &schema).unwrap();
            assert_eq!(Value::Object(found), wanted, "{given}");
        }
        let alone = stored().secrets_alone().with(map(json!({ "from": "Other" })));
        assert_eq!(alone.names().plain, ["from"].into());
        // Given anew in clear, for a version that says so: then it is no stored secret.
        let (secrets, schema) = version(json!({ "token": {} }));
        assert!(stored().with(map(json!({ "token": "public" }))).given_to(&secrets, &schema).is_ok());
        assert!(stored().with(map(json!({ "from": "Other" }))).given_to(&secrets, &schema).is_err());
    }
}
