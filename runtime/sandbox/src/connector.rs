//! A loaded connector: inspected, compiled, and with its metadata read. One [`Connector`] serves all sends of a version.

use std::sync::{Arc, Weak};

use sendbox_contract::metadata::RawMetadata;
use sendbox_contract::schema::Schema;
use sendbox_contract::text::one_line;
use sendbox_contract::{ConnectorFault, Digest, Inspection, Metadata, MetadataError, ParameterError, Shape};
use sendbox_policy::{EffectiveGrant, ManifestError, OperatorPolicy, Reach, TenantGrant};
use serde_json::Value;

use crate::abi;
use crate::abi::interface::Abi;
use crate::artifact::compile::LoadStep;
use crate::artifact::{ArtifactError, shape};
use crate::call::fault::fault_of;
use crate::call::host_call::Phase;
use crate::call::{CallState, store};
use crate::egress::Egress;
use crate::parameters::Parameters;
use crate::sandbox::Sandbox;

/// Why a file could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The file is not a connector.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// Running `metadata` ended with a fault.
    #[error("reading the connector's metadata failed: {0}")]
    Metadata(ConnectorFault),
    /// The metadata is invalid.
    #[error(transparent)]
    Invalid(#[from] MetadataError),
}

impl LoadError {
    /// Whether the file is to blame. If not, the machine or its configuration is, and the same file may work later.
    pub fn is_caused_by_file(&self) -> bool {
        match self {
            Self::Artifact(error) => error.is_caused_by_file(),
            Self::Metadata(_) | Self::Invalid(_) => true,
        }
    }
}

struct Inner {
    digest: Digest,
    shape: Shape,
    metadata: Metadata,
    schema: Schema,
    abi: Box<dyn Abi>,
    pool: PoolShare,
}

/// Releases the HTTP clients that the egress keeps for a version when the connector is dropped.
struct PoolShare {
    revision: Arc<str>,
    egress: Weak<Egress>,
}

impl Drop for PoolShare {
    fn drop(&mut self) {
        if let Some(egress) = self.egress.upgrade() {
            egress.forget(&self.revision);
        }
    }
}

/// A loaded connector. Cheap to clone. Its code and connections are released with the last clone.
#[derive(Clone)]
pub struct Connector {
    inner: Arc<Inner>,
}

impl Connector {
    /// The digest of the file, which identifies this version.
    pub fn digest(&self) -> Digest {
        self.inner.digest
    }

    /// What the connector says about itself.
    pub fn metadata(&self) -> &Metadata {
        &self.inner.metadata
    }

    /// What to review before granting anything.
    pub fn inspect(&self) -> Inspection {
        Inspection {
            digest: self.inner.digest.to_string(),
            shape: self.inner.shape.clone(),
            metadata: self.inner.metadata.clone(),
            reveals: self.inner.shape.reveals(),
            reads_reports: self.reads_reports(),
        }
    }

    /// Whether the connector reads delivery reports.
    pub fn reads_reports(&self) -> bool {
        self.inner.abi.reads_reports()
    }

    /// Checks a tenant's parameters against the connector's schema, and fills in its defaults.
    ///
    /// # Errors
    /// All faults, by field.
    pub fn parameters(&self, value: &Value) -> Result<Parameters, ParameterError> {
        Parameters::check(&self.inner.metadata, &self.inner.schema, value)
    }

    /// What the connector asks for with these parameters.
    ///
    /// # Errors
    /// If a parameter does not fit the host pattern that it fills in.
    pub fn reach(&self, parameters: &Parameters) -> Result<Reach, ManifestError> {
        self.inner.metadata.manifest.resolve(parameters.plain_values())
    }

    /// What the connector may reach: its manifest, the operator's policy and the tenant's grant, intersected.
    ///
    /// # Errors
    /// As for [`Self::reach`].
    pub fn grant(
        &self,
        parameters: &Parameters,
        operator: &OperatorPolicy,
        tenant: &TenantGrant,
    ) -> Result<EffectiveGrant, ManifestError> {
        Ok(EffectiveGrant::intersect(operator, &self.reach(parameters)?, tenant))
    }

