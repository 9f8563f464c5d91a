//! Saving, reading, activating and deleting connections, and previews of templates.

use std::collections::BTreeMap;
use std::sync::Arc;

use sendbox_domain::field_error::{FieldCode, FieldError, FieldErrors};
use sendbox_domain::message_fields;
use sendbox_domain::model::{
    Activation, ActiveConnection, Connection, ConnectionInput, Deletion, Hint, Preview, PreviewRequest, Scope,
    Timestamp,
};
use sendbox_domain::rules::quota::Quota;
use sendbox_domain::rules::{origin, policy};
use sendbox_domain::{locale, template, text};
use sendbox_policy::EffectiveGrant;
use sendbox_sandbox::Connector;
use sendbox_store::rows::{ConnectionRow, TenantRow};
use sendbox_store::{Tx, connections, reports, tenants};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::access::caller::Caller;
use crate::connections::cached_connection::ReadyConnection;
use crate::connections::fingerprint::fingerprint;
use crate::connections::ready_connection::VersionAffinity;
use crate::connections::secret_hosts::KeptSecrets;
use crate::connections::stored_parameters;
use crate::connections::stored_parameters::StoredParameters;
use crate::connections::validated_settings::{ValidationTime, validation_of};
use crate::delivery_reports::callback_url;
use crate::error::{Error, Result};
use crate::revision::{IfMatch, connection_revision};
use crate::service::Service;
use crate::vault::TenantKey;

/// Refuses another connection of a tenant that has as many as it may. The caller has locked the tenant.
pub(crate) async fn require_room(tx: &mut Tx, tenant: &str) -> Result<()> {
    if connections::list(tx, tenant).await?.len() as u64 >= Quota::Connections.max() {
        return Err(Error::full(Quota::Connections));
    }
    Ok(())
}

/// Parameters of a connection: the plain ones, and the secrets that are sealed at rest.
pub(crate) struct SplitParameters {
    pub(crate) plain: Map<String, Value>,
    pub(crate) secrets: Map<String, Value>,
}

/// Separates secrets from plain parameters, and keeps stored secrets that were left out. `null` removes a value.
pub(crate) fn split_secrets(
    connector: &Connector,
    given: Map<String, Value>,
    stored: Map<String, Value>,
) -> SplitParameters {
    let keys = &connector.metadata().secret_keys;
    let (secrets, mut plain): (Map<_, _>, Map<_, _>) = given.into_iter().partition(|(name, _)| keys.contains(name));
    let mut all: Map<String, Value> = stored.into_iter().filter(|(name, _)| keys.contains(name)).collect();
    all.extend(secrets);
    all.retain(|_, value| !value.is_null());
    plain.retain(|_, value| !value.is_null());
    SplitParameters { plain, secrets: all }
}

/// A connection as the audit log and differences show it: without the values of secrets.
pub(crate) fn audit_view(row: &ConnectionRow) -> Value {
    json!({
        "connector": row.connector,
        "connectorDigest": row.digest,
        "parameters": row.parameters,
        "secrets": row.secret_times,
        "secretHosts": row.secret_hosts,
        "templates": row.templates,
    })
}

/// A connection to validate and seal.
pub(crate) struct NewConnection<'a> {
    pub(crate) name: &'a str,
    pub(crate) connector_id: &'a str,
    pub(crate) connector: &'a Connector,
    /// The token of its callback URL.
    pub(crate) callback_token: &'a str,
}

