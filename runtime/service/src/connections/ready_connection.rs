//! A connection, ready to send: its connector at one version, checked parameters, grant and templates.
//!
//! Made from a stored connection once for each revision and version, and shared by all its sends.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sendbox_domain::plan::ConnectionConfig;
use sendbox_domain::problem::{FieldCode, Problem, Problems};
use sendbox_domain::template::{self, Template, TemplateBody};
use sendbox_policy::TenantGrant;
use sendbox_sandbox::{Connector, ContentKind, Metadata, Parameters};
use sendbox_store::rows::{ConnectionRow, ReleaseRow, TenantRow};
use sendbox_store::{Tx, connections};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::connections::cached_connection::{CachedConnection, ReadyConnection};
use crate::connections::stored_parameters::StoredParameters;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::releases::pinned_shapes::ConnectionShapes;
use crate::releases::request_shapes::version_at;
use crate::releases::resolved_connector::ResolvedConnector;
use crate::service::Service;
use crate::vault::TenantKey;

/// Ready connections that are cached at most. Beyond, the cache is emptied: simple, and rare.
const MOST_CACHED: usize = 10_000;

/// A keyed hash of everything that decides what a connection sends. What a test vouches for.
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

/// The same value with its members in one order.
fn sorted(value: &Value) -> Value {
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

/// Parameters and templates of a connection, checked against its connector.
pub(crate) struct Checked {
    pub(crate) parameters: Parameters,
    pub(crate) templates: Vec<Template>,
}

/// Checks parameters and templates at once.
///
/// # Errors
/// Everything that is wrong, by JSON pointer.
pub(crate) fn check(
    connector: &Connector,
    parameters: &Map<String, Value>,
    templates: &Value,
) -> Result<Checked, Problems> {
    let metadata = connector.metadata();
    let mut problems = Vec::new();
    let parameters = connector
        .parameters(&Value::Object(parameters.clone()))
        .map_err(|error| {
            problems.extend(error.0.into_iter().map(Problem::of_parameter));
        })
        .ok();
    let templates = match templates {
        Value::Null => Some(Vec::new()),
        given => template::read(given, "/templates").map_err(|Problems(more)| problems.extend(more)).ok(),
    };
    if let Some(templates) = &templates
        && metadata.content != ContentKind::Variables
    {
        problems.extend(template::mandatory(templates, "/templates").err().into_iter().flat_map(|error| error.0));
        problems.extend(kinds(metadata, templates));
    }
    match (parameters, templates) {
        (Some(parameters), Some(templates)) if problems.is_empty() => Ok(Checked { parameters, templates }),
        _ => Err(Problems(problems)),
    }
}

/// Templates that are not of the kind that the connector takes.
fn kinds(metadata: &Metadata, templates: &[Template]) -> Vec<Problem> {
    let wrong = templates.iter().enumerate().filter_map(|(index, template)| {
        let at = |message: String| Some(Problem::new(format!("/templates/{index}"), message));
        match (metadata.content, &template.body) {
            (ContentKind::Text, TemplateBody::Text(_)) | (ContentKind::Variables, _) => None,
            (ContentKind::Text, TemplateBody::Provider(_)) => {
                at("has `template`, and this connector needs `content`, a text with `{{code}}`".to_owned())
                    .map(|problem| problem.coded(FieldCode::TemplateNotText, &[]))
            }
            (ContentKind::Template, TemplateBody::Text(_)) => {
                at("has `content`, and this connector needs `template`, a template of the provider".to_owned())
                    .map(|problem| problem.coded(FieldCode::TemplateNotProvider, &[]))
            }
            (ContentKind::Template, TemplateBody::Provider(body)) => metadata.check_template(body).err().and_then(at),
        }
    });
    wrong.collect()
}

/// A connection, and the versions of its connector that may send for it, best first.
pub(crate) struct Choice {
    row: ConnectionRow,
    line: ResolvedConnector,
    pub(crate) digests: Vec<String>,
}

impl Choice {
    /// The release that the versions come from.
    pub(crate) fn release(&self) -> Option<&ReleaseRow> {
        self.line.release()
    }
}

/// Which version a message may meet.
#[derive(Clone, Copy, Default)]
pub(crate) struct OfMessage<'a> {
    /// The message's id.
    pub(crate) message: &'a str,
    /// The version that it began with on this connection.
    pub(crate) held: Option<&'a str>,
    /// Versions that refused it for a reason of their own.
    pub(crate) left: &'a [&'a str],
}

impl Service {
    /// The versions of a connection's connector for a message; `None` when there is no connection of this name.
    ///
    /// # Errors
    /// [`Error::Invalid`] when its connector is gone.
    pub(crate) async fn choice(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        name: &str,
        of: OfMessage<'_>,
    ) -> Result<Option<Choice>> {
        let Some(row) = connections::get(tx, &tenant.id, name).await? else { return Ok(None) };
        self.choice_of(tx, row, of).await.map(Some)
    }

    pub(crate) async fn choice_of(&self, tx: &mut Tx, row: ConnectionRow, of: OfMessage<'_>) -> Result<Choice> {
        let line = self.line(tx, &row.tenant, &row.connector).await?.ok_or_else(|| {
            Error::invalid("/connector", format!("the tenant no longer has the connector `{}`", row.connector))
        })?;
        let digests = match &line {
            ResolvedConnector::BuiltIn(connector) => vec![connector.digest().to_string()],
            ResolvedConnector::Uploaded(release) => {
                let versions = release.versions.candidates(of.message, of.held, of.left, &row.digest, self.now());
                versions.into_iter().map(str::to_owned).collect()
            }
        };
        Ok(Choice { row, line, digests })
    }

