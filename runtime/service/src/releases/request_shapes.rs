//! The request shapes of a version: pinned before a connection sends, observed in tests and canaries, held back, approved.
//!
//! A connection is rehearsed once with each version, outside of every transaction, with the upload time of the version as the
//! current time. The shapes that the store holds for the version are added when an attempt starts, so an approval in one process
//! applies in all of them from their next attempt on. For built-in connectors only the rehearsed shapes count.
//!
//! Observed shapes are written together with the end of an attempt, last in its transaction.

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
use crate::releases::versions::scope_of;
use crate::service::Service;

/// Maximum number of stored shapes of each origin, for one version and tenant.
const MAX_STORED_SHAPES: u32 = 64;
/// Maximum size of a stored shape in bytes. A longer one is held back, and appears only with its attempt.
const MAX_SHAPE_BYTES: usize = 128 << 10;

/// The stored shapes of an uploaded version, read when an attempt starts with it.
pub(crate) struct RecordedShapes {
    /// The tenant whose release chose the version; empty for the release for all tenants.
    release: String,
    is_canary: bool,
    pinned: u64,
    /// The pinned shapes, unless the connection already has them.
    shapes: Option<Vec<RequestShape>>,
}

/// A shape that an attempt, a test or a rehearsal has produced.
pub(crate) struct ObservedShape {
    tenant: String,
    origin: ShapeOrigin,
    shape: RequestShape,
}

/// The shape of the request that was held back, if the send ended that way.
pub(crate) fn held_shape(result: &SendResult) -> Option<&sendbox_sandbox::HeldShape> {
    let Outcome::Failed(failure) = &result.outcome else { return None };
    let Some(ConnectorFault::ManifestViolation(violation)) = &failure.fault else { return None };
    match &**violation {
        Violation::Shape(held) => Some(held),
        _ => None,
    }
}

/// The shape of the request that carried the message, if it was sent.
fn sent_shape(result: &SendResult) -> Option<&RequestShape> {
    result.requests.iter().rev().find(|request| request.carries_message).and_then(|request| request.shape.as_ref())
}

fn shape_id(shape: &RequestShape) -> String {
    hex::encode(shape.digest())
}

impl Service {
    /// Reads the stored shapes of an uploaded version, when an attempt starts with it. `release` is the scope of its release.
    pub(crate) async fn recorded_shapes(
        &self,
        tx: &mut Tx,
        tenant: &str,
        connection: &ReadyConnection,
        (release, is_canary): (&str, bool),
    ) -> Result<RecordedShapes> {
        let digest = connection.connector.digest().to_string();
        let pinned = shapes::count_pinned(tx, tenant, &connection.connector_id, &digest).await?;
        let is_known = lock(&connection.shapes.pinned).as_ref().is_some_and(|(known, _)| *known == pinned);
        let shapes = if is_known || is_canary {
            None
        } else {
            let rows = shapes::pinned(tx, tenant, &connection.connector_id, &digest).await?;
            Some(rows.into_iter().map(|row| row.description).collect())
        };
        Ok(RecordedShapes { release: release.to_owned(), is_canary, pinned, shapes })
    }

    /// The shapes of a rehearsal of the connection with its version. It is rehearsed once, on first use.
    pub(crate) async fn rehearsed_shapes(
        &self,
        tenant: &str,
        connection: &ReadyConnection,
    ) -> Result<Arc<PinnedShapes>, RehearsalError> {
        let rehearse = || async {
            let templates = connection.config.templates.iter().filter_map(|template| match &template.body {
                TemplateBody::Provider(text) => Some(RehearsedTemplate {
                    usage: template.usage,
                    locale: template.locale.clone(),
                    template: text.clone(),
                }),
                TemplateBody::Text(_) => None,
            });
            let rehearsal = Rehearsal {
                owner: tenant.to_owned(),
                parameters: Arc::clone(&connection.parameters),
                grant: Arc::clone(&connection.grant),
                templates: templates.collect(),
                at_unix_ms: u64::try_from(connection.version_at.0).unwrap_or_default(),
            };
            self.inner.calls.rehearse(&connection.connector, &rehearsal).await.map(Arc::new)
        };
        connection.shapes.rehearsed.get_or_try_init(rehearse).await.map(Arc::clone)
    }

