//! A connector's JSON Schemas, checked before they are compiled so that neither compiling one nor validating a value can cost more
//! than a fixed amount of work.
//!
//! A schema is untrusted code, and JSON Schema has three ways to make a short one run forever: references that multiply (`d0` = two
//! times `d1`, `d1` = two times `d2`, …), patterns that backtrack, and keywords that visit the same value again and again
//! (`unevaluatedProperties`). Therefore:
//!
//! - only the keywords of [`Keyword`] are allowed; a reference has the form `#/$defs/NAME` and must not be recursive;
//! - the cost of evaluation is computed with references expanded, once for each subschema, in linear time ([`CostModel`]);
//! - patterns run on an engine without backtracking, and are bounded in size and number;
//! - values are bounded as well ([`check_value`]).
//!
//! The worst case that is accepted is [`VALUES`] × [`CHECKS_PER_VALUE`] evaluations, and [`VALUE_BYTES`] bytes matched by patterns
//! of [`PATTERN_KIB_PER_VALUE`] KiB: less than a fifth of a second in a release build (measured by `worst_accepted` in the tests),
//! and a few microseconds for real connectors. So values can be validated on any thread; compiling needs a thread that may block.

use std::collections::HashMap;

use jsonschema::PatternOptions;
use serde_json::{Map, Value, json};

/// A compiled schema that has been checked.
pub type Schema = jsonschema::Validator;

/// Maximum size of a schema's text, in bytes.
const SCHEMA_BYTES: usize = 64 << 10;
/// Maximum number of values in a schema: objects, arrays, strings and numbers.
const SCHEMA_VALUES: u64 = 8_000;
/// Maximum nesting of arrays and objects in a schema's text.
const SCHEMA_NESTING: usize = 64;
/// Maximum nesting of subschemas, with references followed.
const SUBSCHEMA_NESTING: usize = 24;
/// Maximum number of subschemas with references expanded, which bounds the cost of compiling.
const SUBSCHEMAS: u64 = 4_000;
/// Maximum work for one value of the instance: subschemas that are evaluated on it, with references expanded, and the entries of
/// their keywords (the values of an `enum`, the names in `required`).
const CHECKS_PER_VALUE: u64 = 1000;
/// Maximum size of all compiled patterns that one string or name of the instance is matched against, in KiB.
const PATTERN_KIB_PER_VALUE: u64 = 32;
/// Maximum number of different patterns in a schema.
const PATTERNS: u64 = 64;
/// Maximum length of a pattern, in bytes.
const PATTERN_BYTES: usize = 256;
/// The size classes of compiled patterns, in KiB. A pattern counts as the smallest class that it fits into.
const PATTERN_KIB: [u64; 4] = [4, 8, 16, 32];
/// The extra cost of `uniqueItems` and `multipleOf`, in evaluations: they hash, or calculate with big numbers.
const COSTLY: u64 = 15;

/// Maximum size of a value that is validated: the bytes of its strings and names, and 8 for everything else.
pub const VALUE_BYTES: usize = 32 << 10;
/// Maximum number of values in a value that is validated, including itself.
pub const VALUES: usize = 256;
/// Maximum nesting of arrays and objects in a value that is validated.
pub const VALUE_NESTING: usize = 8;

/// The number of levels of an instance that a schema can evaluate; a value has no more.
const LEVELS: usize = VALUE_NESTING + 1;

/// The only supported dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Checks and compiles a schema. `field` is its name in the metadata.
///
/// # Errors
/// What is wrong with it, and the bound that it exceeds, if any.
pub fn compile(field: &str, text: &str) -> Result<(Value, Schema), String> {
    if text.len() > SCHEMA_BYTES {
        return Err(format!("`{field}` has {} bytes; {SCHEMA_BYTES} are allowed", text.len()));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| format!("`{field}` is not JSON: {error}"))?;
    check(&value).map_err(|fault| format!("`{field}` {fault}"))?;
    let [.., largest] = PATTERN_KIB;
    let schema = build(&value, largest).map_err(|error| {
        format!("`{field}` is not a JSON Schema: {}", crate::text::one_line(&error.to_string(), 500))
    })?;
    Ok((value, schema))
}

