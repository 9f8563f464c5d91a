//! What the requests of a version look like: pinned before a connection sends, seen in tests and canaries, held back, approved.
//!
//! A connection is rehearsed once with each version, at the time at which the version came, outside of every transaction. What
//! is on record for the version is added to that, as it stands when an attempt begins; so what is approved in one process
//! counts in all of them from their next attempt on. The connectors that come with Sendbox are rehearsed alone.
//!
//! What was seen is written with the end of an attempt, last in its transaction.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sendbox_domain::model::{Scope, ShapeLine, ShapeOrigin, Timestamp, VersionShape};
use sendbox_domain::template::TemplateBody;
use sendbox_policy::{PinnedShapes, RequestShape};
use sendbox_sandbox::{ConnectorFault, Outcome, Rehearsal, RehearsalError, RehearsedTemplate, SendResult, Violation};
use sendbox_store::rows::{AttemptRow, ReleaseRow, ShapeRow};
use sendbox_store::{Tx, shapes};
use serde_json::json;

use crate::access::caller::Caller;
use crate::connections::cached_connection::ReadyConnection;
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::releases::versions::scope;
use crate::service::Service;

/// Shapes of each origin at most that are kept of one version, for one tenant.
const KEPT: u32 = 64;
/// Bytes of a shape at most that are kept. A longer one is held back, and shown with its attempt alone.
const LONGEST: usize = 128 << 10;

/// What is on record of an uploaded version when an attempt begins with it.
pub(crate) struct OnRecord {
    /// Whose release chose the version; empty for that of all tenants.
    release: String,
    is_canary: bool,
    pinned: u64,
    /// The pinned ones, unless the connection has them already.
    shapes: Option<Vec<RequestShape>>,
}

/// A shape that an attempt has shown.
pub(crate) struct SeenShape {
    tenant: String,
    origin: ShapeOrigin,
    shape: RequestShape,
}

/// The shape that a rule held back.
pub(crate) fn held_shape(report: &SendResult) -> Option<&sendbox_sandbox::HeldShape> {
    let Outcome::Failed(failure) = &report.outcome else { return None };
    let Some(ConnectorFault::ManifestViolation(violation)) = &failure.fault else { return None };
    match &**violation {
        Violation::Shape(held) => Some(held),
        _ => None,
    }
}

/// The shape of the request with the message, where it went out.
fn sent_shape(report: &SendResult) -> Option<&RequestShape> {
    report.requests.iter().rev().find(|request| request.carries_message).and_then(|request| request.shape.as_ref())
}

fn name(shape: &RequestShape) -> String {
    hex::encode(shape.digest())
}

impl Service {
    /// What is on record of a version, when an attempt begins with it. `release`: that of an uploaded connector.
    pub(crate) async fn on_record(
        &self,
        tx: &mut Tx,
        tenant: &str,
        prepared: &ReadyConnection,
        (release, is_canary): (&str, bool),
    ) -> Result<OnRecord> {
        let digest = prepared.connector.digest().to_string();
        let pinned = shapes::count_pinned(tx, tenant, &prepared.connector_id, &digest).await?;
        let is_known = lock(&prepared.shapes.pinned).as_ref().is_some_and(|(known, _)| *known == pinned);
        let shapes = if is_known || is_canary {
            None
        } else {
            let rows = shapes::pinned(tx, tenant, &prepared.connector_id, &digest).await?;
            Some(rows.into_iter().map(|row| row.description).collect())
        };
        Ok(OnRecord { release: release.to_owned(), is_canary, pinned, shapes })
    }

    /// What the connection was rehearsed to send with its version. Done once, by whoever asks first.
    pub(crate) async fn rehearsed(
        &self,
        tenant: &str,
        prepared: &ReadyConnection,
    ) -> Result<Arc<PinnedShapes>, RehearsalError> {
        let rehearse = || async {
            let templates = prepared.config.templates.iter().filter_map(|template| match &template.body {
                TemplateBody::Provider(text) => Some(RehearsedTemplate {
                    usage: template.usage,
                    locale: template.locale.clone(),
                    template: text.clone(),
                }),
                TemplateBody::Text(_) => None,
            });
            let rehearsal = Rehearsal {
                owner: tenant.to_owned(),
                parameters: Arc::clone(&prepared.parameters),
                grant: Arc::clone(&prepared.grant),
                templates: templates.collect(),
                at_unix_ms: u64::try_from(prepared.version_at.0).unwrap_or_default(),
            };
            self.inner.sandbox.rehearse(&prepared.connector, &rehearsal).await.map(Arc::new)
        };
        prepared.shapes.rehearsed.get_or_try_init(rehearse).await.map(Arc::clone)
    }

