//! Whether a request is the one message that it claims to be.
//!
//! An untrusted connector builds the request from values that it cannot read. It could send the message to somebody else, add words
//! to it, or turn one message into two. Therefore the connector declares the positions of recipient and content
//! ([`MessagePlaces`]), a person reviews them, and every request is parsed as its provider will parse it: the body with a real
//! parser for its content type, the query as a query.
//!
//! [`RequestView::judge`] reads only the [`Composition`]s, so its result never depends on sealed values. It promises that a request
//! passes only if
//! - it contains nothing of the message, or recipient and content exactly once, each as the whole value at its declared position;
//! - no other field of the request has the name of such a position;
//! - no text that the connector wrote, in any notation that a lenient provider accepts, could be a phone number, unless the host
//!   itself gave it to the connector, or it is the time or a date.
//!
//! [`RequestView::confirm`] then parses the bytes in the same way, and promises that they have the fields that were judged: a
//! sealed value whose own bytes would end a field changes the number of fields, and the request is not sent.
//!
//! What it cannot detect: a number in an encoding of the connector's own, one that is written in letters, one with fewer than 7
//! digits, and a provider's parameter that makes it add words. [`RequestShape`] covers those: the literals of a request are pinned.
//!
//! Must not know: hosts, grants, sizes. Violations show positions and counts, never text.

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

use self::explain::Explanations;
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
pub struct JudgedRequest {
    /// What the request carries.
    pub carries: Carries,
    /// The shape of the request.
    pub shape: RequestShape,
}

impl RequestView {
    /// Judges the whole request by its compositions.
    ///
    /// # Errors
    /// The first [`CompositionViolation`]. Nothing may be sent then.
    pub fn judge(
        &self,
        places: Option<&MessagePlaces>,
        rule: &MessageRule<'_>,
    ) -> Result<JudgedRequest, CompositionViolation> {
        let carries = message_check::count(self, rule.content)?;
        self.judge_read(&Reading::of(self)?, carries, places, rule)
    }

    /// Judges the request and confirms that the bytes have the structure that was judged, while parsing only once.
    ///
    /// # Errors
    /// As for [`Self::judge`] and [`Self::confirm`].
    pub fn judge_and_confirm(
        &self,
        places: Option<&MessagePlaces>,
        rule: &MessageRule<'_>,
        bytes: &RequestBytes<'_>,
    ) -> Result<JudgedRequest, CompositionViolation> {
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
    ) -> Result<JudgedRequest, CompositionViolation> {
        let explained = Explanations::new(rule);
        if carries == Carries::Message {
            message_check::check(reading, places.ok_or(CompositionViolation::NoPlaces)?, rule, &explained)?;
        }
        check_no_second_number(reading, &explained)?;
        let shape = RequestShape::new(carries, outline::lines(reading, self.method, &explained));
        Ok(JudgedRequest { carries, shape })
    }

    /// The shape of the request, where `rule` may know more host values than the request was judged with: an earlier response can
    /// explain a literal, but never a number.
    ///
    /// # Errors
    /// As for [`Self::judge`], if the request cannot be parsed.
    pub fn shape(&self, rule: &MessageRule<'_>) -> Result<RequestShape, CompositionViolation> {
        let carries = message_check::count(self, rule.content)?;
        let lines = outline::lines(&Reading::of(self)?, self.method, &Explanations::new(rule));
        Ok(RequestShape::new(carries, lines))
    }

    /// All possible readings of the literals of the request.
    ///
    /// # Errors
    /// As for [`Self::judge`], if the request cannot be parsed.
    pub fn readings(&self, rule: &MessageRule<'_>) -> Result<ShapeReadings, CompositionViolation> {
        Ok(ShapeReadings::of(&Reading::of(self)?, self.method, rule))
    }

    /// Confirms that the bytes have the structure that was judged: the same fields, each with the same literals and exactly the
    /// sealed values of its marks.
    ///
    /// # Errors
    /// The first [`CompositionViolation`]. Nothing may be sent then.
    pub fn confirm(&self, bytes: &RequestBytes<'_>) -> Result<(), CompositionViolation> {
        confirm::confirm(&Reading::of(self)?, bytes)
    }
}

fn check_no_second_number(reading: &Reading<'_>, explained: &Explanations<'_>) -> Result<(), CompositionViolation> {
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