/// Compiles a schema whose compiled patterns are at most this large.
fn build(schema: &Value, pattern_kib: u64) -> Result<Schema, jsonschema::ValidationError<'static>> {
    let bytes = usize::try_from(pattern_kib << 10).unwrap_or(usize::MAX);
    jsonschema::draft202012::options()
        // No backtracking: the engine reads each byte at most once for each of its states.
        .with_pattern_options(PatternOptions::regex().size_limit(bytes).dfa_size_limit(bytes))
        .build(schema)
}

/// Checks whether a value is small enough to be validated.
///
/// # Errors
/// The bound that it exceeds.
pub fn check_value(value: &Value) -> Result<(), String> {
    fn measure(value: &Value, depth: usize, values: &mut usize, bytes: &mut usize) -> Result<(), String> {
        if depth > VALUE_NESTING {
            return Err(format!("is nested deeper than the {VALUE_NESTING} levels that are allowed"));
        }
        *values += 1;
        *bytes = bytes.saturating_add(match value {
            Value::String(text) => text.len(),
            Value::Object(members) => members.keys().map(String::len).sum(),
            _ => 8,
        });
        if *values > VALUES {
            return Err(format!("holds more than the {VALUES} values that are allowed"));
        }
        if *bytes > VALUE_BYTES {
            return Err(format!("has more than the {VALUE_BYTES} bytes that are allowed"));
        }
        match value {
            Value::Array(items) => items.iter().try_for_each(|item| measure(item, depth + 1, values, bytes)),
            Value::Object(members) => members.values().try_for_each(|item| measure(item, depth + 1, values, bytes)),
            _ => Ok(()),
        }
    }
    measure(value, 0, &mut 0, &mut 0)
}

fn check(schema: &Value) -> Result<(), String> {
    if nesting(schema) > SCHEMA_NESTING {
        return Err(format!("is nested deeper than the {SCHEMA_NESTING} levels that are allowed"));
    }
    let values = count(schema);
    if values > SCHEMA_VALUES {
        return Err(format!("holds {values} values; {SCHEMA_VALUES} are allowed"));
    }
    let mut costs =
        CostModel { definitions: definitions(schema), known: HashMap::new(), patterns: 0, pattern_kib: HashMap::new() };
    costs.check_definitions()?;
    let cost = costs.cost(schema, 0, Position::Top)?;
    if cost.subschemas > SUBSCHEMAS {
        return Err(too_many("subschemas", SUBSCHEMAS));
    }
    if cost.levels.iter().any(|level| level.checks > CHECKS_PER_VALUE) {
        return Err(too_many("checks of one value", CHECKS_PER_VALUE));
    }
    if cost.levels.iter().any(|level| level.pattern_kib > PATTERN_KIB_PER_VALUE) {
        return Err(too_many("KiB of compiled patterns for one value", PATTERN_KIB_PER_VALUE));
    }
    Ok(())
}

fn too_many(what: &str, bound: u64) -> String {
    format!("comes to more {what} than the {bound} that are allowed (each reference counts as what it refers to)")
}

fn definitions(schema: &Value) -> HashMap<&str, &Value> {
    let all = schema.get("$defs").and_then(Value::as_object);
    all.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema)).collect()
}

fn nesting(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(nesting).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(nesting).max().unwrap_or(0),
        _ => 0,
    }
}

fn count(value: &Value) -> u64 {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<u64>(),
        Value::Object(members) => 1 + members.values().map(count).sum::<u64>(),
        _ => 1,
    }
}

/// The position of a subschema.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    /// The whole schema.
    Top,
    /// A parameter: in `properties` of the whole schema.
    Parameter,
    /// Anywhere else.
    Inside,
}

