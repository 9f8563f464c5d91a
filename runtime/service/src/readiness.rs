//! Readiness: whether the store accepts writes, and this process can open what is stored.
//!
//! A successful read proves nothing about writes: the disk may be full, or another writer may hold the lock forever. So a small row
//! is written, through the same path as everything else, at most once a second for all callers, with a timeout of two seconds.
//! With it goes a look at which master key seals the database: another process may have rotated it.

use std::time::Duration;

use sendbox_domain::model::Timestamp;
use sendbox_store::Store;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::error::{Error, Result};
use crate::key_registry;
use crate::vault::MasterKeys;

/// How long a result is reused.
const CACHE_TTL: Duration = Duration::from_secs(1);
/// The timeout of a check.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The last result.
#[derive(Default)]
pub(crate) struct Readiness {
    last: Mutex<Option<(Instant, Condition)>>,
}

/// Whether this process can work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Ready,
    StoreUnavailable,
    MasterKeyMissing,
}

impl Readiness {
    /// Writes, or reuses a recent result. Concurrent callers wait for the same result.
    ///
    /// # Errors
    /// [`Error::StoreUnavailable`], [`Error::MasterKeyMissing`]; the cause is logged.
    pub(crate) async fn check(&self, store: &Store, keys: &MasterKeys, now: Timestamp) -> Result<()> {
        let mut last = self.last.lock().await;
        let condition = match *last {
            Some((at, condition)) if at.elapsed() < CACHE_TTL => condition,
            _ => {
                let condition = condition(store, keys, now).await;
                *last = Some((Instant::now(), condition));
                condition
            }
        };
        match condition {
            Condition::Ready => Ok(()),
            Condition::StoreUnavailable => Err(Error::StoreUnavailable),
            Condition::MasterKeyMissing => Err(Error::MasterKeyMissing),
        }
    }
}

async fn condition(store: &Store, keys: &MasterKeys, now: Timestamp) -> Condition {
    let check = async {
        store.touch(now.0).await?;
        key_registry::missing_key(store, keys).await
    };
    match timeout(TIMEOUT, check).await {
        Ok(Ok(None)) => Condition::Ready,
        Ok(Ok(Some(master_key))) => {
            tracing::error!(
                master_key,
                "not ready: the database is sealed with a master key that this process was not given; add it and restart"
            );
            Condition::MasterKeyMissing
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "not ready: a write failed");
            Condition::StoreUnavailable
        }
        Err(_) => {
            let seconds = TIMEOUT.as_secs();
            tracing::error!(
                seconds,
                "not ready: a write timed out; another one holds the lock, or too many are waiting"
            );
            Condition::StoreUnavailable
        }
    }
}
