//! The shapes that a version may send: those that it was tested with.
//!
//! A request is accepted if its method and URL are those of a pinned shape, each of its fields has a line that a pinned shape of
//! that URL has, and no field that all of them have is missing or occurs more often. So a connector that adds `"type":"unicode"`
//! for some texts and leaves out `ttl` for others is tested with each variation, and not with every combination.
//!
//! Promise: a literal that no pinned shape has in that field is not accepted, and neither is a field, host or path that none has.

use std::collections::{BTreeMap, BTreeSet};

use crate::request::ShapeReadings;
use crate::shape::{RequestShape, ShapeChange};

/// Maximum number of shapes of a version with one connection. A connector that never repeats itself has no shape.
pub const SHAPES_MAX: usize = 256;

/// The shapes that a request with the message may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinnedShapes {
    /// The shapes by digest, so that duplicates are dropped and lookups are fast.
    shapes: BTreeMap<[u8; 32], RequestShape>,
    by_url: BTreeMap<String, Fields>,
}

/// The fields of requests to one URL.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fields {
    lines: BTreeSet<String>,
    /// Fields that every shape has, by the part of their line before ` = `.
    required: BTreeSet<String>,
    /// How often a field may occur: the maximum of all shapes.
    most: BTreeMap<String, usize>,
}

impl Fields {
    fn extend(&mut self, other: &Self) {
        self.lines.extend(other.lines.iter().cloned());
        self.required.retain(|field| other.required.contains(field));
        for (field, count) in &other.most {
            let most = self.most.entry(field.clone()).or_default();
            *most = (*count).max(*most);
        }
    }
}

impl PinnedShapes {
    /// Pins a shape.
    pub fn insert(&mut self, shape: RequestShape) {
        let Some((url, fields)) = shape.lines().split_first() else { return };
        let (url, fields) = (url.clone(), fields.to_vec());
        self.add(shape, std::slice::from_ref(&url), || fields);
    }

    /// Pins a shape with all its readings: a literal that equals the calling code this time may not do so next time.
    pub fn insert_read(&mut self, shape: RequestShape, readings: &ShapeReadings) {
        self.add(shape, readings.url(), || readings.fields().flatten().cloned().collect());
    }

    fn add(&mut self, shape: RequestShape, urls: &[String], lines: impl FnOnce() -> Vec<String>) {
        // The same shape may come with other readings.
        if self.shapes.len() >= SHAPES_MAX && !self.shapes.contains_key(&shape.digest()) {
            return;
        }
        let lines = lines();
        let counts = counts(shape.lines().iter().skip(1).map(String::as_str));
        for url in urls {
            let known = self.by_url.entry(url.clone()).or_insert_with(|| Fields {
                lines: BTreeSet::new(),
                required: counts.keys().map(|field| (*field).to_owned()).collect(),
                most: BTreeMap::new(),
            });
            known.lines.extend(lines.iter().cloned());
            known.required.retain(|field| counts.contains_key(field.as_str()));
            for (field, count) in &counts {
                let most = known.most.entry((*field).to_owned()).or_default();
                *most = (*count).max(*most);
            }
        }
        self.shapes.insert(shape.digest(), shape);
    }

    /// Adds everything that another set pins, including readings.
    pub fn extend(&mut self, other: &Self) {
        let room = SHAPES_MAX.saturating_sub(self.shapes.len());
        for (digest, shape) in other.shapes.iter().take(room) {
            self.shapes.entry(*digest).or_insert_with(|| shape.clone());
        }
        for (url, fields) in &other.by_url {
            match self.by_url.get_mut(url) {
                Some(known) => known.extend(fields),
                None => {
                    self.by_url.insert(url.clone(), fields.clone());
                }
            }
        }
    }

    /// Whether nothing is pinned. Then nothing is known about the version, and no request is held back.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    /// The shapes, ordered by digest.
    pub fn iter(&self) -> impl Iterator<Item = &RequestShape> {
        self.shapes.values()
    }

    /// How a request differs from the most similar pinned shape; `None` if it is accepted or nothing is pinned. `readings` is
    /// called only if the shape itself is not pinned.
    pub fn difference(
        &self,
        shape: &RequestShape,
        readings: impl FnOnce() -> ShapeReadings,
    ) -> Option<Vec<ShapeChange>> {
        if self.shapes.is_empty() || self.shapes.contains_key(&shape.digest()) {
            return None;
        }
        let readings = readings();
        let of_url = readings.url().iter().find_map(|url| self.by_url.get_key_value(url));
        let Some((url, known)) = of_url else {
            return self.shapes.values().map(|pinned| pinned.diff(shape)).min_by_key(Vec::len);
        };
        let unknown: Vec<&str> = readings
            .fields()
            .filter(|field| !field.iter().any(|line| known.lines.contains(line)))
            .filter_map(|field| field.first().map(String::as_str))
            .collect();
        let counts = counts(shape.lines().iter().skip(1).map(String::as_str));
        let most = |field: &str| known.most.get(field).copied().unwrap_or_default();
        let mut differing: BTreeSet<&str> = unknown.iter().map(|line| field_of(line)).collect();
        let missing = known.required.iter().map(String::as_str).filter(|field| !counts.contains_key(field));
        let repeated = counts.iter().filter(|(field, count)| **count > most(field)).map(|(field, _)| *field);
        differing.extend(missing.chain(repeated));
        if differing.is_empty() {
            return None;
        }
        let is_of_these = |change: &ShapeChange| match change {
            ShapeChange::Removed(line) | ShapeChange::Added(line) => differing.contains(field_of(line)),
        };
        let same_url = self.shapes.values().filter(|pinned| pinned.lines().first() == Some(url));
        // Shapes that are pinned by another reading of their URL are compared as well.
        let all = self.shapes.values();
        let nearest: Vec<_> = if same_url.clone().next().is_some() { same_url.collect() } else { all.collect() };
        let changes =
            nearest.into_iter().map(|pinned| pinned.diff(shape).into_iter().filter(is_of_these).collect::<Vec<_>>());
        changes.min_by_key(Vec::len)
    }
}

impl FromIterator<RequestShape> for PinnedShapes {
    fn from_iter<I: IntoIterator<Item = RequestShape>>(shapes: I) -> Self {
        let mut pinned = Self::default();
        shapes.into_iter().for_each(|shape| pinned.insert(shape));
        pinned
    }
}

/// The field of a line.
fn field_of(line: &str) -> &str {
    line.split_once(" = ").map_or(line, |(field, _)| field)
}

fn counts<'l>(lines: impl Iterator<Item = &'l str>) -> BTreeMap<&'l str, usize> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts.entry(field_of(line)).or_default() += 1;
    }
    counts
}
