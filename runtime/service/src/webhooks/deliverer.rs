//! The deliverer: sends due events to webhook endpoints and status callbacks, and tries again when that fails.
//!
//! Promises
//! - endpoints take turns: one that is slow, or has many events waiting, delays neither those of other tenants nor the others of its own;
//! - what is in progress is bounded, in all and for each endpoint; everything else stays in the store;
//! - an event is sent to an endpoint after the earlier ones of its subject have ended;
//! - a delivery is leased while it is sent. After a crash it is sent again, with the same id: at most that many events arrive twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sendbox_domain::model::{EventAttempt, EventDeliveryStatus, Timestamp};
use sendbox_domain::rules::webhook_schedule::{self, MAX_ATTEMPTS_KEPT, MAX_CALLBACK_ATTEMPTS, MAX_EVENTS};
use sendbox_sandbox::{MayLeave, PostResponse};
use sendbox_store::rows::{EventDeliveryRow, WebhookEndpointRow};
use sendbox_store::{Done, Tx, events, processes, tenants, webhooks};

use crate::error::Result;
use crate::leases::{HeldLease, LeasedRow};
use crate::lock::lock;
use crate::service::Service;
use crate::vault::random_fraction;
use crate::webhooks::endpoints::EndpointTrouble;
use crate::webhooks::outgoing_request::OutgoingRequest;
use crate::webhooks::secret::WebhookSecret;
use crate::webhooks::status_callback::CallbackTarget;
use crate::webhooks::turns::{MAX_IN_PROGRESS, MAX_OF_TENANT};

/// Maximum number of deliveries of one endpoint in progress.
const MAX_OF_ENDPOINT: usize = MAX_OF_TENANT / 2;
/// Maximum number of deliveries of one endpoint that are claimed in one transaction.
const CLAIM_OF_ENDPOINT: usize = 4;
/// Maximum number of deliveries that are claimed in one transaction.
const CLAIM_BATCH: usize = 32;
/// Maximum number of endpoints that are asked for due deliveries in one transaction.
const MAX_ENDPOINTS: usize = 64;
/// How often the store is polled when nothing wakes the deliverer.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// The pause before further endpoints are asked, when those before had nothing.
const SHORT_PAUSE: Duration = Duration::from_millis(20);
/// How long a delivery waits at least for an earlier one that is in progress, if that does not end before.
const WAIT_FOR_EARLIER_MS: u64 = 1000;
/// Maximum number of tries to store the result of an attempt while the store is unavailable.
const MAX_FINISH_TRIES: u32 = 10;
/// Maximum number of events that are deleted in one transaction.
const DELETED_AT_ONCE: u32 = 100;

/// A tenant and an endpoint.
type EndpointKey = (String, String);

/// The deliveries in progress, counted by endpoint.
#[derive(Default)]
struct InProgress(Mutex<HashMap<EndpointKey, usize>>);

impl InProgress {
    fn total(&self) -> usize {
        lock(&self.0).values().sum()
    }

    fn counts(&self) -> HashMap<EndpointKey, usize> {
        lock(&self.0).clone()
    }

    fn begin(self: &Arc<Self>, endpoint: EndpointKey) -> InProgressGuard {
        *lock(&self.0).entry(endpoint.clone()).or_default() += 1;
        InProgressGuard { counts: Arc::clone(self), endpoint }
    }
}

/// A delivery in progress, until this is dropped.
struct InProgressGuard {
    counts: Arc<InProgress>,
    endpoint: EndpointKey,
}

impl Drop for InProgressGuard {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts.0);
        if let Some(count) = counts.get_mut(&self.endpoint) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.endpoint);
            }
        }
    }
}

/// A delivery that this process has claimed.
struct ClaimedDelivery {
    row: EventDeliveryRow,
    lease: HeldLease,
}

/// A claim of due deliveries.
struct Claimed {
    deliveries: Vec<ClaimedDelivery>,
    /// The last endpoint that was asked. The next claim begins after it.
    last: EndpointKey,
    /// Whether every endpoint was asked.
    is_complete: bool,
}

/// Where an event is sent.
enum Target {
    Endpoint(Box<WebhookEndpointRow>),
    /// The status callback of the message that the event tells of.
    Callback(Box<CallbackTarget>),
}

/// What has become of an attempt.
enum AttemptEnd {
    /// The target, as it was before the attempt.
    Made { target: Target, attempt: EventAttempt, retry_after: Option<Timestamp> },
    /// There is nothing to be sent to any more.
    Cancelled,
    /// This process may not send it now.
    NotLeft,
}

