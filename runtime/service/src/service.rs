//! The service: one value that holds the store, the sandbox, the keys and the clock, and does what a caller asks.
//!
//! Every operation takes a [`Caller`] and checks it first. What the operations do stands in `ops/`, one file for each word of
//! the domain.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sendbox_domain::model::Timestamp;
use sendbox_domain::rules::breaker::{Breaker, RetryBudget};
use sendbox_policy::OperatorPolicy;
use sendbox_sandbox::{Digest, Sandbox};
use sendbox_store::rows::{AuditRow, TenantRow};
use sendbox_store::{Store, StoreError, Tx, audit, keys, tenants};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

use crate::access::caller::Caller;
use crate::catalogue::{BuiltIn, Catalogue};
use crate::clock::Clock;
use crate::connections::cached_connection::CachedConnection;
use crate::delivery_reports::limiter::CallbackLimiter;
use crate::error::{Error, Result};
use crate::public_url::PublicUrl;
use crate::readiness::Readiness;
use crate::releases::monitor_state::ReleaseMonitor;
use crate::vault::{MasterKeys, TenantKey, VaultError};
use crate::{id, vault};

/// Characters of a platform key at least.
pub const PLATFORM_KEY_LENGTH: usize = 32;

/// How long closing the store may take at least, after everything else has had its time.
const CLOSING: Duration = Duration::from_secs(1);

/// What a service is made of. What the operator says once.
pub struct ServiceConfig {
    /// Where everything is kept.
    pub store: Store,
    /// What runs connectors.
    pub sandbox: Sandbox,
    /// What seals data keys.
    pub master_keys: MasterKeys,
    /// Opens everything: at least [`PLATFORM_KEY_LENGTH`] characters.
    pub platform_key: Zeroizing<String>,
    /// The catalogue.
    pub connectors: Vec<BuiltIn>,
    /// A starting point for templates: `[{"usage", "locale"?, "content"}]`.
    pub default_templates: Vec<Value>,
    /// What the operator allows.
    pub operator: OperatorPolicy,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Whether no other process uses the store: then work that an ended process left is taken over at once, and not only when
    /// its lease ends.
    pub sole: bool,
    /// Days after which messages and verifications are forgotten.
    pub retention_days: u32,
    /// Where providers reach this deployment, if they do.
    pub public_url: Option<PublicUrl>,
}

/// Why a service cannot start. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Too easy to guess.
    #[error("the platform key has fewer than {PLATFORM_KEY_LENGTH} characters; make one with `openssl rand -hex 32`")]
    PlatformKey,
    /// The keys do not fit the store.
    #[error(transparent)]
    Keys(#[from] VaultError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which breaker: a connection at one revision with one version of its connector, since a changed one deserves a fresh start.
pub(crate) type BreakerKey = (String, String, u64, Digest);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) sandbox: Sandbox,
    pub(crate) keys: MasterKeys,
    platform_key: [u8; 32],
    pub(crate) catalogue: Catalogue,
    pub(crate) operator: OperatorPolicy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) retention_days: u32,
    /// This process, for leases.
    pub(crate) owner: String,
    pub(crate) stopping: CancellationToken,
    pub(crate) work: TaskTracker,
    /// Wakes the worker.
    pub(crate) due: Notify,
    pub(crate) prepared: Mutex<HashMap<(String, String), CachedConnection>>,
    pub(crate) breakers: Mutex<HashMap<BreakerKey, Breaker>>,
    pub(crate) retry_budgets: Mutex<HashMap<String, RetryBudget>>,
    pub(crate) watch: ReleaseMonitor,
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) desk: Arc<CallbackLimiter>,
    readiness: Readiness,
}

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    pub(crate) inner: Arc<Inner>,
}

impl Service {
    /// Starts: checks the keys against the store, loads the connectors, takes over what an ended process left.
    ///
    /// # Errors
    /// When the store cannot be used, or holds what the given keys do not open.
    pub async fn start(config: ServiceConfig) -> Result<Self, StartError> {
        if config.platform_key.trim().len() < PLATFORM_KEY_LENGTH {
            return Err(StartError::PlatformKey);
        }
        let catalogue = Catalogue::load(&config.sandbox, &config.connectors, config.default_templates).await;
        let desk = CallbackLimiter::for_sandbox(&config.sandbox);
        let inner = Inner {
            store: config.store,
            sandbox: config.sandbox,
            keys: config.master_keys,
            platform_key: Sha256::digest(config.platform_key.trim().as_bytes()).into(),
            catalogue,
            operator: config.operator,
            clock: config.clock,
            retention_days: config.retention_days,
            owner: id::new("p")?,
            stopping: CancellationToken::new(),
            work: TaskTracker::new(),
            due: Notify::new(),
            prepared: Mutex::default(),
            breakers: Mutex::default(),
            retry_budgets: Mutex::default(),
            watch: ReleaseMonitor::default(),
            public_url: config.public_url,
            desk,
            readiness: Readiness::default(),
        };
        let service = Self { inner: Arc::new(inner) };
        service.wrap_anew().await?;
        if config.sole {
            let mut tx = service.inner.store.begin().await?;
            sendbox_store::messages::release_all(&mut tx).await?;
            sendbox_store::versions::release_all(&mut tx).await?;
            tx.commit().await?;
        }
        // What may send is loaded before anything is taken.
        if let Err(error) = service.keep_watch().await {
            tracing::error!(%error, "the releases could not be read; the watch goes on trying");
        }
        let worker = service.clone();
        service.inner.work.spawn(async move { worker.work().await });
        let watch = service.clone();
        service.inner.work.spawn(async move { watch.watch().await });
        Ok(service)
    }

