//! Checks that a request carries the message in the positions that the connector declared, and nowhere else.

use std::collections::BTreeSet;

use super::explain::Explanations;
use super::reading::Reading;
use super::spelling::{normal, plain_letters};
use super::tree::{Name, NodeId, Value};
use super::view::{MessageRule, RequestView};
use super::violation::CompositionViolation;
use crate::composition::{ContentKind, Mark, RecipientForm};
use crate::placement::{MessagePlaces, Place, Step};
use crate::shape::Carries;

/// Counts the parts of the message in a request, wherever they are.
pub(super) fn count(view: &RequestView, content: ContentKind) -> Result<Carries, CompositionViolation> {
    let (mut recipients, mut texts, mut codes, mut variables, mut addresses) = (0, 0, 0, 0, 0);
    for value in view.headers.iter().map(|(_, value)| value).chain([&view.url, &view.body]) {
        value.for_each_mark(&mut |mark| match mark {
            Mark::Recipient(_) => recipients += 1,
            Mark::Text => texts += 1,
            Mark::Code => codes += 1,
            Mark::Variable(_) => variables += 1,
            Mark::ClientIp => addresses += 1,
            Mark::Secret(_) | Mark::Opaque => {}
        });
    }
    let (messages, others) = match content {
        ContentKind::Text => (texts, codes + variables),
        ContentKind::Template | ContentKind::Variables => (codes, texts),
    };
    if others > 0 {
        return Err(CompositionViolation::WrongContent(content));
    }
    match (recipients, messages) {
        (0, 0) if variables + addresses > 0 => Err(CompositionViolation::LeftoverWithoutMessage),
        (0, 0) => Ok(Carries::Nothing),
        (1, 1) => Ok(Carries::Message),
        (0, _) => Err(CompositionViolation::NoRecipient),
        (times @ 2.., _) => Err(CompositionViolation::RecipientTwice(times)),
        (_, 0) => Err(CompositionViolation::NoMessage),
        (_, times) => Err(CompositionViolation::MessageTwice(times)),
    }
}

/// Checks the position of each part of the message.
pub(super) fn check(
    reading: &Reading<'_>,
    places: &MessagePlaces,
    rule: &MessageRule<'_>,
    explained: &Explanations<'_>,
) -> Result<(), CompositionViolation> {
    let check = PositionCheck { reading, places, explained, wildcard: rule.content != ContentKind::Text };
    let mut at_places = BTreeSet::new();
    let mut variables = BTreeSet::new();
    for (id, node) in reading.tree.iter() {
        let Some(text) = node.value.leaf() else { continue };
        let marks = reading.message_marks(text);
        let Some(first) = marks.first() else { continue };
        let whole = if matches!(node.value, Value::Patched(_)) { None } else { reading.mark(text) };
        check.mark(id, first, whole)?;
        if let Mark::Variable(name) = first
            && !variables.insert(name)
        {
            return Err(check.content_violation());
        }
        at_places.extend(reading.tree.path(id));
    }
    check.check_literals(&at_places)?;
    check.check_names(&at_places)?;
    match &reading.semicolon {
        None => Ok(()),
        Some(part) => {
            let why = "a `;` stands between its fields, which some servers read as `&`; encode it";
            Err(CompositionViolation::Malformed { part: part.clone(), why })
        }
    }
}

struct PositionCheck<'a, 'c> {
    reading: &'a Reading<'c>,
    places: &'a MessagePlaces,
    explained: &'a Explanations<'a>,
    /// Whether `*` matches any name in the position of the content.
    wildcard: bool,
}

impl PositionCheck<'_, '_> {
    fn mark(&self, id: NodeId, mark: &Mark, whole: Option<&Mark>) -> Result<(), CompositionViolation> {
        let is_number = matches!(self.reading.tree.nodes.get(id).map(|node| &node.value), Some(Value::Number(_)));
        match mark {
            Mark::Recipient(found) => {
                let declared = self.places.recipient_format();
                if *found != declared {
                    return Err(CompositionViolation::RecipientFormat { declared, found: *found });
                }
                let bare = is_number && *found == RecipientForm::E164;
                if whole.is_none() || bare || !self.is_at(id, self.places.recipient(), false) {
                    return Err(CompositionViolation::RecipientPlace { declared: self.places.recipient().clone() });
                }
                self.check_lists(id)
            }
            Mark::ClientIp => {
                let at_place = self.places.client_ip().is_some_and(|place| self.is_at(id, place, false));
                if whole.is_none() || is_number || !at_place {
                    return Err(CompositionViolation::ClientIpPlace);
                }
                self.check_siblings(id, self.places.client_ip().unwrap_or(self.places.content()))
            }
            Mark::Text | Mark::Code | Mark::Variable(_) | Mark::Secret(_) | Mark::Opaque => {
                if whole.is_none() || is_number || !self.is_at(id, self.places.content(), self.wildcard) {
                    return Err(self.content_violation());
                }
                self.check_siblings(id, self.places.content())
            }
        }
    }

