//! Test messages: the whole way of a send with a connection that need not be saved, and all that happened on it.

use sendbox_sandbox::{Attempt, Connector, DryRun, Outcome, RequestRecord, SendRequest, SendResult, Usage};
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::model::{ConnectionTest, Scope, TestReport};
use crate::ops::admission::{self, admit};
use crate::ops::attempt::failure_view;
use crate::ops::line::Line;
use crate::ops::prepared::{Prepared, check, fingerprint};
use crate::ops::shapes::version_at;
use crate::ops::stored_parameters::StoredParameters;
use crate::plan::{MessageRequest, Plan, plan};
use crate::service::{Caller, Service};
use crate::store::rows::TenantRow;
use crate::store::{Tx, connections};
use crate::vault::TenantKey;
use crate::{id, phone};

/// A connection to be tested.
struct Tested {
    prepared: Prepared,
    fingerprint: Vec<u8>,
    /// Whether its connector was uploaded: the requests of one that comes with Sendbox are not recorded.
    is_uploaded: bool,
}

/// What was sent, masked.
pub(crate) fn request_value(record: &RequestRecord) -> Value {
    json!({
        "method": record.method,
        "url": record.url,
        "headers": record.headers,
        "body": record.body,
        "carriesMessage": record.carries_message,
    })
}

/// A trace, for an answer or the journal.
pub(crate) fn trace_values(report: &SendResult) -> Vec<Value> {
    report.trace.iter().filter_map(|event| serde_json::to_value(event).ok()).collect()
}

impl Service {
    /// Sends a test message, or shows what would leave. It counts like any other towards the limits, and is not on the list
    /// of messages. Answers with a report whatever became of it.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong, [`Error::Limited`], [`Error::CountryNotAllowed`]. Nothing was sent.
    pub async fn test_connection(&self, caller: &Caller, tenant: &str, test: ConnectionTest) -> Result<TestReport> {
        caller.may(tenant, &[Scope::Manage])?;
        if self.inner.stopping.is_cancelled() {
            return Err(Error::Stopping);
        }
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let row = self.row(&mut tx, tenant).await?;
        let key = self.tenant_key(&row)?;
        let dry_run = test.dry_run;
        let (to, usage, locale) = (test.to.clone(), test.usage.unwrap_or(Usage::Generic), test.locale.clone());
        let tested = self.tested(&mut tx, &row, &key, test).await?;
        let recipient = phone::recipient(to.expose()).map_err(|error| Error::invalid("/to", error.to_string()))?;
        let code = self.fresh_code(row.policy.codes.digits)?;
        let request = MessageRequest {
            to: to.into_inner(),
            usage,
            locale,
            code,
            variables: Vec::new(),
            client_ip: None,
            lifetime: std::time::Duration::from_secs(u64::from(row.policy.codes.lifetime_seconds)),
            idempotency_key: id::new("test")?,
            attempt: Attempt::first().map_err(|error| Error::Internal(error.to_string()))?,
            origin_domain: row.policy.origin_domain.clone(),
        };
        let Plan { message, size, unknown_variables } =
            plan(&tested.prepared.config, request, tested.prepared.connector.metadata())?;
        if !dry_run {
            let request = admission::Request {
                tenant: &row,
                key: &key,
                recipient: &recipient,
                client_ip: None,
                connection: &tested.prepared.name,
                usage,
                segments: size.map_or(1, |size| size.segments),
            };
            admit(&mut tx, &request, now).await?;
            let after = json!({ "connector": tested.prepared.connector_id, "to": phone::masked(&recipient) });
            let what = ("connection.test", format!("connection:{}", tested.prepared.name));
            self.note(&mut tx, caller, Some(tenant), what, (None, Some(after))).await?;
        }
        // Written down before anything leaves.
        tx.commit().await?;

        let service = self.clone();
        let sending = self.inner.work.spawn(async move {
            let request = SendRequest {
                owner: row.id.clone(),
                parameters: std::sync::Arc::clone(&tested.prepared.parameters),
                grant: std::sync::Arc::clone(&tested.prepared.grant),
                message,
                pinned: None,
                dry_run: dry_run.then_some(DryRun { show_sealed: false }),
                withdrawn: None,
            };
            let report = service.inner.sandbox.send(&tested.prepared.connector, request).await;
            if tested.is_uploaded {
                service.record_test(&row.id, &tested.prepared, &report).await;
            }
            if matches!(report.outcome, Outcome::Accepted(_)) {
                let mut tx = service.inner.store.begin().await?;
                connections::record_test(&mut tx, &row.id, &tested.fingerprint, service.now()).await?;
                tx.commit().await?;
            }
            Ok::<_, Error>(report)
        });
        let report = sending.await.map_err(|_| Error::Internal("the test ended early".to_owned()))??;
        let (outcome, failure, provider_message_id) = match &report.outcome {
            Outcome::Accepted(receipt) => ("accepted", None, receipt.message_id.clone()),
            Outcome::NotSentDryRun => ("dry-run", None, None),
            Outcome::Failed(failure) => {
                let in_doubt = failure.class == sendbox_sandbox::FailureClass::InDoubt;
                (if in_doubt { "in-doubt" } else { "failed" }, Some(failure_view(failure)), None)
            }
        };
        Ok(TestReport {
            outcome: outcome.to_owned(),
            failure,
            provider_message_id,
            size,
            unknown_variables,
            trace: trace_values(&report),
            requests: report.requests.iter().map(request_value).collect(),
            used: serde_json::to_value(report.used).unwrap_or_default(),
        })
    }

