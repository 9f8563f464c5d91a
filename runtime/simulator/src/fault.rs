//! Injected faults: their kinds, their notation, and to which request each applies.
//!
//! Promises that every fault can be written as `word` or `word:value` and parsed back to the same fault, and that a fault with a
//! count applies to exactly that many requests, in the order in which faults were set. Knows no sockets: `inject` carries faults
//! out.

use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::lock::lock;

/// Default size of an oversized response in bytes: 16 times what the sandbox reads.
const DEFAULT_OVERSIZE: usize = 4 << 20;
/// Maximum size of an oversized response in bytes.
const MAX_OVERSIZE: usize = 256 << 20;
/// Default pause between two bytes of a dripping response.
const DEFAULT_DRIP: Duration = Duration::from_millis(100);
/// Maximum delay and drip.
const MAX_PAUSE: Duration = Duration::from_secs(3600);

/// A kind of fault. Where it says “accepted”, the provider has accepted the message, if the request was valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Fault {
    /// `status:503`: this HTTP status (200 to 599), in the provider's shape.
    Status(u16),
    /// `code:21211`: the provider's own error of this code, with its real HTTP status.
    Code(String),
    /// `delay:500ms`, `delay:2s`: the response comes later. Added to other faults. Accepted.
    Delay(Duration),
    /// `stall`: the request is read, and no response is sent. Accepted.
    Stall,
    /// `reset-before`: the connection is reset (RST) after the headers, before the body is read.
    ResetBefore,
    /// `reset-after`: the connection is reset (RST) after the whole request was read. Accepted.
    ResetAfter,
    /// `redirect:https://…`: 307 to that URL.
    Redirect(String),
    /// `oversize`, `oversize:1000000`: a 200 with a body of that many bytes.
    Oversize(usize),
    /// `garbage`: bytes that are not HTTP, then the end of the connection. Accepted.
    Garbage,
    /// `echo`, `echo:201`: credentials and all fields of the request in body and headers; status 400 by default.
    Echo(u16),
    /// `drip`, `drip:20ms`: headers at once, then one byte of the body at a time, without end. Accepted.
    Drip(Duration),
    /// `lie-length`: the real response with a Content-Length that is too large, then a clean end. Accepted.
    LieLength,
    /// `gzip-bomb`: a small compressed body that unpacks to 16 MiB.
    GzipBomb,
    /// `close-mid-body`: half of the real response, then an end without TLS's closing alert. Accepted.
    CloseMidBody,
    /// `retry-after:7`: 429 with this many seconds in `Retry-After`.
    RetryAfter(u32),
}

/// Why a fault could not be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// An unknown word.
    #[error(
        "unknown fault `{0}`; expected status:N, code:C, delay:TIME, stall, reset-before, reset-after, redirect:URL, \
         oversize[:BYTES], garbage, echo[:STATUS], drip[:TIME], lie-length, gzip-bomb, close-mid-body, retry-after:SECONDS"
    )]
    Unknown(String),
    /// An invalid value after the colon.
    #[error("`{fault}` needs {wanted}")]
    Value {
        /// The word before the colon.
        fault: String,
        /// What is expected after it.
        wanted: &'static str,
    },
    /// Not `TARGET=FAULT`.
    #[error("`{0}` must be TARGET=FAULT or TARGET=FAULT,times=N; TARGET is a provider, a host or `*`")]
    Shape(String),
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (word, value) = text.split_once(':').map_or((text, None), |(word, value)| (word, Some(value)));
        let wrong = |wanted| FaultError::Value { fault: word.to_owned(), wanted };
        let status = |value: &str| value.parse().ok().filter(|status| (200..=599).contains(status));
        match (word, value) {
            ("status", value) => {
                let wanted = wrong("an HTTP status from 200 to 599, like status:503");
                value.and_then(status).map(Self::Status).ok_or(wanted)
            }
            ("code", Some(code)) if !code.is_empty() => Ok(Self::Code(code.to_owned())),
            ("code", _) => Err(wrong("a code of the provider, like code:21211")),
            ("delay", value) => {
                let wanted = wrong("a duration of at most an hour, like delay:500ms or delay:2s");
                value.and_then(parse_pause).map(Self::Delay).ok_or(wanted)
            }
            ("stall", None) => Ok(Self::Stall),
            ("reset-before", None) => Ok(Self::ResetBefore),
            ("reset-after", None) => Ok(Self::ResetAfter),
            ("redirect", value) => {
                let wanted = wrong("an absolute http or https URL, like redirect:https://elsewhere.example/");
                let good = |url: &&str| Url::parse(url).is_ok_and(|url| ["http", "https"].contains(&url.scheme()));
                value.filter(good).map(|url| Self::Redirect(url.to_owned())).ok_or(wanted)
            }
            ("oversize", None) => Ok(Self::Oversize(DEFAULT_OVERSIZE)),
            ("oversize", Some(bytes)) => {
                let wanted = wrong("a number of bytes up to 268435456, like oversize:1000000");
                bytes.parse().ok().filter(|n| (1..=MAX_OVERSIZE).contains(n)).map(Self::Oversize).ok_or(wanted)
            }
            ("garbage", None) => Ok(Self::Garbage),
            ("echo", None) => Ok(Self::Echo(400)),
            ("echo", Some(value)) => {
                status(value).map(Self::Echo).ok_or(wrong("an HTTP status from 200 to 599, like echo:201"))
            }
            ("drip", None) => Ok(Self::Drip(DEFAULT_DRIP)),
            ("drip", Some(pause)) => {
                let positive = parse_pause(pause).filter(|pause| !pause.is_zero());
                positive.map(Self::Drip).ok_or(wrong("a duration between bytes, like drip:20ms"))
            }
            ("lie-length", None) => Ok(Self::LieLength),
            ("gzip-bomb", None) => Ok(Self::GzipBomb),
            ("close-mid-body", None) => Ok(Self::CloseMidBody),
            ("retry-after", value) => {
                let wanted = wrong("a number of seconds, like retry-after:7");
                value.and_then(|v| v.parse().ok()).map(Self::RetryAfter).ok_or(wanted)
            }
            _ => Err(FaultError::Unknown(text.to_owned())),
        }
    }
}