/// What the validator does for a keyword.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keyword {
    /// Nothing.
    Annotation,
    /// Checks the value.
    Assertion,
    /// Matches the value against a pattern.
    Pattern,
    /// Evaluates a subschema on the value.
    Same,
    /// Evaluates each subschema of a list on the value.
    SameList,
    /// Evaluates each subschema of an object on the value.
    SameMap,
    /// Evaluates a definition on the value.
    Reference,
    /// Evaluates subschemas on the members or items of the value; [`CostModel::children`] handles each of these keywords.
    Children,
    /// Nothing by itself.
    Definitions,
}

fn keyword(name: &str) -> Option<Keyword> {
    Some(match name {
        "$schema" | "$comment" | "title" | "description" | "default" | "examples" | "deprecated" | "readOnly"
        | "writeOnly" | "format" => Keyword::Annotation,
        "type" | "enum" | "const" | "multipleOf" | "maximum" | "minimum" | "exclusiveMaximum" | "exclusiveMinimum"
        | "maxLength" | "minLength" | "maxItems" | "minItems" | "uniqueItems" | "maxContains" | "minContains"
        | "maxProperties" | "minProperties" | "required" | "dependentRequired" => Keyword::Assertion,
        "pattern" => Keyword::Pattern,
        "not" | "if" | "then" | "else" => Keyword::Same,
        "allOf" | "anyOf" | "oneOf" => Keyword::SameList,
        "dependentSchemas" => Keyword::SameMap,
        "$ref" => Keyword::Reference,
        "properties"
        | "patternProperties"
        | "additionalProperties"
        | "propertyNames"
        | "items"
        | "prefixItems"
        | "contains" => Keyword::Children,
        "$defs" => Keyword::Definitions,
        _ if name.starts_with("x-") => Keyword::Annotation,
        _ => return None,
    })
}

/// The work for one value of the instance.
#[derive(Clone, Copy, Default)]
struct Work {
    checks: u64,
    pattern_kib: u64,
}

impl Work {
    fn plus(self, other: Self) -> Self {
        Self {
            checks: self.checks.saturating_add(other.checks),
            pattern_kib: self.pattern_kib.saturating_add(other.pattern_kib),
        }
    }

    fn or(self, other: Self) -> Self {
        Self { checks: self.checks.max(other.checks), pattern_kib: self.pattern_kib.max(other.pattern_kib) }
    }
}

/// The work for each level of the instance, beginning with the level that the schema applies to.
type Levels = [Work; LEVELS];

fn each(one: &Levels, other: &Levels, combine: impl Fn(Work, Work) -> Work) -> Levels {
    let mut all = *one;
    for (level, other) in all.iter_mut().zip(other) {
        *level = combine(*level, *other);
    }
    all
}

/// The cost of a subschema, with references expanded.
#[derive(Clone, Copy, Default)]
struct Cost {
    subschemas: u64,
    /// The nesting of its subschemas.
    height: usize,
    levels: Levels,
}

impl Cost {
    /// Adds the subschemas of another cost, but not its work.
    fn hold(&mut self, other: &Self) {
        self.subschemas = self.subschemas.saturating_add(other.subschemas);
        self.height = self.height.max(other.height + 1);
    }

    /// Adds another schema that is evaluated on the same value.
    fn same(&mut self, other: &Self) {
        self.hold(other);
        self.levels = each(&self.levels, &other.levels, Work::plus);
    }
}

/// Computes the cost of subschemas, each definition once.
struct CostModel<'s> {
    definitions: HashMap<&'s str, &'s Value>,
    /// The costs of definitions by name. `None` while one is being computed, so that a recursive reference is noticed.
    known: HashMap<&'s str, Option<Cost>>,
    patterns: u64,
    pattern_kib: HashMap<&'s str, u64>,
}

impl<'s> CostModel<'s> {
    /// Checks all definitions, even unused ones: a published schema has to be valid as a whole.
    fn check_definitions(&mut self) -> Result<(), String> {
        let names: Vec<&'s str> = self.definitions.keys().copied().collect();
        names.into_iter().try_for_each(|name| self.definition(name, 0).map(drop))
    }

