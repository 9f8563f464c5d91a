//! The connectors that are loaded: those that come with Sendbox, once at the start, and versions of uploaded ones, for as long as
//! something uses them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use sendbox_domain::model::{ConnectorDetail, ConnectorSummary, HostReach, MessagePlacement, Owner};
use sendbox_sandbox::{Connector, ContentKind, Sandbox};
use serde_json::Value;

use crate::lock::lock;

/// A component to be loaded at the start.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// What connections name: `twilio`.
    pub id: &'static str,
    /// The component.
    pub component: &'static [u8],
}

/// What is loaded.
pub(crate) struct Catalogue {
    built_in: BTreeMap<String, Connector>,
    /// Ids that no upload may have: the names of those that come with Sendbox, and what they call themselves.
    reserved: BTreeSet<String>,
    /// Uploaded versions by digest. The same file of two tenants is loaded once.
    uploaded: Mutex<HashMap<String, Connector>>,
    /// `[{"usage", "locale"?, "content"}]`
    default_templates: Vec<Value>,
}

impl Catalogue {
    /// Loads what comes with Sendbox. One that cannot be loaded is left out, and the log says why: the others must still send.
    pub(crate) async fn load(sandbox: &Sandbox, built_in: &[BuiltIn], default_templates: Vec<Value>) -> Self {
        let mut connectors = BTreeMap::new();
        let mut reserved: BTreeSet<String> = built_in.iter().map(|one| one.id.to_owned()).collect();
        // All at once: each compiles on one core, and the sandbox says how many may.
        let loading = built_in.iter().map(|one| async { (one.id, sandbox.load(one.component).await) });
        for (id, loaded) in futures_util::future::join_all(loading).await {
            match loaded {
                Ok(connector) => {
                    reserved.insert(connector.metadata().id.clone());
                    connectors.insert(id.to_owned(), connector);
                }
                Err(error) => tracing::error!(connector = id, %error, "a built-in connector cannot be loaded"),
            }
        }
        Self { built_in: connectors, reserved, uploaded: Mutex::default(), default_templates }
    }

    pub(crate) fn len(&self) -> usize {
        self.built_in.len()
    }

    /// A connector that comes with Sendbox.
    pub(crate) fn built_in(&self, id: &str) -> Option<&Connector> {
        self.built_in.get(id)
    }

    /// All that come with Sendbox.
    pub(crate) fn all_built_in(&self) -> impl Iterator<Item = (&str, &Connector)> {
        self.built_in.iter().map(|(id, connector)| (id.as_str(), connector))
    }

    /// Whether an upload may not have this id.
    pub(crate) fn is_reserved(&self, id: &str) -> bool {
        self.reserved.contains(id)
    }

    /// An uploaded version, if it is loaded.
    pub(crate) fn uploaded(&self, digest: &str) -> Option<Connector> {
        lock(&self.uploaded).get(digest).cloned()
    }

    /// Keeps a version loaded.
    pub(crate) fn keep(&self, connector: Connector) {
        lock(&self.uploaded).insert(connector.digest().to_string(), connector);
    }

    /// Lets go of all uploaded versions but these, and gives back which. What is under way keeps its own until it ends.
    pub(crate) fn keep_only(&self, kept: &BTreeSet<String>) -> Vec<Connector> {
        let mut uploaded = lock(&self.uploaded);
        let gone: Vec<String> = uploaded.keys().filter(|digest| !kept.contains(*digest)).cloned().collect();
        gone.iter().filter_map(|digest| uploaded.remove(digest)).collect()
    }

    /// The page of a connector.
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

/// The card of a connector.
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