/// `500ms` or `2s`.
fn parse_pause(text: &str) -> Option<Duration> {
    let pause = match text.strip_suffix("ms") {
        Some(millis) => Duration::from_millis(millis.parse().ok()?),
        None => Duration::from_secs(text.strip_suffix('s')?.parse().ok()?),
    };
    (pause <= MAX_PAUSE).then_some(pause)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status:{status}"),
            Self::Code(code) => write!(f, "code:{code}"),
            Self::Delay(pause) => write!(f, "delay:{}ms", pause.as_millis()),
            Self::Stall => f.write_str("stall"),
            Self::ResetBefore => f.write_str("reset-before"),
            Self::ResetAfter => f.write_str("reset-after"),
            Self::Redirect(url) => write!(f, "redirect:{url}"),
            Self::Oversize(bytes) => write!(f, "oversize:{bytes}"),
            Self::Garbage => f.write_str("garbage"),
            Self::Echo(status) => write!(f, "echo:{status}"),
            Self::Drip(pause) => write!(f, "drip:{}ms", pause.as_millis()),
            Self::LieLength => f.write_str("lie-length"),
            Self::GzipBomb => f.write_str("gzip-bomb"),
            Self::CloseMidBody => f.write_str("close-mid-body"),
            Self::RetryAfter(seconds) => write!(f, "retry-after:{seconds}"),
        }
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}

impl TryFrom<String> for Fault {
    type Error = FaultError;

    fn try_from(text: String) -> Result<Self, FaultError> {
        text.parse()
    }
}

/// A fault with its target and count. As text `twilio=status:503` or `*=stall,times=2`; as JSON
/// `{"target": "twilio", "fault": "status:503", "times": 2}`, where `target` defaults to `*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// A provider (`twilio`), a host (`api.twilio.com`), or `*` for every request.
    #[serde(default = "everyone")]
    pub target: String,
    /// The kind of fault.
    pub fault: Fault,
    /// The number of requests to which it applies; `None` for all, until it is cleared.
    #[serde(default)]
    pub times: Option<u32>,
}

fn everyone() -> String {
    "*".to_owned()
}

impl FromStr for FaultSpec {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let shape = || FaultError::Shape(text.to_owned());
        let (target, rest) = text.split_once('=').filter(|(target, _)| !target.is_empty()).ok_or_else(shape)?;
        let (fault, times) = match rest.rsplit_once(",times=") {
            Some((fault, times)) => (fault, Some(times.parse().map_err(|_| shape())?)),
            None => (rest, None),
        };
        Ok(Self { target: target.to_ascii_lowercase(), fault: fault.parse()?, times })
    }
}

impl fmt::Display for FaultSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.target, self.fault)?;
        self.times.map_or(Ok(()), |times| write!(f, ",times={times}"))
    }
}

/// The faults that are set, in their order.
#[derive(Default)]
pub(crate) struct FaultQueue(Mutex<Vec<FaultSpec>>);

/// The faults that apply to one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct AppliedFaults {
    /// The sum of all delays that apply.
    pub(crate) delay: Duration,
    /// The first other fault that applies.
    pub(crate) fault: Option<Fault>,
}

impl FaultQueue {
    pub(crate) fn add(&self, spec: FaultSpec) {
        lock(&self.0).push(spec);
    }