    /// What an attempt may send. `None`: anything, because a canary is there to be looked at.
    pub(crate) async fn pinned(
        &self,
        tenant: &str,
        prepared: &ReadyConnection,
        on_record: Option<&OnRecord>,
    ) -> Result<Option<Arc<PinnedShapes>>, RehearsalError> {
        let rehearsed = self.rehearsed(tenant, prepared).await?;
        let Some(on_record) = on_record else { return Ok(Some(rehearsed)) };
        if on_record.is_canary {
            return Ok(None);
        }
        let mut known = lock(&prepared.shapes.pinned);
        if let Some(shapes) = &on_record.shapes
            && known.as_ref().is_none_or(|(count, _)| *count < on_record.pinned)
        {
            let mut all: PinnedShapes = shapes.iter().cloned().collect();
            all.extend(&rehearsed);
            *known = Some((on_record.pinned, Arc::new(all)));
        }
        Ok(known.as_ref().map(|(_, pinned)| Arc::clone(pinned)).or(Some(rehearsed)))
    }

    /// What an attempt has shown of its version.
    pub(crate) fn seen_shapes(
        &self,
        attempt: &AttemptRow,
        prepared: &ReadyConnection,
        (on_record, pinned): (Option<&OnRecord>, Option<&PinnedShapes>),
        report: &SendResult,
    ) -> Vec<SeenShape> {
        let Some(on_record) = on_record else { return Vec::new() };
        let seen = |tenant: &str, origin, shape: &RequestShape| SeenShape {
            tenant: tenant.to_owned(),
            origin,
            shape: shape.clone(),
        };
        let mut all = self.unrecorded(&attempt.tenant, prepared);
        if let Some(held) = held_shape(report) {
            all.push(seen(&attempt.tenant, ShapeOrigin::Held, &held.shape));
        } else if let Some(shape) = sent_shape(report) {
            if on_record.is_canary {
                all.push(seen(&on_record.release, ShapeOrigin::Canary, shape));
            } else if pinned.is_some_and(PinnedShapes::is_empty) {
                all.push(seen(&on_record.release, ShapeOrigin::First, shape));
            }
        }
        all
    }

    /// What was rehearsed and is not on record.
    fn unrecorded(&self, tenant: &str, prepared: &ReadyConnection) -> Vec<SeenShape> {
        if prepared.shapes.is_recorded.load(Ordering::Acquire) {
            return Vec::new();
        }
        let rehearsed = prepared.shapes.rehearsed.get().into_iter().flat_map(|pinned| pinned.iter());
        rehearsed
            .map(|shape| SeenShape { tenant: tenant.to_owned(), origin: ShapeOrigin::Rehearsed, shape: shape.clone() })
            .collect()
    }

    /// Writes down what was seen.
    pub(crate) async fn record_shapes(
        &self,
        tx: &mut Tx,
        (connector, digest): (&str, &str),
        seen: &[SeenShape],
    ) -> Result<()> {
        let now = self.now();
        for SeenShape { tenant, origin, shape } in seen {
            let bytes: usize = shape.lines().iter().map(String::len).sum();
            if bytes > LONGEST {
                continue;
            }
            let row = ShapeRow {
                tenant: tenant.clone(),
                connector: connector.to_owned(),
                digest: digest.to_owned(),
                shape: name(shape),
                origin: *origin,
                description: shape.clone(),
                requests: u64::from(*origin != ShapeOrigin::Rehearsed),
                first_seen_at: now,
                last_seen_at: now,
                approved_by: None,
            };
            shapes::record(tx, &row, KEPT).await?;
        }
        Ok(())
    }

    /// What was rehearsed is on record now.
    pub(crate) fn recorded(prepared: &ReadyConnection, seen: &[SeenShape]) {
        if seen.iter().any(|seen| seen.origin == ShapeOrigin::Rehearsed) {
            prepared.shapes.is_recorded.store(true, Ordering::Release);
        }
    }

    /// Writes down what a test has shown of an uploaded version: what went out, and what else a rehearsal shows. A test has its
    /// answer whatever becomes of this.
    pub(crate) async fn record_test(&self, tenant: &str, prepared: &ReadyConnection, report: &SendResult) {
        let recorded = async {
            self.rehearsed(tenant, prepared).await.map_err(|error| Error::Internal(error.to_string()))?;
            let mut seen = self.unrecorded(tenant, prepared);
            if let Some(shape) = sent_shape(report).filter(|_| !matches!(report.outcome, Outcome::NotSentDryRun)) {
                seen.push(SeenShape { tenant: tenant.to_owned(), origin: ShapeOrigin::Test, shape: shape.clone() });
            }
            let digest = prepared.connector.digest().to_string();
            let mut tx = self.inner.store.begin().await?;
            self.record_shapes(&mut tx, (&prepared.connector_id, &digest), &seen).await?;
            tx.commit().await?;
            Ok::<_, Error>(())
        };
        if let Err(error) = recorded.await {
            tracing::warn!(connector = prepared.connector_id, %error, "the requests of a test were not recorded");
        }
    }

