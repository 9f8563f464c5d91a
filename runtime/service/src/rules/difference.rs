//! What a version of a connector may do and wants, and how that differs from another one: as data and in sentences.
//!
//! Promises: whatever a version may newly reach, be given or read stands in [`Difference::wider`]; a difference has a print that
//! is the same for the same two versions and the same rights, however they are worded, so that an approval is of what was read.
//!
//! Must not know: tenants. The answer holds for every one of them.

use std::collections::BTreeSet;

use sendbox_sandbox::policy::{Manifest, ReachDiff, ReachKind, ReachLine};
use sendbox_sandbox::{ContentKind, Inspection, Shape, Usage};
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
    /// Each thing that is newly allowed.
    pub wider: Vec<DifferenceLine>,
    /// Each thing that is no longer asked for.
    pub narrower: Vec<DifferenceLine>,
    /// All else.
    pub other: Vec<DifferenceLine>,
}

impl Difference {
    /// Compares the version in use with another one.
    pub fn between(old: &Description, new: &Description) -> Self {
        let ReachDiff { wider, narrower } = ReachDiff::between(&old.manifest, &new.manifest);
        let mut wider: Vec<DifferenceLine> = wider.iter().map(reached).collect();
        let mut narrower: Vec<DifferenceLine> = narrower.iter().map(reached).collect();
        match (old.reveals, new.reveals) {
            (false, true) => wider.push(DifferenceLine::new(
                DifferenceCode::RevealsNew,
                "new: it can read what is sealed (codes, numbers, texts, secrets), where a grant lets it",
                &[],
            )),
            (true, false) => {
                narrower.push(DifferenceLine::new(
                    DifferenceCode::RevealsGone,
                    "no longer: it reads what is sealed",
                    &[],
                ));
            }
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
        ReachKind::Message { .. } | ReachKind::Places { .. } => (Code::MessageNew, Code::MessageGone),
        ReachKind::SecretSent { .. } => (Code::SecretSentNew, Code::SecretSentGone),
        ReachKind::SecretSigns { .. } => (Code::SecretSignsNew, Code::SecretSignsGone),
    };
    let mut values = vec![("methods", line.methods.as_str()), ("place", line.place.as_str())];
    match &line.kind {
        ReachKind::Host { purpose } => values.push(("purpose", purpose)),
        ReachKind::SecretSent { key } | ReachKind::SecretSigns { key } => values.push(("secret", key)),
        ReachKind::Method | ReachKind::Paths | ReachKind::Message { .. } | ReachKind::Places { .. } => {}
    }
    DifferenceLine::new(if line.newly { new } else { gone }, line.to_string(), &values)
}

fn other(old: &Description, new: &Description) -> Vec<DifferenceLine> {
    use DifferenceCode as Code;
    let mut lines = Vec::new();
    if old.version != new.version {
        let text = format!("the author's version: {} → {}", old.version, new.version);
        lines.push(DifferenceLine::new(Code::Version, text, &[("before", &old.version), ("after", &new.version)]));
    }
    lines.extend(parameters(old, new));
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
            let quoted: Vec<String> = these.iter().map(|one| format!("`{one}`")).collect();
            lines.push(DifferenceLine::new(
                code,
                format!("{what}: {}", quoted.join(", ")),
                &[(name, &these.join(", "))],
            ));
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

fn parameters(old: &Description, new: &Description) -> Vec<DifferenceLine> {
    use DifferenceCode as Code;
    let (before, after) = (names(&old.parameters_schema), names(&new.parameters_schema));
    let (needed_before, needed) = (required(&old.parameters_schema), required(&new.parameters_schema));
    let mut lines = Vec::new();
    let mut say = |code, name: &str, text: String| lines.push(DifferenceLine::new(code, text, &[("parameter", name)]));
    for name in after.difference(&before) {
        let (code, how) = match (new.secrets.contains(*name), needed.contains(name)) {
            (false, true) => (Code::ParameterNewRequired, ": must be given"),
            (false, false) => (Code::ParameterNewOptional, ": may be given"),
            (true, true) => (Code::SecretNewRequired, ", a secret: must be given"),
            (true, false) => (Code::SecretNewOptional, ", a secret: may be given"),
        };
        say(code, name, format!("new parameter `{name}`{how}"));
    }
    for name in before.difference(&after) {
        say(Code::ParameterGone, name, format!("parameter `{name}` is gone"));
    }
    for name in after.intersection(&before) {
        if needed.contains(name) && !needed_before.contains(name) {
            say(Code::ParameterRequired, name, format!("parameter `{name}` must be given now"));
        }
        match (old.secrets.contains(*name), new.secrets.contains(*name)) {
            (false, true) => say(Code::ParameterSecret, name, format!("parameter `{name}` is a secret now")),
            (true, false) => say(Code::ParameterOpen, name, format!("parameter `{name}` is no secret any more")),
            _ => {}
        }
        let schema = |schema: &Value| schema.pointer("/properties").and_then(|all| all.get(name)).cloned();
        if schema(&old.parameters_schema) != schema(&new.parameters_schema) {
            say(Code::ParameterChanged, name, format!("parameter `{name}` is described otherwise"));
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
            let lines: Vec<&DifferenceLine> =
                difference.wider.iter().chain(&difference.narrower).chain(&difference.other).collect();
            for DifferenceLine { text, values, .. } in &lines {
                let content = |value: &str| ["text", "template", "variables"].contains(&value);
                let said = values.values().all(|value| content(value) || text.contains(value));
                assert!(said, "{text}: {values:?}");
            }
            assert_eq!(difference.reach, reach, "{lines:?}");
            match line {
                None => assert!(lines.is_empty(), "{lines:?}"),
                Some(line) => assert!(lines.iter().any(|found| found.text.starts_with(line)), "{line}: {lines:?}"),
            }
        }
    }

    /// What is new one way is gone the other way.
    #[test]
    fn each_line_has_a_code_of_its_own() {
        let old = description(|_| {});
        let new = description(|value| {
            *value = json!({ "version": "2", "content": "variables", "reveals": true, "readsReports": true,
                "idempotent": true, "locales": ["da"], "usages": ["generic", "mfa-verification"], "secrets": ["from", "key", "pin"],
                "parametersSchema": {
                    "properties": { "token": {}, "from": {}, "key": {}, "pin": {}, "a": {}, "b": {} },
                    "required": ["from", "key", "a"],
                },
                "manifest": { "hosts": [
                    { "origin": "https://b.acme.test", "methods": ["GET"], "receives_message": false, "purpose": "Reads." },
                    {
                        "origin": "https://api.acme.test", "methods": ["GET", "POST"], "path_prefix": "/v1",
                        "receives_message": false, "purpose": "Sends.",
                        "secrets": [{ "key": "from", "usage": "sent" }, { "key": "key", "usage": "signing-only" }],
                    },
                    {
                        "origin": "https://api.acme.test", "methods": ["POST"], "path_prefix": "/v2",
                        "receives_message": true, "purpose": "Sends.",
                    },
                ] },
                "id": value["id"], "name": value["name"], "description": value["description"], "shape": value["shape"],
            });
        });
        let mut codes = BTreeSet::new();
        for (one, other) in [(&old, &new), (&new, &old)] {
            let Difference { wider, narrower, other, .. } = Difference::between(one, other);
            codes.extend(wider.iter().chain(&narrower).chain(&other).map(|line| line.code));
        }
        let missing: Vec<String> =
            documented().into_iter().filter(|code| !codes.iter().any(|had| name(*had) == *code)).collect();
        assert_eq!(missing, [""; 0]);
    }

    fn name(code: DifferenceCode) -> String {
        serde_json::to_value(code).unwrap().as_str().unwrap().to_owned()
    }

    /// The codes of the schema.
    fn documented() -> Vec<String> {
        let schema = serde_json::to_value(<DifferenceCode as utoipa::PartialSchema>::schema()).unwrap();
        let codes = schema["enum"].as_array().unwrap();
        codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_print_is_of_what_was_read() {
        let (base, wider) = (description(|_| {}), description(set("/reveals", json!(true))));
        let difference = Difference::between(&base, &wider);
        assert_eq!(difference.print("a", "b"), difference.print("a", "b"));
        let same = Difference::between(&base, &base);
        let mut reworded = difference.clone();
        reworded.wider[0].text = "neu".to_owned();
        assert_eq!(difference.print("a", "b"), reworded.print("a", "b"));
        for other in [difference.print("a", "c"), difference.print("b", "a"), same.print("a", "b")] {
            assert_ne!(difference.print("a", "b"), other);
        }
    }
}
