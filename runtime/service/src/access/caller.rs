//! The caller of an operation, and its permissions.

use std::collections::BTreeSet;

use sendbox_domain::model::{Scope, Timestamp};
use sendbox_store::rows::KeyRow;

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
        /// When the key, or the secret of it that the caller has, expires.
        expires_at: Option<Timestamp>,
        /// Whether the caller has a secret that was replaced, and is accepted for a while.
        has_old_secret: bool,
    },
}

/// A valid secret of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeySecret {
    Current,
    /// It was replaced, and is accepted until this time.
    Old(Timestamp),
}

/// Which secret of a key a caller has; `None` if neither is valid. `has` tells whether a hash is that of the caller's secret.
pub(crate) fn valid_secret<E>(
    row: &KeyRow,
    now: Timestamp,
    has: impl Fn(&[u8]) -> std::result::Result<bool, E>,
) -> std::result::Result<Option<KeySecret>, E> {
    if row.expires_at.is_some_and(|end| now >= end) {
        return Ok(None);
    }
    if has(&row.hash)? {
        return Ok(Some(KeySecret::Current));
    }
    match (&row.old_hash, row.old_until) {
        (Some(hash), Some(until)) if now < until && has(hash)? => Ok(Some(KeySecret::Old(until))),
        _ => Ok(None),
    }
}

impl Caller {
    /// The holder of a secret of a key.
    pub(crate) fn of_key(row: KeyRow, secret: KeySecret) -> Self {
        let until = match secret {
            KeySecret::Current => None,
            KeySecret::Old(until) => Some(until),
        };
        Self::Key {
            expires_at: row.expires_at.into_iter().chain(until).min(),
            has_old_secret: until.is_some(),
            tenant: row.tenant,
            key: row.id,
            scopes: row.scopes,
        }
    }

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

    /// Checks that the caller has a scope for a tenant or, without one, that it holds the platform key. Every operation checks it, whatever
    /// was checked before its body was read.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`], [`Error::PlatformOnly`].
    pub fn may_in(&self, tenant: Option<&str>, scope: Scope) -> Result<()> {
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
