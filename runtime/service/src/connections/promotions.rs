//! Promotion: a tested connection goes from a development tenant to a production tenant, with a look at the difference
//! first.

use std::collections::{BTreeMap, BTreeSet};

use sendbox_domain::model::{Environment, PromotedSecrets, Promotion, PromotionReport, Scope};
use sendbox_domain::problem::{FieldCode, Problem, Problems};
use sendbox_domain::rules::{json_diff, policy};
use sendbox_store::connections;
use sendbox_store::rows::ConnectionRow;
use serde_json::{Map, Value, json};

use crate::access::caller::Caller;
use crate::connections::saved::{following, part, shown, times};
use crate::connections::stored_parameters;
use crate::connections::stored_parameters::StoredParameters;
use crate::error::{Error, Result};
use crate::service::Service;
use crate::vault;

/// Both sides of a difference: of a secret only whether it is set, and whether it is another one.
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
    /// Says what a promotion would change, or does it when exactly that was confirmed. Only the platform key sees both
    /// tenants.
    ///
    /// # Errors
    /// [`Error::PlatformOnly`]; [`Error::Conflict`] when the tenants are not of the right kinds or the connection was not
    /// tested; [`Error::DiffChanged`]; [`Error::Invalid`].
    pub async fn promote(&self, caller: &Caller, tenant: &str, promotion: Promotion) -> Result<PromotionReport> {
        caller.may(tenant, &[Scope::Manage])?;
        caller.is_platform()?;
        let name = promotion.target_connection.clone().unwrap_or_else(|| promotion.connection.clone());
        policy::connection_name(&name)
            .map_err(|problem| Problems(vec![Problem { field: "targetConnection".to_owned(), ..problem }]))?;

        let mut tx = self.inner.store.begin().await?;
        let source = self.row(&mut tx, tenant).await?;
        let target = self.locked_row(&mut tx, &promotion.target_tenant).await.map_err(|error| match error {
            Error::NotFound(_) => Error::invalid("/targetTenant", "there is no such tenant"),
            other => other,
        })?;
        if source.environment != Environment::Development || target.environment != Environment::Production {
            let text =
                "a connection is promoted from a development tenant to a production tenant, in this direction only";
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
        // A connector of the development tenant alone is not there for the other one.
        let connector = &self.connector_of(&mut tx, &target.id, &from.connector).await?;
        let (source_key, target_key) = (self.tenant_key(&source)?, self.tenant_key(&target)?);

        let before = connections::get(&mut tx, &target.id, &name).await?;
        let before_secrets =
            before.as_ref().map(|row| stored_parameters::secrets(row, &target_key)).transpose()?.unwrap_or_default();
        let parted = match promotion.secrets {
            PromotedSecrets::Copy => {
                let stored = StoredParameters::of(&from, &source_key)?.with(promotion.parameters);
                part(connector, stored.for_version(connector.metadata())?, Map::new())
            }
            PromotedSecrets::Ask => {
                let mut given = from.parameters.clone();
                given.extend(promotion.parameters);
                part(connector, given, Map::new())
            }
        };
        if promotion.secrets == PromotedSecrets::Ask {
            let wanted: BTreeSet<&String> = from.secret_times.keys().collect();
            let missing = wanted.into_iter().filter(|key| !parted.secrets.contains_key(*key));
            let problems = missing.map(|key| {
                Problem::new(
                    format!("/parameters/{key}"),
                    "must be given again, with the production tenant's own value",
                )
                .coded(FieldCode::SecretRequired, &[])
            });
            Problems::none_or(problems.collect())?;
        }
        let old_times = before.as_ref().map(|row| row.secret_times.clone()).unwrap_or_default();
        let times = times(&parted.secrets, &before_secrets, &old_times, self.now());
        let (plain, secrets) = (parted.plain.clone(), parted.secrets.clone());
        let row = self.connection_row(
            &target,
            &target_key,
            (&name, &from.connector, connector),
            parted,
            from.templates.clone(),
            times,
        )?;
        let row = following(row, before.as_ref());

        let old = before.as_ref().map(|row| side(&row.parameters, &before_secrets, row, false, &Map::new()));
        let new = side(&plain, &secrets, &row, true, &before_secrets);
        let changes = json_diff::changes(old.as_ref(), Some(&new));
        // Bound to the very values, so that what is confirmed is what is done.
        let before_print = before.as_ref().map(|row| row.fingerprint.clone()).unwrap_or_default();
        let print = target_key.hash("promotion", &[name.as_bytes(), &before_print, &row.fingerprint]);
        let report = PromotionReport {
            applied: false,
            confirmation_token: Some(hex::encode(&print)),
            target_tenant: target.id.clone(),
            target_connection: name.clone(),
            replaces: before.is_some(),
            active: target.active_connection.as_deref() == Some(&name),
            changes,
        };
        let Some(confirmed) = &promotion.confirmation_token else { return Ok(report) };
        if !vault::same(confirmed.as_bytes(), hex::encode(&print).as_bytes()) {
            return Err(Error::DiffChanged);
        }
        connections::put(&mut tx, &row).await?;
        // The test vouches for the same version, templates and account; another account is untested.
        if promotion.secrets == PromotedSecrets::Copy && plain == from.parameters {
            let tested_at = connections::tested_at(&mut tx, tenant, &from.fingerprint).await?;
            if let Some(at) = tested_at {
                connections::record_test(&mut tx, &target.id, &row.fingerprint, at).await?;
            }
        }
        let mut after = shown(&row);
        if let Some(members) = after.as_object_mut() {
            members.insert("promotedFrom".to_owned(), json!(format!("{tenant}/{}", from.name)));
        }
        let what = ("connection.promote", format!("connection:{name}"));
        self.note(&mut tx, caller, Some(&target.id), what, (before.as_ref().map(shown), Some(after))).await?;
        tx.commit().await?;
        Ok(PromotionReport { applied: true, confirmation_token: None, ..report })
    }
}