    /// The shapes that an attempt may send. `None`: all, because a canary's shapes are observed and not restricted.
    pub(crate) async fn pinned_shapes(
        &self,
        tenant: &str,
        connection: &ReadyConnection,
        recorded: Option<&RecordedShapes>,
    ) -> Result<Option<Arc<PinnedShapes>>, RehearsalError> {
        let rehearsed = self.rehearsed_shapes(tenant, connection).await?;
        let Some(recorded) = recorded else { return Ok(Some(rehearsed)) };
        if recorded.is_canary {
            return Ok(None);
        }
        let mut known = lock(&connection.shapes.pinned);
        if let Some(shapes) = &recorded.shapes
            && known.as_ref().is_none_or(|(count, _)| *count < recorded.pinned)
        {
            let mut all: PinnedShapes = shapes.iter().cloned().collect();
            all.extend(&rehearsed);
            *known = Some((recorded.pinned, Arc::new(all)));
        }
        Ok(known.as_ref().map(|(_, pinned)| Arc::clone(pinned)).or(Some(rehearsed)))
    }

    /// The shapes to be stored after an attempt.
    pub(crate) fn observed_shapes(
        &self,
        attempt: &AttemptRow,
        connection: &ReadyConnection,
        (recorded, pinned): (Option<&RecordedShapes>, Option<&PinnedShapes>),
        result: &SendResult,
    ) -> Vec<ObservedShape> {
        let Some(recorded) = recorded else { return Vec::new() };
        let observed = |tenant: &str, origin, shape: &RequestShape| ObservedShape {
            tenant: tenant.to_owned(),
            origin,
            shape: shape.clone(),
        };
        let mut all = self.unrecorded_shapes(&attempt.tenant, connection);
        if let Some(held) = held_shape(result) {
            all.push(observed(&attempt.tenant, ShapeOrigin::Held, &held.shape));
        } else if let Some(shape) = sent_shape(result) {
            if recorded.is_canary {
                all.push(observed(&recorded.release, ShapeOrigin::Canary, shape));
            } else if pinned.is_some_and(PinnedShapes::is_empty) {
                all.push(observed(&recorded.release, ShapeOrigin::First, shape));
            }
        }
        all
    }

    /// The rehearsed shapes that are not stored yet.
    fn unrecorded_shapes(&self, tenant: &str, connection: &ReadyConnection) -> Vec<ObservedShape> {
        if connection.shapes.is_recorded.load(Ordering::Acquire) {
            return Vec::new();
        }
        let rehearsed = connection.shapes.rehearsed.get().into_iter().flat_map(|pinned| pinned.iter());
        rehearsed
            .map(|shape| ObservedShape {
                tenant: tenant.to_owned(),
                origin: ShapeOrigin::Rehearsed,
                shape: shape.clone(),
            })
            .collect()
    }

    /// Stores observed shapes.
    pub(crate) async fn record_shapes(
        &self,
        tx: &mut Tx,
        (connector, digest): (&str, &str),
        observed: &[ObservedShape],
    ) -> Result<()> {
        let now = self.now();
        for ObservedShape { tenant, origin, shape } in observed {
            let bytes: usize = shape.lines().iter().map(String::len).sum();
            if bytes > MAX_SHAPE_BYTES {
                continue;
            }
            let row = ShapeRow {
                tenant: tenant.clone(),
                connector: connector.to_owned(),
                digest: digest.to_owned(),
                shape: shape_id(shape),
                origin: *origin,
                description: shape.clone(),
                requests: u64::from(*origin != ShapeOrigin::Rehearsed),
                first_seen_at: now,
                last_seen_at: now,
                approved_by: None,
            };
            shapes::record(tx, &row, MAX_STORED_SHAPES).await?;
        }
        Ok(())
    }

    /// Remembers that the rehearsed shapes are stored.
    pub(crate) fn mark_shapes_recorded(connection: &ReadyConnection, observed: &[ObservedShape]) {
        if observed.iter().any(|shape| shape.origin == ShapeOrigin::Rehearsed) {
            connection.shapes.is_recorded.store(true, Ordering::Release);
        }
    }

