//! The host of a test: judges each request, and answers it from a script.

use std::collections::{BTreeMap, VecDeque};

use super::cleartext::{self, EvaluationError, Values};
use super::harness::ClearRequest;
use super::rules;
use crate::connector::{Host, LogLevel, RevealDenied, Verifier};
use crate::http::{HttpError, HttpErrorKind, Request, Response, SendError};
use crate::metadata::Metadata;
use crate::sealed::{Expression, Sealed, Source};

/// The host of a test of `send`.
pub(super) struct ScriptedHost<'a> {
    metadata: Metadata,
    values: &'a Values,
    plain: &'a BTreeMap<String, String>,
    reveals: bool,
    answers: VecDeque<Result<Response, HttpError>>,
    message_has_left: bool,
    pub(super) requests: Vec<ClearRequest>,
    pub(super) log: Vec<(LogLevel, String)>,
}

impl<'a> ScriptedHost<'a> {
    pub(super) fn new(
        metadata: Metadata,
        values: &'a Values,
        plain: &'a BTreeMap<String, String>,
        reveals: bool,
        answers: VecDeque<Result<Response, HttpError>>,
    ) -> Self {
        let (requests, log) = (Vec::new(), Vec::new());
        Self { metadata, values, plain, reveals, answers, message_has_left: false, requests, log }
    }

    /// The request in the clear, and whether it carries the message; or the rule that it breaks.
    fn judge(&self, request: &Request) -> Result<(ClearRequest, bool), Refusal> {
        let clear = ClearRequest::of(request, self.values).map_err(|reason| match reason {
            EvaluationError::Missing(what) => Refusal::Missing(what),
            broken => Refusal::Broken(broken.to_string()),
        })?;
        if self.message_has_left {
            return Err(Refusal::Broken("after the request with the message no other one may follow".to_owned()));
        }
        let carries = rules::judge(request, &clear, &self.metadata, self.plain, self.values);
        Ok((clear, carries.map_err(Refusal::Broken)?))
    }
}

/// Why a request does not leave.
enum Refusal {
    /// The connector is told.
    Missing(String),
    /// A rule is broken: the host ends the send.
    Broken(String),
}

/// What the host does with a call that breaks a rule: it ends it, and the connector is not told.
#[allow(clippy::panic, reason = "for tests, where a panic is how a test fails")]
fn end(rule: impl std::fmt::Display) -> ! {
    panic!("the host would end this call: {rule}")
}

impl Host for ScriptedHost<'_> {
    fn send(&mut self, request: &Request) -> Result<Response, SendError> {
        let (clear, carries_message) = match self.judge(request) {
            Ok(judged) => judged,
            Err(Refusal::Missing(what)) => return Err(SendError::Missing(what)),
            Err(Refusal::Broken(rule)) => end(rule),
        };
        self.requests.push(clear);
        let unanswered = HttpError { kind: HttpErrorKind::Reset, request_may_have_left: true };
        let answer = self.answers.pop_front().unwrap_or(Err(unanswered));
        let left = answer.as_ref().err().is_none_or(|error| error.request_may_have_left);
        self.message_has_left |= carries_message && left;
        answer.map_err(SendError::Http)
    }

    fn log(&mut self, level: LogLevel, message: &str) {
        self.log.push((level, message.to_owned()));
    }

    fn reveal(&mut self, value: &Sealed) -> Result<Vec<u8>, RevealDenied> {
        if !self.reveals {
            return Err(RevealDenied);
        }
        self.values.bytes(value).map_err(|_| RevealDenied)
    }
}

/// The host of a test of `parse`.
pub(super) struct TestVerifier<'a> {
    values: &'a Values,
    calls: usize,
}

impl<'a> TestVerifier<'a> {
    pub(super) fn new(values: &'a Values) -> Self {
        Self { values, calls: 0 }
    }
}

/// Calls of [`Verifier::matches`] in one `parse`, as the host counts them.
const MATCHES_MAX: usize = 8;

impl Verifier for TestVerifier<'_> {
    fn matches(&mut self, computed: &Sealed, received: &Sealed) -> bool {
        self.calls += 1;
        if self.calls > MATCHES_MAX {
            end(format!("a signature is compared at most {MATCHES_MAX} times"));
        }
        if !is_signature(computed) {
            end("`computed` must be an HMAC or a digest under a secret, of received values and literals");
        }
        let whole = match &*received.0 {
            Expression::Source(source) => source.is_received(),
            Expression::Decode(data, _) => matches!(&*data.0, Expression::Source(source) if source.is_received()),
            _ => false,
        };
        if !whole {
            end("`received` must be one received value, as it came or decoded");
        }
        match (self.values.bytes(computed), self.values.bytes(received)) {
            (Ok(computed), Ok(received)) => computed == received,
            _ => false,
        }
    }

    fn jwt(&mut self, token: &Sealed, key: &Sealed) -> Option<String> {
        cleartext::jwt(&self.values.bytes(token).ok()?, &self.values.bytes(key).ok()?)
    }
}

/// An HMAC or a digest, perhaps encoded, that a secret has gone into and nothing of a message.
fn is_signature(value: &Sealed) -> bool {
    let sources = match &*value.0 {
        Expression::Encode(data, _) => return is_signature(data),
        Expression::Digest(..) | Expression::Hmac { .. } => value.sources(),
        _ => return false,
    };
    let secret = |source: &&Source| matches!(source, Source::Secret(_));
    sources.iter().any(secret) && sources.iter().all(|source| source.is_received() || secret(source))
}
