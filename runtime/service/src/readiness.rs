//! Readiness: whether the store accepts writes.
//!
//! A successful read proves nothing about writes: the disk may be full, or another writer may hold the lock forever. So a small row
//! is written, through the same path as everything else, at most once a second for all callers, with a timeout of two seconds.

use std::time::Duration;

use sendbox_domain::model::Timestamp;
use sendbox_store::Store;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::error::{Error, Result};

/// How long a result is reused.
const CACHE_TTL: Duration = Duration::from_secs(1);
/// The timeout of a write.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// The last result.
#[derive(Default)]
pub(crate) struct Readiness {
    last: Mutex<Option<WriteCheck>>,
}

struct WriteCheck {
    checked_at: Instant,
    succeeded: bool,
}

impl Readiness {
    /// Writes, or reuses a recent result. Concurrent callers wait for the same result.
    ///
    /// # Errors
    /// [`Error::StoreUnavailable`]; the cause is logged.
    pub(crate) async fn check(&self, store: &Store, now: Timestamp) -> Result<()> {
        let mut last = self.last.lock().await;
        let succeeded = match &*last {
            Some(check) if check.checked_at.elapsed() < CACHE_TTL => check.succeeded,
            _ => {
                let succeeded = write(store, now).await;
                *last = Some(WriteCheck { checked_at: Instant::now(), succeeded });
                succeeded
            }
        };
        if succeeded { Ok(()) } else { Err(Error::StoreUnavailable) }
    }
}

async fn write(store: &Store, now: Timestamp) -> bool {
    match timeout(WRITE_TIMEOUT, store.touch(now.0)).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::error!(%error, "not ready: a write failed");
            false
        }
        Err(_) => {
            let seconds = WRITE_TIMEOUT.as_secs();
            tracing::error!(seconds, "not ready: a write timed out; another one holds the lock");
            false
        }
    }
}