    /// The version as a key of connection pools.
    pub(crate) fn revision(&self) -> Arc<str> {
        Arc::clone(&self.inner.pool.revision)
    }

    pub(crate) fn abi(&self) -> &dyn Abi {
        &*self.inner.abi
    }
}

/// All calls that read metadata share slots as one owner.
const SLOT_OWNER: &str = "metadata";

impl Sandbox {
    /// Checks only the size and the kind of a file. [`load`](Self::load) checks the rest.
    ///
    /// # Errors
    /// If it is too large, or certainly not a component.
    pub fn peek(&self, bytes: &[u8]) -> Result<(), ArtifactError> {
        shape::check_kind(bytes, &self.limits)
    }

    /// Turns an untrusted file into a connector that can run.
    ///
    /// # Errors
    /// If the file is not a connector, its metadata is invalid, or it could not be compiled. Nothing of it is kept then.
    pub async fn load(&self, bytes: &[u8]) -> Result<Connector, LoadError> {
        self.load_with_progress(bytes, &|_| {}).await
    }

    /// Like [`load`](Self::load), and calls `progress` when a step begins. A step may begin again after its process was killed.
    ///
    /// # Errors
    /// As for [`Self::load`].
    pub async fn load_with_progress(
        &self,
        bytes: &[u8],
        progress: &(dyn Fn(LoadStep) + Send + Sync),
    ) -> Result<Connector, LoadError> {
        let digest = Digest::of(bytes);
        let (shape, component) = self.loader.build(bytes, digest, progress).await?;
        let abi = abi::load(&self.linker, &component)
            .map_err(|error| ArtifactError::Contract(one_line(&format!("{error:#}"), 500)))?;
        progress(LoadStep::ReadingMetadata);
        let (metadata, schema) = self.read_metadata(&*abi).await?;
        let pool = PoolShare { revision: digest.hex().into(), egress: Arc::downgrade(&self.egress) };
        Ok(Connector { inner: Arc::new(Inner { digest, shape, metadata, schema, abi, pool }) })
    }

    async fn read_metadata(&self, abi: &dyn Abi) -> Result<(Metadata, Schema), LoadError> {
        let raw = self.call_metadata(abi).await?;
        let limits = Arc::clone(&self.limits);
        // Schemas and patterns are compiled: that is bounded, but takes milliseconds.
        let checked = tokio::task::spawn_blocking(move || Metadata::check(raw, &limits)).await;
        match checked {
            Ok(checked) => Ok(checked?),
            Err(error) if error.is_panic() => Err(MetadataError(vec!["checking it crashed".to_owned()]).into()),
            Err(_) => Err(ArtifactError::CompilerUnavailable("the sandbox is shutting down".into()).into()),
        }
    }

    /// Creates an instance, calls `metadata` and drops it. For the benchmark.
    #[doc(hidden)]
    pub async fn run_metadata(&self, connector: &Connector) -> Result<(), LoadError> {
        self.call_metadata(connector.abi()).await.map(drop)
    }

    async fn call_metadata(&self, abi: &dyn Abi) -> Result<RawMetadata, LoadError> {
        let unavailable = || LoadError::Metadata(ConnectorFault::Trap("too many calls are waiting".into()));
        let _slot = self.slot(SLOT_OWNER).await.map_err(|_| unavailable())?;
        let state = CallState::new(Phase::Metadata, Arc::clone(&self.limits), Arc::default(), None);
        let mut store = store(&self.engine, state);
        let deadline = std::time::Duration::from_millis(self.limits.send_ms);
        let cpu = Arc::clone(store.data().meter.cpu());
        match tokio::time::timeout(deadline, cpu.count(abi.metadata(&mut store))).await {
            Ok(Ok(raw)) => Ok(raw),
            Ok(Err(error)) => Err(LoadError::Metadata(fault_of(&error, &self.limits))),
            Err(_) => Err(ArtifactError::MetadataTime { limit_ms: self.limits.send_ms }.into()),
        }
    }
}
