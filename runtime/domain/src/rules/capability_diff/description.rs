//! What a version is and may do, as it is stored.

use std::collections::BTreeSet;

use sendbox_contract::{ContentKind, Inspection, Shape, Usage};
use sendbox_policy::Manifest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::model::{ComponentFile, RequestedHost, VersionInspection};

/// What a version is and may do: the stored part of its inspection.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// The connector's id.
    pub id: String,
    /// The author's version number.
    pub version: String,
    /// The display name.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Digests of the texts that are too long to be stored twice.
    pub texts: TextDigests,
    /// What it may reach, and with which secrets.
    pub manifest: Manifest,
    /// Whether it can read sealed values where a grant permits it.
    pub reveals: bool,
    /// Whether it reads delivery reports.
    pub reads_reports: bool,
    /// The kind of content that it takes.
    pub content: ContentKind,
    /// JSON Schema of the parameters.
    pub parameters_schema: Value,
    /// Names of the parameters that are secrets.
    pub secrets: BTreeSet<String>,
    /// The usages that it supports.
    pub usages: BTreeSet<Usage>,
    /// The languages that it supports (BCP 47). Empty for any.
    pub locales: BTreeSet<String>,
    /// Whether the provider makes one message from requests with the same idempotency key.
    pub idempotent: bool,
    /// The structure of the file.
    pub shape: Shape,
}

/// SHA-256 digests of long texts, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TextDigests {
    /// The digest of the README.
    pub readme: String,
    /// The digest of the logo, if there is one.
    pub logo: Option<String>,
    /// The digest of the template schema, if there is one.
    pub template_schema: Option<String>,
}

impl Description {
    /// The description of an inspected version.
    pub fn of(inspection: Inspection) -> Self {
        let Inspection { shape, metadata, reveals, reads_reports, .. } = inspection;
        let digest = |text: &str| hex::encode(Sha256::digest(text.as_bytes()));
        let texts = TextDigests {
            readme: digest(&metadata.readme),
            logo: metadata.logo.as_deref().map(digest),
            template_schema: metadata.template_schema.as_ref().map(|schema| digest(&schema.to_string())),
        };
        Self {
            id: metadata.id,
            version: metadata.version,
            name: metadata.name,
            description: metadata.description,
            texts,
            manifest: metadata.manifest,
            reveals,
            reads_reports,
            content: metadata.content,
            parameters_schema: metadata.parameters_schema,
            secrets: metadata.secret_keys,
            usages: metadata.usages.into_iter().collect(),
            locales: metadata.locales.into_iter().collect(),
            idempotent: metadata.idempotent,
            shape,
        }
    }
}

impl From<&Description> for VersionInspection {
    fn from(description: &Description) -> Self {
        Self {
            id: description.id.clone(),
            version: description.version.clone(),
            name: description.name.clone(),
            description: description.description.clone(),
            hosts: description.manifest.hosts().iter().map(RequestedHost::of).collect(),
            reveals: description.reveals,
            reads_reports: description.reads_reports,
            content: description.content,
            parameters_schema: description.parameters_schema.clone(),
            secrets: description.secrets.clone(),
            usages: description.usages.clone(),
            locales: description.locales.clone(),
            idempotent: description.idempotent,
            file: ComponentFile::from(&description.shape),
        }
    }
}
