//! `http-outbound`: assemble, judge, let out, scrub.
//!
//! A request that breaks a rule ends the call. What comes back to the guest is an answer, without what was sent to its
//! origin, or the kind of the network's error.

use std::sync::Arc;

use sendbox_contract::{HeldShape, MalformedRequest, RequestSent, TraceKind, Violation};
use sendbox_policy::{HostValue, HostValues, MessageRule, Method};
use zeroize::Zeroizing;

use super::sealed::Part;
use crate::call::{CallState, Outside, RequestRecord, SentSealed};
use crate::egress::permit::{Assembled, Draft, Permitted, Rules, Skeleton, permit};
use crate::egress::{Answer, EgressError, LeavingFlag};
use crate::trace::excerpt;

/// A request as it comes over the ABI.
pub(crate) struct GuestRequest {
    pub(crate) method: Method,
    pub(crate) url: Vec<Part>,
    pub(crate) headers: Vec<(String, Vec<Part>)>,
    pub(crate) body: Vec<Part>,
}

impl GuestRequest {
    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.url.iter().chain(self.headers.iter().flat_map(|(_, value)| value)).chain(&self.body)
    }
}

/// An answer as it goes to the guest: scrubbed.
pub(crate) struct GuestResponse {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Headers of an answer that a guest gets. Any other one may measure what is scrubbed from the body (a length, a checksum).
const RESPONSE_HEADERS: [&str; 3] = ["content-type", "date", "retry-after"];
const RESPONSE_HEADER_PREFIX: &str = "x-ratelimit-";

/// Ends a dry run: there is no answer that the connector could go on with.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the dry run ends here")]
pub(crate) struct DryRunEnds;

impl CallState {
    pub(crate) async fn http_send(
        &mut self,
        request: GuestRequest,
    ) -> wasmtime::Result<Result<GuestResponse, EgressError>> {
        self.enter("http-outbound.send")?;
        self.meter.requests += 1;
        if self.outside.is_none() {
            return Err(self.broke(Violation::NoRequestHere));
        }
        if self.meter.requests > self.limits.requests {
            return Err(self.broke(Violation::TooManyRequests { limit: self.limits.requests }));
        }
        if self.is_too_large(&request)? {
            let limit = self.largest_request();
            return Err(self.broke(MalformedRequest::Size { limit }));
        }
        let mut draft = self.draft(&request)?;
        let mut record = self.record(&mut draft);
        let (permitted, skeleton) = match self.judge(draft) {
            Ok(permitted) => permitted,
            Err(violation) => {
                self.held_back = Some(record);
                return Err(self.broke(violation));
            }
        };
        let from_guest = record.headers.len();
        record.carries_message = permitted.carries_message();
        record.headers.extend(permitted.added_headers(from_guest));
        if let Some(dry_run) = self.outside.as_ref().and_then(|outside| outside.dry_run) {
            let clear = dry_run.show_sealed.then(|| permitted.in_clear());
            let rule = self.outside.as_ref().map(|outside| outside.rule.message_rule(&self.parameters));
            let readings = rule.map(|rule| skeleton.readings(&rule));
            self.requests.push(RequestRecord { clear, readings, shape: Some(skeleton.shape), ..record });
            self.dry_run_done = true;
            return Err(wasmtime::Error::from(DryRunEnds));
        }
        self.trace.push(TraceKind::Request {
            method: record.method.clone(),
            url: record.url.clone(),
            carries_message: permitted.carries_message(),
        });
        self.requests.push(RequestRecord { shape: Some(skeleton.shape), ..record });
        self.remember_sealed(&request, &permitted)?;
        Ok(self.let_out(permitted).await)
    }

    /// Takes what of a draft is for people.
    fn record(&self, draft: &mut Draft) -> RequestRecord {
        // What a grant let the connector read, it may have written down in clear.
        let clean = |text: String| if self.learned { self.for_people(&text) } else { text };
        RequestRecord {
            method: draft.method.name().to_owned(),
            url: clean(std::mem::take(&mut draft.url.masked)),
            headers: draft
                .headers
                .iter_mut()
                .map(|(name, value)| (clean(name.clone()), clean(std::mem::take(&mut value.masked))))
                .collect(),
            body: clean(std::mem::take(&mut draft.body.masked)),
            carries_message: false,
            shape: None,
            readings: None,
            clear: None,
        }
    }

