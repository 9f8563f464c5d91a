//! All readings of a request: the ways in which its literals can be explained.
//!
//! `5` may be a literal of the connector, or the lifetime in minutes of this message; `45` may be a literal, or the calling code of
//! Denmark. Both look the same, so the shape of one message cannot tell which it is, and the next message has another lifetime. All
//! readings of a request are compared with the pinned shapes, so that a coincidence does not hold a message back.

use super::explain::Explanations;
use super::known::{HostValue, HostValues};
use super::outline;
use super::reading::Reading;
use super::view::MessageRule;
use crate::manifest::Method;

/// What is left out in turn: kinds of [`HostValue`], by the first word of their names, and the two values of the clock.
const OMISSIONS: [Omission; 14] = [
    Omission::Kind("config"),
    Omission::Kind("calling"),
    Omission::Kind("country"),
    Omission::Kind("locale"),
    Omission::Kind("usage"),
    Omission::Kind("template"),
    Omission::Kind("attempt"),
    Omission::Kind("segments"),
    Omission::Kind("units"),
    Omission::Kind("answer"),
    Omission::Lifetime,
    Omission::Time,
    Omission::OfTheMessage,
    Omission::All,
];

#[derive(Clone, Copy)]
enum Omission {
    Kind(&'static str),
    Lifetime,
    Time,
    /// Everything but the configuration and values that are new for every message.
    OfTheMessage,
    All,
}

impl Omission {
    fn keeps(self, value: &HostValue) -> bool {
        let kind = value.name.split(' ').next().unwrap_or_default();
        match self {
            Self::Kind(left_out) => kind != left_out,
            Self::Lifetime | Self::Time => true,
            Self::OfTheMessage => matches!(kind, "config" | "message" | "nonce"),
            Self::All => false,
        }
    }

    /// The remaining values. `None` if nothing is left out.
    fn without(self, known: &HostValues) -> Option<HostValues> {
        let kept: Vec<HostValue> = known.values().iter().filter(|value| self.keeps(value)).cloned().collect();
        (kept.len() < known.values().len()).then(|| HostValues::new(kept))
    }
}

/// The lines of a request's shape in the order of the request, each in all readings. The first reading of a line is that of the
/// shape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShapeReadings {
    lines: Vec<Vec<String>>,
}

impl ShapeReadings {
    pub(super) fn of(reading: &Reading<'_>, method: Method, rule: &MessageRule<'_>) -> Self {
        let first = outline::unsorted(reading, method, &Explanations::new(rule));
        let mut lines: Vec<Vec<String>> = first.into_iter().map(|line| vec![line]).collect();
        for left_out in OMISSIONS {
            let kept: Vec<Option<HostValues>> = rule.known.iter().map(|known| left_out.without(known)).collect();
            let known = rule.known.iter().zip(&kept).map(|(all, kept)| kept.as_ref().unwrap_or(all)).collect();
            let fewer = MessageRule {
                known,
                lifetime_seconds: match left_out {
                    Omission::Lifetime | Omission::OfTheMessage | Omission::All => 0,
                    _ => rule.lifetime_seconds,
                },
                now_unix_ms: if matches!(left_out, Omission::Time | Omission::All) { 0 } else { rule.now_unix_ms },
                ..rule.clone()
            };
            let others = outline::unsorted(reading, method, &Explanations::new(&fewer));
            for (line, other) in lines.iter_mut().zip(others) {
                if !line.contains(&other) {
                    line.push(other);
                }
            }
        }
        Self { lines }
    }

    /// The method and the URL.
    pub(crate) fn url(&self) -> &[String] {
        self.lines.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// The other lines.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &[String]> {
        self.lines.iter().skip(1).map(Vec::as_slice)
    }
}
