//! Whether a request is the one message that it says it is.
//!
//! A connector that nobody trusts writes the request around values that it cannot read. It could aim the message at somebody
//! else, add words to it, or make two messages of one. So the connector declares where recipient and content stand
//! ([`MessagePlaces`]), a person sees that, and every request is read as its provider will read it: the body with a real parser
//! for its content type, the query as a query.
//!
//! [`RequestView::judge`] reads the [`Composition`]s alone, so its answer never depends on what is sealed. It promises that a
//! request passes only if
//! - it carries nothing of the message, or recipient and content exactly once, each as the whole value of its declared place;
//! - no other field of the request has the name of such a place;
//! - no text that the connector wrote, in any spelling that a lenient provider reads, could be a telephone number, unless the
//!   host itself gave it to the connector, or it is the time or a date.
//!
//! [`RequestView::confirm`] then reads the bytes in the same way, and promises that they have the fields that were judged: a
//! sealed value whose own bytes would end a field changes the number of fields, and the request does not leave.
//!
//! What it cannot see: a number in an encoding of the connector's own, one spelt with letters, one of fewer than 7 digits, and a
//! provider's parameter that makes it add words. [`RequestShape`] is for those: what is literal in a request is pinned.
//!
//! Must not know: hosts, grants, sizes. Violations show places and counts, never text.

mod confirm;
mod decode;
mod explain;
mod known;
mod message_check;
mod number;
mod outline;
mod parse;
mod parse_json;
mod parse_xml;
mod reading;
mod readings;
mod slot;
mod source;
mod spelling;
mod time;
mod tree;
mod view;
mod violation;

use self::explain::Explained;
use self::number::NumberScan;
use self::reading::Reading;
use self::tree::Value;
use crate::placement::MessagePlaces;
use crate::shape::{Carries, RequestShape};

pub use self::known::{HostValue, HostValues};
pub use self::readings::ShapeReadings;
pub use self::view::{MessageRule, RequestBytes, RequestView};
pub use self::violation::{CompositionViolation, RequestPart};

/// A request that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What it carries.
    pub carries: Carries,
    /// What is literal in it.
    pub shape: RequestShape,
}

impl RequestView {
    /// Judges the whole request by its compositions.
    ///
    /// # Errors
    /// The first [`CompositionViolation`]; nothing may be sent then.
    pub fn judge(
        &self,
        places: Option<&MessagePlaces>,
        rule: &MessageRule<'_>,
    ) -> Result<Judged, CompositionViolation> {
        let carries = message_check::count(self, rule.content)?;
        self.judge_read(&Reading::of(self)?, carries, places, rule)
    }

    /// Judges the request, and proves that the bytes have the structure that was judged, with one reading for both.
    ///
    /// # Errors
    /// As [`Self::judge`] and [`Self::confirm`].
    pub fn judge_and_confirm(
        &self,
        places: Option<&MessagePlaces>,
        rule: &MessageRule<'_>,
        bytes: &RequestBytes<'_>,
    ) -> Result<Judged, CompositionViolation> {
        let carries = message_check::count(self, rule.content)?;
        let reading = Reading::of(self)?;
        let judged = self.judge_read(&reading, carries, places, rule)?;
        confirm::confirm(&reading, bytes)?;
        Ok(judged)
    }

    fn judge_read(
        &self,
        reading: &Reading<'_>,
        carries: Carries,
        places: Option<&MessagePlaces>,
        rule: &MessageRule<'_>,
    ) -> Result<Judged, CompositionViolation> {
        let explained = Explained::new(rule);
        if carries == Carries::Message {
            message_check::check(reading, places.ok_or(CompositionViolation::NoPlaces)?, rule, &explained)?;
        }
        no_second_number(reading, &explained)?;
        let shape = RequestShape::new(carries, outline::lines(reading, self.method, &explained));
        Ok(Judged { carries, shape })
    }

    /// What is literal in the request, where more is known to be the host's than it was judged by: what an earlier answer said
    /// explains a literal, and never a number.
    ///
    /// # Errors
    /// As [`Self::judge`], when the request cannot be read.
    pub fn shape(&self, rule: &MessageRule<'_>) -> Result<RequestShape, CompositionViolation> {
        let carries = message_check::count(self, rule.content)?;
        let lines = outline::lines(&Reading::of(self)?, self.method, &Explained::new(rule));
        Ok(RequestShape::new(carries, lines))
    }

    /// Every way to read the literals of the request.
    ///
    /// # Errors
    /// As [`Self::judge`], when the request cannot be read.
    pub fn readings(&self, rule: &MessageRule<'_>) -> Result<ShapeReadings, CompositionViolation> {
        Ok(ShapeReadings::of(&Reading::of(self)?, self.method, rule))
    }

    /// Proves that the bytes have the structure that was judged: the same fields, and in each the same literals and exactly
    /// the sealed value of its mark.
    ///
    /// # Errors
    /// The first [`CompositionViolation`]; nothing may be sent then.
    pub fn confirm(&self, bytes: &RequestBytes<'_>) -> Result<(), CompositionViolation> {
        confirm::confirm(&Reading::of(self)?, bytes)
    }
}

fn no_second_number(reading: &Reading<'_>, explained: &Explained<'_>) -> Result<(), CompositionViolation> {
    let scan = NumberScan::new(explained);
    for (id, node) in reading.tree.iter() {
        let found = match &node.value {
            Value::Text(text) | Value::Patched(text) => scan.text(text, &reading.slots),
            Value::Number(number) if !number.contains(slot::is_slot) => scan.number(number),
            _ => None,
        };
        let found = found.or_else(|| node.name.text().and_then(|name| scan.text(name, &reading.slots)));
        if let Some(digits) = found {
            return Err(CompositionViolation::SecondNumber { digits, part: reading.tree.part(id) });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