    /// Stores the shapes of a connection test of an uploaded version, and those of its rehearsal. A failure is logged and does not
    /// change the result of the test.
    pub(crate) async fn record_test(&self, tenant: &str, connection: &ReadyConnection, result: &SendResult) {
        let recorded = async {
            self.rehearsed_shapes(tenant, connection).await.map_err(|error| Error::Internal(error.to_string()))?;
            let mut observed = self.unrecorded_shapes(tenant, connection);
            if let Some(shape) = sent_shape(result).filter(|_| !matches!(result.outcome, Outcome::NotSentDryRun)) {
                observed.push(ObservedShape {
                    tenant: tenant.to_owned(),
                    origin: ShapeOrigin::Test,
                    shape: shape.clone(),
                });
            }
            let digest = connection.connector.digest().to_string();
            let mut tx = self.store_of(tenant).begin().await?;
            self.record_shapes(&mut tx, (&connection.connector_id, &digest), &observed).await?;
            tx.commit().await?;
            Ok::<_, Error>(())
        };
        if let Err(error) = recorded.await {
            tracing::warn!(connector = connection.connector_id, %error, "the requests of a test were not recorded");
        }
    }

    /// The request shapes of a version: those that are held back first, then in the order in which they were first seen.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for a built-in connector.
    pub async fn version_shapes(
        &self,
        caller: &Caller,
        tenant: Option<&str>,
        id: &str,
        digest: &str,
    ) -> Result<Vec<VersionShape>> {
        caller.may_in(tenant, Scope::Read)?;
        let mut tx = self.store_of(tenant.unwrap_or_default()).begin_read().await?;
        let release = self.effective_release(&mut tx, tenant, id).await?;
        self.ready_version(&mut tx, &release, digest).await?;
        self.shape_views(&mut tx, scope_of(tenant), &release, digest).await
    }

    async fn shape_views(
        &self,
        tx: &mut Tx,
        scope: &str,
        release: &ReleaseRow,
        digest: &str,
    ) -> Result<Vec<VersionShape>> {
        let rows = merge_by_shape(shapes::of_version(tx, scope, &release.connector, digest).await?);
        let active = match release.versions.active.as_str() {
            active if active == digest => Vec::new(),
            active => merge_by_shape(shapes::of_version(tx, scope, &release.connector, active).await?),
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

    /// Approves a shape that was held back. The version may send such requests from the next attempt on.
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
        caller.may_in(tenant, Scope::Manage)?;
        let scope = scope_of(tenant);
        let mut tx = self.store_of(tenant.unwrap_or_default()).begin().await?;
        let release = self.effective_release(&mut tx, tenant, id).await?;
        self.ready_version(&mut tx, &release, digest).await?;
        let rows = merge_by_shape(shapes::of_version(&mut tx, scope, id, digest).await?);
        let row = rows.iter().find(|row| row.shape == shape).ok_or(Error::NotFound("shape"))?;
        if row.origin != ShapeOrigin::Held {
            return Err(Error::Conflict("requests of this shape are not held back".to_owned()));
        }
        let approved = ShapeRow {
            // A tenant approves for itself only.
            tenant: scope.to_owned(),
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
        self.record_audit(&mut tx, caller, tenant, what, (Some(before), Some(after))).await?;
        tx.commit().await?;
        Ok(view(&approved, rows.iter().filter(|row| row.origin != ShapeOrigin::Held)))
    }
}

/// Merges the rows of all tenants into one for each shape, with the origin that decides and the total of requests.
fn merge_by_shape(rows: Vec<ShapeRow>) -> Vec<ShapeRow> {
    // A test or an approval of one tenant does not release a message of another tenant that was held back.
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

/// When a version was uploaded, which is the current time of its rehearsal.
pub(crate) async fn version_at(tx: &mut Tx, release: Option<&ReleaseRow>, digest: &str) -> Result<Option<Timestamp>> {
    let Some(release) = release else { return Ok(None) };
    let row = sendbox_store::versions::get(tx, &release.owner, digest).await?;
    Ok(row.map(|row| row.uploaded_at))
}
