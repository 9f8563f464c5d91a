//! Which master keys the processes of a database have.
//!
//! The database names the key that wraps its data keys, and the other keys of the process that started last. The names are ids, which
//! reveal nothing about a key (`vault.rs`), and another key has another id.
//!
//! Promises
//! - processes with different master keys never share a database: the first one names its key, and a process that lacks it does not
//!   start;
//! - where several processes may run, a key wraps nothing before a process has started that had it as a further key. So a key is
//!   rotated in two steps, and no process meets a key that it lacks;
//! - a process that lacks the key all the same, because it was left out of the first step, is not ready.
//!
//! Must not know: the keys themselves.

use sendbox_store::{Store, StoreError, Tx, meta};
use serde::{Deserialize, Serialize};

use crate::vault::{MasterKeys, VaultError};

/// The name of the value in the store.
const NAME: &str = "master-keys";

/// What the database says about master keys, by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Registered {
    /// The key that wraps data keys.
    wrapping: String,
    /// All keys of the process that started last.
    known: Vec<String>,
}

/// Why the keys of a process cannot be used with a database. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryError {
    #[error(transparent)]
    Keys(#[from] VaultError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is registered once a process with these keys has started. `is_exclusive`: no other process uses the database.
fn next(registered: Option<&Registered>, own: &[&str], is_exclusive: bool) -> Result<Registered, VaultError> {
    let current = own.first().copied().ok_or(VaultError::Empty)?;
    let next = Registered { wrapping: current.to_owned(), known: own.iter().map(|&id| id.to_owned()).collect() };
    match registered {
        None => Ok(next),
        Some(before) if !own.contains(&before.wrapping.as_str()) => {
            Err(VaultError::UnknownMasterKey(before.wrapping.clone()))
        }
        Some(before) if is_exclusive || before.wrapping == current || before.known.iter().any(|id| id == current) => {
            Ok(next)
        }
        Some(_) => Err(VaultError::UnannouncedMasterKey(current.to_owned())),
    }
}

fn parse(stored: &[u8]) -> Result<Registered, StoreError> {
    serde_json::from_slice(stored).map_err(|_| StoreError::Corrupt(format!("meta {NAME}")))
}

fn bytes(registered: &Registered) -> Vec<u8> {
    // Strings are always valid JSON.
    serde_json::to_vec(registered).unwrap_or_default()
}

/// Registers the keys of this process, before it wraps anything.
///
/// # Errors
/// When the database is sealed with a key that this process lacks, or its current key was not announced.
pub(crate) async fn register(store: &Store, keys: &MasterKeys, is_exclusive: bool) -> Result<(), RegistryError> {
    let own: Vec<&str> = keys.ids().collect();
    let mut tx = store.begin().await?;
    let before = match meta::lock(&mut tx, NAME).await? {
        Some(stored) => parse(&stored)?,
        // Of processes that start at the same time, one is the first.
        None => parse(&meta::put_if_absent(&mut tx, NAME, &bytes(&next(None, &own, is_exclusive)?)).await?)?,
    };
    let next = next(Some(&before), &own, is_exclusive)?;
    if next.wrapping != before.wrapping {
        tracing::info!(before = before.wrapping, now = next.wrapping, "the master key is rotated");
    }
    if next != before {
        meta::put(&mut tx, NAME, &bytes(&next)).await?;
    }
    Ok(tx.commit().await?)
}

async fn registered(tx: &mut Tx) -> Result<Option<Registered>, StoreError> {
    meta::get(tx, NAME).await?.map(|stored| parse(&stored)).transpose()
}

/// The id of the key that wraps data keys, if this process lacks it.
pub(crate) async fn missing_key(store: &Store, keys: &MasterKeys) -> Result<Option<String>, StoreError> {
    let registered = registered(&mut store.begin_lookup().await?).await?;
    Ok(registered.map(|registered| registered.wrapping).filter(|wrapping| keys.ids().all(|id| id != wrapping)))
}

/// Whether a process has used the database with master keys, which a further process needs too.
///
/// # Errors
/// When the store cannot be read.
pub async fn has_master_keys(store: &Store) -> Result<bool, StoreError> {
    Ok(registered(&mut store.begin_lookup().await?).await?.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the process before had, what this one has, and what follows with and without other processes.
    type Case<'a> = (&'a [&'a str], &'a [&'a str], [Result<&'a str, VaultError>; 2]);

    #[test]
    fn a_key_wraps_when_every_process_can_know_it() {
        let unknown = |id: &str| Err(VaultError::UnknownMasterKey(id.to_owned()));
        let unannounced = |id: &str| Err(VaultError::UnannouncedMasterKey(id.to_owned()));
        let cases: [Case<'_>; 9] = [
            (&[], &["a"], [Ok("a"), Ok("a")]),
            (&["a"], &["a"], [Ok("a"), Ok("a")]),
            (&["a"], &["b"], [unknown("a"), unknown("a")]),
            // At once, where nobody else can meet the new key.
            (&["a"], &["b", "a"], [unannounced("b"), Ok("b")]),
            // First announced, then current.
            (&["a"], &["a", "b"], [Ok("a"), Ok("a")]),
            (&["a", "b"], &["b", "a"], [Ok("b"), Ok("b")]),
            // A process without the new key started in between.
            (&["a"], &["b", "a"], [unannounced("b"), Ok("b")]),
            // The old key is removed, or returns.
            (&["b", "a"], &["b"], [Ok("b"), Ok("b")]),
            (&["b"], &["a", "b"], [unannounced("a"), Ok("a")]),
        ];
        for (before, own, expected) in cases {
            let registered = before.first().map(|wrapping| Registered {
                wrapping: (*wrapping).to_owned(),
                known: before.iter().map(|&id| id.to_owned()).collect(),
            });
            for (is_exclusive, expected) in [false, true].into_iter().zip(expected) {
                let next = next(registered.as_ref(), own, is_exclusive);
                assert_eq!(next.as_ref().map(|next| next.wrapping.as_str()).map_err(Clone::clone), expected, "{own:?}");
                if let Ok(next) = next {
                    assert_eq!(next.known, own);
                }
            }
        }
    }
}