    /// A connection, ready to send with this version.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it does not fit the version; the store's.
    pub(crate) async fn prepared_at(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        choice: &Choice,
        digest: &str,
    ) -> Result<Arc<ReadyConnection>> {
        let row = &choice.row;
        let at = (tenant.id.clone(), row.name.clone());
        let made_at = (row.created_at.0, row.updated_at.0);
        let current = |kept: &CachedConnection| kept.revision == row.revision && kept.made_at == made_at;
        let kept = lock(&self.inner.prepared)
            .get(&at)
            .filter(|kept| current(kept))
            .and_then(|kept| kept.versions.get(digest).cloned());
        if let Some(kept) = kept {
            return kept.map_err(Error::Invalid);
        }
        let connector = self.version_of(tx, &choice.line, digest).await?;
        let connector = connector.ok_or_else(|| Error::invalid("/connector", "this version cannot be loaded"))?;
        let version_at = version_at(tx, choice.release(), digest).await?;
        let key = self.tenant_key(tenant)?;
        let prepared = self.prepare_stored(row, &key, &connector).map(|(prepared, _)| {
            let version_at = version_at.unwrap_or(prepared.version_at);
            Arc::new(ReadyConnection { version_at, ..prepared })
        });
        let prepared = match prepared {
            Err(Error::Invalid(problems)) => Err(problems),
            Err(other) => return Err(other),
            Ok(prepared) => Ok(prepared),
        };
        let mut all = lock(&self.inner.prepared);
        if all.len() >= MOST_CACHED {
            all.clear();
        }
        let kept = all.entry(at).or_insert_with(|| CachedConnection {
            revision: row.revision,
            made_at,
            versions: HashMap::new(),
        });
        if !current(kept) {
            *kept = CachedConnection { revision: row.revision, made_at, versions: HashMap::new() };
        }
        kept.versions.insert(digest.to_owned(), prepared.clone());
        prepared.map_err(Error::Invalid)
    }

    /// A stored connection, made ready for this version, and the parameter that Sendbox filled in.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it does not fit the version, or the version would read a stored secret in clear.
    pub(crate) fn prepare_stored<'c>(
        &self,
        row: &ConnectionRow,
        key: &TenantKey,
        connector: &'c Connector,
    ) -> Result<(ReadyConnection, Option<&'c str>)> {
        let stored = StoredParameters::of(row, key)?.for_version(connector.metadata())?;
        let given = self.given(connector, row, key, stored)?;
        let checked = given.hidden(check(connector, &given.parameters, &row.templates)?);
        let prepared = self.prepare(&row.name, &row.connector, connector, checked, row.revision)?;
        Ok((ReadyConnection { filled: given.filled.is_some(), ..prepared }, given.filled))
    }

    /// The first version that the connection fits.
    pub(crate) async fn first_fit(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        choice: &Choice,
    ) -> Result<Arc<ReadyConnection>> {
        let mut unfit = None;
        for digest in &choice.digests {
            match self.prepared_at(tx, tenant, choice, digest).await {
                Err(error @ Error::Invalid(_)) => {
                    // What the newest one says is what has to be put right.
                    unfit.get_or_insert(error);
                }
                done => return done,
            }
        }
        Err(unfit.unwrap_or_else(|| Error::invalid("/connector", "no version of it can send")))
    }

    /// A stored connection, ready to send; `None` when there is none of this name.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it fits no version of its connector that could send; the store's.
    pub(crate) async fn prepared(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        name: &str,
        of: OfMessage<'_>,
    ) -> Result<Option<Arc<ReadyConnection>>> {
        match self.choice(tx, tenant, name, of).await? {
            Some(choice) => self.first_fit(tx, tenant, &choice).await.map(Some),
            None => Ok(None),
        }
    }

    /// Lets go of what was prepared with versions that are no longer loaded.
    pub(crate) fn forget_prepared(&self, digests: &BTreeSet<String>) {
        lock(&self.inner.prepared).retain(|_, kept| {
            kept.versions.retain(|digest, _| !digests.contains(digest));
            !kept.versions.is_empty()
        });
    }

    /// Puts together what was checked.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a parameter does not fit the host that it names.
    pub(crate) fn prepare(
        &self,
        name: &str,
        connector_id: &str,
        connector: &Connector,
        checked: Checked,
        revision: u64,
    ) -> Result<ReadyConnection> {
        let grant = connector
            .grant(&checked.parameters, &self.inner.operator, &TenantGrant::default())
            .map_err(|error| Error::invalid("/parameters", error.to_string()))?;
        Ok(ReadyConnection {
            name: name.to_owned(),
            connector_id: connector_id.to_owned(),
            revision,
            connector: connector.clone(),
            parameters: Arc::new(checked.parameters),
            filled: false,
            grant: Arc::new(grant),
            config: ConnectionConfig { parameters: Value::Null, templates: checked.templates },
            version_at: self.now(),
            shapes: ConnectionShapes::default(),
        })
    }
}
