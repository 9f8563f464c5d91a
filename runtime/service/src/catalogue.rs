//! The connectors that connections may name: loaded once at the start, by id.

use std::collections::BTreeMap;

use sendbox_sandbox::{Connector, ContentKind, Sandbox};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::model::{ConnectorDetail, ConnectorSummary, HostReach};

/// A component to be loaded at the start.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// What connections name: `twilio`.
    pub id: &'static str,
    /// The component.
    pub component: &'static [u8],
}

/// What can be set up.
pub(crate) struct Catalogue {
    connectors: BTreeMap<String, Connector>,
    /// `[{"usage", "locale"?, "content"}]`
    default_templates: Vec<Value>,
}

impl Catalogue {
    /// Loads all. One that cannot be loaded is left out, and the log says why: the others must still send.
    pub(crate) async fn load(sandbox: &Sandbox, built_in: &[BuiltIn], default_templates: Vec<Value>) -> Self {
        let mut connectors = BTreeMap::new();
        // All at once: each compiles on one core, and the sandbox says how many may.
        let loading = built_in.iter().map(|one| async { (one.id, sandbox.load(one.component).await) });
        for (id, loaded) in futures_util::future::join_all(loading).await {
            match loaded {
                Ok(connector) => {
                    connectors.insert(id.to_owned(), connector);
                }
                Err(error) => tracing::error!(connector = id, %error, "a built-in connector cannot be loaded"),
            }
        }
        Self { connectors, default_templates }
    }

    pub(crate) fn len(&self) -> usize {
        self.connectors.len()
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Connector> {
        self.connectors.get(id)
    }

    pub(crate) fn ids(&self) -> String {
        self.connectors.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn summaries(&self) -> Vec<ConnectorSummary> {
        self.connectors.iter().map(|(id, connector)| summary(id, connector)).collect()
    }

    pub(crate) fn detail(&self, id: &str) -> Result<ConnectorDetail> {
        let connector = self.find(id).ok_or(Error::NotFound("connector"))?;
        let metadata = connector.metadata();
        let takes_texts = metadata.content == ContentKind::Text;
        Ok(ConnectorDetail {
            summary: summary(id, connector),
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
                    receives_message: need.receives_message(),
                    secrets: need.secrets().iter().map(|secret| secret.key.clone()).collect(),
                    purpose: need.purpose().to_owned(),
                })
                .collect(),
            usages: metadata.usages.clone(),
            locales: metadata.locales.clone(),
            idempotent: metadata.idempotent,
            reads_reports: connector.inspect().reads_reports,
            default_templates: if takes_texts { self.default_templates.clone() } else { Vec::new() },
        })
    }
}

fn summary(id: &str, connector: &Connector) -> ConnectorSummary {
    let inspection = connector.inspect();
    let metadata = connector.metadata();
    ConnectorSummary {
        id: id.to_owned(),
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