    fn judge(&self, draft: Draft) -> Result<(Permitted, Skeleton), Violation> {
        let outside = self.outside.as_ref().ok_or(Violation::NoRequestHere)?;
        let value_of = |mark: &_| self.message.as_ref().and_then(|message| message.value_of(mark));
        let message = outside.rule.message_rule(&self.parameters);
        // Most sends have one request, and no answer before it.
        let told = (!self.answered.is_empty()).then(|| told(&self.answered));
        let answered = told.as_ref().map(|told| {
            let known = message.known.iter().copied().chain([told]).collect();
            MessageRule { known, ..message.clone() }
        });
        let (permitted, skeleton) = permit(
            draft,
            &Rules {
                grant: &outside.grant,
                message: message.clone(),
                answered: answered.clone(),
                limits: &self.limits,
                message_gone: self.message_sent != RequestSent::No,
                sealed_origin: self.sent_sealed.as_ref().map(|sent| sent.origin.as_str()),
                pool: &outside.pool,
                value_of: &value_of,
            },
        )?;
        if permitted.carries_message()
            && let Some(pinned) = &outside.pinned
            && let Some(changes) =
                pinned.difference(&skeleton.shape, || skeleton.readings(answered.as_ref().unwrap_or(&message)))
        {
            return Err(Violation::Shape(Box::new(HeldShape { shape: skeleton.shape, changes })));
        }
        Ok((permitted, skeleton))
    }

