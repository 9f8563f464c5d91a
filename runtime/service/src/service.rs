//! The service: one value that holds the store, the sandbox, the keys and the clock.
//!
//! Every operation takes a [`Caller`] and checks its permissions first. The operations are methods of [`Service`], each in the
//! folder of its subject: `sending/`, `connections/`, `releases/`, `delivery_reports/`, `tenants/`, `access/`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sendbox_domain::model::Timestamp;
use sendbox_domain::rules::breaker::{Breaker, RetryBudget};
use sendbox_domain::rules::json_diff;
use sendbox_domain::rules::quota::{CHANGES_PERIOD_MS, MAX_AUDIT_VALUE_BYTES, Quota};
use sendbox_domain::rules::request_rate::RequestRates;
use sendbox_domain::rules::retention::Retention;
use sendbox_policy::OperatorPolicy;
use sendbox_sandbox::{Digest, Sandbox};
use sendbox_slots::Slots;
use sendbox_store::rows::{AuditRow, ConnectionRow, TenantRow};
use sendbox_store::{Store, StoreError, Tx, UnitFuture, audit, keys, tenants};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeroize::Zeroizing;

use crate::access::caller::Caller;
use crate::access::request_limits::RequestLimits;
use crate::catalogue::{BuiltIn, Catalogue};
use crate::clock::{Clock, timeout};
use crate::connections::cached_connection::CachedConnection;
use crate::connections::settings_validator::SettingsValidator;
use crate::connector_calls::ConnectorCalls;
use crate::delivery_reports::limiter::CallbackLimiter;
use crate::error::{Error, Result};
use crate::id;
use crate::ingress::recorded_calls::RecordedCalls;
use crate::key_registry::{self, RegistryError};
use crate::leases::Leases;
use crate::lock::lock;
use crate::public_url::PublicUrl;
use crate::readiness::Readiness;
use crate::releases::monitor_state::ReleaseMonitor;
use crate::sending::refused_sends::RefusedSends;
use crate::sending::sends_in_progress::SendsInProgress;
use crate::vault::{MasterKeys, TenantKey, VaultError, random_fraction};
use crate::webhooks::turns;

/// Minimum length of a platform key, in characters.
pub const PLATFORM_KEY_LENGTH: usize = 32;

/// Maximum number of unwrapped data keys that are kept. When it is reached all are dropped, which is simple and rare.
const MAX_TENANT_KEYS: usize = 20_000;
/// How often an operation runs to get what its transaction lacked, one thing each time.
const MAX_RUNS: u32 = 16;
/// How often a unit of work runs again because the database preferred another transaction.
const MAX_CONFLICTS: u32 = 8;
/// The pause before it runs again is a random part of this, doubled each time.
const CONFLICT_PAUSE: Duration = Duration::from_millis(5);

/// The action of a sign-in in the audit log.
pub(crate) const SESSION_OPENED: &str = "session.open";

/// Minimum timeout for closing the store, even when the grace period is over.
const MIN_CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// What a service needs to start.
pub struct ServiceConfig {
    pub store: Store,
    pub sandbox: Arc<Sandbox>,
    /// What loads connectors and runs the calls of messages. `None`: the sandbox.
    pub calls: Option<Arc<dyn ConnectorCalls>>,
    /// The keys that seal the tenants' data keys.
    pub master_keys: MasterKeys,
    /// Grants every permission, for every tenant. At least [`PLATFORM_KEY_LENGTH`] characters.
    pub platform_key: Zeroizing<String>,
    /// The built-in connectors.
    pub connectors: Vec<BuiltIn>,
    /// The templates that a new connection is offered: `[{"usage", "locale"?, "content"}]`.
    pub default_templates: Vec<Value>,
    /// The hosts that the operator allows connectors to reach.
    pub operator: OperatorPolicy,
    /// The source of the current time.
    pub clock: Arc<dyn Clock>,
    /// Whether this is the only process that uses the store. Work of an ended process is then resumed at once, without waiting until
    /// its heartbeats are missed.
    pub exclusive: bool,
    /// How long rows are kept.
    pub retention: Retention,
    /// The URL at which providers reach this deployment. `None`: connections get no callback URL.
    pub public_url: Option<PublicUrl>,
    /// The URL at which identity platforms reach this deployment. `None`: the public URL.
    pub ingress_url: Option<PublicUrl>,
    /// How fast the keys of tenants may make requests, beside messages and checks.
    pub request_rates: RequestRates,
}

