//! What a version of a connector may do and wants, and how that differs from another one: as data and in sentences.
//!
//! Promises: whatever a version may newly reach, be given or read stands in [`Difference::wider`]; a difference has a print that
//! is the same for the same two versions and the same sentences, so that an approval is of what was read.
//!
//! Must not know: tenants. The answer holds for every one of them.

use std::collections::BTreeSet;

use sendbox_sandbox::policy::{Manifest, ReachDiff};
use sendbox_sandbox::{ContentKind, Inspection, Shape, Usage};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::model::Reach;

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

impl Description {
    /// Of what the sandbox found.
    pub fn of(inspection: Inspection) -> Self {
        let Inspection { shape, metadata, reveals, reads_reports, .. } = inspection;
        Self {
            id: metadata.id,
            version: metadata.version,
            name: metadata.name,
            description: metadata.description,
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
    /// Whether the new one may do more.
    pub reach: Reach,
    /// A sentence for each thing that is newly allowed.
    pub wider: Vec<String>,
    /// A sentence for each thing that is no longer asked for.
    pub narrower: Vec<String>,
    /// About all else.
    pub other: Vec<String>,
}

impl Difference {
    /// Compares the version in use with another one.
    pub fn between(old: &Description, new: &Description) -> Self {
        let ReachDiff { mut wider, mut narrower } = ReachDiff::between(&old.manifest, &new.manifest);
        match (old.reveals, new.reveals) {
            (false, true) => wider.push(
                "new: it can read what is sealed (codes, numbers, texts, secrets), where a grant lets it".to_owned(),
            ),
            (true, false) => narrower.push("no longer: it reads what is sealed".to_owned()),
            _ => {}
        }
        let reach = match (wider.is_empty(), narrower.is_empty()) {
            (false, _) => Reach::Wider,
            (true, false) => Reach::Narrower,
            (true, true) => Reach::Equal,
        };
        Self { reach, wider, narrower, other: other(old, new) }
    }

    /// 64 hexadecimal digits that stand for exactly this difference of these two versions.
    pub fn print(&self, from: &str, to: &str) -> String {
        let mut hash = Sha256::new();
        for part in [from, to].into_iter().chain(self.wider.iter().map(String::as_str)) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hex::encode(hash.finalize())
    }
}

fn other(old: &Description, new: &Description) -> Vec<String> {
    let mut lines = Vec::new();
    if old.version != new.version {
        lines.push(format!("the author's version: {} → {}", old.version, new.version));
    }
    lines.extend(parameters(old, new));
    if old.content != new.content {
        lines.push(format!(
            "it takes {} instead of {}: templates must be written anew",
            kind(new.content),
            kind(old.content)
        ));
    }
    let usages = |usages: &BTreeSet<Usage>, others: &BTreeSet<Usage>| -> Vec<String> {
        usages.difference(others).map(|usage| format!("`{}`", usage.as_str())).collect()
    };
    told(&mut lines, "usages that it supports", usages(&new.usages, &old.usages), usages(&old.usages, &new.usages));
    let tags = |tags: &BTreeSet<String>, others: &BTreeSet<String>| -> Vec<String> {
        tags.difference(others).map(|tag| format!("`{tag}`")).collect()
    };
    told(&mut lines, "languages that it names", tags(&new.locales, &old.locales), tags(&old.locales, &new.locales));
    for (before, after, what) in [
        (old.reads_reports, new.reads_reports, "it reads delivery reports"),
        (old.idempotent, new.idempotent, "a repeated key is one message at the provider"),
    ] {
        match (before, after) {
            (false, true) => lines.push(format!("new: {what}")),
            (true, false) => lines.push(format!("no longer: {what}")),
            _ => {}
        }
    }
    lines
}

fn told(lines: &mut Vec<String>, what: &str, more: Vec<String>, fewer: Vec<String>) {
    if !more.is_empty() {
        lines.push(format!("{what}, new: {}", more.join(", ")));
    }
    if !fewer.is_empty() {
        lines.push(format!("{what}, no longer: {}", fewer.join(", ")));
    }
}

fn kind(content: ContentKind) -> &'static str {
    match content {
        ContentKind::Text => "texts",
        ContentKind::Template => "the provider's templates",
        ContentKind::Variables => "bare variables",
    }
}

fn parameters(old: &Description, new: &Description) -> Vec<String> {
    let (before, after) = (names(&old.parameters_schema), names(&new.parameters_schema));
    let (needed_before, needed) = (required(&old.parameters_schema), required(&new.parameters_schema));
    let mut lines = Vec::new();
    for name in after.difference(&before) {
        let secret = if new.secrets.contains(*name) { ", a secret" } else { "" };
        let must = if needed.contains(name) { "must be given" } else { "may be given" };
        lines.push(format!("new parameter `{name}`{secret}: {must}"));
    }
    lines.extend(before.difference(&after).map(|name| format!("parameter `{name}` is gone")));
    for name in after.intersection(&before) {
        if needed.contains(name) && !needed_before.contains(name) {
            lines.push(format!("parameter `{name}` must be given now"));
        }
        match (old.secrets.contains(*name), new.secrets.contains(*name)) {
            (false, true) => lines.push(format!("parameter `{name}` is a secret now")),
            (true, false) => lines.push(format!("parameter `{name}` is no secret any more")),
            _ => {}
        }
        let schema = |schema: &Value| schema.pointer("/properties").and_then(|all| all.get(name)).cloned();
        if schema(&old.parameters_schema) != schema(&new.parameters_schema) {
            lines.push(format!("parameter `{name}` is described otherwise"));
        }
    }
    lines
}

fn names(schema: &Value) -> BTreeSet<&str> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

fn required(schema: &Value) -> BTreeSet<&str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn description(change: impl FnOnce(&mut Value)) -> Description {
        let mut value = json!({
            "id": "acme-sms", "version": "1.0.0", "name": "Acme", "description": "Sends.",
            "manifest": { "hosts": [{
                "origin": "https://api.acme.test", "methods": ["POST"], "path_prefix": "/v1", "receives_message": true,
                "secrets": [{ "key": "token", "usage": "sent" }], "purpose": "Sends.",
            }] },
            "reveals": false, "readsReports": false, "content": "text",
            "parametersSchema": {
                "properties": { "token": { "type": "string", "writeOnly": true }, "from": { "type": "string" } },
                "required": ["token"],
            },
            "secrets": ["token"], "usages": ["generic", "sign-in"], "locales": [], "idempotent": false,
            "shape": {
                "bytes": 1, "imports": [], "exports": [], "modules": 1, "memories": 1, "initialMemory": 1, "tables": 1,
                "customSections": 0, "customBytes": 0,
                "functions": 1,
            },
        });
        change(&mut value);
        serde_json::from_value(value).unwrap()
    }