impl AttemptEnd {
    /// Why the endpoint is to be disabled, if it is.
    fn trouble(&self, now: Timestamp) -> Option<EndpointTrouble> {
        let Self::Made { target: Target::Endpoint(endpoint), attempt, .. } = self else { return None };
        let (status, since) = (attempt.status, endpoint.failing_since);
        if status.is_some_and(webhook_schedule::is_gone) {
            return Some(EndpointTrouble::Gone { url: endpoint.url.clone() });
        }
        let is_failing = !status.is_some_and(webhook_schedule::is_delivered)
            && since.is_some_and(|since| webhook_schedule::is_to_be_disabled(since, now));
        is_failing.then_some(EndpointTrouble::Failing)
    }
}

/// The endpoint or the status callback that a delivery is for. `None`: it was deleted.
async fn find_target(tx: &mut Tx, row: &EventDeliveryRow) -> Result<Option<Target>> {
    if let Some(endpoint) = webhooks::get(tx, &row.tenant, &row.endpoint).await? {
        return Ok(Some(Target::Endpoint(Box::new(endpoint))));
    }
    Ok(CallbackTarget::find(tx, row).await?.map(|target| Target::Callback(Box::new(target))))
}

impl Service {
    /// Runs until the service stops.
    pub(crate) async fn deliver_events(&self) {
        let in_progress = Arc::new(InProgress::default());
        let mut after = EndpointKey::default();
        while !self.inner.stopping.is_cancelled() {
            let mut pause = POLL_INTERVAL;
            if in_progress.total() + CLAIM_BATCH <= MAX_IN_PROGRESS && self.inner.leases.is_valid() {
                match self.claim_due_events(&in_progress, &after).await {
                    Ok(Some(claimed)) => {
                        pause = match (claimed.deliveries.is_empty(), claimed.is_complete) {
                            (false, _) => Duration::ZERO,
                            (true, false) => SHORT_PAUSE,
                            (true, true) => POLL_INTERVAL,
                        };
                        after = claimed.last;
                        self.start_event_deliveries(claimed.deliveries, &in_progress);
                    }
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, "events could not be claimed"),
                }
            }
            tokio::select! {
                biased;
                () = self.inner.events_due.notified() => {}
                () = self.inner.clock.timer(pause) => {}
                () = self.inner.stopping.cancelled() => {}
            }
        }
    }

    /// Claims due deliveries. `None`: nothing is due.
    async fn claim_due_events(&self, in_progress: &Arc<InProgress>, after: &EndpointKey) -> Result<Option<Claimed>> {
        if !self.can_open_messages() {
            return Ok(None);
        }
        let now = self.now();
        // A read first: most of the time nothing is due, and a read blocks nobody.
        let mut tx = self.inner.store.begin_read().await?;
        let due = events::next_due(&mut tx).await?;
        drop(tx);
        if due.is_none_or(|due| due > now) {
            return Ok(None);
        }
        let (service, after, counts) = (self.clone(), after.clone(), in_progress.counts());
        let claimed = self.write(self.inner.store.clone(), move |tx| {
            let (service, after, counts) = (service.clone(), after.clone(), counts.clone());
            Box::pin(async move { service.claim_events_in_turn(tx, after, counts).await.map(Done::Commit) })
        });
        claimed.await.map(Some)
    }

    /// Claims a few due deliveries of each endpoint in turn, beginning after one of them.
    async fn claim_events_in_turn(
        &self,
        tx: &mut Tx,
        after: EndpointKey,
        mut counts: HashMap<EndpointKey, usize>,
    ) -> Result<Claimed> {
        let now = self.now();
        let claim = self.inner.leases.claim();
        let mut claimed = Claimed { deliveries: Vec::new(), last: after, is_complete: false };
        if !processes::holds(tx, Some(claim.lease())).await? {
            // Taken for dead: a lease of this process counts for nobody, and it would claim the same delivery again and again.
            return Ok(claimed);
        }
        // The first of the endpoints that had nothing, one after the other.
        let mut idle_since: Option<EndpointKey> = None;
        for _ in 0..MAX_ENDPOINTS {
            let next = match events::next_endpoint(tx, (&claimed.last.0, &claimed.last.1)).await? {
                Some(next) => Some(next),
                // Around to the first one.
                None => events::next_endpoint(tx, ("", "")).await?,
            };
            let Some(endpoint) = next.filter(|next| idle_since.as_ref() != Some(next)) else {
                claimed.is_complete = true;
                break;
            };
            let of_tenant: usize =
                counts.iter().filter(|((tenant, _), _)| *tenant == endpoint.0).map(|(_, count)| count).sum();
            let of_endpoint = counts.get(&endpoint).copied().unwrap_or_default();
            let room = MAX_OF_ENDPOINT
                .saturating_sub(of_endpoint)
                .min(MAX_OF_TENANT.saturating_sub(of_tenant))
                .min(CLAIM_BATCH - claimed.deliveries.len())
                .min(CLAIM_OF_ENDPOINT);
            let rows = match u32::try_from(room) {
                Ok(room) if room > 0 => events::claim(tx, (&endpoint.0, &endpoint.1), now, claim.lease(), room).await?,
                _ => Vec::new(),
            };
            if rows.is_empty() {
                idle_since.get_or_insert_with(|| endpoint.clone());
            } else {
                idle_since = None;
            }
            for row in rows {
                if let Some(earlier) = events::earlier(tx, &row).await? {
                    // It waits until that one has ended, which then sets when it is due.
                    let next_attempt_at = earlier.max(now.plus_millis(WAIT_FOR_EARLIER_MS));
                    events::finish(tx, &EventDeliveryRow { next_attempt_at, ..row }, claim.lease()).await?;
                    continue;
                }
                *counts.entry(endpoint.clone()).or_default() += 1;
                let lease = claim.hold(LeasedRow::EventDelivery { sequence: row.sequence });
                claimed.deliveries.push(ClaimedDelivery { row, lease });
            }
            claimed.last = endpoint;
            if claimed.deliveries.len() >= CLAIM_BATCH {
                break;
            }
        }
        Ok(claimed)
    }

    fn start_event_deliveries(&self, deliveries: Vec<ClaimedDelivery>, in_progress: &Arc<InProgress>) {
        for delivery in deliveries {
            let service = self.clone();
            let in_progress = in_progress.begin((delivery.row.tenant.clone(), delivery.row.endpoint.clone()));
            self.inner.work.spawn(async move {
                service.deliver_event(delivery).await;
                drop(in_progress);
                service.inner.events_due.notify_one();
            });
        }
    }

    /// Makes one attempt, and stores its result.
    async fn deliver_event(&self, delivery: ClaimedDelivery) {
        let ClaimedDelivery { row, lease } = delivery;
        let end = match self.attempt_event(&row, &lease).await {
            Ok(end) => end,
            Err(error) => {
                // Nothing has left. The lease is dropped, and released with the next heartbeat.
                tracing::error!(event = row.event, endpoint = row.endpoint, %error, "an event could not be sent");
                return;
            }
        };
        // Before the next event of the subject is due, so that nothing is sent to an endpoint that is gone.
        if let Some(trouble) = end.trouble(self.now())
            && let Err(error) = self.disable_endpoint(&row.tenant, &row.endpoint, trouble).await
        {
            tracing::error!(endpoint = row.endpoint, %error, "a webhook endpoint could not be disabled");
        }
        for number in 1..=MAX_FINISH_TRIES {
            match self.finish_event(&row, &lease, &end).await {
                Ok(()) => {
                    lease.end();
                    return;
                }
                Err(error) => {
                    tracing::error!(event = row.event, number, %error, "the result of sending an event could not be written");
                    self.inner.clock.timer(Duration::from_millis(u64::from(number) * 100)).await;
                }
            }
        }
    }

    async fn attempt_event(&self, row: &EventDeliveryRow, lease: &HeldLease) -> Result<AttemptEnd> {
        let now = self.now();
        let mut tx = self.completion_store_of(&row.tenant).begin_read().await?;
        let tenant = tenants::get(&mut tx, &row.tenant).await?;
        let target = find_target(&mut tx, row).await?;
        let event = events::get(&mut tx, &row.tenant, &row.event).await?;
        drop(tx);
        let (Some(tenant), Some(target), Some(event)) = (tenant, target, event) else {
            return Ok(AttemptEnd::Cancelled);
        };
        let key = self.tenant_key(&tenant)?;
        let request = match &target {
            Target::Endpoint(endpoint) => match endpoint.url.clone().filter(|_| endpoint.disabled_reason.is_none()) {
                Some(url) => {
                    let secrets = WebhookSecret::of(&key, endpoint, now)?;
                    Some(OutgoingRequest::of_event(url, &event, &secrets, now)?)
                }
                None => None,
            },
            Target::Callback(callback) => callback.request(&key, &event)?,
        };
        let Some(request) = request else { return Ok(AttemptEnd::Cancelled) };
        if !self.inner.leases.is_held(lease).await? {
            return Ok(AttemptEnd::NotLeft);
        }
        let began = self.inner.clock.monotonic();
        let is_held = lease.condition();
        let may_leave: MayLeave = Arc::new(is_held);
        let result = self.send_request(&row.tenant, request, may_leave).await;
        let took = self.inner.clock.monotonic().saturating_sub(began);
        let (status, retry_after, error) = match result {
            Ok(PostResponse { status, retry_after }) => {
                let after = retry_after.and_then(|header| webhook_schedule::retry_after(&header, self.now()));
                (Some(status), after, None)
            }
            Err(error) if !error.maybe_sent && !lease.condition()() => return Ok(AttemptEnd::NotLeft),
            Err(error) => (None, None, Some(error.reason)),
        };
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let attempt = EventAttempt { started_at: now, took_ms, status, error };
        Ok(AttemptEnd::Made { target, attempt, retry_after })
    }

    /// Stores the end of an attempt, and what follows.
    async fn finish_event(&self, row: &EventDeliveryRow, lease: &HeldLease, end: &AttemptEnd) -> Result<()> {
        let now = self.now();
        let mut finished = row.clone();
        let mut failing_since: Option<Option<Timestamp>> = None;
        match end {
            AttemptEnd::NotLeft => {}
            AttemptEnd::Cancelled => finished.status = EventDeliveryStatus::Cancelled,
            AttemptEnd::Made { target, attempt, retry_after } => {
                finished.attempts.push(attempt.clone());
                let surplus = finished.attempts.len().saturating_sub(MAX_ATTEMPTS_KEPT);
                finished.attempts.drain(..surplus);
                if attempt.status.is_some_and(webhook_schedule::is_delivered) {
                    finished.status = EventDeliveryStatus::Delivered;
                    if let Target::Endpoint(endpoint) = target {
                        failing_since = endpoint.failing_since.is_some().then_some(None);
                    }
                } else {
                    finished.failures += 1;
                    let is_gone = attempt.status.is_some_and(webhook_schedule::is_gone);
                    let is_last = match target {
                        Target::Endpoint(_) => is_gone,
                        Target::Callback(_) => is_gone || finished.failures >= MAX_CALLBACK_ATTEMPTS,
                    };
                    let next = webhook_schedule::next_attempt(finished.failures, now, random_fraction()?);
                    match next.filter(|_| !is_last) {
                        Some(at) => finished.next_attempt_at = retry_after.map_or(at, |wanted| wanted.max(at)),
                        None => finished.status = EventDeliveryStatus::Failed,
                    }
                    if let Target::Endpoint(endpoint) = target {
                        failing_since = endpoint.failing_since.is_none().then_some(Some(attempt.started_at));
                    }
                }
            }
        }
        let lease = lease.lease().clone();
        self.write(self.completion_store_of(&row.tenant), move |tx| {
            let (finished, lease) = (finished.clone(), lease.clone());
            Box::pin(async move {
                if !events::finish(tx, &finished, &lease).await? {
                    // It was sent again, or deleted, or another process has taken over.
                    return Ok(Done::Rollback(()));
                }
                let is_over = finished.status != EventDeliveryStatus::Pending;
                events::set_due_after(tx, &finished, if is_over { now } else { finished.next_attempt_at }).await?;
                if let Some(since) = failing_since {
                    webhooks::set_failing(tx, &finished.tenant, &finished.endpoint, since).await?;
                }
                Ok(Done::Commit(()))
            })
        })
        .await
    }

    /// Deletes the oldest events of tenants that have too many. Returns their number.
    pub(crate) async fn delete_excess_events(&self) -> Result<u64> {
        let mut tx = self.inner.store.begin_read().await?;
        let mut excessive = Vec::new();
        for tenant in tenants::subscribed(&mut tx).await? {
            // Counted by a read, which blocks nobody.
            if events::are_more_than(&mut tx, &tenant.id, MAX_EVENTS).await? {
                excessive.push(tenant);
            }
        }
        drop(tx);
        let mut deleted = 0;
        for tenant in excessive {
            loop {
                let id = tenant.id.clone();
                let step = self.inner.store.write(move |tx| {
                    Box::pin(async move {
                        events::keep_newest(tx, &id, MAX_EVENTS, DELETED_AT_ONCE).await.map(Done::Commit)
                    })
                });
                let count = step.await?;
                deleted += count;
                if count < u64::from(DELETED_AT_ONCE) || self.inner.stopping.is_cancelled() {
                    break;
                }
            }
        }
        Ok(deleted)
    }
}
