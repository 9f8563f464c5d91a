//! What a version of a connector may do, needs and states about itself, and how that differs from another version: as data and in
//! sentences.
//!
//! Promises
//! - [`Difference::wider`] contains whatever a version may newly reach, be given or read, and whatever else a person
//!   reads of it before trusting it: its name, description, README and logo, and what its hosts are for;
//! - a difference has a fingerprint that is the same for the same two versions and the same lines to approve, however they are
//!   worded, so that an approval is of what was read.
//!
//! Must not know: tenants. A [`Difference`] holds for every one of them; what differs for one connection is [`connection`]'s.

pub mod connection;
mod parameters;
mod presentation;

use std::collections::BTreeSet;

use sendbox_contract::{ContentKind, Inspection, Shape, Usage};
use sendbox_policy::{Manifest, ReachDiff, ReachKind, ReachLine};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::model::{DifferenceCode, DifferenceLine, Reach};

/// What a version is and may do: what is kept of its inspection.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// The connector's id.
    pub id: String,
    /// The author's own version.
    pub version: String,
    /// For people.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Of what people read and is too long to be kept twice. `None`: described before this was kept.
    #[serde(default)]
    pub texts: Option<TextDigests>,
    /// What it may reach, with which secrets.
    pub manifest: Manifest,
    /// Whether it could read sealed values, if a grant let it.
    pub reveals: bool,
    /// Whether it reads delivery reports.
    pub reads_reports: bool,
    /// What it puts into the provider's request.
    pub content: ContentKind,
    /// JSON Schema of the parameters.
    pub parameters_schema: Value,
    /// Parameters that are secrets.
    pub secrets: BTreeSet<String>,
    /// Usages that it supports.
    pub usages: BTreeSet<Usage>,
    /// Languages; empty for any.
    pub locales: BTreeSet<String>,
    /// Whether a repeated idempotency key is one message at the provider.
    pub idempotent: bool,
    /// What the file holds.
    pub shape: Shape,
}

/// SHA-256 of long texts, in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TextDigests {
    /// Of the README.
    pub readme: String,
    /// Of the logo, if there is one.
    pub logo: Option<String>,
    /// Of the schema of a template entry, if there is one.
    pub template_schema: Option<String>,
}

impl Description {
    /// Of what the sandbox found.
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
            texts: Some(texts),
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

/// What differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Whether the new one needs an approval.
    pub reach: Reach,
    /// Each thing that needs one: what is newly allowed, and what the version newly says of itself.
    pub wider: Vec<DifferenceLine>,
    /// Each thing that is no longer asked for.
    pub narrower: Vec<DifferenceLine>,
    /// All else.
    pub other: Vec<DifferenceLine>,
}

impl Difference {
    /// Compares the version in use with another one, which is another file.
    pub fn between(old: &Description, new: &Description) -> Self {
        let ReachDiff { wider, narrower } = ReachDiff::between(&old.manifest, &new.manifest);
        let mut difference = Self {
            reach: Reach::Equal,
            wider: wider.iter().map(reached).collect(),
            narrower: narrower.iter().map(reached).collect(),
            other: Vec::new(),
        };
        match (old.reveals, new.reveals) {
            (false, true) => difference.wider.push(DifferenceLine::new(
                DifferenceCode::RevealsNew,
                "new: it can read what is sealed (codes, numbers, texts, secrets), where a grant lets it",
                &[],
            )),
            (true, false) => {
                difference.narrower.push(DifferenceLine::new(
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

/// What is known of a right, beside its sentence.
fn reached(line: &ReachLine) -> DifferenceLine {
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
    DifferenceLine::new(if line.newly { new } else { gone }, line.to_string(), &values)
}

/// What it takes and supports.
fn other(old: &Description, new: &Description) -> Vec<DifferenceLine> {
    use DifferenceCode as Code;
    let mut lines = Vec::new();
    if old.content != new.content {
        let (before, after) = (kind(old.content), kind(new.content));
        let text = format!("it takes {} instead of {}: templates must be written anew", after.1, before.1);
        lines.push(DifferenceLine::new(Code::Content, text, &[("before", before.0), ("after", after.0)]));
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
            lines.push(DifferenceLine::new(code, format!("{what}: {}", quoted(&these)), &[(name, &these.join(", "))]));
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
            (false, true) => lines.push(DifferenceLine::new(codes.0, format!("new: {what}"), &[])),
            (true, false) => lines.push(DifferenceLine::new(codes.1, format!("no longer: {what}"), &[])),
            _ => {}
        }
    }
    lines
}

/// Its name, and what it is called in a sentence.
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
