//! Promotion: copies a tested connection from a development tenant to a production tenant, after the difference was confirmed.

use std::collections::{BTreeMap, BTreeSet};

use sendbox_domain::field_error::{FieldCode, FieldError, FieldErrors};
use sendbox_domain::model::{Environment, PromotedSecrets, Promotion, PromotionReport, Scope};
use sendbox_domain::rules::{json_diff, policy};
use sendbox_store::connections;
use sendbox_store::rows::ConnectionRow;
use serde_json::{Map, Value, json};

use crate::access::caller::Caller;
use crate::connections::management::{
    NewConnection, as_replacement, audit_view, require_room, secret_times, split_secrets,
};
use crate::connections::secret_hosts::KeptSecrets;
use crate::connections::stored_parameters;
use crate::connections::stored_parameters::StoredParameters;
use crate::delivery_reports::callback_url;
use crate::error::{Error, Result};
use crate::service::Service;
use crate::vault;

/// One side of the difference that is shown. For a secret it shows only whether it is set, and whether its value changes.
fn side(
    plain: &Map<String, Value>,
    secrets: &Map<String, Value>,
    row: &ConnectionRow,
    is_after: bool,
    other: &Map<String, Value>,
) -> Value {
    let mut parameters = plain.clone();
    for (name, value) in secrets {
        let word = match other.get(name) {
            Some(before) if is_after && before != value => "set (another value)",
            _ => "set",
        };
        parameters.insert(name.clone(), json!(word));
    }
    let templates: BTreeMap<String, Value> = row
        .templates
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| {
            let text = |name: &str| entry.get(name).and_then(Value::as_str);
            let usage = text("usage").or_else(|| text("usageType")).unwrap_or_default();
            let at = text("locale").map_or_else(|| usage.to_owned(), |locale| format!("{usage} {locale}"));
            let body = ["content", "template", "templateCode"].iter().find_map(|name| entry.get(*name));
            (at, body.cloned().unwrap_or_default())
        })
        .collect();
    json!({
        "connector": row.connector,
        "connectorDigest": row.digest,
        "parameters": parameters,
        "templates": templates,
    })
}

impl Service {
    /// Shows what a promotion would change, or applies it when exactly that difference was confirmed. Needs the platform key,
    /// because it reads both tenants.
    ///
    /// # Errors
    /// [`Error::PlatformOnly`]; [`Error::Conflict`] when the tenants have the wrong environments or the connection was not
    /// tested; [`Error::DiffChanged`]; [`Error::Invalid`]; [`Error::QuotaReached`].
    pub async fn promote(&self, caller: &Caller, tenant: &str, promotion: Promotion) -> Result<PromotionReport> {
        caller.may(tenant, &[Scope::Manage])?;
        caller.require_platform()?;
        let name = promotion.target_connection.clone().unwrap_or_else(|| promotion.connection.clone());
        policy::connection_name(&name)
            .map_err(|error| FieldErrors(vec![FieldError { field: "targetConnection".to_owned(), ..error }]))?;
        let token = callback_url::random_token()?;
        let promote = || self.promote_validated(caller, tenant, (&name, &token), promotion.clone());
        self.run_repeatable(&self.store_of(tenant), promote).await
    }