/// Why a service cannot start. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The platform key is too short.
    #[error("the platform key has fewer than {PLATFORM_KEY_LENGTH} characters; make one with `openssl rand -hex 32`")]
    PlatformKey,
    /// The master keys do not unwrap the tenants' data keys, or are not those of the other processes.
    #[error(transparent)]
    Keys(#[from] VaultError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RegistryError> for StartError {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Keys(error) => Self::Keys(error),
            RegistryError::Store(error) => Self::Store(error),
        }
    }
}

/// The key of a breaker: tenant, connection, revision and version. A changed connection, or another version, starts with a closed
/// breaker.
pub(crate) type BreakerKey = (String, String, u64, Digest);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) calls: Arc<dyn ConnectorCalls>,
    pub(crate) keys: MasterKeys,
    platform_key: [u8; 32],
    pub(crate) catalogue: Catalogue,
    pub(crate) operator: OperatorPolicy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) retention: Retention,
    pub(crate) leases: Leases,
    pub(crate) recorded_calls: RecordedCalls,
    /// Cancelled when a shutdown begins.
    pub(crate) stopping: CancellationToken,
    /// Cancelled when requests are refused.
    refusing: CancellationToken,
    pub(crate) work: TaskTracker,
    /// Wakes the worker when a message is due.
    pub(crate) due: Notify,
    /// Wakes the deliverer when an event is due.
    pub(crate) events_due: Notify,
    /// For requests to webhook endpoints.
    pub(crate) webhook_slots: Slots,
    /// Unwrapped data keys, by their wrapped form.
    tenant_keys: Mutex<HashMap<Vec<u8>, TenantKey>>,
    /// Wakes the sweeper when there is much to delete.
    pub(crate) sweep_due: Notify,
    /// Held during a sweep: two at once would only wait for each other.
    pub(crate) sweeping: tokio::sync::Mutex<()>,
    pub(crate) ready_connections: Mutex<HashMap<(String, String), CachedConnection>>,
    pub(crate) settings_validator: SettingsValidator,
    pub(crate) breakers: Mutex<HashMap<BreakerKey, Breaker>>,
    pub(crate) retry_budgets: Mutex<HashMap<String, RetryBudget>>,
    pub(crate) sends: SendsInProgress,
    pub(crate) release_monitor: ReleaseMonitor,
    pub(crate) public_url: Option<PublicUrl>,
    /// The URL at which identity platforms reach this deployment.
    pub(crate) ingress_url: Option<PublicUrl>,
    pub(crate) callback_limiter: Arc<CallbackLimiter>,
    pub(crate) request_limits: Arc<RequestLimits>,
    readiness: Readiness,
    pub(crate) refused_sends: RefusedSends,
    /// Whether this process lacks a master key that the database needs, as far as it has noticed.
    lacks_master_key: AtomicBool,
}

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    pub(crate) inner: Arc<Inner>,
}