    /// Wraps data keys with the current master key that are still under an older one, in small steps.
    async fn wrap_anew(&self) -> Result<(), StartError> {
        let keys = &self.inner.keys;
        loop {
            let mut tx = self.inner.store.begin().await?;
            let rows = tenants::with_other_master_key(&mut tx, keys.current_id(), 100).await?;
            if rows.is_empty() {
                return Ok(());
            }
            let count = rows.len();
            for mut row in rows {
                let key = keys.unwrap_tenant_key(&row.id, &row.master_key, &row.wrapped_key)?;
                row.wrapped_key = keys.wrap(&key)?;
                row.master_key = keys.current_id().to_owned();
                tenants::update(&mut tx, &row).await?;
            }
            tx.commit().await?;
            tracing::info!(tenants = count, "data keys are wrapped with the current master key");
        }
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Finds out who asks. `bearer` is what stood behind `Bearer `.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], or [`Error::StoreUnavailable`].
    pub async fn authenticate(&self, bearer: &str) -> Result<Caller> {
        let given = Sha256::digest(bearer.as_bytes());
        if vault::same(&given, &self.inner.platform_key) {
            return Ok(Caller::Platform);
        }
        let id = crate::access::keys::id_of(bearer).ok_or(Error::Unauthenticated)?;
        let mut tx = self.inner.store.begin_read().await?;
        let row = keys::find(&mut tx, id).await?.ok_or(Error::Unauthenticated)?;
        let now = self.now();
        let old = row.old_hash.as_deref().filter(|_| row.old_until.is_some_and(|until| now < until));
        let fits = vault::same(&given, &row.hash) || old.is_some_and(|old| vault::same(&given, old));
        if !fits || row.expires_at.is_some_and(|end| now >= end) {
            return Err(Error::Unauthenticated);
        }
        Ok(Caller::Key { tenant: row.tenant, key: row.id, scopes: row.scopes })
    }

    /// Bytes that the file of a connector may have.
    pub fn component_bytes(&self) -> usize {
        self.inner.sandbox.limits().component_bytes
    }

    /// Whether messages could be sent: the store takes writes, connectors are loaded, and nothing is stopping.
    ///
    /// # Errors
    /// What is not ready.
    pub async fn ready(&self) -> Result<()> {
        if self.inner.stopping.is_cancelled() {
            return Err(Error::Stopping);
        }
        if self.inner.catalogue.len() == 0 {
            return Err(Error::Internal("no connector could be loaded; see the log".to_owned()));
        }
        self.inner.readiness.check(&self.inner.store, self.now()).await
    }

    /// From now on nothing new is taken, the worker takes nothing up, and no second attempt begins. What is under way goes on:
    /// [`stop`](Self::stop) waits for it.
    pub fn begin_to_stop(&self) {
        self.inner.stopping.cancel();
    }

    /// Takes nothing new, ends what is under way (at most `grace`), and closes the store. What is not ended stays on record,
    /// and the next start goes on with it.
    pub async fn stop(&self, grace: Duration) {
        self.begin_to_stop();
        self.inner.work.close();
        let deadline = Instant::now() + grace;
        if tokio::time::timeout_at(deadline, self.inner.work.wait()).await.is_err() {
            tracing::warn!(left = self.inner.work.len(), "stopped before all sends had ended; they are on record");
        }
        // Waits for connections that are in use, and one may hang with the database.
        let closing = deadline.saturating_duration_since(Instant::now()).max(CLOSING);
        if tokio::time::timeout(closing, self.inner.store.close()).await.is_err() {
            tracing::warn!("the store could not be closed in order; nothing that it acknowledged is lost");
        }
    }

    /// Tasks that have not ended: sends, checks of uploads, and the two that always run.
    pub fn tasks_left(&self) -> usize {
        self.inner.work.len()
    }

    /// The hash of the platform key.
    pub(crate) fn platform_hash(&self) -> &[u8] {
        &self.inner.platform_key
    }

    /// A tenant that the caller has been checked for.
    pub(crate) async fn row(&self, tx: &mut Tx, tenant: &str) -> Result<TenantRow> {
        tenants::get(tx, tenant).await?.ok_or(Error::NotFound("tenant"))
    }

    /// The same, to be changed: nobody else changes it before this transaction ends.
    pub(crate) async fn locked_row(&self, tx: &mut Tx, tenant: &str) -> Result<TenantRow> {
        tenants::lock(tx, tenant).await?.ok_or(Error::NotFound("tenant"))
    }

    pub(crate) fn tenant_key(&self, row: &TenantRow) -> Result<TenantKey> {
        Ok(self.inner.keys.unwrap_tenant_key(&row.id, &row.master_key, &row.wrapped_key)?)
    }

    /// Writes a change down, in the transaction that makes it. Only what differs is kept; a change of nothing is none.
    pub(crate) async fn note(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        tenant: Option<&str>,
        (action, target): (&str, String),
        (before, after): (Option<Value>, Option<Value>),
    ) -> Result<()> {
        if before.is_some() && before == after {
            return Ok(());
        }
        let (before, after) = sendbox_domain::rules::json_diff::changed(before.as_ref(), after.as_ref());
        let row = AuditRow {
            tenant: tenant.map(str::to_owned),
            at: self.now(),
            actor: caller.actor(),
            action: action.to_owned(),
            target,
            before,
            after,
        };
        Ok(audit::append(tx, &row).await?)
    }
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        tracing::error!(%error, "the vault");
        Self::Internal(error.to_string())
    }
}
