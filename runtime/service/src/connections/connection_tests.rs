//! Connection tests: a real send, or a dry run, over a connection that need not be saved, with a full trace.

use sendbox_domain::model::{
    ConnectionTest, Scope, SendFailure, SentRequest, TestOutcome, TestReport, Timestamp, TraceEvent,
};
use sendbox_domain::phone;
use sendbox_domain::plan::{MessageRequest, Plan, plan};
use sendbox_domain::rules::retry;
use sendbox_domain::text::TextSize;
use sendbox_sandbox::{
    Attempt, Connector, DryRun, FailureClass, MaskedRequest, Message as SandboxMessage, Outcome, Recipient,
    RecordedFailure, SendRequest, SendResult, Usage,
};
use sendbox_store::rows::TenantRow;
use sendbox_store::{Tx, connections};
use serde_json::{Value, json};

use crate::access::caller::Caller;
use crate::connections::cached_connection::ReadyConnection;
use crate::connections::fingerprint::fingerprint;
use crate::connections::secret_hosts::{KeptSecrets, hosts};
use crate::connections::stored_parameters::StoredParameters;
use crate::connections::validated_settings::{ValidationTime, validation_of};
use crate::error::{Error, Result};
use crate::id;
use crate::releases::request_shapes::version_at;
use crate::releases::resolved_connector::ResolvedConnector;
use crate::sending::admission;
use crate::sending::admission::{Charge, admit};
use crate::service::Service;
use crate::vault::TenantKey;

/// The connection under test.
struct TestTarget {
    connection: ReadyConnection,
    fingerprint: Vec<u8>,
    /// Whether its connector was uploaded. The request shapes of built-in connectors are not recorded.
    is_uploaded: bool,
}

/// A test that is planned, and charged to the limits unless it is a dry run.
struct PreparedTest {
    tenant: TenantRow,
    key: TenantKey,
    target: TestTarget,
    message: SandboxMessage,
    recipient: Recipient,
    usage: Usage,
    dry_run: bool,
    price_micros: u64,
    at: Timestamp,
    size: Option<TextSize>,
    unknown_variables: Vec<String>,
}

impl Service {
    /// Sends a test message, or, as a dry run, shows the requests that would be sent. A test counts towards all limits like any
    /// other message, gives back what a message gives back that was certainly not sent, and does not appear in the list of messages.
    /// Every outcome of the send is returned as a result.
    ///
    /// # Errors
    /// [`Error::Invalid`] with all errors, [`Error::Limited`], [`Error::CountryNotAllowed`]. In all cases nothing was sent.
    pub async fn test_connection(&self, caller: &Caller, tenant: &str, test: ConnectionTest) -> Result<TestReport> {
        caller.may(tenant, &[Scope::Manage])?;
        self.require_running()?;
        self.preload_tested_version(tenant, &test).await?;
        let prepare = || self.prepare_test(caller, tenant, test.clone());
        let prepared = self.run_repeatable(&self.store_of(tenant), prepare).await?;
        let (size, unknown_variables) = (prepared.size, prepared.unknown_variables.clone());
        let service = self.clone();
        let sending = self.inner.work.spawn(async move { service.run_test(prepared).await });
        let result =
            sending.await.map_err(|_| Error::Internal("the test ended without a result; see the log".to_owned()))??;
        let (outcome, failure, provider_message_id) = match &result.outcome {
            Outcome::Accepted(receipt) => (TestOutcome::Accepted, None, receipt.message_id.clone()),
            Outcome::NotSentDryRun => (TestOutcome::DryRun, None, None),
            Outcome::Failed(failure) => {
                let in_doubt = failure.class == FailureClass::InDoubt;
                let outcome = if in_doubt { TestOutcome::InDoubt } else { TestOutcome::Failed };
                (outcome, Some(SendFailure::from(&RecordedFailure::from(failure))), None)
            }
        };
        Ok(TestReport {
            outcome,
            failure,
            provider_message_id,
            size,
            unknown_variables,
            trace: result.trace.iter().map(TraceEvent::from).collect(),
            requests: result.requests.iter().map(|request| SentRequest::from(&MaskedRequest::from(request))).collect(),
            resource_usage: result.used.into(),
        })
    }

