//! A request, parsed from its compositions.

use super::parse::{self, Format};
use super::slot::{self, Slot, Slots, is_slot};
use super::source::Source;
use super::tree::{Name, NodeId, Tree, Value};
use super::view::RequestView;
use super::violation::{CompositionViolation, RequestPart};
use crate::composition::{Composition, Mark, Piece};

/// Maximum nesting of values that contain others: as deep as a position has steps.
const NESTED_MAX: usize = crate::placement::STEPS_MAX;

pub(super) struct Reading<'c> {
    pub(super) slots: Slots<'c>,
    pub(super) tree: Tree,
    /// The URL before the path, like `https://api.example.com`.
    pub(super) before_path: String,
    /// The body's format, if there is a body.
    pub(super) format: Option<Format>,
    /// The values that were parsed again and their formats, in that order.
    pub(super) nested: Vec<(NodeId, Format)>,
    /// The part with a `;` between fields, which some servers treat as `&`.
    pub(super) semicolon: Option<RequestPart>,
    /// The end of each part, as an index of slots.
    parts: Vec<(usize, RequestPart)>,
}

impl<'c> Reading<'c> {
    pub(super) fn of(view: &'c RequestView) -> Result<Self, CompositionViolation> {
        let body = RequestPart::Body;
        let all = view.headers.iter().map(|(_, value)| value).chain([&view.url, &view.body]);
        slot::check_count(all).map_err(|_| CompositionViolation::TooManyPieces(body.clone()))?;
        let mut reading = Self {
            slots: Slots::default(),
            tree: Tree::default(),
            before_path: String::new(),
            format: content_format(view)?,
            nested: Vec::new(),
            semicolon: None,
            parts: Vec::new(),
        };
        let url = reading.write(&view.url, RequestPart::Url)?;
        reading.before_path = parse::url(&url, &mut reading.tree).map_err(CompositionViolation::Url)?.to_owned();
        if url.contains(';') && url.split_once('?').is_some_and(|(_, query)| query.contains(';')) {
            reading.semicolon = Some(RequestPart::Url);
        }
        for (name, value) in &view.headers {
            let part = RequestPart::Header(name.clone());
            let text = reading.write(value, part.clone())?;
            let pushed = reading.tree.push(None, Name::Header(name.to_ascii_lowercase()), Value::Text(text));
            pushed.map_err(|why| CompositionViolation::Malformed { part, why })?;
        }
        let text = reading.write(&view.body, body.clone())?;
        if let Some(format) = reading.format {
            if format == Format::Form && text.contains(';') {
                reading.semicolon = Some(body.clone());
            }
            let parsed = format.parse(&text, Source::Written, None, &mut reading.tree);
            parsed.map_err(|why| CompositionViolation::Malformed { part: body, why })?;
        }
        reading.read_nested()?;
        reading.check_slots()?;
        Ok(reading)
    }

    fn write(&mut self, value: &'c Composition, part: RequestPart) -> Result<String, CompositionViolation> {
        let text = self.slots.write(value).map_err(|_| CompositionViolation::TooManyPieces(part.clone()))?;
        self.parts.push((self.slots.len(), part));
        Ok(text)
    }

    /// A value that contains a part of the message and something else can only be valid if it contains fields itself.
    fn read_nested(&mut self) -> Result<(), CompositionViolation> {
        let mut id = 0;
        while let Some(node) = self.tree.nodes.get(id) {
            if let Value::Text(text) = &node.value
                && self.mark(text).is_none()
                && self.slots.carries_message(text)
                && self.depth(id) < NESTED_MAX
            {
                let text = text.clone();
                self.read_again(id, &text)?;
            }
            id += 1;
        }
        Ok(())
    }

    fn depth(&self, id: NodeId) -> usize {
        let holds = |id: &NodeId| matches!(self.tree.nodes.get(*id).map(|node| &node.value), Some(Value::Holds(_)));
        self.tree.path(id).iter().filter(|id| holds(id)).count()
    }