    /// The requests of a version, by their shapes: those that wait for a decision first, then in the order in which they were
    /// seen.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for a connector that comes with Sendbox.
    pub async fn version_shapes(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
        id: &str,
        digest: &str,
    ) -> Result<Vec<VersionShape>> {
        self.may_for(caller, tenant, Scope::Read)?;
        let mut tx = self.inner.store.begin_read().await?;
        let release = self.release_here(&mut tx, tenant, id).await?;
        self.runnable(&mut tx, &release, digest).await?;
        self.shape_views(&mut tx, scope(tenant), &release, digest).await
    }

    async fn shape_views(
        &self,
        tx: &mut Tx,
        of: &str,
        release: &ReleaseRow,
        digest: &str,
    ) -> Result<Vec<VersionShape>> {
        let rows = merged(shapes::of_version(tx, of, &release.connector, digest).await?);
        let active = match release.versions.active.as_str() {
            active if active == digest => Vec::new(),
            active => merged(shapes::of_version(tx, of, &release.connector, active).await?),
        };
        let mut views: Vec<VersionShape> = rows
            .iter()
            .map(|row| {
                let against = if row.origin == ShapeOrigin::Held { &rows } else { &active };
                view(row, against.iter().filter(|other| other.origin != ShapeOrigin::Held))
            })
            .collect();
        views.sort_by_key(|view| view.origin != ShapeOrigin::Held);
        Ok(views)
    }

    /// Lets a version send requests of a shape that was held back, from the next attempt on.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when the shape is not held back.
    pub async fn approve_shape(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
        id: &str,
        digest: &str,
        shape: &str,
    ) -> Result<VersionShape> {
        self.may_for(caller, tenant, Scope::Manage)?;
        let of = scope(tenant);
        let mut tx = self.inner.store.begin().await?;
        let release = self.release_here(&mut tx, tenant, id).await?;
        self.runnable(&mut tx, &release, digest).await?;
        let rows = merged(shapes::of_version(&mut tx, of, id, digest).await?);
        let row = rows.iter().find(|row| row.shape == shape).ok_or(Error::NotFound("shape"))?;
        if row.origin != ShapeOrigin::Held {
            return Err(Error::Conflict("requests of this shape are not held back".to_owned()));
        }
        let approved = ShapeRow {
            // A tenant decides for itself only.
            tenant: of.to_owned(),
            origin: ShapeOrigin::Approved,
            approved_by: Some(caller.actor()),
            ..row.clone()
        };
        shapes::approve(&mut tx, &approved).await?;
        let before = json!({ "digest": digest, "shape": shape, "origin": row.origin });
        let after = json!({
            "digest": digest,
            "shape": shape,
            "origin": ShapeOrigin::Approved,
            "lines": approved.description.lines(),
        });
        let what = ("connector.approve-shape", format!("connector:{id}"));
        self.note(&mut tx, caller, tenant, what, (Some(before), Some(after))).await?;
        tx.commit().await?;
        Ok(view(&approved, rows.iter().filter(|row| row.origin != ShapeOrigin::Held)))
    }
}

/// One row for each shape, of those of all tenants: with the origin that decides, and the requests of all.
fn merged(rows: Vec<ShapeRow>) -> Vec<ShapeRow> {
    // What one tenant has tested or approved for itself decides nothing for another one whose message was held back.
    let rank = |row: &ShapeRow| match row.origin {
        ShapeOrigin::Rehearsed => 0,
        ShapeOrigin::Held => 2,
        _ if row.tenant.is_empty() => 3,
        _ => 1,
    };
    let mut all: Vec<ShapeRow> = Vec::new();
    for row in rows {
        let Some(same) = all.iter_mut().find(|known| known.shape == row.shape) else {
            all.push(row);
            continue;
        };
        let requests = same.requests.saturating_add(row.requests);
        let (first_seen, last_seen) =
            (same.first_seen_at.min(row.first_seen_at), same.last_seen_at.max(row.last_seen_at));
        if rank(&row) > rank(same) {
            *same = row;
        }
        (same.requests, same.first_seen_at, same.last_seen_at) = (requests, first_seen, last_seen);
    }
    all
}

fn view<'r>(row: &ShapeRow, against: impl Iterator<Item = &'r ShapeRow>) -> VersionShape {
    let nearest = against.map(|other| other.description.diff(&row.description)).min_by_key(Vec::len);
    VersionShape {
        id: row.shape.clone(),
        origin: row.origin,
        lines: row.description.lines().to_vec(),
        changes: nearest.unwrap_or_default().into_iter().map(ShapeLine::from).collect(),
        requests: row.requests,
        first_seen_at: row.first_seen_at,
        last_seen_at: row.last_seen_at,
        approved_by: row.approved_by.clone(),
    }
}

/// When a version came, for the clock of its rehearsal.
pub(crate) async fn version_at(tx: &mut Tx, release: Option<&ReleaseRow>, digest: &str) -> Result<Option<Timestamp>> {
    let Some(release) = release else { return Ok(None) };
    let row = sendbox_store::versions::get(tx, &release.owner, digest).await?;
    Ok(row.map(|row| row.uploaded_at))
}
