//! The shapes that a version may send: those that it was tested with.
//!
//! A request fits when its method and URL are those of a pinned shape, each of its fields has a line that a pinned shape of that
//! URL has, and no field is missing that all of them have, or there more often. So a connector that adds `"type":"unicode"` for some
//! texts and leaves out `ttl` for others is tested with each of the two, and not with each combination of all that varies.
//!
//! Promise: a literal that no pinned shape has at its place does not pass, and neither does a field, host or path that none has.

use std::collections::{BTreeMap, BTreeSet};

use crate::request::ShapeReadings;
use crate::shape::{RequestShape, ShapeChange};

/// Shapes at most that one version may have with one connection. A connector that never repeats itself has no shape.
pub const SHAPES_MAX: usize = 256;

/// The shapes that the request with the message may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinnedShapes {
    /// By digest, so that equal ones are kept once and found quickly.
    shapes: BTreeMap<[u8; 32], RequestShape>,
    by_url: BTreeMap<String, Fields>,
}

/// What is known of the fields of the requests to one URL.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fields {
    lines: BTreeSet<String>,
    /// Places that every shape has.
    required: BTreeSet<String>,
    /// How often a place is in one shape at most.
    most: BTreeMap<String, usize>,
}

impl PinnedShapes {
    /// Pins one more.
    pub fn insert(&mut self, shape: RequestShape) {
        if self.shapes.len() >= SHAPES_MAX || self.shapes.contains_key(&shape.digest()) {
            return;
        }
        let Some((url, fields)) = shape.lines().split_first() else { return };
        let counts = counts(fields.iter().map(String::as_str));
        match self.by_url.get_mut(url) {
            Some(known) => {
                known.lines.extend(fields.iter().cloned());
                known.required.retain(|place| counts.contains_key(place.as_str()));
                for (place, count) in counts {
                    let most = known.most.entry(place.to_owned()).or_default();
                    *most = count.max(*most);
                }
            }
            None => {
                let known = Fields {
                    lines: fields.iter().cloned().collect(),
                    required: counts.keys().map(|place| (*place).to_owned()).collect(),
                    most: counts.into_iter().map(|(place, count)| (place.to_owned(), count)).collect(),
                };
                self.by_url.insert(url.clone(), known);
            }
        }
        self.shapes.insert(shape.digest(), shape);
    }

    /// Whether nothing is pinned. Then nothing is known of the version, and nothing can be held against it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    /// Every shape, in the order of their digests.
    pub fn iter(&self) -> impl Iterator<Item = &RequestShape> {
        self.shapes.values()
    }

    /// How a request differs from the nearest pinned shape; `None` when it fits, or nothing is pinned. `readings` is asked only
    /// when the shape is not pinned as it is.
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
        let most = |place: &str| known.most.get(place).copied().unwrap_or_default();
        let mut places: BTreeSet<&str> = unknown.iter().map(|line| place(line)).collect();
        let missing = known.required.iter().map(String::as_str).filter(|place| !counts.contains_key(place));
        let repeated = counts.iter().filter(|(place, count)| **count > most(place)).map(|(place, _)| *place);
        places.extend(missing.chain(repeated));
        if places.is_empty() {
            return None;
        }
        let of_place = |change: &ShapeChange| match change {
            ShapeChange::Removed(line) | ShapeChange::Added(line) => places.contains(place(line)),
        };
        let same_url = self.shapes.values().filter(|pinned| pinned.lines().first() == Some(url));
        let changes = same_url.map(|pinned| pinned.diff(shape).into_iter().filter(of_place).collect::<Vec<_>>());
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

/// Where the value of a line stands.
fn place(line: &str) -> &str {
    line.split_once(" = ").map_or(line, |(place, _)| place)
}

fn counts<'l>(lines: impl Iterator<Item = &'l str>) -> BTreeMap<&'l str, usize> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts.entry(place(line)).or_default() += 1;
    }
    counts
}
