//! Settings of a connection, validated against one version of its connector, and remembered for a while.
//!
//! A schema is bounded, but with one that was written to be slow a validation takes a tenth of a second. So it runs on a thread for
//! blocking work, tenants take turns, and no transaction that writes is open meanwhile: on SQLite it would keep the only writer from all
//! tenants. Where such a transaction needs settings that are not remembered, it ends with [`Error::SettingsNotValidated`]. The
//! operation validates them, and runs again.

use std::sync::Arc;

use sendbox_sandbox::Connector;
use sendbox_store::Tx;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::connections::fingerprint::sorted;
use crate::connections::settings_validator::HeldValidations;
use crate::connections::validation::{ConnectionSettings, Validation};
use crate::delivery_reports::callback_url::FillableParameters;
use crate::error::{Error, Result};
use crate::service::Service;
use crate::vault::TenantKey;

/// What is to be validated, with the key under which the result is remembered.
pub(crate) fn validation_of(
    tenant: &str,
    key: &TenantKey,
    connector: &Connector,
    parameters: FillableParameters<'_>,
    templates: &Value,
) -> Validation {
    let FillableParameters { parameters, filled, token, .. } = parameters;
    let text = |members: &Map<String, Value>| Zeroizing::new(sorted(&Value::Object(members.clone())).to_string());
    let digest = connector.digest().to_string();
    let (plain, with_url) = (text(&parameters), filled.as_ref().map(text));
    let templates_text = sorted(templates).to_string();
    let token_text = token.as_ref().map(|token| token.as_str()).unwrap_or_default();
    let parts = [
        digest.as_bytes(),
        plain.as_bytes(),
        with_url.as_ref().map(|text| text.as_bytes()).unwrap_or_default(),
        token_text.as_bytes(),
        templates_text.as_bytes(),
    ];
    Validation {
        tenant: tenant.to_owned(),
        key: key.hash("settings", &parts),
        connector: connector.clone(),
        parameters: Value::Object(parameters),
        filled: filled.map(Value::Object),
        token,
        templates: templates.clone(),
    }
}

/// Whether settings may be validated where they are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValidationTime {
    Now,
    /// After the transaction, which writes and is rolled back.
    AfterRollback,
}

impl ValidationTime {
    pub(crate) fn within(tx: &Tx) -> Self {
        if tx.writes() { Self::AfterRollback } else { Self::Now }
    }
}

impl Service {
    /// Takes all slots for validations.
    #[doc(hidden)]
    pub async fn hold_validations(&self) -> HeldValidations {
        self.inner.settings_validator.hold().await
    }

    /// The validated settings, from an earlier validation or from one that runs now.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all errors; [`Error::SettingsNotValidated`] where they may not be validated now.
    pub(crate) async fn validated_settings(
        &self,
        time: ValidationTime,
        validation: Validation,
    ) -> Result<Arc<ConnectionSettings>> {
        let validator = &self.inner.settings_validator;
        match (validator.known(&validation), time) {
            (Some(known), _) => known,
            (None, ValidationTime::Now) => validator.validate(&*self.inner.calls, validation).await?,
            (None, ValidationTime::AfterRollback) => return Err(Error::SettingsNotValidated(Box::new(validation))),
        }
        .map_err(Error::Invalid)
    }
}
