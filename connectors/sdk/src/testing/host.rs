//! The host of a test: checks each request and returns scripted responses.

use std::collections::{BTreeMap, VecDeque};

use super::cleartext::{self, EvaluationError, Values};
use super::harness::ClearRequest;
use super::rules;
use crate::connector::{Host, LogLevel, RevealDenied, Verifier};
use crate::http::{HttpError, HttpErrorKind, Request, Response, SendError};
use crate::metadata::Metadata;
use crate::sealed::{Expression, Sealed, Source};

/// The host of one `send`.
pub(super) struct ScriptedHost<'a> {
    metadata: Metadata,
    values: &'a Values,
    plain: &'a BTreeMap<String, String>,
    reveals: bool,
    responses: VecDeque<Result<Response, HttpError>>,
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
        responses: VecDeque<Result<Response, HttpError>>,
    ) -> Self {
        let (requests, log) = (Vec::new(), Vec::new());
        Self { metadata, values, plain, reveals, responses, message_has_left: false, requests, log }
    }

    /// The request in clear text, and whether it carries the message; or the rule that it breaks.
    fn check(&self, request: &Request) -> Result<(ClearRequest, bool), RequestError> {
        let clear = ClearRequest::of(request, self.values).map_err(|reason| match reason {
            EvaluationError::Missing(what) => RequestError::Missing(what),
            broken => RequestError::Broken(broken.to_string()),
        })?;
        if self.message_has_left {
            return Err(RequestError::Broken("no request may follow the one that carries the message".to_owned()));
        }
        let carries = rules::check(request, &clear, &self.metadata, self.plain, self.values);
        Ok((clear, carries.map_err(RequestError::Broken)?))
    }
}

/// Why a request is not sent.
enum RequestError {
    /// A value is missing, which is returned to the connector.
    Missing(String),
    /// A rule is broken, which ends the send.
    Broken(String),
}

/// Ends a call that breaks a rule. The host does so without telling the connector.
#[allow(clippy::panic, reason = "for tests, where a panic is how a test fails")]
fn end_call(rule: impl std::fmt::Display) -> ! {
    panic!("the host would end this call: {rule}")
}

impl Host for ScriptedHost<'_> {
    fn send(&mut self, request: &Request) -> Result<Response, SendError> {
        let (clear, carries_message) = match self.check(request) {
            Ok(checked) => checked,
            Err(RequestError::Missing(what)) => return Err(SendError::Missing(what)),
            Err(RequestError::Broken(rule)) => end_call(rule),
        };
        self.requests.push(clear);
        let no_response = HttpError { kind: HttpErrorKind::Reset, request_may_have_left: true };
        let response = self.responses.pop_front().unwrap_or(Err(no_response));
        let left = response.as_ref().err().is_none_or(|error| error.request_may_have_left);
        self.message_has_left |= carries_message && left;
        response.map_err(SendError::Http)
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

/// The host of one `parse`.
pub(super) struct TestVerifier<'a> {
    values: &'a Values,
    calls: usize,
}

impl<'a> TestVerifier<'a> {
    pub(super) fn new(values: &'a Values) -> Self {
        Self { values, calls: 0 }
    }
}

/// The maximum number of calls of [`Verifier::matches`] in one `parse`, as on the host.
const MATCHES_MAX: usize = 8;

impl Verifier for TestVerifier<'_> {
    fn matches(&mut self, computed: &Sealed, received: &Sealed) -> bool {
        self.calls += 1;
        if self.calls > MATCHES_MAX {
            end_call(format!("at most {MATCHES_MAX} comparisons are allowed in one call"));
        }
        if !is_signature(computed) {
            end_call("`computed` must be an HMAC or a digest with a secret in it, over received values and literals");
        }
        let whole = match &*received.0 {
            Expression::Source(source) => source.is_received(),
            Expression::Decode(data, _) => matches!(&*data.0, Expression::Source(source) if source.is_received()),
            _ => false,
        };
        if !whole {
            end_call("`received` must be one received value, as it came or decoded");
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

/// Whether this is an HMAC or a digest, encoded or not, of a secret, received values and literals.
fn is_signature(value: &Sealed) -> bool {
    let sources = match &*value.0 {
        Expression::Encode(data, _) => return is_signature(data),
        Expression::Digest(..) | Expression::Hmac { .. } => value.sources(),
        _ => return false,
    };
    let secret = |source: &&Source| matches!(source, Source::Secret(_));
    sources.iter().any(secret) && sources.iter().all(|source| source.is_received() || secret(source))
}