    /// # Errors
    /// [`Error::SettingsNotValidated`].
    async fn promote_validated(
        &self,
        caller: &Caller,
        tenant: &str,
        (name, token): (&str, &str),
        promotion: Promotion,
    ) -> Result<PromotionReport> {
        let mut tx = self.store_of(tenant).begin().await?;
        let source = self.tenant_row(&mut tx, tenant).await?;
        let target = self.lock_tenant(&mut tx, &promotion.target_tenant).await.map_err(|error| match error {
            Error::NotFound(_) => Error::invalid("/targetTenant", "is not a tenant"),
            other => other,
        })?;
        if source.environment != Environment::Development || target.environment != Environment::Production {
            let text = "a connection can be promoted only from a development tenant to a production tenant";
            return Err(Error::Conflict(text.to_owned()));
        }
        let found = connections::get(&mut tx, tenant, &promotion.connection).await?;
        let from = found.ok_or(Error::NotFound("connection"))?;
        if connections::tested_at(&mut tx, tenant, &from.fingerprint).await?.is_none() {
            return Err(Error::Conflict(format!(
                "the provider has accepted no test message of the connection `{}` since it was changed; send one at `/connection-tests` first",
                from.name
            )));
        }
        // Resolved for the target: a private connector of the development tenant does not exist there.
        let connector = &self.connector_of(&mut tx, &target.id, &from.connector).await?;
        let (source_key, target_key) = (self.tenant_key(&source)?, self.tenant_key(&target)?);

        let before = connections::get(&mut tx, &target.id, name).await?;
        let before_secrets =
            before.as_ref().map(|row| stored_parameters::secrets(row, &target_key)).transpose()?.unwrap_or_default();
        let given: BTreeSet<String> = promotion.parameters.keys().cloned().collect();
        let split = match promotion.secrets {
            PromotedSecrets::Copy => {
                let stored = StoredParameters::of(&from, &source_key)?.with(promotion.parameters);
                split_secrets(connector, stored.for_version(connector.metadata())?, Map::new())
            }
            PromotedSecrets::Ask => {
                let mut given = from.parameters.clone();
                given.extend(promotion.parameters);
                split_secrets(connector, given, Map::new())
            }
        };
        if promotion.secrets == PromotedSecrets::Ask {
            let wanted: BTreeSet<&String> = from.secret_times.keys().collect();
            let missing = wanted.into_iter().filter(|key| !split.secrets.contains_key(*key));
            let errors = missing.map(|key| {
                FieldError::new(
                    format!("/parameters/{key}"),
                    "must be given again, with the production tenant's own value",
                )
                .coded(FieldCode::SecretRequired, &[])
            });
            FieldErrors::none_or(errors.collect())?;
        }
        let old_times = before.as_ref().map(|row| row.secret_times.clone()).unwrap_or_default();
        let set_at = secret_times(&split.secrets, &before_secrets, &old_times, self.now());
        let (plain, secrets) = (split.plain.clone(), split.secrets.clone());
        let named = NewConnection { name, connector_id: &from.connector, connector, callback_token: token };
        let (row, grant) =
            self.connection_row(&target, &target_key, named, split, from.templates.clone(), set_at).await?;
        let kept = (promotion.secrets == PromotedSecrets::Copy)
            .then(|| KeptSecrets::all_of(&from).only(|name| !given.contains(name)));
        let row = self.with_secret_hosts(&mut tx, &target_key, row, &grant, kept.as_ref(), None).await?;
        let row = as_replacement(row, before.as_ref());

        let old = before.as_ref().map(|row| side(&row.parameters, &before_secrets, row, false, &Map::new()));
        let new = side(&plain, &secrets, &row, true, &before_secrets);
        let changes = json_diff::changes(old.as_ref(), Some(&new));
        // The token is bound to the values, so that exactly the confirmed change is applied.
        let before_fingerprint = before.as_ref().map(|row| row.fingerprint.clone()).unwrap_or_default();
        let token = target_key.hash("promotion", &[name.as_bytes(), &before_fingerprint, &row.fingerprint]);
        let report = PromotionReport {
            applied: false,
            confirmation_token: Some(hex::encode(&token)),
            target_tenant: target.id.clone(),
            target_connection: name.to_owned(),
            replaces: before.is_some(),
            active: target.active_connection.as_deref() == Some(name),
            changes,
        };
        let Some(confirmed) = &promotion.confirmation_token else { return Ok(report) };
        if !vault::constant_time_eq(confirmed.as_bytes(), hex::encode(&token).as_bytes()) {
            return Err(Error::DiffChanged);
        }
        if before.is_none() {
            require_room(&mut tx, &target.id).await?;
        }
        connections::put(&mut tx, &row).await?;
        // The test counts for the same version, templates and account; with another account the connection is untested.
        if promotion.secrets == PromotedSecrets::Copy && plain == from.parameters {
            let tested_at = connections::tested_at(&mut tx, tenant, &from.fingerprint).await?;
            if let Some(at) = tested_at {
                connections::record_test(&mut tx, &target.id, &row.fingerprint, at).await?;
            }
        }
        let mut after = audit_view(&row);
        if let Some(members) = after.as_object_mut() {
            members.insert("promotedFrom".to_owned(), json!(format!("{tenant}/{}", from.name)));
        }
        let what = ("connection.promote", format!("connection:{name}"));
        self.record_audit(&mut tx, caller, Some(&target.id), what, (before.as_ref().map(audit_view), Some(after)))
            .await?;
        tx.commit().await?;
        Ok(PromotionReport { applied: true, confirmation_token: None, ..report })
    }
}
