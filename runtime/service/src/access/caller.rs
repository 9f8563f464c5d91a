//! The caller of an operation, and its permissions.

use std::collections::BTreeSet;

use sendbox_domain::model::Scope;

use crate::error::{Error, Result};

/// An authenticated caller.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Holds the platform key: may do everything, for every tenant.
    Platform,
    /// Holds an API key of a tenant.
    Key {
        /// The tenant that the key belongs to.
        tenant: String,
        /// The key's id.
        key: String,
        /// The operations that it may call.
        scopes: BTreeSet<Scope>,
    },
}

impl Caller {
    /// `platform`, or `key:` and the key's id. For logs and the audit.
    pub fn actor(&self) -> String {
        match self {
            Self::Platform => "platform".to_owned(),
            Self::Key { key, .. } => format!("key:{key}"),
        }
    }

    /// Checks that the caller holds the platform key.
    pub(crate) fn require_platform(&self) -> Result<()> {
        if matches!(self, Self::Platform) { Ok(()) } else { Err(Error::PlatformOnly) }
    }

    /// Checks that the caller has a scope for a tenant or, without one, that it holds the platform key.
    pub(crate) fn may_in(&self, tenant: Option<&str>, scope: Scope) -> Result<()> {
        match tenant {
            Some(tenant) => self.may(tenant, &[scope]),
            None => self.require_platform(),
        }
    }

    /// Checks that the caller has one of these scopes for a tenant. To a key, other tenants do not exist.
    pub(crate) fn may(&self, tenant: &str, any_of: &[Scope]) -> Result<()> {
        let Self::Key { tenant: own, scopes, .. } = self else { return Ok(()) };
        if own != tenant {
            return Err(Error::NotFound("tenant"));
        }
        let has = |scope: &Scope| scopes.contains(scope) || (*scope == Scope::Read && scopes.contains(&Scope::Manage));
        match any_of.first() {
            Some(first) if !any_of.iter().any(has) => Err(Error::Forbidden(*first)),
            _ => Ok(()),
        }
    }
}
