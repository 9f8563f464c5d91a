//! What a version of a connector may do, needs and says about itself, and how that differs from another version, as data and as
//! sentences.
//!
//! Promises
//! - [`CapabilityDiff::wider`] contains everything that a version may newly reach, receive or read, and everything that a person reads
//!   before trusting it: its name, description, README and logo, and the purposes of its hosts;
//! - the fingerprint depends on the two versions and on the differences to approve, but not on their wording, so that an approval covers
//!   exactly what was reviewed.
//!
//! Must not know: tenants. A [`CapabilityDiff`] is the same for all of them; [`connection`] covers what differs for one connection.

pub mod connection;
mod parameters;
mod presentation;

use std::collections::BTreeSet;

use sendbox_contract::{ContentKind, Inspection, Shape, Usage};
use sendbox_policy::{Manifest, ReachDiff, ReachKind, ReachLine};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::model::{ComponentFile, Difference, DifferenceCode, Reach, RequestedHost, VersionInspection};

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

/// How a version differs from the one in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityDiff {
    /// Whether the new version needs an approval.
    pub reach: Reach,
    /// What needs an approval: what the version may newly do, and how it newly presents itself.
    pub wider: Vec<Difference>,
    /// What the version no longer does.
    pub narrower: Vec<Difference>,
    /// Everything else.
    pub other: Vec<Difference>,
}

impl CapabilityDiff {
    /// Compares the version in use with another one.
    pub fn between(old: &Description, new: &Description) -> Self {
        let ReachDiff { wider, narrower } = ReachDiff::between(&old.manifest, &new.manifest);
        let mut difference = Self {
            reach: Reach::Equal,
            wider: wider.iter().map(reached).collect(),
            narrower: narrower.iter().map(reached).collect(),
            other: Vec::new(),
        };
        match (old.reveals, new.reveals) {
            (false, true) => difference.wider.push(Difference::new(
                DifferenceCode::RevealsNew,
                "new: it can read what is sealed (codes, numbers, texts, secrets), where a grant lets it",
                &[],
            )),
            (true, false) => {
                difference.narrower.push(Difference::new(
                    DifferenceCode::RevealsGone,
                    "no longer: it reads what is sealed",
                    &[],
                ));
            }
            _ => {}
        }
        presentation::compare(&mut difference, old, new);
        parameters::compare(&mut difference, old, new);
        difference.other.extend(other(old, new));
        difference.reach = match (difference.wider.is_empty(), difference.narrower.is_empty()) {
            (false, _) => Reach::Wider,
            (true, false) => Reach::Narrower,
            (true, true) => Reach::Equal,
        };
        difference
    }

    /// The fingerprint of exactly this difference of these two versions: 64 hexadecimal digits.
    pub fn fingerprint(&self, from: &str, to: &str) -> String {
        let mut hash = Sha256::new();
        let mut add = |part: &str| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        };
        add(from);
        add(to);
        for line in &self.wider {
            add(&format!("{:?}", line.code));
            add(&line.values.len().to_string());
            for (name, value) in &line.values {
                add(name);
                add(value);
            }
        }
        hex::encode(hash.finalize())
    }
}

/// The code and the values of a difference in reach.
fn reached(line: &ReachLine) -> Difference {
    use DifferenceCode as Code;
    let (new, gone) = match line.kind {
        ReachKind::Host { .. } => (Code::HostNew, Code::HostGone),
        ReachKind::Method => (Code::MethodNew, Code::MethodGone),
        ReachKind::Paths => (Code::PathsNew, Code::PathsGone),
        ReachKind::Message { .. } => (Code::MessageNew, Code::MessageGone),
        ReachKind::Places { .. } => (Code::PlacementNew, Code::PlacementGone),
        ReachKind::SecretSent { .. } => (Code::SecretSentNew, Code::SecretSentGone),
        ReachKind::SecretSigns { .. } => (Code::SecretSignsNew, Code::SecretSignsGone),
    };
    let values = [("methods", line.methods.clone()), ("target", line.target.clone())];
    let mut values: Vec<(&str, String)> = values.into_iter().collect();
    match &line.kind {
        ReachKind::Host { purpose } => values.push(("purpose", purpose.clone())),
        ReachKind::SecretSent { key } | ReachKind::SecretSigns { key } => values.push(("secret", key.clone())),
        ReachKind::Message { places } | ReachKind::Places { places } => {
            values.push(("format", places.recipient_format().to_string()));
            values.push(("recipient", places.recipient().to_string()));
            values.push(("content", places.content().to_string()));
            values.extend(places.client_ip().map(|place| ("clientIp", place.to_string())));
        }
        ReachKind::Method | ReachKind::Paths => {}
    }
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Difference::new(if line.newly { new } else { gone }, line.to_string(), &values)
}

/// Differences in content, usages, languages, delivery reports and idempotency.
fn other(old: &Description, new: &Description) -> Vec<Difference> {
    use DifferenceCode as Code;
    let mut lines = Vec::new();
    if old.content != new.content {
        let (before, after) = (kind(old.content), kind(new.content));
        let text = format!("it takes {} instead of {}: templates must be rewritten", after.1, before.1);
        lines.push(Difference::new(Code::Content, text, &[("before", before.0), ("after", after.0)]));
    }
    let usages = |usages: &BTreeSet<Usage>, others: &BTreeSet<Usage>| -> Vec<String> {
        usages.difference(others).map(|usage| usage.as_str().to_owned()).collect()
    };
    let tags = |tags: &BTreeSet<String>, others: &BTreeSet<String>| -> Vec<String> {
        tags.difference(others).cloned().collect()
    };
    for (code, name, what, these) in [
        (Code::UsagesNew, "usages", "usages that it supports, new", usages(&new.usages, &old.usages)),
        (Code::UsagesGone, "usages", "usages that it supports, no longer", usages(&old.usages, &new.usages)),
        (Code::LocalesNew, "locales", "languages that it names, new", tags(&new.locales, &old.locales)),
        (Code::LocalesGone, "locales", "languages that it names, no longer", tags(&old.locales, &new.locales)),
    ] {
        if !these.is_empty() {
            lines.push(Difference::new(code, format!("{what}: {}", quoted(&these)), &[(name, &these.join(", "))]));
        }
    }
    for (before, after, codes, what) in [
        (old.reads_reports, new.reads_reports, (Code::ReportsNew, Code::ReportsGone), "it reads delivery reports"),
        (
            old.idempotent,
            new.idempotent,
            (Code::IdempotentNew, Code::IdempotentGone),
            "a repeated key is one message at the provider",
        ),
    ] {
        match (before, after) {
            (false, true) => lines.push(Difference::new(codes.0, format!("new: {what}"), &[])),
            (true, false) => lines.push(Difference::new(codes.1, format!("no longer: {what}"), &[])),
            _ => {}
        }
    }
    lines
}

/// The name of a content kind, and how a sentence refers to it.
fn kind(content: ContentKind) -> (&'static str, &'static str) {
    match content {
        ContentKind::Text => ("text", "texts"),
        ContentKind::Template => ("template", "the provider's templates"),
        ContentKind::Variables => ("variables", "bare variables"),
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
