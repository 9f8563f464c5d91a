//! What happened on the way, for people: which host calls a connector made, what left (masked), what came back.
//!
//! Nothing sealed is ever put in: values show as `[recipient]`, `[text]`, `[code]`, `[secret NAME]`, and texts that a guest
//! or a provider wrote went through the scrubber first.

use std::time::{Duration, Instant};

use serde::Serialize;

/// One line of a trace.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceEvent {
    /// Microseconds since the send began.
    pub at_us: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: TraceKind,
}

/// What happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum TraceKind {
    /// A fresh instance stood.
    Instantiated,
    /// A parameter was read. Never its value.
    Config {
        /// The parameter's key.
        key: String,
        /// Whether it was asked for as a secret.
        secret: bool,
    },
    /// A sealed value was made.
    Sealed {
        /// `concat`, `encode`, `digest`, `hmac`, `decode`.
        operation: &'static str,
    },
    /// The connector read a sealed value in clear, by its grant.
    Revealed {
        /// What it was made of.
        labels: String,
    },
    /// A request passed the rules and goes out.
    Request {
        /// `POST`
        method: String,
        /// Masked.
        url: String,
        /// Bytes of the body.
        body_bytes: usize,
        /// Whether it carries the message.
        carries_message: bool,
    },
    /// A request was refused. Nothing left.
    Refused {
        /// Which rule, and the line that would allow it.
        reason: String,
    },
    /// The provider answered.
    Response {
        /// HTTP status.
        status: u16,
        /// Bytes of the decoded body.
        body_bytes: usize,
        /// The address that was dialled.
        peer: String,
    },
    /// No answer came.
    NoResponse {
        /// Why.
        reason: String,
    },
    /// The connector wrote a line.
    Log {
        /// `debug`, `info`, `warn`, `error`, or `stderr`.
        level: &'static str,
        /// Escaped and scrubbed.
        message: String,
    },
    /// Lines were dropped from here on.
    LogTruncated,
    /// The connector returned, or was ended.
    Returned {
        /// `receipt`, a failure class, or the fault.
        result: String,
    },
}

/// Collects events. Bounded: a send has bounded host calls, and each makes one event.
#[derive(Debug)]
pub(crate) struct Trace {
    began: Instant,
    events: Vec<TraceEvent>,
}

impl Trace {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), events: Vec::new() }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub(crate) fn push(&mut self, what: TraceKind) {
        self.events
            .push(TraceEvent { at_us: u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX), what });
    }

    pub(crate) fn into_events(self) -> Vec<TraceEvent> {
        self.events
    }
}

/// Whether a character could do something to a terminal or to the reading order, instead of being seen.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Makes text from a guest or a provider safe to print on one line: line breaks become spaces, other control characters,
/// terminal escapes and directional overrides become `\u{…}`.
pub(crate) fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::with_capacity(text.len().min(limit));
    for character in text.chars() {
        if line.len() >= limit {
            line.push('…');
            break;
        }
        match character {
            '\n' | '\r' | '\t' => line.push(' '),
            hidden if is_hidden(hidden) => line.extend(hidden.escape_unicode()),
            plain => line.push(plain),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_shown_not_obeyed() {
        assert_eq!(one_line("a\u{1b}[2Jb\nc\u{202e}d", 100), "a\\u{1b}[2Jb c\\u{202e}d");
        assert_eq!(one_line("abcdef", 3), "abc…");
    }
}