    /// Plans a test, and charges it to the limits.
    async fn prepare_test(&self, caller: &Caller, tenant: &str, test: ConnectionTest) -> Result<PreparedTest> {
        let now = self.now();
        let mut tx = self.store_of(tenant).begin().await?;
        let row = self.tenant_row(&mut tx, tenant).await?;
        let key = self.tenant_key(&row)?;
        let dry_run = test.dry_run;
        let (to, usage, locale) = (test.to.clone(), test.usage.unwrap_or(Usage::Generic), test.locale.clone());
        let target = self.test_target(&mut tx, &row, &key, test).await?;
        let recipient = phone::recipient(to.expose()).map_err(|error| Error::invalid("/to", error.to_string()))?;
        let code = self.generate_code(row.policy.codes.digits)?;
        let request = MessageRequest {
            notice_templates: Vec::new(),
            to: to.into_inner(),
            usage,
            locale,
            code: Some(code),
            text: None,
            variables: Vec::new(),
            client_ip: None,
            lifetime: std::time::Duration::from_secs(u64::from(row.policy.codes.lifetime_seconds)),
            idempotency_key: id::new("test")?,
            attempt: Attempt::first().map_err(|error| Error::Internal(error.to_string()))?,
            origin_domain: row.policy.origin_domain.clone(),
        };
        let Plan { message, size, unknown_variables } =
            plan(&target.connection.config, request, target.connection.connector.metadata())?;
        let mut price_micros = 0;
        if !dry_run {
            let request = admission::AdmissionRequest {
                tenant: &row,
                key: &key,
                recipient: &recipient,
                client_ip: None,
                connection: &target.connection.name,
                usage,
                is_notice: false,
                segments: size.map_or(1, |size| size.segments),
            };
            price_micros = admit(&mut tx, &request, now).await?.price_micros;
            let after = json!({
                "connector": target.connection.connector_id,
                "hosts": hosts(&target.connection.grant),
                "to": phone::masked(&recipient),
            });
            let what = ("connection.test", format!("connection:{}", target.connection.name));
            self.record_audit(&mut tx, caller, Some(tenant), what, (None, Some(after))).await?;
        }
        // Committed before anything is sent.
        tx.commit().await?;
        Ok(PreparedTest {
            tenant: row,
            key,
            target,
            message,
            recipient,
            usage,
            dry_run,
            price_micros,
            at: now,
            size,
            unknown_variables,
        })
    }

    /// Sends a test, and stores what follows from its outcome.
    async fn run_test(&self, test: PreparedTest) -> Result<SendResult> {
        let PreparedTest { tenant, key, target, message, recipient, usage, dry_run, price_micros, at, .. } = test;
        let request = SendRequest {
            owner: tenant.id.clone(),
            parameters: std::sync::Arc::clone(&target.connection.parameters),
            grant: std::sync::Arc::clone(&target.connection.grant),
            message,
            pinned: None,
            dry_run: dry_run.then_some(DryRun { show_sealed: false }),
            withdrawn: None,
            revocation: None,
        };
        let result = self.inner.sandbox.send(&target.connection.connector, request).await;
        if target.is_uploaded {
            self.record_test(&tenant.id, &target.connection, &result).await;
        }
        match &result.outcome {
            Outcome::Accepted(_) => {
                let mut tx = self.completion_store_of(&tenant.id).begin().await?;
                connections::record_test(&mut tx, &tenant.id, &target.fingerprint, self.now()).await?;
                tx.commit().await?;
            }
            Outcome::Failed(failure) => {
                let failure = RecordedFailure::from(failure);
                if !dry_run && !retry::may_have_been_sent(failure.class, failure.request_sent) {
                    let mut tx = self.completion_store_of(&tenant.id).begin().await?;
                    let charge =
                        Charge { recipient: &recipient, client_ip: None, usage, is_notice: false, price_micros, at };
                    admission::refund(&mut tx, &tenant, &key, &charge, self.now()).await?;
                    tx.commit().await?;
                }
            }
            Outcome::NotSentDryRun => {}
        }
        Ok(result)
    }

