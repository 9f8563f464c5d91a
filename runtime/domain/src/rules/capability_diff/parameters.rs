//! How parameters differ: which exist, which are secrets, which are filled in automatically, and which values are allowed.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::presentation::{quoted, visible};
use super::{CapabilityDiff, Description};
use crate::model::{Difference, DifferenceCode as Code};

/// Keywords that are compared separately.
const COMPARED_SEPARATELY: [&str; 1] = ["default"];

/// A value of a schema, for display.
pub(super) fn shown(value: &Value) -> String {
    visible(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// The parameters that a schema defines.
pub(super) fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let all = schema.get("properties").and_then(Value::as_object);
    all.into_iter().flatten().map(|(name, property)| (name.as_str(), property))
}

/// The default of a parameter. `null` counts as none.
pub(super) fn default(property: &Value) -> Option<&Value> {
    property.get("default").filter(|value| !value.is_null())
}

/// What Sendbox fills in if the parameter is left empty.
fn fill(property: &Value) -> Option<&Value> {
    property.pointer("/x-form/fill")
}

fn required(schema: &Value) -> BTreeSet<&str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

pub(super) fn compare(difference: &mut CapabilityDiff, old: &Description, new: &Description) {
    let names = |schema| properties(schema).map(|(name, _)| name).collect::<BTreeSet<&str>>();
    let (before, after) = (names(&old.parameters_schema), names(&new.parameters_schema));
    let (needed_before, needed) = (required(&old.parameters_schema), required(&new.parameters_schema));
    // Names come from the author, so invisible characters are made visible.
    let line = |code, name: &str, text: &dyn Fn(&str) -> String| {
        let name = visible(name);
        Difference::new(code, text(&name), &[("parameter", &name)])
    };
    let CapabilityDiff { wider, other, .. } = &mut *difference;
    for name in after.difference(&before) {
        let (code, how) = match (new.secrets.contains(*name), needed.contains(name)) {
            (false, true) => (Code::ParameterNewRequired, ": must be given"),
            (false, false) => (Code::ParameterNewOptional, ": may be given"),
            (true, true) => (Code::SecretNewRequired, ", a secret: must be given"),
            (true, false) => (Code::SecretNewOptional, ", a secret: may be given"),
        };
        other.push(line(code, name, &|name| format!("new parameter `{name}`{how}")));
    }
    for name in before.difference(&after) {
        other.push(line(Code::ParameterGone, name, &|name| format!("parameter `{name}` is gone")));
    }
    for name in after.intersection(&before) {
        match (needed_before.contains(name), needed.contains(name)) {
            (false, true) => {
                other.push(line(Code::ParameterRequired, name, &|name| format!("parameter `{name}` must be given now")))
            }
            (true, false) => other.push(line(Code::ParameterOptional, name, &|name| {
                format!("parameter `{name}` need not be given any more")
            })),
            _ => {}
        }
        match (old.secrets.contains(*name), new.secrets.contains(*name)) {
            (false, true) => {
                other.push(line(Code::ParameterSecret, name, &|name| format!("parameter `{name}` is a secret now")));
            }
            (true, false) => wider.push(line(Code::ParameterOpen, name, &|name| {
                format!("the secret `{name}` would be handed over in clear: the parameter is no secret any more")
            })),
            _ => {}
        }
    }
    for name in before.union(&after) {
        let property =
            |schema: &'_ Value| properties(schema).find(|(other, _)| other == name).map(|(_, one)| one.clone());
        let (old_one, new_one) = (property(&old.parameters_schema), property(&new.parameters_schema));
        compare_automatic_values(difference, name, old_one.as_ref(), new_one.as_ref());
        if let (Some(old_one), Some(new_one)) = (&old_one, &new_one) {
            let is_secret = (old.secrets.contains(*name), new.secrets.contains(*name));
            compare_keywords(difference, name, old_one, new_one, is_secret.0 != is_secret.1);
        }
    }
    compare_schema(difference, &old.parameters_schema, &new.parameters_schema);
}

/// Compares the values that a parameter has without being set: its default, and what Sendbox fills in.
fn compare_automatic_values(difference: &mut CapabilityDiff, name: &str, old: Option<&Value>, new: Option<&Value>) {
    let name = &*visible(name);
    let (before, after) = (old.and_then(default), new.and_then(default));
    let is_same = before == after;
    match (before.map(shown), after.map(shown)) {
        _ if is_same => {}
        (None, Some(after)) => difference.other.push(Difference::new(
            Code::DefaultNew,
            format!("the default of `{name}`, new: `{after}`"),
            &[("parameter", name), ("after", &after)],
        )),
        (Some(before), Some(after)) => difference.other.push(Difference::new(
            Code::DefaultChanged,
            format!("the default of `{name}`: `{before}` → `{after}`"),
            &[("parameter", name), ("before", &before), ("after", &after)],
        )),
        (Some(before), None) => difference.other.push(Difference::new(
            Code::DefaultGone,
            format!("the default of `{name}`, no longer: `{before}`"),
            &[("parameter", name), ("before", &before)],
        )),
        (None, None) => {}
    }
    let (before, after) = (old.and_then(fill), new.and_then(fill));
    if before == after {
        return;
    }
    let (before, after) = (before.map(shown), after.map(shown));
    if let Some(after) = &after {
        difference.wider.push(Difference::new(
            Code::FillNew,
            format!("new: Sendbox fills `{name}` in by itself, with `{after}`"),
            &[("parameter", name), ("fill", after)],
        ));
    } else if let Some(before) = &before {
        difference.other.push(Difference::new(
            Code::FillGone,
            format!("no longer: Sendbox fills `{name}` in by itself, with `{before}`"),
            &[("parameter", name), ("fill", before)],
        ));
    }
}

/// Compares the remaining keywords of a parameter's schema.
fn compare_keywords(difference: &mut CapabilityDiff, name: &str, old: &Value, new: &Value, is_secrecy_reported: bool) {
    let mut keywords = changed(&without_fill(old), &without_fill(new));
    keywords.retain(|keyword| !COMPARED_SEPARATELY.contains(&keyword.as_str()) || default(old) == default(new));
    keywords.retain(|keyword| !is_secrecy_reported || keyword != "writeOnly");
    if keywords.is_empty() {
        return;
    }
    let name = &*visible(name);
    let text = format!("parameter `{name}` is described otherwise: {}", quoted(&keywords));
    let values = [("parameter", name), ("keywords", &keywords.join(", "))];
    difference.other.push(Difference::new(Code::ParameterChanged, text, &values));
}

/// A parameter's schema without `x-form.fill`. A boolean schema is treated as an object with one keyword.
fn without_fill(property: &Value) -> Map<String, Value> {
    let Some(mut members) = property.as_object().cloned() else {
        return Map::from_iter([("schema".to_owned(), property.clone())]);
    };
    if let Some(form) = members.get_mut("x-form").and_then(Value::as_object_mut) {
        form.remove("fill");
        if form.is_empty() {
            members.remove("x-form");
        }
    }
    members
}

/// The names of members that differ.
fn changed(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<String> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names.into_iter().filter(|name| old.get(*name) != new.get(*name)).map(|name| visible(name)).collect()
}

/// Compares the schema outside of the individual parameters.
fn compare_schema(difference: &mut CapabilityDiff, old: &Value, new: &Value) {
    let beside = |schema: &Value| {
        let mut members = schema.as_object().cloned().unwrap_or_default();
        let named = members.remove("properties").unwrap_or_default();
        if let Some(names) = members.get_mut("required").and_then(Value::as_array_mut) {
            // Parameters that exist are compared above, and the order of names has no meaning.
            names.retain(|name| name.as_str().is_none_or(|name| named.get(name).is_none()));
            if names.is_empty() {
                members.remove("required");
            }
        }
        members
    };
    let keywords = changed(&beside(old), &beside(new));
    if !keywords.is_empty() {
        let text = format!("the schema of the parameters differs: {}", quoted(&keywords));
        difference.other.push(Difference::new(Code::SchemaChanged, text, &[("keywords", &keywords.join(", "))]));
    }
}