    fn content_violation(&self) -> CompositionViolation {
        CompositionViolation::ContentPlace { declared: self.places.content().clone() }
    }

    /// Whether the path to a value is the declared one.
    fn is_at(&self, id: NodeId, place: &Place, wildcard: bool) -> bool {
        let name = self.reading.tree.name(id);
        if !name.zip(place.steps().last()).is_some_and(|(name, step)| may_end(step, name)) {
            return false;
        }
        let path = self.reading.tree.path(id);
        let mut names = path.iter().filter_map(|id| self.reading.tree.name(*id));
        let mut same = |step: &Step| match step {
            Step::Query(name) => names.next().is_some_and(|have| matches!(have, Name::Query(have) if have == name)),
            Step::Header(name) => names.next().is_some_and(|have| matches!(have, Name::Header(have) if have == name)),
            Step::Form(name) => names.next().is_some_and(|have| matches!(have, Name::Form(have) if have == name)),
            Step::PathSegment(index) => names
                .next()
                .is_some_and(|have| matches!(have, Name::Segment(have) if u32::try_from(*have) == Ok(*index))),
            Step::Json(pointer) => {
                names.next() == Some(&Name::Json)
                    && pointer.split('/').skip(1).all(|token| match names.next() {
                        Some(Name::Key(_) | Name::Index(_)) if wildcard && token == "*" => true,
                        Some(Name::Key(name)) => *name == token.replace("~1", "/").replace("~0", "~"),
                        Some(Name::Index(index)) => index.to_string() == token,
                        _ => false,
                    })
            }
            Step::Xml(elements) => {
                names.next() == Some(&Name::Xml)
                    && elements
                        .split('/')
                        .skip(1)
                        .all(|element| matches!(names.next(), Some(Name::Element(name)) if name == element))
            }
        };
        place.steps().iter().all(&mut same) && names.next().is_none()
    }

    /// A list of recipients must have one element.
    fn check_lists(&self, id: NodeId) -> Result<(), CompositionViolation> {
        let tree = &self.reading.tree;
        for id in tree.path(id) {
            if matches!(tree.nodes.get(id).map(|node| &node.value), Some(Value::Array)) {
                let elements = tree.children(id).count();
                if elements != 1 {
                    let declared = self.places.recipient().clone();
                    return Err(CompositionViolation::RecipientList { declared, elements });
                }
            }
        }
        self.check_siblings(id, self.places.recipient())
    }

    /// In XML, a list is a sequence of elements with the same name.
    fn check_siblings(&self, id: NodeId, place: &Place) -> Result<(), CompositionViolation> {
        let tree = &self.reading.tree;
        for id in tree.path(id) {
            let Some((name @ Name::Element(_), Some(parent))) =
                tree.nodes.get(id).map(|node| (&node.name, node.parent))
            else {
                continue;
            };
            let beside = tree
                .children(parent)
                .any(|(other, node)| other != id && (node.name == Name::Beside || same_element(&node.name, name)));
            if beside {
                return Err(CompositionViolation::NameAgain { declared: place.clone() });
            }
        }
        Ok(())
    }

