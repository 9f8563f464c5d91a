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
mod description;
mod difference;
mod parameters;
mod presentation;

use std::collections::BTreeSet;

use sendbox_contract::{ContentKind, Usage};
use sendbox_policy::{ReachDiff, ReachKind, ReachLine};

pub use self::description::{Description, TextDigests};
pub use self::difference::CapabilityDiff;
use self::presentation::quoted;
use crate::model::{Difference, DifferenceCode, Reach};

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

#[cfg(test)]
mod tests;
