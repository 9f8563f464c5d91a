//! The connection's parameters, typed.
//!
//! The host validates them against the schema before the connector runs. A parameter of the wrong type here means that the
//! schema allows too much, and is a [`Failure`] of class `ConfigurationInvalid`.

use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::sealed::{Sealed, Source};

/// The source of parameters: the host, or a test.
pub(crate) trait Parameters {
    /// A string as its content, any other value as compact JSON; `None` when unset or secret.
    fn get(&self, key: &str) -> Option<String>;
    /// Whether the secret of this key is set.
    fn has_secret(&self, key: &str) -> bool;
}

/// The parameters of the connection, by the keys of the [schema](crate::Metadata::parameters_schema).
pub struct Config<'a> {
    parameters: &'a dyn Parameters,
}

impl<'a> Config<'a> {
    #[cfg(any(target_arch = "wasm32", feature = "testing", test))]
    pub(crate) fn new(parameters: &'a dyn Parameters) -> Self {
        Self { parameters }
    }

    /// A plain parameter: a string as it is, any other value as compact JSON. `None` when it is not set or is a secret.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<String> {
        self.parameters.get(key)
    }

    /// A plain parameter that the schema requires. Fails when it is not set.
    pub fn required(&self, key: &str) -> Result<String, Failure> {
        self.text(key).ok_or_else(|| not_set(key))
    }

    /// A boolean parameter. Fails when it is anything else.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, Failure> {
        self.json(key)
    }

    /// An integer parameter. Fails when it is anything else.
    pub fn integer(&self, key: &str) -> Result<Option<i64>, Failure> {
        self.json(key)
    }

    /// A parameter parsed as JSON: an object, array, number or boolean. Read strings with [`text`](Self::text). Fails when
    /// it does not parse.
    pub fn json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Failure> {
        let Some(text) = self.text(key) else { return Ok(None) };
        match serde_json::from_str(&text) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Failure::configuration(format!("parameter `{key}` has the wrong type"))),
        }
    }

    /// A secret parameter, sealed. `None` when it is not set.
    #[must_use]
    pub fn secret(&self, key: &str) -> Option<Sealed> {
        self.parameters.has_secret(key).then(|| Sealed::of(Source::Secret(key.to_owned())))
    }

    /// A secret parameter that the schema requires. Fails when it is not set.
    pub fn required_secret(&self, key: &str) -> Result<Sealed, Failure> {
        self.secret(key).ok_or_else(|| not_set(key))
    }
}

fn not_set(key: &str) -> Failure {
    Failure::configuration(format!("parameter `{key}` is not set"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Parameters for Fixed {
        fn get(&self, key: &str) -> Option<String> {
            match key {
                "sid" => Some("AC1".into()),
                "risk" => Some("true".into()),
                "validity" => Some("300".into()),
                "list" => Some("[\"a\"]".into()),
                _ => None,
            }
        }
        fn has_secret(&self, key: &str) -> bool {
            key == "token"
        }
    }

    #[test]
    fn parameters_are_typed_and_never_panic() {
        let config = Config::new(&Fixed);
        assert_eq!(config.required("sid").unwrap(), "AC1");
        assert_eq!(config.flag("risk"), Ok(Some(true)));
        assert_eq!(config.integer("validity"), Ok(Some(300)));
        assert_eq!(config.json::<Vec<String>>("list"), Ok(Some(vec!["a".to_owned()])));
        assert_eq!(config.flag("absent"), Ok(None));
        assert_eq!(config.flag("sid"), Err(Failure::configuration("parameter `sid` has the wrong type")));
        assert_eq!(config.required("absent"), Err(Failure::configuration("parameter `absent` is not set")));
        assert_eq!(config.secret("token"), Some(Sealed::of(Source::Secret("token".into()))));
        assert!(config.secret("sid").is_none());
        assert!(config.required_secret("sid").is_err());
    }
}
