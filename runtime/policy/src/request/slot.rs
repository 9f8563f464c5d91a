//! Writes compositions as text, with a private character for each sealed value.
//!
//! Promise: in a written text, such a character stands only for the value that it was written for. A parser that undoes escapes can
//! still produce one, so whoever reads a written text checks that each value occurs once.

use crate::composition::{Composition, Encoding, Mark, Piece};

/// Maximum number of sealed values in a request, including nested ones. Bounds every search for them.
const SLOTS_MAX: usize = 64;
/// Maximum nesting of encodings.
const DEPTH_MAX: usize = 16;
/// The first character of a private plane, which texts do not use.
const FIRST: u32 = 0xF_0000;
const LAST: u32 = 0xF_FFFD;

/// The meaning of a private character.
#[derive(Clone, Copy)]
pub(super) enum Slot<'c> {
    Mark(&'c Mark),
    Encoded(Encoding, &'c Composition),
}

#[derive(Default)]
pub(super) struct Slots<'c> {
    slots: Vec<Slot<'c>>,
}

/// There are more sealed values than [`SLOTS_MAX`], or they are nested deeper than [`DEPTH_MAX`].
pub(super) struct TooMany;

/// A piece of a written text.
pub(super) enum TextPiece<'t, 'c> {
    Literal(&'t str),
    Slot(Slot<'c>),
}

pub(super) fn is_slot(c: char) -> bool {
    (FIRST..=LAST).contains(&u32::from(c))
}

/// Whether a character is removed from a connector's own text because it has a meaning here or in [`super::number`].
pub(super) fn is_reserved(c: char) -> bool {
    u32::from(c) >= FIRST
}

impl<'c> Slots<'c> {
    /// Writes a composition. Text that was encoded as a whole takes one slot.
    pub(super) fn write(&mut self, value: &'c Composition) -> Result<String, TooMany> {
        let mut text = String::new();
        for piece in value.pieces() {
            let slot = match piece {
                Piece::Literal(literal) => {
                    text.extend(literal.chars().map(|c| if is_reserved(c) { char::REPLACEMENT_CHARACTER } else { c }));
                    continue;
                }
                Piece::Mark(mark) => Slot::Mark(mark),
                Piece::Encoded(encoding, inner) => Slot::Encoded(*encoding, inner),
            };
            if self.slots.len() >= SLOTS_MAX {
                return Err(TooMany);
            }
            let code = u32::try_from(self.slots.len()).map_err(|_| TooMany)?;
            text.push(char::from_u32(FIRST + code).ok_or(TooMany)?);
            self.slots.push(slot);
        }
        Ok(text)
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.slots.truncate(length);
    }

    pub(super) fn get(&self, c: char) -> Option<Slot<'c>> {
        self.slots.get(Self::index(c)?).copied()
    }

    pub(super) fn index(c: char) -> Option<usize> {
        usize::try_from(u32::from(c).checked_sub(FIRST)?).ok().filter(|_| is_slot(c))
    }

    /// The pieces of a written text.
    pub(super) fn pieces<'t>(&self, text: &'t str) -> impl Iterator<Item = TextPiece<'t, 'c>> {
        text.split_inclusive(is_slot).flat_map(|piece| {
            let slot = piece.chars().next_back().and_then(|last| Some((last.len_utf8(), self.get(last)?)));
            let end = piece.len() - slot.map_or(0, |(length, _)| length);
            let literal = piece.get(..end).filter(|literal| !literal.is_empty()).map(TextPiece::Literal);
            literal.into_iter().chain(slot.map(|(_, slot)| TextPiece::Slot(slot)))
        })
    }

    /// The text with one layer of encoded parts written out.
    pub(super) fn expand(&mut self, text: &str) -> Result<String, TooMany> {
        let mut expanded = String::with_capacity(text.len());
        for c in text.chars() {
            match self.get(c) {
                Some(Slot::Encoded(_, inner)) => expanded.push_str(&self.write(inner)?),
                _ => expanded.push(c),
            }
        }
        Ok(expanded)
    }

    /// Whether a text contains a part of the message, including in text that was encoded as a whole.
    pub(super) fn carries_message(&self, text: &str) -> bool {
        text.chars().filter_map(|c| self.get(c)).any(|slot| match slot {
            Slot::Mark(mark) => is_message(mark),
            Slot::Encoded(_, inner) => {
                let mut found = false;
                inner.for_each_mark(&mut |mark| found |= is_message(mark));
                found
            }
        })
    }
}

/// Whether a mark is a part of the message, rather than a secret or an opaque value.
pub(super) fn is_message(mark: &Mark) -> bool {
    match mark {
        Mark::Recipient(_) | Mark::Text | Mark::Code | Mark::Variable(_) | Mark::ClientIp => true,
        Mark::Secret(_) | Mark::Opaque => false,
    }
}

/// Checks the number of sealed values before anything else uses them.
pub(super) fn check_count<'c>(values: impl Iterator<Item = &'c Composition>) -> Result<(), TooMany> {
    let mut total = 0;
    for value in values {
        add(value, 0, &mut total)?;
    }
    Ok(())
}

fn add(value: &Composition, depth: usize, total: &mut usize) -> Result<(), TooMany> {
    if depth > DEPTH_MAX {
        return Err(TooMany);
    }
    for piece in value.pieces() {
        match piece {
            Piece::Literal(_) => continue,
            Piece::Mark(_) => {}
            Piece::Encoded(_, inner) => add(inner, depth + 1, total)?,
        }
        *total += 1;
        if *total > SLOTS_MAX {
            return Err(TooMany);
        }
    }
    Ok(())
}