    /// The connection that a test names: a saved one, with what is given beside it laid over.
    async fn tested(&self, tx: &mut Tx, tenant: &TenantRow, key: &TenantKey, test: ConnectionTest) -> Result<Tested> {
        let stored = match &test.connection {
            Some(name) => Some(connections::get(tx, &tenant.id, name).await?.ok_or(Error::NotFound("connection"))?),
            None => None,
        };
        let connector_id = match (&test.connector, &stored) {
            (Some(id), _) => id.clone(),
            (None, Some(row)) => row.connector.clone(),
            (None, None) => {
                return Err(Error::invalid("/connector", "is missing: name a connector, or a saved `connection`"));
            }
        };
        let connector = &match &test.version {
            Some(digest) => self.tried_version(tx, &tenant.id, &connector_id, digest).await?,
            None => self.connector_of(tx, &tenant.id, &connector_id).await?,
        };
        let same = stored.as_ref().filter(|row| row.connector == connector_id);
        let stored = same.map(|row| StoredParameters::of(row, key)).transpose()?.unwrap_or_default();
        let stored = match test.parameters {
            Some(given) => stored.secrets_alone().with(given),
            None => stored,
        };
        let all = stored.for_version(connector.metadata())?;
        let templates = match (test.templates, same) {
            (Some(given), _) => given,
            (None, Some(row)) => row.templates.clone(),
            (None, None) => Value::Array(Vec::new()),
        };
        let fingerprint = fingerprint(key, connector, &all, &templates);
        // A test of a saved connection goes out as its messages do.
        let checked = match same {
            Some(row) => {
                let given = self.given(connector, row, key, all)?;
                given.hidden(check(connector, &given.parameters, &templates)?)
            }
            None => check(connector, &all, &templates)?,
        };
        let name = test.connection.as_deref().unwrap_or("test");
        let prepared = self.prepare(name, &connector_id, connector, checked, 0)?;
        let line = self.line(tx, &tenant.id, &connector_id).await?;
        let release = line.as_ref().and_then(Line::release);
        let at = version_at(tx, release, &connector.digest().to_string()).await?;
        let prepared = Prepared { version_at: at.unwrap_or(prepared.version_at), ..prepared };
        Ok(Tested { prepared, fingerprint, is_uploaded: release.is_some() })
    }

    /// A version to be tested before it sends anything else. One that may do more than the active one needs its approval first:
    /// a test is a send.
    async fn tried_version(&self, tx: &mut Tx, tenant: &str, id: &str, digest: &str) -> Result<Connector> {
        let line = self.line(tx, tenant, id).await?.ok_or(Error::NotFound("connector"))?;
        if let Some(release) = line.release() {
            self.approved(tx, tenant, release, digest).await?;
        }
        let found = self.version_of(tx, &line, digest).await?;
        found.ok_or_else(|| Error::invalid("/version", "is no version of this connector that may run"))
    }
}