impl Service {
    /// Starts the service: checks the keys against the store, loads the connectors, and resumes work of a process that ended.
    ///
    /// # Errors
    /// When the platform key is too short, the store cannot be used, or the master keys do not unwrap the tenants' data keys.
    pub async fn start(config: ServiceConfig) -> Result<Self, StartError> {
        if config.platform_key.trim().len() < PLATFORM_KEY_LENGTH {
            return Err(StartError::PlatformKey);
        }
        // First, so that a process that cannot work with this database ends at once, and changes nothing.
        key_registry::register(&config.store, &config.master_keys, config.exclusive).await?;
        let sandbox = config.sandbox;
        let calls = config.calls.unwrap_or_else(|| Arc::clone(&sandbox) as Arc<dyn ConnectorCalls>);
        let catalogue = Catalogue::load(&*calls, &config.connectors, config.default_templates).await;
        let callback_limiter = CallbackLimiter::for_sandbox(&sandbox);
        let leases = Leases::join(&config.store, &config.clock, id::new("p")?, config.exclusive).await?;
        let inner = Inner {
            store: config.store,
            sandbox,
            calls,
            keys: config.master_keys,
            platform_key: Sha256::digest(config.platform_key.trim().as_bytes()).into(),
            catalogue,
            operator: config.operator,
            clock: config.clock,
            retention: config.retention,
            leases,
            recorded_calls: RecordedCalls::default(),
            stopping: CancellationToken::new(),
            refusing: CancellationToken::new(),
            work: TaskTracker::new(),
            due: Notify::new(),
            events_due: Notify::new(),
            webhook_slots: turns::slots(),
            tenant_keys: Mutex::default(),
            sweep_due: Notify::new(),
            sweeping: tokio::sync::Mutex::default(),
            ready_connections: Mutex::default(),
            settings_validator: SettingsValidator::default(),
            breakers: Mutex::default(),
            retry_budgets: Mutex::default(),
            sends: SendsInProgress::default(),
            release_monitor: ReleaseMonitor::default(),
            ingress_url: config.ingress_url.or_else(|| config.public_url.clone()),
            public_url: config.public_url,
            callback_limiter,
            request_limits: RequestLimits::new(config.request_rates),
            readiness: Readiness::default(),
            refused_sends: RefusedSends::default(),
            lacks_master_key: AtomicBool::new(false),
        };
        let service = Self { inner: Arc::new(inner) };
        service.rewrap_tenant_keys().await?;
        let member = service.clone();
        // Not among the work that a shutdown waits for: it goes on until all of that has ended.
        tokio::spawn(async move { member.inner.leases.keep().await });
        // The versions that may send are loaded before the first message is accepted.
        if let Err(error) = service.refresh_releases().await {
            tracing::error!(%error, "the releases could not be read; the release monitor will try again");
        }
        if let Err(error) = service.fill_secret_hosts().await {
            tracing::error!(%error, "it could not be stored which hosts older secrets were given for; connections with them do not send");
        }
        let worker = service.clone();
        service.inner.work.spawn(async move { worker.work().await });
        let deliverer = service.clone();
        service.inner.work.spawn(async move { deliverer.deliver_events().await });
        let sweeper = service.clone();
        service.inner.work.spawn(async move { sweeper.sweep_regularly().await });
        let monitor = service.clone();
        service.inner.work.spawn(async move { monitor.monitor_releases().await });
        let reporter = service.clone();
        service.inner.work.spawn(async move { reporter.report_refusals().await });
        Ok(service)
    }

