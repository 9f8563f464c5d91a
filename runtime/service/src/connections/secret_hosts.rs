//! Which hosts a stored secret was given for.
//!
//! Promise: a stored secret is sent to no host that its connection could not send it to when it was given. Nobody can read a stored
//! secret, but whoever may change where a connection sends could have it sent to a host of their own: so it is given again with such a
//! change. A new version of a connector that reaches other hosts needs an approval instead.

use std::collections::BTreeSet;

use sendbox_domain::field_error::{FieldCode, FieldError, FieldErrors};
use sendbox_policy::{EffectiveGrant, Origin, ReachEntry};
use sendbox_sandbox::Connector;
use sendbox_store::Tx;
use sendbox_store::rows::ConnectionRow;

use crate::error::{Error, Result};
use crate::service::Service;
use crate::vault::TenantKey;

/// A stored connection, and the stored secrets that a request keeps.
pub(crate) struct KeptSecrets<'a> {
    pub(crate) row: &'a ConnectionRow,
    pub(crate) names: Vec<&'a str>,
}

/// The hosts that a connection reaches, as origins without paths.
pub(crate) fn hosts(grant: &EffectiveGrant) -> BTreeSet<String> {
    grant.reach().entries.iter().map(host_of).collect()
}

/// The hosts that this secret may be sent to, also those that the operator does not allow today.
fn hosts_of(grant: &EffectiveGrant, secret: &str) -> BTreeSet<String> {
    let receives = |entry: &&ReachEntry| entry.secrets.iter().any(|binding| binding.key == secret);
    grant.reach().entries.iter().filter(receives).map(host_of).collect()
}

fn host_of(entry: &ReachEntry) -> String {
    Origin { exact_path: None, ..entry.origin.clone() }.to_string()
}

impl Service {
    /// Refuses to send kept secrets to hosts that they were not given for. `connector` is the version with which the stored connection
    /// is changed, and `after` what it may reach then.
    ///
    /// # Errors
    /// [`Error::Invalid`] with an error for each secret that has to be given again.
    pub(crate) async fn require_same_hosts(
        &self,
        tx: &mut Tx,
        key: &TenantKey,
        kept: &KeptSecrets<'_>,
        connector: &Connector,
        after: &EffectiveGrant,
    ) -> Result<()> {
        if kept.names.is_empty() {
            return Ok(());
        }
        // As it is stored, with the version of the change, or, if it does not fit that one, with the version that it was saved with.
        let before = match self.build_stored_connection(kept.row, key, connector) {
            Ok((connection, _)) => Some(connection.grant),
            Err(Error::Invalid(_)) => self.saved_grant(tx, key, kept.row).await?,
            Err(other) => return Err(other),
        };
        let errors = kept.names.iter().filter_map(|name| {
            let before = before.as_ref().map(|grant| hosts_of(grant, name)).unwrap_or_default();
            let other: Vec<String> = hosts_of(after, name).difference(&before).cloned().collect();
            let message = format!("is stored for other hosts; give it again to have it sent to {}", other.join(", "));
            let pointer = name.replace('~', "~0").replace('/', "~1");
            (!other.is_empty()).then(|| {
                FieldError::new(format!("/parameters/{pointer}"), message)
                    .coded(FieldCode::SecretForOtherHosts, &[("bound", &other.join(", "))])
            })
        });
        Ok(FieldErrors::none_or(errors.collect())?)
    }

    async fn saved_grant(
        &self,
        tx: &mut Tx,
        key: &TenantKey,
        row: &ConnectionRow,
    ) -> Result<Option<std::sync::Arc<EffectiveGrant>>> {
        let Some(resolved) = self.resolve_connector(tx, &row.tenant, &row.connector).await? else { return Ok(None) };
        let Some(connector) = self.version_of(tx, &resolved, &row.digest).await? else { return Ok(None) };
        match self.build_stored_connection(row, key, &connector) {
            Ok((connection, _)) => Ok(Some(connection.grant)),
            Err(Error::Invalid(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }
}