    fn read_again(&mut self, id: NodeId, text: &str) -> Result<(), CompositionViolation> {
        let (slots, nodes) = (self.slots.len(), self.tree.nodes.len());
        let part = self.tree.part(id);
        let expanded = self.slots.expand(text).map_err(|_| CompositionViolation::TooManyPieces(part.clone()))?;
        let format = Format::of_nested(&expanded);
        let parsed = format.parse(&expanded, Source::Written, Some(id), &mut self.tree);
        let is_named = |tree: &Tree| {
            !tree.nodes.iter().skip(nodes).any(|node| node.name.text().is_some_and(|name| name.contains(is_slot)))
        };
        if parsed.is_err() || !is_named(&self.tree) {
            // It stays a single value, and the check of positions reports what is wrong with it.
            self.tree.nodes.truncate(nodes);
            self.slots.truncate(slots);
            return Ok(());
        }
        self.parts.push((self.slots.len(), part));
        if let Some(node) = self.tree.nodes.get_mut(id) {
            node.value = Value::Holds(text.to_owned());
        }
        self.nested.push((id, format));
        Ok(())
    }

    /// Checks that every sealed value is in exactly one parsed value. Only in XML can one disappear, so a private character that a
    /// connector produces by an escape is found next to the one that it imitates.
    fn check_slots(&self) -> Result<(), CompositionViolation> {
        let mut seen = vec![false; self.slots.len()];
        for (id, node) in self.tree.iter() {
            let part = || self.tree.part(id);
            if node.name.text().is_some_and(|name| name.contains(is_slot)) {
                return Err(CompositionViolation::SealedOutsideValue(part()));
            }
            let (text, holds) = match &node.value {
                Value::Holds(text) => (Some(text.as_str()), true),
                value => (value.leaf(), false),
            };
            for c in text.unwrap_or_default().chars().filter(|c| is_slot(*c)) {
                // If a value contains others, only text that was encoded as a whole is used up; its marks are below.
                if holds && !matches!(self.slots.get(c), Some(Slot::Encoded(..))) {
                    continue;
                }
                match Slots::index(c).and_then(|index| seen.get_mut(index)) {
                    Some(seen) if !*seen => *seen = true,
                    _ => {
                        let why = "it writes a character of the private planes";
                        return Err(CompositionViolation::Malformed { part: part(), why });
                    }
                }
            }
        }
        match seen.iter().position(|seen| !seen) {
            None => Ok(()),
            Some(lost) => {
                let part = self.parts.iter().find(|(end, _)| lost < *end).map(|(_, part)| part.clone());
                Err(CompositionViolation::SealedOutsideValue(part.unwrap_or(RequestPart::Body)))
            }
        }
    }

    /// The mark that a text consists of as a whole.
    pub(super) fn mark(&self, text: &str) -> Option<&'c Mark> {
        let mut chars = text.chars();
        match (chars.next().and_then(|c| self.slots.get(c)), chars.next()) {
            (Some(Slot::Mark(mark)), None) => Some(mark),
            _ => None,
        }
    }

    /// The marks of the message in a text, including those in text that was encoded as a whole.
    pub(super) fn message_marks(&self, text: &str) -> Vec<&'c Mark> {
        let mut marks = Vec::new();
        for slot in text.chars().filter_map(|c| self.slots.get(c)) {
            match slot {
                Slot::Mark(mark) => marks.push(mark),
                Slot::Encoded(_, inner) => collect_marks(inner, &mut marks),
            }
        }
        marks.retain(|mark| slot::is_message(mark));
        marks
    }
}

fn collect_marks<'c>(value: &'c Composition, marks: &mut Vec<&'c Mark>) {
    for piece in value.pieces() {
        match piece {
            Piece::Literal(_) => {}
            Piece::Mark(mark) => marks.push(mark),
            Piece::Encoded(_, inner) => collect_marks(inner, marks),
        }
    }
}

/// The format of the body. `None` if there is no body.
fn content_format(view: &RequestView) -> Result<Option<Format>, CompositionViolation> {
    let mut types = view.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    match (types.next(), types.next()) {
        (None, _) if view.body.is_empty() => Ok(None),
        (Some((_, value)), None) => match value.pieces() {
            [Piece::Literal(text)] => {
                let format = Format::of_content_type(text).ok_or(CompositionViolation::ContentType)?;
                Ok((!view.body.is_empty()).then_some(format))
            }
            _ => Err(CompositionViolation::ContentType),
        },
        _ => Err(CompositionViolation::ContentType),
    }
}