    fn set(at: &'static str, to: Value) -> impl FnOnce(&mut Value) {
        move |value| *value.pointer_mut(at).unwrap() = to
    }

    #[test]
    fn what_differs_in_words() {
        let base = description(|_| {});
        for (new, reach, line) in [
            (description(|_| {}), Reach::Equal, None),
            (
                description(set("/manifest/hosts/0/path_prefix", json!("/"))),
                Reach::Wider,
                Some("new paths: POST https://api.acme.test/"),
            ),
            (description(set("/reveals", json!(true))), Reach::Wider, Some("new: it can read what is sealed")),
            (
                description(set("/manifest/hosts/0/secrets", json!([]))),
                Reach::Narrower,
                Some("no longer: the secret `token`"),
            ),
            (description(set("/version", json!("2.0.0"))), Reach::Equal, Some("the author's version: 1.0.0 → 2.0.0")),
            (
                description(set("/parametersSchema/required", json!(["token", "from"]))),
                Reach::Equal,
                Some("parameter `from` must be given now"),
            ),
            (
                description(set(
                    "/parametersSchema/properties",
                    json!({ "token": { "type": "string", "writeOnly": true } }),
                )),
                Reach::Equal,
                Some("parameter `from` is gone"),
            ),
            (
                description(set("/content", json!("template"))),
                Reach::Equal,
                Some("it takes the provider's templates instead of texts"),
            ),
            (
                description(set("/usages", json!(["generic"]))),
                Reach::Equal,
                Some("usages that it supports, no longer: `sign-in`"),
            ),
            (description(set("/idempotent", json!(true))), Reach::Equal, Some("new: a repeated key")),
        ] {
            let difference = Difference::between(&base, &new);
            let lines: Vec<&String> =
                difference.wider.iter().chain(&difference.narrower).chain(&difference.other).collect();
            assert_eq!(difference.reach, reach, "{lines:?}");
            match line {
                None => assert!(lines.is_empty(), "{lines:?}"),
                Some(line) => assert!(lines.iter().any(|found| found.starts_with(line)), "{line}: {lines:?}"),
            }
        }
    }

    #[test]
    fn a_print_is_of_what_was_read() {
        let (base, wider) = (description(|_| {}), description(set("/reveals", json!(true))));
        let difference = Difference::between(&base, &wider);
        assert_eq!(difference.print("a", "b"), difference.print("a", "b"));
        let same = Difference::between(&base, &base);
        for other in [difference.print("a", "c"), difference.print("b", "a"), same.print("a", "b")] {
            assert_ne!(difference.print("a", "b"), other);
        }
    }
}