    /// The faults that still apply; `times` counts down.
    pub(crate) fn list(&self) -> Vec<FaultSpec> {
        lock(&self.0).clone()
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// Takes the faults that apply to one request to `host` of `provider`. `knows` says whether the provider has a code.
    pub(crate) fn take(&self, provider: &str, host: &str, knows: impl Fn(&str) -> bool) -> AppliedFaults {
        let mut queue = lock(&self.0);
        let mut applied = AppliedFaults::default();
        for spec in queue.iter_mut() {
            let aimed = spec.target == "*" || spec.target == provider || spec.target == host;
            if !aimed || spec.times == Some(0) {
                continue;
            }
            match &spec.fault {
                Fault::Delay(pause) => applied.delay += *pause,
                Fault::Code(code) if !knows(code) => continue,
                _ if applied.fault.is_some() => continue,
                fault => applied.fault = Some(fault.clone()),
            }
            spec.times = spec.times.map(|times| times - 1);
        }
        queue.retain(|spec| spec.times != Some(0));
        applied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_reads_back() {
        for text in [
            "twilio=status:503",
            "twilio=code:21211",
            "*=delay:500ms",
            "*=stall,times=2",
            "http=reset-before",
            "api.twilio.com=reset-after",
            "*=redirect:https://elsewhere.example/a?b=c,d",
            "*=redirect:https://elsewhere.example/,times=3",
            "*=oversize:5",
            "*=garbage",
            "*=echo:201",
            "*=drip:20ms",
            "*=lie-length",
            "*=gzip-bomb",
            "*=close-mid-body",
            "*=retry-after:7",
        ] {
            let spec: FaultSpec = text.parse().unwrap();
            assert_eq!(spec.to_string(), text);
            let json = serde_json::to_string(&spec).unwrap();
            assert_eq!(serde_json::from_str::<FaultSpec>(&json).unwrap(), spec, "{json}");
        }
        assert_eq!("delay:2s".parse(), Ok(Fault::Delay(Duration::from_secs(2))));
        assert_eq!("oversize".parse(), Ok(Fault::Oversize(DEFAULT_OVERSIZE)));
        assert_eq!("echo".parse(), Ok(Fault::Echo(400)));
        assert_eq!("drip".parse(), Ok(Fault::Drip(DEFAULT_DRIP)));
    }

    #[test]
    fn invalid_input_is_refused_with_the_expected_form() {
        for text in [
            "stall",
            "=stall",
            "*=",
            "*=sloth",
            "*=status",
            "*=status:99",
            "*=status:teapot",
            "*=code:",
            "*=delay:5",
            "*=delay:2h",
            "*=delay:4000s",
            "*=redirect:/here",
            "*=redirect:file:///etc/passwd",
            "*=oversize:0",
            "*=drip:0ms",
            "*=stall:now",
            "*=retry-after:soon",
            "*=stall,times=often",
        ] {
            assert!(text.parse::<FaultSpec>().is_err(), "{text}");
        }
        let message = "*=status:99".parse::<FaultSpec>().unwrap_err().to_string();
        assert!(message.contains("status:503"), "{message}");
        assert!(serde_json::from_str::<FaultSpec>(r#"{"fault":"stall","tims":2}"#).is_err());
    }

    #[test]
    fn counts_targets_and_order() {
        let queue = FaultQueue::default();
        for spec in ["twilio=status:500,times=1", "twilio=stall,times=1", "a.test=garbage", "*=delay:1ms,times=2"] {
            queue.add(spec.parse().unwrap());
        }
        let take = |provider, host| {
            let applied = queue.take(provider, host, |_| true);
            (applied.delay.as_millis(), applied.fault.map(|fault| fault.to_string()).unwrap_or_default())
        };
        assert_eq!(take("twilio", "api.twilio.com"), (1, "status:500".into()));
        assert_eq!(take("http", "a.test"), (1, "garbage".into()));
        assert_eq!(take("twilio", "api.twilio.com"), (0, "stall".into()));
        assert_eq!(take("twilio", "api.twilio.com"), (0, String::new()));
        assert_eq!(queue.list().iter().map(ToString::to_string).collect::<Vec<_>>(), ["a.test=garbage"]);
        queue.clear();
        assert_eq!(take("http", "a.test"), (0, String::new()));
    }

    #[test]
    fn a_code_waits_for_a_provider_that_has_it() {
        let queue = FaultQueue::default();
        queue.add("*=code:21211,times=1".parse().unwrap());
        assert_eq!(queue.take("http", "h", |_| false).fault, None);
        assert_eq!(queue.take("twilio", "t", |_| true).fault, Some(Fault::Code("21211".into())));
    }
}
