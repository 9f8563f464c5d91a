//! How two versions differ for one connection, with its own parameters filled in.
//!
//! Promise: no difference contains a parameter value of the connection. Hosts that its requests go to are shown, and defaults, which come
//! from the author.

use std::collections::BTreeSet;

use sendbox_policy::{Reach, ReachEntry, SecretUse};
use serde_json::Value;

use super::parameters::{default, properties, shown};
use super::presentation::visible;
use crate::model::{Difference, DifferenceCode as Code};

/// A connection as resolved with one version.
pub struct Resolved<'a> {
    /// What the version reaches with the connection's parameters.
    pub reach: Reach,
    /// JSON Schema of the parameters.
    pub schema: &'a Value,
    /// The parameter that Sendbox fills in for this connection.
    pub filled: Option<&'a str>,
}

/// The names of a connection's stored parameters.
pub struct StoredNames<'a> {
    /// Parameters that are stored in plain text.
    pub plain: BTreeSet<&'a str>,
    /// Parameters that are stored as secrets.
    pub sealed: BTreeSet<&'a str>,
}

/// The differences for the connection.
pub fn lines(stored: &StoredNames<'_>, before: &Resolved<'_>, after: &Resolved<'_>) -> Vec<Difference> {
    let mut lines = reach(&before.reach, &after.reach);
    lines.extend(defaults(stored, before, after));
    if let Some(name) = after.filled.filter(|name| before.filled != Some(name)) {
        let text = format!("the address of its reports would be filled into `{name}`");
        lines.push(Difference::new(Code::ConnectionFillNew, text, &[("parameter", name)]));
    }
    for name in &stored.sealed {
        if properties(before.schema).any(|(other, _)| other == *name)
            && !properties(after.schema).any(|(other, _)| other == *name)
        {
            let text = format!("its secret `{name}` would not be handed over: the version has no such parameter");
            lines.push(Difference::new(Code::ConnectionSecretGone, text, &[("secret", name)]));
        }
    }
    lines
}

fn place(entry: &ReachEntry) -> String {
    let methods = entry.methods.iter().map(|method| method.name()).collect::<Vec<_>>().join(", ");
    match (entry.path_prefix.as_str(), &entry.origin.exact_path) {
        ("", None) => format!("{methods} {}, any path", entry.origin),
        (prefix, _) => format!("{methods} {}{prefix}", entry.origin),
    }
}

fn reach(before: &Reach, after: &Reach) -> Vec<Difference> {
    let places = |reach: &Reach, wanted: &dyn Fn(&ReachEntry) -> bool| -> BTreeSet<String> {
        reach.entries.iter().filter(|entry| wanted(entry)).map(place).collect()
    };
    let secrets = |reach: &Reach| -> BTreeSet<(String, SecretUse, String)> {
        let of = |entry: &ReachEntry| {
            let place = place(entry);
            entry.secrets.iter().map(|one| (one.key.clone(), one.usage, place.clone())).collect::<Vec<_>>()
        };
        reach.entries.iter().flat_map(of).collect()
    };
    let all = |_: &ReachEntry| true;
    let message = |entry: &ReachEntry| entry.message.is_some();
    let mut lines = Vec::new();
    for (code, text, here, there) in [
        (Code::ConnectionReachNew, "it would reach", places(after, &all), places(before, &all)),
        (Code::ConnectionReachGone, "it would not reach any more", places(before, &all), places(after, &all)),
        (Code::ConnectionMessageNew, "its messages would go to", places(after, &message), places(before, &message)),
    ] {
        for place in here.difference(&there) {
            lines.push(Difference::new(code, format!("{text}: {place}"), &[("target", place)]));
        }
    }
    let known = secrets(before);
    for (key, usage, place) in secrets(after) {
        let covers = |one: &&(String, SecretUse, String)| one.0 == key && one.1 >= usage && one.2 == place;
        if !known.iter().any(|one| covers(&one)) {
            let text = format!("its secret `{key}` would go to: {place}");
            lines.push(Difference::new(Code::ConnectionSecretNew, text, &[("secret", &key), ("target", &place)]));
        }
    }
    lines
}

/// What defaults would newly fill in, and what they would no longer fill in.
fn defaults(stored: &StoredNames<'_>, before: &Resolved<'_>, after: &Resolved<'_>) -> Vec<Difference> {
    let of = |resolved: &Resolved<'_>, name: &str| {
        let found = properties(resolved.schema).find(|(other, _)| *other == name);
        found.filter(|_| resolved.filled != Some(name)).and_then(|(_, property)| default(property)).cloned()
    };
    let names: BTreeSet<&str> =
        properties(before.schema).chain(properties(after.schema)).map(|(name, _)| name).collect();
    let mut lines = Vec::new();
    for name in names {
        if stored.plain.contains(name) || stored.sealed.contains(name) {
            continue;
        }
        match (of(before, name), of(after, name)) {
            (old, Some(new)) if old.as_ref() != Some(&new) => {
                let (name, new) = (visible(name), shown(&new));
                let text = format!("its `{name}` would be filled in by default: `{new}`");
                let values = [("parameter", name.as_str()), ("after", &new)];
                lines.push(Difference::new(Code::ConnectionDefaultNew, text, &values));
            }
            (Some(old), None) => {
                let (name, old) = (visible(name), shown(&old));
                let text = format!("its `{name}` would not be filled in by default any more: `{old}`");
                let values = [("parameter", name.as_str()), ("before", &old)];
                lines.push(Difference::new(Code::ConnectionDefaultGone, text, &values));
            }
            _ => {}
        }
    }
    lines
}