    /// Loads the version that a test names, before the transaction that needs it.
    async fn preload_tested_version(&self, tenant: &str, test: &ConnectionTest) -> Result<()> {
        let Some(digest) = &test.version else { return Ok(()) };
        let id = match (&test.connector, &test.connection) {
            (Some(id), _) => Some(id.clone()),
            (None, Some(name)) => {
                let mut tx = self.store_of(tenant).begin_read().await?;
                connections::get(&mut tx, tenant, name).await?.map(|row| row.connector)
            }
            (None, None) => None,
        };
        match id {
            Some(id) => self.preload_version(tenant, &id, digest).await,
            None => Ok(()),
        }
    }

    /// The connection under test: a saved one, overridden by the settings that are given with the test.
    async fn test_target(
        &self,
        tx: &mut Tx,
        tenant: &TenantRow,
        key: &TenantKey,
        test: ConnectionTest,
    ) -> Result<TestTarget> {
        let stored = match &test.connection {
            Some(name) => Some(connections::get(tx, &tenant.id, name).await?.ok_or(Error::NotFound("connection"))?),
            None => None,
        };
        let connector_id = match (&test.connector, &stored) {
            (Some(id), _) => id.clone(),
            (None, Some(row)) => row.connector.clone(),
            (None, None) => {
                return Err(Error::invalid("/connector", "must be given, unless you name a saved `connection`"));
            }
        };
        let connector = &match &test.version {
            Some(digest) => self.version_under_test(tx, &tenant.id, &connector_id, digest).await?,
            None => self.connector_of(tx, &tenant.id, &connector_id).await?,
        };
        let same = stored.as_ref().filter(|row| row.connector == connector_id);
        let stored = same.map(|row| StoredParameters::of(row, key)).transpose()?.unwrap_or_default();
        let is_given = |name: &str| test.parameters.as_ref().is_some_and(|given| given.contains_key(name));
        let kept = same.map(|row| KeptSecrets::all_of(row).only(|name| !is_given(name)));
        let stored = match test.parameters {
            Some(given) => stored.secrets_only().with(given),
            None => stored,
        };
        let all = stored.for_version(connector.metadata())?;
        let templates = match (test.templates, same) {
            (Some(given), _) => given,
            (None, Some(row)) => row.templates.clone(),
            (None, None) => Value::Array(Vec::new()),
        };
        let fingerprint = fingerprint(key, connector, &all, &templates);
        // A test of a saved connection uses the same callback URL as its messages.
        let fillable = match same {
            Some(row) => self.fill_parameters(connector, row, key, all)?,
            None => all.into(),
        };
        let validation = validation_of(&tenant.id, key, connector, fillable, &templates);
        let settings = self.validated_settings(ValidationTime::within(tx), validation).await?;
        let name = test.connection.as_deref().unwrap_or("test");
        let connection = self.build_ready_connection(name, &connector_id, connector, &settings, 0)?;
        if let Some(kept) = &kept {
            kept.require_given_hosts(&connection.grant)?;
        }
        let resolved = self.resolve_connector(tx, &tenant.id, &connector_id).await?;
        let release = resolved.as_ref().and_then(ResolvedConnector::release);
        let at = version_at(tx, release, &connector.digest().to_string()).await?;
        let connection = ReadyConnection { version_at: at.unwrap_or(connection.version_at), ..connection };
        Ok(TestTarget { connection, fingerprint, is_uploaded: release.is_some() })
    }

    /// The version that a test names. A version with a wider reach than the active one needs its approval first, because a test
    /// is a send.
    async fn version_under_test(&self, tx: &mut Tx, tenant: &str, id: &str, digest: &str) -> Result<Connector> {
        let resolved = self.resolve_connector(tx, tenant, id).await?.ok_or(Error::NotFound("connector"))?;
        if let Some(release) = resolved.release() {
            self.require_approval(tx, tenant, release, digest).await?;
        }
        let found = self.version_of(tx, &resolved, digest).await?;
        found.ok_or_else(|| {
            Error::invalid("/version", "must be the digest of a version of this connector that is ready")
        })
    }
}