    /// Sends, and notes what the host then knows.
    async fn let_out(&mut self, permitted: Permitted) -> Result<GuestResponse, EgressError> {
        let Some(Outside { egress, deadline, .. }) = &self.outside else { return Err(EgressError::nowhere()) };
        let (egress, deadline) = (Arc::clone(egress), *deadline);
        let carries_message = permitted.carries_message();
        let origin = permitted.origin();
        let limits = Arc::clone(&self.limits);
        let leaving = Arc::new(LeavingFlag::default());
        if carries_message {
            // Set before the first byte: if this future is dropped, what remains is doubt, unless the flag says otherwise.
            self.message_sent = RequestSent::Maybe;
            self.leaving = permitted.has_body().then(|| Arc::clone(&leaving));
        }
        let sent_before = self.sent_sealed.take();
        if !permitted.labels().is_empty() {
            let labels = match &sent_before {
                Some(before) => before.labels.union(permitted.labels()),
                None => permitted.labels().clone(),
            };
            self.sent_sealed = Some(SentSealed { origin: origin.clone(), labels });
        }
        let exchange = egress.send(permitted, &limits, deadline, &leaving);
        let result = Arc::clone(&self.meter.cpu).leave_out(exchange).await;
        self.leaving = None;
        match result {
            Ok(answer) => {
                self.sent_sealed = self.sent_sealed.take().or(sent_before);
                if carries_message {
                    self.message_sent = RequestSent::Yes;
                }
                let answer = self.scrubbed(answer, &origin);
                self.hosts_reached.insert(origin);
                Ok(answer)
            }
            Err(error) => {
                if error.maybe_sent {
                    self.sent_sealed = self.sent_sealed.take().or(sent_before);
                    self.hosts_reached.insert(origin);
                } else {
                    self.sent_sealed = sent_before;
                    if carries_message {
                        self.message_sent = RequestSent::No;
                    }
                }
                self.trace.push(TraceKind::NoResponse { reason: error.message.clone() });
                self.network_error = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Over all parts of a request.
    fn largest_request(&self) -> usize {
        self.limits.url_bytes + self.limits.request_header_bytes + self.limits.request_body
    }

    /// Judged before anything is put together: a list of handles costs the guest nothing, whatever they stand for.
    fn is_too_large(&self, request: &GuestRequest) -> wasmtime::Result<bool> {
        let mut bytes = 0_usize;
        for part in request.parts() {
            bytes = bytes.saturating_add(match part {
                Part::Text(text) => text.len(),
                Part::Sealed(handle) => self.table.get(handle)?.bytes().map_or(0, <[u8]>::len),
            });
        }
        Ok(bytes > self.largest_request())
    }

    fn draft(&self, request: &GuestRequest) -> wasmtime::Result<Draft> {
        Ok(Draft {
            method: request.method,
            url: Assembled::new(&self.pieces(&request.url)?),
            headers: request
                .headers
                .iter()
                .map(|(name, value)| Ok((name.clone(), Assembled::new(&self.pieces(value)?))))
                .collect::<wasmtime::Result<_>>()?,
            body: Assembled::new(&self.pieces(&request.body)?),
        })
    }

    /// Every sealed value that leaves may come back in the answer, in the form in which it was sent (a whole `Basic …` value), or
    /// a part of it alone (the signature in a header).
    fn remember_sealed(&mut self, request: &GuestRequest, permitted: &Permitted) -> wasmtime::Result<()> {
        if permitted.labels().is_empty() {
            return Ok(());
        }
        let mut sent = Vec::new();
        for part in request.parts() {
            if let Part::Sealed(handle) = part {
                let value = self.table.get(handle)?;
                if !value.labels().is_empty() {
                    sent.extend(value.parts().map(|part| (part.clone(), value.labels().clone())));
                }
            }
        }
        sent.into_iter().for_each(|(value, labels)| self.remember_sent(value, &labels));
        Ok(())
    }

    fn scrubbed(&mut self, answer: Answer, origin: &str) -> GuestResponse {
        self.learned = true;
        let sent = self.sent_sealed.as_ref().filter(|sent| sent.origin == origin);
        let for_guest = |text: &[u8]| match sent {
            Some(sent) => self.scrubber().for_guest(text, &sent.labels),
            // A host that was sent nothing knows nothing: a mask in its answer would say that it guessed.
            None => text.to_vec(),
        };
        let body = for_guest(&answer.body);
        let headers = answer
            .headers
            .iter()
            .filter(|(name, _)| RESPONSE_HEADERS.contains(&name.as_str()) || name.starts_with(RESPONSE_HEADER_PREFIX))
            .map(|(name, value)| (name.clone(), String::from_utf8_lossy(&for_guest(value)).into_owned()))
            .collect();
        let is_changed = sent.is_some() && body != answer.body;
        let shown = self.scrubber().bytes_for_people(&answer.body);
        self.trace.push(TraceKind::Response {
            status: answer.status,
            body_bytes: shown.len(),
            peer: answer.peer,
            body: excerpt(&shown),
        });
        if is_changed {
            self.answers.push(Zeroizing::new(answer.body));
        }
        self.answered.push(body.clone());
        GuestResponse { status: answer.status, headers, body }
    }
}

/// Shorter words of an answer explain nothing: they could be anything.
const WORD_MIN: usize = 8;
/// Words of an answer at most that may explain a literal of a later request.
const WORDS_MAX: usize = 256;

/// What answers told the connector: it may be repeated in the next request (an access token), and differs every time.
fn told(answers: &[Vec<u8>]) -> HostValues {
    HostValues::new(answers.iter().flat_map(|answer| told_by(answer)).collect())
}

fn told_by(answer: &[u8]) -> Vec<HostValue> {
    let Ok(text) = std::str::from_utf8(answer) else { return Vec::new() };
    let value = |text: &str| HostValue { name: "answer".into(), value: text.into() };
    if serde_json::from_str::<serde_json::Value>(text).is_ok() {
        return vec![value(text)];
    }
    let is_of_word = |c: char| c.is_alphanumeric() || "-_.~+/=".contains(c);
    let words = text.split(|c: char| !is_of_word(c)).filter(|word| word.len() >= WORD_MIN);
    words.take(WORDS_MAX).map(value).collect()
}