    /// Everything among the variables becomes part of the message, so only the host may have written it.
    fn check_literals(&self, at_places: &BTreeSet<NodeId>) -> Result<(), CompositionViolation> {
        let tree = &self.reading.tree;
        let is_list = |id: &&NodeId| matches!(tree.nodes.get(**id).map(|node| &node.value), Some(Value::Array));
        let lists: BTreeSet<NodeId> = at_places.iter().filter(is_list).copied().collect();
        let in_list = |id: NodeId| !lists.is_empty() && tree.path(id).iter().any(|above| lists.contains(above));
        for (id, node) in tree.iter() {
            if at_places.contains(&id) || !(self.is_at(id, self.places.content(), self.wildcard) || in_list(id)) {
                continue;
            }
            let given = match &node.value {
                Value::Text(text) | Value::Patched(text) | Value::Number(text) => {
                    text.is_empty() || self.explained.whole(text).is_some()
                }
                Value::Word(_) => true,
                // Their values are checked on their own.
                Value::Object | Value::Array | Value::Element if in_list(id) => true,
                Value::Object | Value::Array | Value::Element | Value::Holds(_) => false,
            };
            if !given {
                return Err(CompositionViolation::ContentAdded { declared: self.places.content().clone() });
            }
        }
        Ok(())
    }

    /// A provider that merges query, form and body would use either of two fields with the same name.
    fn check_names(&self, at_places: &BTreeSet<NodeId>) -> Result<(), CompositionViolation> {
        let tree = &self.reading.tree;
        let places = [Some(self.places.recipient()), Some(self.places.content()), self.places.client_ip()];
        let names = places.into_iter().flatten().filter_map(|place| Some((loose(last_name(place)?), place)));
        let declared: Vec<(String, &Place)> = names.filter(|(name, _)| !name.is_empty()).collect();
        let levels: BTreeSet<Option<NodeId>> =
            at_places.iter().filter_map(|id| tree.nodes.get(*id)).map(|node| node.parent).collect();
        for (id, node) in tree.iter() {
            let name = match &node.name {
                Name::Query(name) | Name::Form(name) => name,
                Name::Key(name) | Name::Element(name) | Name::Attribute(name)
                    if levels.contains(&node.parent) || self.is_outermost(node.parent) =>
                {
                    name
                }
                _ => continue,
            };
            if at_places.contains(&id) {
                continue;
            }
            if let Some((_, place)) = declared.iter().find(|(declared, _)| is_loosely(name, declared)) {
                return Err(CompositionViolation::NameAgain { declared: (*place).clone() });
            }
        }
        Ok(())
    }

    /// Whether this is the document of the body.
    fn is_outermost(&self, parent: Option<NodeId>) -> bool {
        parent.and_then(|id| self.reading.tree.nodes.get(id)).is_some_and(|node| node.parent.is_none())
    }
}

/// Whether a value with this name may be at the end of the step. Most values of a request are rejected here.
fn may_end(step: &Step, name: &Name) -> bool {
    match step {
        Step::Query(_) => matches!(name, Name::Query(_)),
        Step::Header(_) => matches!(name, Name::Header(_)),
        Step::Form(_) => matches!(name, Name::Form(_)),
        Step::PathSegment(_) => matches!(name, Name::Segment(_)),
        Step::Json(_) => matches!(name, Name::Json | Name::Key(_) | Name::Index(_)),
        Step::Xml(_) => matches!(name, Name::Xml | Name::Element(_)),
    }
}

fn same_element(one: &Name, other: &Name) -> bool {
    matches!((one, other), (Name::Element(one), Name::Element(other)) if loose(one) == loose(other))
}

/// The last name on the path to a position: for `/PhoneNumberSet/0`, that of the list.
fn last_name(place: &Place) -> Option<&str> {
    place.steps().iter().rev().find_map(|step| match step {
        Step::Query(name) | Step::Header(name) | Step::Form(name) => Some(name.as_str()),
        Step::Json(pointer) => {
            let is_name =
                |token: &&str| *token != "*" && !token.is_empty() && !token.bytes().all(|byte| byte.is_ascii_digit());
            pointer.rsplit('/').find(is_name)
        }
        Step::Xml(path) => path.rsplit('/').next(),
        Step::PathSegment(_) => None,
    })
}

/// A name as the most lenient server reads it: `To[]`, `[to]`, `to%00x` and `T_O` are `to`.
fn loose(name: &str) -> String {
    plain_letters(base_name(&normal(name))).collect()
}

/// Whether a name equals another one when read leniently.
fn is_loosely(name: &str, loose: &str) -> bool {
    plain_letters(base_name(&normal(name))).eq(loose.chars())
}

/// The part of a name before a bracket or a NUL character; for `[to]`, what is inside the brackets.
fn base_name(name: &str) -> &str {
    name.trim_start_matches('[').split(['[', ']', '\0']).next().unwrap_or_default()
}