impl Service {
    async fn connection_view(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        tenant: &TenantRow,
        row: &ConnectionRow,
    ) -> Result<Connection> {
        let key = self.tenant_key(tenant)?;
        let sender = self.sending_connection(tx, tenant, row).await?;
        let (digest, fingerprint) = match &sender {
            // It was saved with another version than the one that sends now. A test of that version does not count for this one.
            Some(connection) if connection.connector.digest().to_string() != row.digest => {
                let stored = StoredParameters::of(row, &key)?;
                let parameters = stored.for_version(connection.connector.metadata())?;
                let fingerprint = fingerprint(&key, &connection.connector, &parameters, &row.templates);
                (connection.connector.digest().to_string(), fingerprint)
            }
            _ => (row.digest.clone(), row.fingerprint.clone()),
        };
        Ok(Connection {
            name: row.name.clone(),
            connector: row.connector.clone(),
            connector_digest: digest,
            parameters: row.parameters.clone(),
            secrets: row.secret_times.clone(),
            templates: row.templates.clone(),
            needed_variables: needed_variables(&row.templates),
            active: tenant.active_connection.as_deref() == Some(&row.name),
            tested_at: connections::tested_at(tx, &tenant.id, &fingerprint).await?,
            delivery_reports: self.reports_view(caller, row, &key, sender.as_ref())?,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }

    /// The connection as it would send now; `None` when it is incompatible with all candidate versions of its connector.
    pub(crate) async fn sending_connection(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        row: &ConnectionRow,
    ) -> Result<Option<Arc<ReadyConnection>>> {
        let candidates = match self.candidates_for(tx, row.clone(), VersionAffinity::default()).await {
            Ok(candidates) => candidates,
            Err(Error::Invalid(_)) => return Ok(None),
            Err(other) => return Err(other),
        };
        match self.first_compatible(tx, tenant, &candidates).await {
            Ok(connection) => Ok(Some(connection)),
            Err(Error::Invalid(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// All connections of a tenant, by name.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn connections(&self, caller: &Caller, tenant: &str) -> Result<Vec<Connection>> {
        caller.may(tenant, &[Scope::Read])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        let tenant_row = self.tenant_row(&mut tx, tenant).await?;
        let mut views = Vec::new();
        for row in connections::list(&mut tx, tenant).await? {
            views.push(self.connection_view(&mut tx, caller, &tenant_row, &row).await?);
        }
        Ok(views)
    }

    /// One connection.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn connection(&self, caller: &Caller, tenant: &str, name: &str) -> Result<Connection> {
        caller.may(tenant, &[Scope::Read])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        let tenant_row = self.tenant_row(&mut tx, tenant).await?;
        let row = connections::get(&mut tx, tenant, name).await?.ok_or(Error::NotFound("connection"))?;
        self.connection_view(&mut tx, caller, &tenant_row, &row).await
    }

    /// Creates or replaces a connection; the flag is `true` when it was created. A change of the active connection takes effect
    /// with the next send.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all errors; [`Error::QuotaReached`]. Nothing is saved then.
    pub async fn save_connection(
        &self,
        caller: &Caller,
        tenant: &str,
        name: &str,
        input: ConnectionInput,
    ) -> Result<(Connection, bool)> {
        self.save_connection_if(caller, tenant, name, input, &IfMatch::Unconditional).await
    }

    /// [`Self::save_connection`], if the connection has this revision.
    ///
    /// # Errors
    /// As there; [`Error::PreconditionFailed`].
    pub async fn save_connection_if(
        &self,
        caller: &Caller,
        tenant: &str,
        name: &str,
        input: ConnectionInput,
        if_match: &IfMatch,
    ) -> Result<(Connection, bool)> {
        caller.may(tenant, &[Scope::Manage])?;
        policy::connection_name(name).map_err(|error| FieldErrors(vec![error]))?;
        // Made once: the settings are validated with the callback URL.
        let token = callback_url::random_token()?;
        let save = || self.save_validated_connection(caller, tenant, (name, &token), (input.clone(), if_match));
        self.run_repeatable(&self.store_of(tenant), save).await
    }

    /// # Errors
    /// [`Error::SettingsNotValidated`].
    async fn save_validated_connection(
        &self,
        caller: &Caller,
        tenant: &str,
        (name, token): (&str, &str),
        (input, if_match): (ConnectionInput, &IfMatch),
    ) -> Result<(Connection, bool)> {
        let mut tx = self.store_of(tenant).begin().await?;
        let tenant_row = self.lock_tenant(&mut tx, tenant).await?;
        let connector = &self.connector_of(&mut tx, tenant, &input.connector).await?;
        let key = self.tenant_key(&tenant_row)?;
        let before = connections::get(&mut tx, tenant, name).await?;
        let current = before.as_ref().map(|row| connection_revision(row.revision, row.created_at));
        if_match.check(current.as_deref())?;
        let same_connector = before.as_ref().filter(|row| row.connector == input.connector);
        let stored = same_connector.map(|row| stored_parameters::secrets(row, &key)).transpose()?.unwrap_or_default();
        let given = &input.parameters;
        let kept = same_connector.map(|row| KeptSecrets::all_of(row).only(|name| !given.contains_key(name)));
        let is_repeated = |name: &str| given.contains_key(name) && given.get(name) == stored.get(name);
        let repeated = same_connector.map(|row| KeptSecrets::all_of(row).only(is_repeated));
        let split = split_secrets(connector, input.parameters.clone(), stored.clone());
        if before.is_none() {
            require_room(&mut tx, tenant).await?;
        }
        let old_times = same_connector.map(|row| row.secret_times.clone()).unwrap_or_default();
        let set_at = secret_times(&split.secrets, &stored, &old_times, self.now());
        let new = NewConnection { name, connector_id: &input.connector, connector, callback_token: token };
        let (row, grant) = self.connection_row(&tenant_row, &key, new, split, input.templates, set_at).await?;
        let row = self.with_secret_hosts(&mut tx, &key, row, &grant, kept.as_ref(), repeated.as_ref()).await?;
        let row = match input.rotate_callback_url {
            true => ConnectionRow { report_token: row.report_token.clone(), ..as_replacement(row, before.as_ref()) },
            false => as_replacement(row, before.as_ref()),
        };
        connections::put(&mut tx, &row).await?;
        let what = ("connection.save", format!("connection:{name}"));
        let change = (before.as_ref().map(audit_view), Some(audit_view(&row)));
        self.record_audit(&mut tx, caller, Some(tenant), what, change).await?;
        let view = self.connection_view(&mut tx, caller, &tenant_row, &row).await?;
        tx.commit().await?;
        Ok((view, before.is_none()))
    }

    /// Validates a connection and seals its secrets, in a transaction that writes. The row is that of a new connection: revision 1, created
    /// now. It comes with what the connection may reach, and still lacks for which hosts its secrets were given.
    pub(crate) async fn connection_row(
        &self,
        tenant: &TenantRow,
        key: &TenantKey,
        NewConnection { name, connector_id, connector, callback_token }: NewConnection<'_>,
        split: SplitParameters,
        templates: Value,
        secret_times: BTreeMap<String, Timestamp>,
    ) -> Result<(ConnectionRow, Arc<EffectiveGrant>)> {
        let templates = if templates.is_null() { Value::Array(Vec::new()) } else { templates };
        let mut all = split.plain.clone();
        all.extend(split.secrets.clone());
        let fingerprint = fingerprint(key, connector, &all, &templates);
        let validation = validation_of(&tenant.id, key, connector, all.into(), &templates);
        let settings = self.validated_settings(ValidationTime::AfterRollback, validation).await?;
        // Fails now, and not at the first send, when the operator does not allow the hosts.
        let grant = self.build_ready_connection(name, connector_id, connector, &settings, 1)?.grant;
        let plain =
            Zeroizing::new(serde_json::to_vec(&split.secrets).map_err(|error| Error::Internal(error.to_string()))?);
        let now = self.now();
        let row = ConnectionRow {
            tenant: tenant.id.clone(),
            name: name.to_owned(),
            connector: connector_id.to_owned(),
            digest: connector.digest().to_string(),
            parameters: split.plain,
            secrets: Some(key.seal(&stored_parameters::secrets_aad(name), &plain)?),
            secret_times,
            templates,
            fingerprint,
            revision: 1,
            created_at: now,
            updated_at: now,
            report_token: Some(callback_url::sealed_token(key, name, callback_token)?),
            secret_hosts: None,
        };
        Ok((row, grant))
    }

    /// Deletes a connection.
    ///
    /// # Errors
    /// [`Error::ConnectionInUse`] when it is active and enabled flows depend on it, unless forced;
    /// [`Error::Conflict`] when the policy names it.
    pub async fn delete_connection(&self, caller: &Caller, tenant: &str, name: &str, deletion: Deletion) -> Result<()> {
        caller.may(tenant, &[Scope::Manage])?;
        let mut tx = self.store_of(tenant).begin().await?;
        let mut tenant_row = self.lock_tenant(&mut tx, tenant).await?;
        let row = connections::get(&mut tx, tenant, name).await?.ok_or(Error::NotFound("connection"))?;
        let active = tenant_row.active_connection.as_deref() == Some(name);
        let flows = tenant_row.flows.enabled();
        if active && !flows.is_empty() && !deletion.force {
            return Err(Error::ConnectionInUse(flows));
        }
        let delivery = &tenant_row.policy.delivery;
        if delivery.fallbacks.iter().chain(delivery.routes.values()).any(|used| used == name) {
            return Err(Error::Conflict(format!(
                "the policy uses `{name}` as a fallback or route; remove it at `/policy` first"
            )));
        }
        connections::delete(&mut tx, tenant, name).await?;
        reports::keep_newest(&mut tx, tenant, name, 0).await?;
        if active {
            tenant_row.active_connection = None;
            tenants::update(&mut tx, &tenant_row).await?;
        }
        let mut before = audit_view(&row);
        if let Some(members) = before.as_object_mut() {
            members.insert("active".to_owned(), json!(active));
        }
        let what = ("connection.delete", format!("connection:{name}"));
        self.record_audit(&mut tx, caller, Some(tenant), what, (Some(before), None)).await?;
        Ok(tx.commit().await?)
    }

    /// The active connection, and the enabled flows that depend on it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn active_connection(&self, caller: &Caller, tenant: &str) -> Result<ActiveConnection> {
        caller.may(tenant, &[Scope::Read])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        let row = self.tenant_row(&mut tx, tenant).await?;
        Ok(ActiveConnection { flows: row.flows.enabled(), name: row.active_connection, previous: None })
    }

    /// Makes a connection the active one, from the next send on. Sends in progress end with the previous one.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] when it is incompatible with its connector.
    pub async fn activate(&self, caller: &Caller, tenant: &str, activation: Activation) -> Result<ActiveConnection> {
        caller.may(tenant, &[Scope::Manage])?;
        self.run_repeatable(&self.store_of(tenant), || self.activate_validated(caller, tenant, activation.clone()))
            .await
    }

    /// # Errors
    /// [`Error::SettingsNotValidated`].
    async fn activate_validated(
        &self,
        caller: &Caller,
        tenant: &str,
        activation: Activation,
    ) -> Result<ActiveConnection> {
        let mut tx = self.store_of(tenant).begin().await?;
        let mut row = self.lock_tenant(&mut tx, tenant).await?;
        if self.ready_connection(&mut tx, &row, &activation.name, VersionAffinity::default()).await?.is_none() {
            return Err(Error::NotFound("connection"));
        }
        let previous = row.active_connection.replace(activation.name.clone());
        tenants::update(&mut tx, &row).await?;
        let change = (Some(json!({ "active": previous })), Some(json!({ "active": activation.name })));
        let what = ("connection.activate", format!("connection:{}", activation.name));
        self.record_audit(&mut tx, caller, Some(tenant), what, change).await?;
        tx.commit().await?;
        Ok(ActiveConnection { name: row.active_connection, previous, flows: row.flows.enabled() })
    }

    /// Renders a template with an example code, and measures the text.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub async fn preview(&self, caller: &Caller, tenant: &str, request: PreviewRequest) -> Result<Preview> {
        caller.may(tenant, &[Scope::Read])?;
        let mut tx = self.store_of(tenant).begin_read().await?;
        let row = self.tenant_row(&mut tx, tenant).await?;
        drop(tx);
        let mut errors = Vec::new();
        if request.content.len() > template::MAX_TEMPLATE_BYTES {
            errors.push(
                FieldError::new("content", format!("has more than {} bytes", template::MAX_TEMPLATE_BYTES))
                    .coded(FieldCode::MaxLength, &[("bound", &template::MAX_TEMPLATE_BYTES.to_string())]),
            );
        }
        let variables = request.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        errors.extend(message_fields::check_variables(variables));
        FieldErrors::none_or(errors)?;
        let code: String = "1234567890".chars().take(usize::from(row.policy.codes.digits)).collect();
        let minutes = row.policy.codes.lifetime_seconds.div_ceil(60).to_string();
        let locale = request.locale.as_deref().and_then(locale::understood);
        let rendered = template::render(&request.content, |name| match name {
            "code" => Some(code.as_str()),
            "minutes" => Some(minutes.as_str()),
            "locale" => Some(locale.as_deref().unwrap_or_default()),
            other => request.variables.get(other).map(String::as_str),
        })
        .map_err(|_| {
            let message = format!("becomes a text of more than {} characters with these variables", text::MAX_UNITS);
            let error = FieldError::new("content", message);
            FieldErrors(vec![error.coded(FieldCode::MaxLength, &[("bound", &text::MAX_UNITS.to_string())])])
        })?;
        let text = match &row.policy.origin_domain {
            Some(domain) => origin::bind(&rendered.text, domain, &code),
            None => rendered.text,
        };
        let text = text::composed(&text);
        let size = text::measure(&text);
        Ok(Preview {
            encoding: size.encoding,
            segments: size.segments,
            units: size.units,
            outside_gsm7: text::outside_gsm7(&text).into_iter().map(String::from).collect(),
            unknown_variables: rendered.unknown.into_iter().collect(),
            hints: text::hints(&text, size).into_iter().map(Hint::from).collect(),
            price_micros: policy::price(&row.policy, None, size.segments),
            text: text.to_string(),
        })
    }
}

/// The variables that messages must bring for the stored templates.
fn needed_variables(templates: &Value) -> Vec<String> {
    let templates = template::read(templates, "").unwrap_or_default();
    template::needed_variables(&templates).into_iter().map(str::to_owned).collect()
}

/// The row that replaces an existing one: it keeps the creation time and the callback URL, and has the next revision.
pub(crate) fn as_replacement(row: ConnectionRow, before: Option<&ConnectionRow>) -> ConnectionRow {
    let Some(before) = before else { return row };
    ConnectionRow {
        revision: before.revision + 1,
        created_at: before.created_at,
        report_token: before.report_token.clone().or(row.report_token),
        ..row
    }
}

/// When each secret was set. Unchanged secrets keep their time.
pub(crate) fn secret_times(
    secrets: &Map<String, Value>,
    stored: &Map<String, Value>,
    before: &BTreeMap<String, Timestamp>,
    now: Timestamp,
) -> BTreeMap<String, Timestamp> {
    let time = |name: &String, value: &Value| {
        let unchanged_since = before.get(name).filter(|_| stored.get(name) == Some(value));
        unchanged_since.copied().unwrap_or(now)
    };
    secrets.iter().map(|(name, value)| (name.clone(), time(name, value))).collect()
}