    fn definition(&mut self, name: &str, depth: usize) -> Result<Cost, String> {
        let Some((name, schema)) = self.definitions.get_key_value(name).map(|(name, schema)| (*name, *schema)) else {
            return Err(format!("refers to `#/$defs/{}`, which is not there", crate::text::one_line(name, 100)));
        };
        match self.known.get(name) {
            Some(None) => return Err(format!("refers from `#/$defs/{name}` back to itself; a schema must end")),
            Some(Some(cost)) => {
                bound_depth(depth + cost.height)?;
                return Ok(*cost);
            }
            None => {}
        }
        self.known.insert(name, None);
        let cost = self.cost(schema, depth, Position::Inside)?;
        self.known.insert(name, Some(cost));
        Ok(cost)
    }

    fn cost(&mut self, schema: &'s Value, depth: usize, position: Position) -> Result<Cost, String> {
        bound_depth(depth)?;
        let mut cost = Cost { subschemas: 1, ..Cost::default() };
        let [own, ..] = &mut cost.levels;
        own.checks = 1;
        let members = match schema {
            Value::Object(members) => members,
            Value::Bool(_) => return Ok(cost),
            _ => return Err("has something else than an object or a boolean where a schema is expected".to_owned()),
        };
        for (name, value) in members {
            let Some(keyword) = keyword(name) else {
                return Err(format!(
                    "uses `{}`, which is none of the keywords that are taken here; a note of your own begins with `x-`",
                    crate::text::one_line(name, 100)
                ));
            };
            let [own, ..] = &mut cost.levels;
            match keyword {
                Keyword::Annotation if name == "$schema" && !(position == Position::Top && value == DIALECT) => {
                    return Err(format!("has a `$schema` that is not `{DIALECT}` at the top"));
                }
                // Elsewhere it would not seal anything, and the author would think that it does.
                Keyword::Annotation if name == "writeOnly" && value == true && position != Position::Parameter => {
                    return Err("has a `writeOnly` that is not directly in a parameter's own schema".to_owned());
                }
                Keyword::Annotation | Keyword::Children => {}
                Keyword::Definitions if position == Position::Top => {}
                Keyword::Definitions => return Err("has `$defs` that are not at the top".to_owned()),
                Keyword::Assertion => {
                    let costly = matches!(name.as_str(), "uniqueItems" | "multipleOf");
                    own.checks = own.checks.saturating_add(count(value) + if costly { COSTLY } else { 0 });
                }
                Keyword::Pattern => {
                    let kib = self.pattern(value.as_str().unwrap_or_default())?;
                    own.pattern_kib = own.pattern_kib.saturating_add(kib);
                }
                Keyword::Same => cost.same(&self.cost(value, depth + 1, Position::Inside)?),
                Keyword::SameList => {
                    for schema in list(name, value)? {
                        cost.same(&self.cost(schema, depth + 1, Position::Inside)?);
                    }
                }
                Keyword::SameMap => {
                    for schema in map(name, value)?.values() {
                        cost.same(&self.cost(schema, depth + 1, Position::Inside)?);
                    }
                }
                Keyword::Reference => {
                    let target = value.as_str().and_then(|target| target.strip_prefix("#/$defs/"));
                    let Some(target) = target.filter(|target| is_plain(target)) else {
                        return Err(
                            "has a `$ref` that is not `#/$defs/NAME`, with a name of letters, digits, `_`, `.` and `-`"
                                .to_owned(),
                        );
                    };
                    cost.same(&self.definition(target, depth + 1)?);
                }
            }
        }
        self.children(members, depth, position, &mut cost)?;
        Ok(cost)
    }

