//! The loaded connectors: the built-in ones, loaded once at the start, and versions of uploaded ones, as long as they are in use.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use sendbox_domain::model::{ConnectorDetail, ConnectorSummary, HostReach, MessagePlacement, Owner, Timestamp};
use sendbox_sandbox::{Connector, ContentKind};
use serde_json::Value;

use crate::connector_calls::ConnectorCalls;
use crate::lock::lock;

/// A built-in connector.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// The id by which connections refer to it: `twilio`.
    pub id: &'static str,
    /// The bytes of its WebAssembly component.
    pub component: &'static [u8],
}

/// All loaded connectors.
pub(crate) struct Catalogue {
    built_in: BTreeMap<String, Connector>,
    /// Ids that no upload may use: those of the built-in connectors, as given by Sendbox and by their own metadata.
    reserved: BTreeSet<String>,
    /// Uploaded versions by digest. The same file of two tenants is loaded once.
    uploaded: Mutex<HashMap<String, Connector>>,
    /// Versions that could not be loaded, with the time of the last try.
    unloadable: Mutex<HashMap<String, Timestamp>>,
    /// `[{"usage", "locale"?, "content"}]`
    default_templates: Vec<Value>,
}

/// How long a version that could not be loaded is not tried again by units of work, in milliseconds.
const UNLOADABLE_MS: u64 = 10_000;

impl Catalogue {
    /// Loads the built-in connectors. One that cannot be loaded is left out and logged: the others must still send.
    pub(crate) async fn load(calls: &dyn ConnectorCalls, built_in: &[BuiltIn], default_templates: Vec<Value>) -> Self {
        let mut connectors = BTreeMap::new();
        let mut reserved: BTreeSet<String> = built_in.iter().map(|connector| connector.id.to_owned()).collect();
        // Concurrently: each compiles on one core, and the sandbox limits how many compile at once.
        let loading = built_in.iter().map(|connector| async { (connector.id, calls.load(connector.component).await) });
        for (id, loaded) in futures_util::future::join_all(loading).await {
            match loaded {
                Ok(connector) => {
                    reserved.insert(connector.metadata().id.clone());
                    connectors.insert(id.to_owned(), connector);
                }
                Err(error) => tracing::error!(connector = id, %error, "a built-in connector cannot be loaded"),
            }
        }
        Self {
            built_in: connectors,
            reserved,
            uploaded: Mutex::default(),
            unloadable: Mutex::default(),
            default_templates,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.built_in.len()
    }

    pub(crate) fn built_in(&self, id: &str) -> Option<&Connector> {
        self.built_in.get(id)
    }

    pub(crate) fn all_built_in(&self) -> impl Iterator<Item = (&str, &Connector)> {
        self.built_in.iter().map(|(id, connector)| (id.as_str(), connector))
    }

    /// Whether this id is reserved for a built-in connector.
    pub(crate) fn is_reserved(&self, id: &str) -> bool {
        self.reserved.contains(id)
    }

    /// An uploaded version, if it is loaded.
    pub(crate) fn uploaded(&self, digest: &str) -> Option<Connector> {
        lock(&self.uploaded).get(digest).cloned()
    }

    pub(crate) fn insert(&self, connector: Connector) {
        let digest = connector.digest().to_string();
        lock(&self.unloadable).remove(&digest);
        lock(&self.uploaded).insert(digest, connector);
    }

    pub(crate) fn mark_unloadable(&self, digest: &str, now: Timestamp) {
        let mut unloadable = lock(&self.unloadable);
        unloadable.retain(|_, at| now.millis_since(*at) < UNLOADABLE_MS);
        unloadable.insert(digest.to_owned(), now);
    }

    /// Whether the version could not be loaded a moment ago.
    pub(crate) fn is_unloadable(&self, digest: &str, now: Timestamp) -> bool {
        lock(&self.unloadable).get(digest).is_some_and(|at| now.millis_since(*at) < UNLOADABLE_MS)
    }

    /// Unloads all uploaded versions but these, and returns the unloaded ones. A call in progress keeps its version until it ends.
    pub(crate) fn retain(&self, kept: &BTreeSet<String>) -> Vec<Connector> {
        let mut uploaded = lock(&self.uploaded);
        let unused: Vec<String> = uploaded.keys().filter(|digest| !kept.contains(*digest)).cloned().collect();
        unused.iter().filter_map(|digest| uploaded.remove(digest)).collect()
    }

    /// The full description of a connector.
    pub(crate) fn detail(&self, id: &str, owner: Owner, connector: &Connector) -> ConnectorDetail {
        let metadata = connector.metadata();
        let takes_texts = metadata.content == ContentKind::Text;
        ConnectorDetail {
            summary: summary(id, owner, connector),
            readme: metadata.readme.clone(),
            parameters_schema: metadata.parameters_schema.clone(),
            template_schema: metadata.template_schema.clone(),
            reach: metadata
                .manifest
                .hosts()
                .iter()
                .map(|need| HostReach {
                    origin: need.origin().to_string(),
                    methods: need.methods().iter().map(|method| method.name().to_owned()).collect(),
                    path_prefix: need.path_prefix().to_owned(),
                    message: need.message().map(MessagePlacement::of),
                    secrets: need.secrets().iter().map(|secret| secret.key.clone()).collect(),
                    purpose: need.purpose().to_owned(),
                })
                .collect(),
            usages: metadata.usages.clone(),
            locales: metadata.locales.clone(),
            idempotent: metadata.idempotent,
            reads_reports: connector.inspect().reads_reports,
            default_templates: if takes_texts { self.default_templates.clone() } else { Vec::new() },
        }
    }
}

/// The short description of a connector, for lists.
pub(crate) fn summary(id: &str, owner: Owner, connector: &Connector) -> ConnectorSummary {
    let inspection = connector.inspect();
    let metadata = connector.metadata();
    ConnectorSummary {
        id: id.to_owned(),
        owner,
        name: metadata.name.clone(),
        version: metadata.version.clone(),
        digest: inspection.digest,
        description: metadata.description.clone(),
        logo: metadata.logo.clone(),
        content: metadata.content,
        hosts: metadata.manifest.hosts().iter().map(|need| need.origin().to_string()).collect(),
        reveals: inspection.reveals,
    }
}
