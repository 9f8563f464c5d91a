//! A connection, ready to send: its connector, checked parameters, grant and templates.
//!
//! Made from a stored connection once for each revision, and shared by all its sends.

use std::sync::Arc;

use sendbox_sandbox::policy::{EffectiveGrant, TenantGrant};
use sendbox_sandbox::{Connector, ContentKind, Metadata, Parameters};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::plan::ConnectionConfig;
use crate::problem::{Problem, Problems};
use crate::service::{Service, held};
use crate::store::rows::{ConnectionRow, TenantRow};
use crate::store::{Tx, connections};
use crate::template::{self, Template, TemplateBody};
use crate::vault::TenantKey;

/// Prepared connections that are kept at most. Beyond, all are made anew: simple, and rare.
const MOST_KEPT: usize = 10_000;

/// A connection, ready to send. Has no `Debug`: it holds secrets.
pub(crate) struct Prepared {
    pub(crate) name: String,
    pub(crate) connector_id: String,
    pub(crate) revision: u64,
    /// When its row was written: a connection that was deleted and made again begins again with revision 1.
    made_at: (i64, i64),
    pub(crate) connector: Connector,
    pub(crate) parameters: Arc<Parameters>,
    pub(crate) grant: Arc<EffectiveGrant>,
    /// Only the templates; the parameters stand above.
    pub(crate) config: ConnectionConfig,
}

/// Where a connection's secrets are sealed for.
pub(crate) fn place(name: &str) -> String {
    format!("connection/{name}/secrets")
}

/// A connection's secrets, in clear.
pub(crate) fn secrets(row: &ConnectionRow, key: &TenantKey) -> Result<Map<String, Value>> {
    let Some(sealed) = &row.secrets else { return Ok(Map::new()) };
    let plain = key.open(&place(&row.name), sealed)?;
    serde_json::from_slice(&plain).map_err(|_| Error::Internal("stored secrets cannot be read".to_owned()))
}

/// A connection's parameters, secrets included.
pub(crate) fn all_parameters(row: &ConnectionRow, key: &TenantKey) -> Result<Map<String, Value>> {
    let mut all = row.parameters.clone();
    all.extend(secrets(row, key)?);
    Ok(all)
}

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
            let faults = error.0.into_iter();
            problems.extend(faults.map(|fault| Problem::new(format!("/parameters{}", fault.field), fault.message)));
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
            }
            (ContentKind::Template, TemplateBody::Text(_)) => {
                at("has `content`, and this connector needs `template`, a template of the provider".to_owned())
            }
            (ContentKind::Template, TemplateBody::Provider(body)) => metadata.check_template(body).err().and_then(at),
        }
    });
    wrong.collect()
}

impl Service {
    /// A stored connection, ready to send; `None` when there is none of this name.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it does not fit its connector any more; the store's.
    pub(crate) async fn prepared(&self, tx: &mut Tx, tenant: &TenantRow, name: &str) -> Result<Option<Arc<Prepared>>> {
        let Some(row) = connections::get(tx, &tenant.id, name).await? else { return Ok(None) };
        let at = (tenant.id.clone(), name.to_owned());
        let made_at = (row.created_at.0, row.updated_at.0);
        let kept = held(&self.inner.prepared).get(&at).cloned();
        if let Some(kept) = kept.filter(|kept| kept.revision == row.revision && kept.made_at == made_at) {
            return Ok(Some(kept));
        }
        let connector = self.inner.catalogue.find(&row.connector).ok_or_else(|| {
            Error::invalid("/connector", format!("`{}` is no connector of the catalogue any more", row.connector))
        })?;
        let parameters = all_parameters(&row, &self.tenant_key(tenant)?)?;
        let checked = check(connector, &parameters, &row.templates)?;
        let prepared = Arc::new(self.prepare(&row.name, &row.connector, connector, checked, row.revision, made_at)?);
        let mut all = held(&self.inner.prepared);
        if all.len() >= MOST_KEPT {
            all.clear();
        }
        all.insert(at, Arc::clone(&prepared));
        Ok(Some(prepared))
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
        made_at: (i64, i64),
    ) -> Result<Prepared> {
        let grant = connector
            .grant(&checked.parameters, &self.inner.operator, &TenantGrant::default())
            .map_err(|error| Error::invalid("/parameters", error.to_string()))?;
        Ok(Prepared {
            name: name.to_owned(),
            connector_id: connector_id.to_owned(),
            revision,
            made_at,
            connector: connector.clone(),
            parameters: Arc::new(checked.parameters),
            grant: Arc::new(grant),
            config: ConnectionConfig { parameters: Value::Null, templates: checked.templates },
        })
    }
}