    /// The cost of what is evaluated on the members of an object or the items of an array, one level down.
    fn children(
        &mut self,
        members: &'s Map<String, Value>,
        depth: usize,
        position: Position,
        cost: &mut Cost,
    ) -> Result<(), String> {
        let member = if position == Position::Top { Position::Parameter } else { Position::Inside };
        let mut named = Levels::default();
        let mut matched = Levels::default();
        let mut names = Levels::default();
        let mut items = Levels::default();
        let mut all_items = Levels::default();
        for (name, value) in members.iter().filter(|(name, _)| keyword(name) == Some(Keyword::Children)) {
            match name.as_str() {
                // A member matches at most one of these.
                "properties" => {
                    for schema in map(name, value)?.values() {
                        let child = self.child(schema, depth, member, cost)?;
                        named = each(&named, &child, Work::or);
                    }
                }
                "additionalProperties" => {
                    let child = self.child(value, depth, Position::Inside, cost)?;
                    named = each(&named, &child, Work::or);
                }
                // A member may match all of these.
                "patternProperties" => {
                    for (pattern, schema) in map(name, value)? {
                        let kib = self.pattern(pattern)?;
                        let mut child = self.child(schema, depth, Position::Inside, cost)?;
                        let [own, ..] = &mut child;
                        own.pattern_kib = own.pattern_kib.saturating_add(kib);
                        matched = each(&matched, &child, Work::plus);
                    }
                }
                "propertyNames" => names = self.child(value, depth, Position::Inside, cost)?,
                // An item matches at most one of these.
                "prefixItems" => {
                    for schema in list(name, value)? {
                        let child = self.child(schema, depth, Position::Inside, cost)?;
                        items = each(&items, &child, Work::or);
                    }
                }
                "items" => {
                    let child = self.child(value, depth, Position::Inside, cost)?;
                    items = each(&items, &child, Work::or);
                }
                _ => all_items = self.child(value, depth, Position::Inside, cost)?,
            }
        }
        let of_object = each(&each(&named, &matched, Work::plus), &names, Work::plus);
        let of_array = each(&items, &all_items, Work::plus);
        let below = each(&of_object, &of_array, Work::or);
        for (level, work) in cost.levels.iter_mut().skip(1).zip(below) {
            *level = level.plus(work);
        }
        Ok(())
    }

    fn child(
        &mut self,
        schema: &'s Value,
        depth: usize,
        position: Position,
        cost: &mut Cost,
    ) -> Result<Levels, String> {
        let child = self.cost(schema, depth + 1, position)?;
        cost.hold(&child);
        Ok(child.levels)
    }

    /// The size of a compiled pattern, in KiB.
    fn pattern(&mut self, pattern: &'s str) -> Result<u64, String> {
        self.patterns += 1;
        if self.patterns > PATTERNS {
            return Err(format!("has more than the {PATTERNS} patterns that are allowed"));
        }
        if pattern.len() > PATTERN_BYTES {
            return Err(format!("has a pattern of {} bytes; {PATTERN_BYTES} are allowed", pattern.len()));
        }
        if let Some(kib) = self.pattern_kib.get(pattern) {
            return Ok(*kib);
        }
        let alone = json!({ "pattern": pattern });
        let Some(kib) = PATTERN_KIB.into_iter().find(|kib| build(&alone, *kib).is_ok()) else {
            let [.., largest] = PATTERN_KIB;
            return Err(format!(
                "has a pattern that cannot be used, `{}`: it is no regular expression, looks ahead or back, or comes to more \
                 than {largest} KiB (count characters with `maxLength` instead of `{{1,64}}`)",
                crate::text::one_line(pattern, PATTERN_BYTES)
            ));
        };
        self.pattern_kib.insert(pattern, kib);
        Ok(kib)
    }
}

fn bound_depth(depth: usize) -> Result<(), String> {
    if depth > SUBSCHEMA_NESTING {
        return Err(format!(
            "has subschemas deeper within each other than the {SUBSCHEMA_NESTING} levels that are allowed"
        ));
    }
    Ok(())
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn list<'s>(name: &str, value: &'s Value) -> Result<&'s Vec<Value>, String> {
    value.as_array().ok_or_else(|| format!("has a `{name}` that is not a list"))
}

fn map<'s>(name: &str, value: &'s Value) -> Result<&'s Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("has a `{name}` that is not an object"))
}

#[cfg(test)]
mod tests;