    /// Rewraps, in batches, the data keys that are wrapped with an older master key.
    async fn rewrap_tenant_keys(&self) -> Result<(), StartError> {
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
            tracing::info!(tenants = count, "rewrapped data keys with the current master key");
        }
    }

    /// The store in the name of a tenant, with which it takes turns with the others. A request of a tenant that has too many waiting
    /// is refused as [`Error::Busy`].
    pub(crate) fn store_of(&self, tenant: &str) -> Store {
        self.inner.store.for_owner(tenant)
    }

    /// The store in the name of a tenant, for the end of what it has begun. It is never refused for lack of room.
    pub(crate) fn completion_store_of(&self, tenant: &str) -> Store {
        self.inner.store.for_completion(tenant)
    }

    /// Runs a unit of work (see [`Store::write`]). A version that it needs and that is not loaded is loaded, settings
    /// that are not validated are validated, limits that were counted in the future are counted as of now, and the unit runs again; also
    /// when the database has rolled it back in favour of another transaction. So it must be repeatable.
    pub(crate) async fn write<T, F>(&self, store: Store, unit: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Tx) -> UnitFuture<'t, T, Error> + Clone + Send + 'static,
    {
        self.run_repeatable(&store, || self.write_again(&store, unit.clone())).await
    }

    /// Runs an operation that writes. What its transaction lacks is provided once it has been rolled back, and the operation runs again.
    pub(crate) async fn run_repeatable<T, F>(&self, store: &Store, mut operation: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        for _ in 0..MAX_RUNS {
            match operation().await {
                Err(error) => self.provide_missing(store, error).await?,
                ended => return ended,
            }
        }
        Err(Error::Internal("versions of connectors are unloaded while they are needed, or clocks disagree".to_owned()))
    }

    /// Provides what a transaction that writes lacked.
    ///
    /// # Errors
    /// The error itself, if it says something else.
    async fn provide_missing(&self, store: &Store, error: Error) -> Result<()> {
        match error {
            Error::VersionNotLoaded { owner, digest } => {
                let mut tx = store.begin_read().await?;
                if self.load_version(&mut tx, &owner, &digest).await?.is_none() {
                    self.inner.catalogue.mark_unloadable(&digest, self.now());
                }
                Ok(())
            }
            Error::SettingsNotValidated(validation) => {
                self.inner.settings_validator.validate(&*self.inner.calls, *validation).await.map(drop)
            }
            Error::LimitsAhead { tenant, buckets } => self.redate_limits(tenant, buckets).await,
            other => Err(other),
        }
    }

    /// Runs a unit of work, and runs it again when the database has rolled it back in favour of another transaction. It must be repeatable.
    pub(crate) async fn write_again<T, F>(&self, store: &Store, unit: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Tx) -> UnitFuture<'t, T, Error> + Clone + Send + 'static,
    {
        let mut conflicts = 0;
        loop {
            match store.write(unit.clone()).await {
                Err(Error::StoreConflict) if conflicts < MAX_CONFLICTS => {
                    // Random, so that the same transactions do not meet again.
                    let pause = (CONFLICT_PAUSE * 2_u32.pow(conflicts)).mul_f64(random_fraction()?);
                    self.inner.clock.timer(pause).await;
                    conflicts += 1;
                }
                result => return result,
            }
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Maximum size of a connector's file, in bytes.
    pub fn component_bytes(&self) -> usize {
        self.inner.sandbox.limits().component_bytes
    }

    /// Checks that messages can be sent: the store accepts writes, its master key is known, connectors are loaded, and the service is
    /// not stopping.
    ///
    /// # Errors
    /// [`Error::Stopping`], [`Error::StoreUnavailable`], [`Error::MasterKeyMissing`], or [`Error::Internal`] when no connector is loaded.
    pub async fn ready(&self) -> Result<()> {
        if self.inner.stopping.is_cancelled() {
            return Err(Error::Stopping);
        }
        if self.inner.catalogue.len() == 0 {
            return Err(Error::Internal("no connector could be loaded; see the log".to_owned()));
        }
        let checked = self.inner.readiness.check(&self.inner.store, &self.inner.keys, self.now()).await;
        if !matches!(checked, Err(Error::StoreUnavailable)) {
            self.inner.lacks_master_key.store(checked.is_err(), Ordering::Relaxed);
        }
        checked
    }

    /// Whether messages can be opened, as far as this process has noticed. The worker leaves them to other processes if not.
    pub(crate) fn can_open_messages(&self) -> bool {
        !self.inner.lacks_master_key.load(Ordering::Relaxed)
    }

    /// Begins to stop: the worker claims no messages, and no second attempt starts. Requests are still accepted, and sends in
    /// progress continue.
    pub fn begin_shutdown(&self) {
        self.inner.stopping.cancel();
    }

    /// Refuses new requests, after [`begin_shutdown`](Self::begin_shutdown).
    pub fn refuse_requests(&self) {
        self.inner.refusing.cancel();
    }

    pub(crate) fn require_running(&self) -> Result<()> {
        if self.inner.refusing.is_cancelled() { Err(Error::Stopping) } else { Ok(()) }
    }

    /// Stops accepting work, waits up to `grace` for sends in progress, and closes the store. Unfinished work stays in the store,
    /// and the next process resumes it.
    pub async fn stop(&self, grace: Duration) {
        self.begin_shutdown();
        self.refuse_requests();
        self.inner.work.close();
        let clock = &*self.inner.clock;
        let began = clock.monotonic();
        if timeout(clock, grace, self.inner.work.wait()).await.is_none() {
            tracing::warn!(
                left = self.inner.work.len(),
                "stopped before all sends had ended; they resume at the next start"
            );
        }
        // Closing waits for database connections in use, and one of them may hang.
        let left = grace.saturating_sub(clock.monotonic().saturating_sub(began)).max(MIN_CLOSE_TIMEOUT);
        let close = async {
            if let Err(error) = self.inner.leases.leave().await {
                tracing::warn!(%error, "the other processes notice only from missing heartbeats that this one has ended");
            }
            self.inner.store.close().await;
        };
        if timeout(clock, left, close).await.is_none() {
            tracing::warn!("the store could not be closed in time; no acknowledged write is lost");
        }
    }

    /// Counts a heartbeat of this process, and looks at those of the others. The service does this every second.
    ///
    /// # Errors
    /// [`Error::StoreUnavailable`].
    pub async fn heartbeat(&self) -> Result<()> {
        self.inner.leases.maintain().await
    }

    /// Number of running tasks: sends, checks of uploads, the worker, the deliverer of events, the sweeper, the release monitor and the count of refusals.
    pub fn running_tasks(&self) -> usize {
        self.inner.work.len()
    }

    /// The SHA-256 hash of the platform key.
    pub(crate) fn platform_hash(&self) -> &[u8] {
        &self.inner.platform_key
    }

    /// Reads a tenant. The caller's permission for it has been checked.
    pub(crate) async fn tenant_row(&self, tx: &mut Tx, tenant: &str) -> Result<TenantRow> {
        tenants::get(tx, tenant).await?.ok_or(Error::NotFound("tenant"))
    }

    /// Reads a tenant that sends, with its active connection.
    pub(crate) async fn sending_tenant(&self, tx: &mut Tx, tenant: &str) -> Result<(TenantRow, Option<ConnectionRow>)> {
        tenants::get_with_active_connection(tx, tenant).await?.ok_or(Error::NotFound("tenant"))
    }

    /// Reads a tenant and locks it until this transaction ends.
    pub(crate) async fn lock_tenant(&self, tx: &mut Tx, tenant: &str) -> Result<TenantRow> {
        tenants::lock(tx, tenant).await?.ok_or(Error::NotFound("tenant"))
    }

    pub(crate) fn tenant_key(&self, row: &TenantRow) -> Result<TenantKey> {
        if let Some(key) = lock(&self.inner.tenant_keys).get(&row.wrapped_key).filter(|key| key.is_of(&row.id)) {
            return Ok(key.clone());
        }
        let key = self.inner.keys.unwrap_tenant_key(&row.id, &row.master_key, &row.wrapped_key).map_err(|error| {
            if matches!(error, VaultError::UnknownMasterKey(_)) {
                self.inner.lacks_master_key.store(true, Ordering::Relaxed);
            }
            error
        })?;
        let mut keys = lock(&self.inner.tenant_keys);
        if keys.len() >= MAX_TENANT_KEYS {
            keys.clear();
        }
        keys.insert(row.wrapped_key.clone(), key.clone());
        Ok(key)
    }

    /// Appends a change to the audit log, in the transaction that makes it. Only the members that differ are stored, without large
    /// values; a change that changes nothing is not recorded.
    ///
    /// # Errors
    /// [`Error::QuotaReached`] when the keys of the tenant have made too many changes. Deleting something, such as a stolen key, is
    /// always possible.
    pub(crate) async fn record_audit(
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
        let now = self.now();
        // Whoever has made too many changes can still sign in, and sign-ins have a limit of their own.
        if let (Caller::Key { tenant, .. }, Some(_)) = (caller, &after)
            && action != SESSION_OPENED
        {
            require_changes_left(tx, tenant, now).await?;
        }
        let (before, after) = json_diff::changed(before.as_ref(), after.as_ref());
        let [before, after] =
            [before, after].map(|value| value.map(|value| json_diff::bounded(value, MAX_AUDIT_VALUE_BYTES)));
        let row = AuditRow {
            tenant: tenant.map(str::to_owned),
            at: now,
            actor: caller.actor(),
            actor_name: key_name(tx, caller).await?,
            action: action.to_owned(),
            target,
            before,
            after,
        };
        Ok(audit::append(tx, &row).await?)
    }
}

/// The name of the caller's key.
async fn key_name(tx: &mut Tx, caller: &Caller) -> Result<Option<String>> {
    let Caller::Key { key, .. } = caller else { return Ok(None) };
    Ok(keys::find(tx, key).await?.map(|key| key.name))
}

/// Refuses a change when the quota of the last 24 hours is used up.
async fn require_changes_left(tx: &mut Tx, tenant: &str, now: Timestamp) -> Result<()> {
    let quota = Quota::ChangesPerDay;
    let newer = u32::try_from(quota.max() - 1).unwrap_or(u32::MAX);
    let Some(at) = audit::time_of_newest(tx, tenant, newer).await? else { return Ok(()) };
    let ends_at = at.plus_millis(CHANGES_PERIOD_MS);
    if ends_at > now {
        return Err(Error::QuotaReached { quota, retry_after: Some(ends_at.seconds_from(now).max(1)) });
    }
    Ok(())
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        tracing::error!(%error, "a sealed value could not be sealed or opened");
        match error {
            VaultError::UnknownMasterKey(_) => Self::MasterKeyMissing,
            error => Self::Internal(error.to_string()),
        }
    }
}
