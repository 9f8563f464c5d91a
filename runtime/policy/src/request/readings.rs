//! One request, read in every way in which its literals could be explained.
//!
//! `5` is a literal of the connector's own, or the lifetime in minutes of this one message; `45` is a literal, or the calling
//! code of Denmark. Both are written alike, so the shape of one message cannot say which of them was meant, and the next
//! message has another lifetime. A request is held against what is pinned by all of its readings, so that no coincidence
//! holds a message back.

use super::explain::Explained;
use super::known::{HostValue, HostValues};
use super::outline;
use super::reading::Reading;
use super::view::MessageRule;
use crate::manifest::Method;

/// What is left out in turn: kinds of [`HostValue`], by the first word of their names, and the two values of the clock.
const LEFT_OUT: [LeftOut; 14] = [
    LeftOut::Kind("config"),
    LeftOut::Kind("calling"),
    LeftOut::Kind("country"),
    LeftOut::Kind("locale"),
    LeftOut::Kind("usage"),
    LeftOut::Kind("template"),
    LeftOut::Kind("attempt"),
    LeftOut::Kind("segments"),
    LeftOut::Kind("units"),
    LeftOut::Kind("answer"),
    LeftOut::Lifetime,
    LeftOut::Time,
    LeftOut::OfTheMessage,
    LeftOut::All,
];

#[derive(Clone, Copy)]
enum LeftOut {
    Kind(&'static str),
    Lifetime,
    Time,
    /// All but the configuration and what is new for every message.
    OfTheMessage,
    All,
}

impl LeftOut {
    fn keeps(self, value: &HostValue) -> bool {
        let kind = value.name.split(' ').next().unwrap_or_default();
        match self {
            Self::Kind(left_out) => kind != left_out,
            Self::Lifetime | Self::Time => true,
            Self::OfTheMessage => matches!(kind, "config" | "message" | "nonce"),
            Self::All => false,
        }
    }

    /// What is kept of the values. `None` for all of them.
    fn without(self, known: &HostValues) -> Option<HostValues> {
        let kept: Vec<HostValue> = known.values().iter().filter(|value| self.keeps(value)).cloned().collect();
        (kept.len() < known.values().len()).then(|| HostValues::new(kept))
    }
}

/// The lines of a request's shape in the order of the request, each in every reading. The first reading of a line is that of
/// the shape.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShapeReadings {
    lines: Vec<Vec<String>>,
}

impl ShapeReadings {
    pub(super) fn of(reading: &Reading<'_>, method: Method, rule: &MessageRule<'_>) -> Self {
        let first = outline::unsorted(reading, method, &Explained::new(rule));
        let mut lines: Vec<Vec<String>> = first.into_iter().map(|line| vec![line]).collect();
        for left_out in LEFT_OUT {
            let kept: Vec<Option<HostValues>> = rule.known.iter().map(|known| left_out.without(known)).collect();
            let known = rule.known.iter().zip(&kept).map(|(all, kept)| kept.as_ref().unwrap_or(all)).collect();
            let fewer = MessageRule {
                known,
                lifetime_seconds: match left_out {
                    LeftOut::Lifetime | LeftOut::OfTheMessage | LeftOut::All => 0,
                    _ => rule.lifetime_seconds,
                },
                now_unix_ms: if matches!(left_out, LeftOut::Time | LeftOut::All) { 0 } else { rule.now_unix_ms },
                ..rule.clone()
            };
            let others = outline::unsorted(reading, method, &Explained::new(&fewer));
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
