//! Who asks, and what they may do.

use std::collections::BTreeSet;

use sendbox_domain::model::Scope;

use crate::error::{Error, Result};

/// Who asks.
#[derive(Clone, Debug)]
pub enum Caller {
    /// With the platform key: everything, for every tenant.
    Platform,
    /// With a key of a tenant.
    Key {
        /// Whose.
        tenant: String,
        /// Which.
        key: String,
        /// What it may do.
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

    pub(crate) fn is_platform(&self) -> Result<()> {
        if matches!(self, Self::Platform) { Ok(()) } else { Err(Error::PlatformOnly) }
    }

    /// Another tenant's things do not exist for a key, whatever is there.
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
