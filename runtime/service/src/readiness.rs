//! Whether the store takes writes, found out by writing.
//!
//! A store that can be read says nothing about writes: the disk may be full, or one write may hold the lock for as long as it
//! likes. So one tiny row is written, as everything else is written. That is done at most once a second, whoever asks and how
//! often, and given up after two seconds.

use std::time::Duration;

use sendbox_domain::model::Timestamp;
use sendbox_store::Store;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::error::{Error, Result};

/// A finding is repeated for so long.
const REPEATED_FOR: Duration = Duration::from_secs(1);
/// A write that has not ended by now does not work.
const PATIENCE: Duration = Duration::from_secs(2);

/// The last finding.
#[derive(Default)]
pub(crate) struct Readiness {
    last: Mutex<Option<Finding>>,
}

struct Finding {
    at: Instant,
    works: bool,
}

impl Readiness {
    /// Writes, or repeats what was found a moment ago. Those who ask meanwhile wait for the same finding.
    ///
    /// # Errors
    /// [`Error::StoreUnavailable`]. The log says why.
    pub(crate) async fn check(&self, store: &Store, now: Timestamp) -> Result<()> {
        let mut last = self.last.lock().await;
        let works = match &*last {
            Some(finding) if finding.at.elapsed() < REPEATED_FOR => finding.works,
            _ => {
                let works = write(store, now).await;
                *last = Some(Finding { at: Instant::now(), works });
                works
            }
        };
        if works { Ok(()) } else { Err(Error::StoreUnavailable) }
    }
}

async fn write(store: &Store, now: Timestamp) -> bool {
    match timeout(PATIENCE, store.touch(now.0)).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::error!(%error, "not ready: a write failed");
            false
        }
        Err(_) => {
            let seconds = PATIENCE.as_secs();
            tracing::error!(seconds, "not ready: no write came to its end in this time; another one holds the lock");
            false
        }
    }
}
