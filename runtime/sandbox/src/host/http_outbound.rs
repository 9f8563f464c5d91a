//! `http-outbound`: assemble, check, send, scrub.
//!
//! A request that violates a rule ends the call. The guest gets a response without what was sent to its origin, or the kind of a
//! network error.

use std::sync::Arc;

use sendbox_contract::{HeldShape, MalformedRequest, Message, RequestSent, TraceKind, Violation};
use sendbox_policy::{HostValue, HostValues, Limits, MessageRule, Method};
use wasmtime::component::HasData;
use zeroize::Zeroizing;

use super::sealed::{Part, pieces};
use crate::call::CallState;
use crate::call::handles::SealedHandles;
use crate::call::host_call::HostCall;
use crate::call::outbound::{Exchanges, OutboundContext, RequestRecord};
use crate::egress::permit::{AssembledPart, Draft, Permitted, Rules, Skeleton, permit};
use crate::egress::{Answer, EgressError, LeavingFlag};
use crate::parameters::Parameters;
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

/// A scrubbed response for the guest.
pub(crate) struct GuestResponse {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// The response headers that a guest gets. Others could measure what is scrubbed from the body (a length, a checksum).
const RESPONSE_HEADERS: [&str; 3] = ["content-type", "date", "retry-after"];
const RESPONSE_HEADER_PREFIX: &str = "x-ratelimit-";

/// Ends a dry run: there is no response for the connector to continue with.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the dry run ends here")]
pub(crate) struct DryRunEnds;

/// What `http-outbound` may access of a call.
pub(crate) struct HttpOutboundView<'a> {
    call: HostCall<'a>,
    limits: &'a Limits,
    /// Read only. Exclusive nevertheless, because a view that another thread may poll must not share the table.
    handles: &'a mut SealedHandles,
    parameters: &'a Parameters,
    message: Option<&'a Message>,
    outside: Option<&'a OutboundContext>,
    exchanges: &'a mut Exchanges,
}

/// Provides the view for `http-outbound`.
pub(crate) struct HttpOutbound;

impl HasData for HttpOutbound {
    type Data<'a> = HttpOutboundView<'a>;
}

impl CallState {
    pub(crate) fn http_outbound(&mut self) -> HttpOutboundView<'_> {
        let Self { phase, meter, trace, scrubber, limits, handles, parameters, message, outside, exchanges, .. } = self;
        HttpOutboundView {
            call: HostCall { phase: *phase, meter, trace, scrubber },
            limits,
            handles,
            parameters,
            message: message.as_deref(),
            outside: outside.as_ref(),
            exchanges,
        }
    }
}

impl HttpOutboundView<'_> {
    pub(crate) async fn send(&mut self, request: GuestRequest) -> wasmtime::Result<Result<GuestResponse, EgressError>> {
        self.call.enter("http-outbound.send")?;
        let is_one_too_many = !self.call.meter.request();
        let Some(outside) = self.outside else {
            return Err(self.call.broke(Violation::NoRequestHere));
        };
        if is_one_too_many {
            return Err(self.call.broke(Violation::TooManyRequests { limit: self.limits.requests }));
        }
        if self.is_too_large(&request)? {
            let limit = self.largest_request();
            return Err(self.call.broke(MalformedRequest::Size { limit }));
        }
        let mut draft = self.draft(&request)?;
        let mut record = self.record(&mut draft);
        let (permitted, skeleton) = match self.judge(outside, draft) {
            Ok(permitted) => permitted,
            Err(violation) => {
                self.exchanges.held_back = Some(record);
                return Err(self.call.broke(violation));
            }
        };
        let from_guest = record.headers.len();
        record.carries_message = permitted.carries_message();
        record.headers.extend(permitted.added_headers(from_guest));
        if let Some(dry_run) = outside.dry_run {
            let clear = dry_run.show_sealed.then(|| permitted.in_clear());
            let readings = Some(skeleton.readings(&outside.rule.message_rule(self.parameters)));
            let record = RequestRecord { clear, readings, shape: Some(skeleton.shape), ..record };
            self.exchanges.requests.push(record);
            self.exchanges.dry_run_done = true;
            return Err(wasmtime::Error::from(DryRunEnds));
        }
        self.call.trace.push(TraceKind::Request {
            method: record.method.clone(),
            url: record.url.clone(),
            carries_message: permitted.carries_message(),
        });
        self.exchanges.requests.push(RequestRecord { shape: Some(skeleton.shape), ..record });
        self.remember_sealed(&request, &permitted)?;
        Ok(self.send_permitted(outside, permitted).await)
    }

    /// Takes what is displayed out of a draft.
    fn record(&self, draft: &mut Draft) -> RequestRecord {
        // The connector may have written what a grant let it read in plain text.
        let clean = |text: String| self.call.scrubber.for_people_owned(text);
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

    fn judge(&self, outside: &OutboundContext, draft: Draft) -> Result<(Permitted, Skeleton), Violation> {
        let value_of = |mark: &_| self.message.and_then(|message| message.value_of(mark));
        let message = outside.rule.message_rule(self.parameters);
        // Most sends have one request, and no response before it.
        let answered = &self.exchanges.answered;
        let values = (!answered.is_empty()).then(|| values_of_answers(answered));
        let answered = values.as_ref().map(|values| {
            let known = message.known.iter().copied().chain([values]).collect();
            MessageRule { known, ..message.clone() }
        });
        let (permitted, skeleton) = permit(
            draft,
            &Rules {
                grant: &outside.grant,
                message: message.clone(),
                answered: answered.clone(),
                limits: self.limits,
                parameters: self.parameters,
                message_gone: self.exchanges.message_sent != RequestSent::No,
                sealed_origin: self.exchanges.sent_sealed.as_ref().map(|sent| sent.origin.as_str()),
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

    /// Sends the request, and records what the host observes.
    async fn send_permitted(
        &mut self,
        outside: &OutboundContext,
        permitted: Permitted,
    ) -> Result<GuestResponse, EgressError> {
        let leaving = Arc::new(LeavingFlag::default());
        let pending = self.exchanges.begin_request(&permitted, &leaving);
        let exchange = outside.egress.send(permitted, self.limits, outside.deadline, &outside.revocation, &leaving);
        let result = Arc::clone(self.call.meter.cpu()).exclude(exchange).await;
        match self.exchanges.end_request(pending, result) {
            Ok((answer, origin)) => Ok(self.scrubbed(answer, &origin)),
            Err(error) => {
                self.call.trace.push(TraceKind::NoResponse { reason: error.message.clone() });
                Err(error)
            }
        }
    }

    /// Maximum size of a request, over all its parts.
    fn largest_request(&self) -> usize {
        self.limits.url_bytes + self.limits.request_header_bytes + self.limits.request_body
    }

    /// Checked before anything is assembled: a list of handles costs the guest nothing, however large the values are.
    fn is_too_large(&self, request: &GuestRequest) -> wasmtime::Result<bool> {
        let mut bytes = 0_usize;
        for part in request.parts() {
            bytes = bytes.saturating_add(match part {
                Part::Text(text) => text.len(),
                Part::Sealed(handle) => self.handles.get(handle)?.bytes().map_or(0, <[u8]>::len),
            });
        }
        Ok(bytes > self.largest_request())
    }

    fn draft(&self, request: &GuestRequest) -> wasmtime::Result<Draft> {
        Ok(Draft {
            method: request.method,
            url: AssembledPart::new(&pieces(self.handles, &request.url)?),
            headers: request
                .headers
                .iter()
                .map(|(name, value)| Ok((name.clone(), AssembledPart::new(&pieces(self.handles, value)?))))
                .collect::<wasmtime::Result<_>>()?,
            body: AssembledPart::new(&pieces(self.handles, &request.body)?),
        })
    }

    /// A response may repeat every sealed value that is sent, in the form in which it was sent (a whole `Basic …` value), or a part
    /// of it (the signature in a header).
    fn remember_sealed(&mut self, request: &GuestRequest, permitted: &Permitted) -> wasmtime::Result<()> {
        if permitted.labels().is_empty() {
            return Ok(());
        }
        let mut sent = Vec::new();
        for part in request.parts() {
            if let Part::Sealed(handle) = part {
                let value = self.handles.get(handle)?;
                if !value.labels().is_empty() {
                    sent.extend(value.parts().map(|part| (part.clone(), value.labels().clone())));
                }
            }
        }
        sent.into_iter().for_each(|(value, labels)| self.call.scrubber.remember_sent(value, &labels));
        Ok(())
    }

    fn scrubbed(&mut self, answer: Answer, origin: &str) -> GuestResponse {
        self.call.scrubber.guest_learned();
        let scrubber = &*self.call.scrubber;
        let sent = self.exchanges.sent_sealed.as_ref().filter(|sent| sent.origin == origin);
        let for_guest = |text: &[u8]| match sent {
            Some(sent) => scrubber.for_guest(text, &sent.labels),
            // A host that got nothing sealed knows nothing: a mask in its response would confirm a guess.
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
        let shown = scrubber.bytes_for_people(&answer.body);
        self.call.trace.push(TraceKind::Response {
            status: answer.status,
            body_bytes: shown.len(),
            peer: answer.peer,
            body: excerpt(&shown),
        });
        if is_changed {
            self.exchanges.answers.push(Zeroizing::new(answer.body));
        }
        self.exchanges.answered.push(body.clone());
        GuestResponse { status: answer.status, headers, body }
    }
}

/// Minimum length of a word in a response that explains something: shorter ones are ambiguous.
const WORD_MIN: usize = 8;
/// Maximum number of words in a response that may explain a literal of a later request.
const WORDS_MAX: usize = 256;

/// What responses told the connector: it may be repeated in the next request (an access token), and differs every time.
fn values_of_answers(answers: &[Vec<u8>]) -> HostValues {
    HostValues::new(answers.iter().flat_map(|answer| values_of(answer)).collect())
}

fn values_of(answer: &[u8]) -> Vec<HostValue> {
    let Ok(text) = std::str::from_utf8(answer) else { return Vec::new() };
    let value = |text: &str| HostValue { name: "answer".into(), value: text.into() };
    if serde_json::from_str::<serde_json::Value>(text).is_ok() {
        return vec![value(text)];
    }
    let is_of_word = |c: char| c.is_alphanumeric() || "-_.~+/=".contains(c);
    let words = text.split(|c: char| !is_of_word(c)).filter(|word| word.len() >= WORD_MIN);
    words.take(WORDS_MAX).map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::host_call::Phase;
    use crate::sealed::{Piece, Sealed};

    fn request(url: Vec<Part>, body: Vec<Part>) -> GuestRequest {
        GuestRequest { method: Method::Post, url, headers: vec![("x".into(), Vec::new())], body }
    }

    /// A list of handles costs the guest nothing, however large the values are, so it must be judged before it is put together.
    #[test]
    fn the_size_of_a_request_is_judged_before_it_is_put_together() {
        let limits = Limits { url_bytes: 100, request_header_bytes: 100, request_body: 100, ..Limits::default() };
        let mut state = CallState::new(Phase::Send, Arc::new(limits), Arc::default(), None);
        let value = Sealed::concat(&[Piece::Text(&"a".repeat(100))]);
        let handle = state.handles.add(value);
        let sealed = || Part::Sealed(wasmtime::component::Resource::new_borrow(handle.rep()));
        let text = |bytes: usize| Part::Text("a".repeat(bytes));
        for (what, url, body, expected) in [
            ("as many bytes as all parts may have", vec![text(200)], vec![sealed()], false),
            ("a byte too many", vec![text(201)], vec![sealed()], true),
            ("one value many times", Vec::new(), (0..4).map(|_| sealed()).collect(), true),
            ("one value in both", vec![sealed(), sealed()], vec![sealed(), text(1)], true),
        ] {
            let is_too_large = state.http_outbound().is_too_large(&request(url, body)).unwrap();
            assert_eq!(is_too_large, expected, "{what}");
        }
    }

    #[tokio::test]
    async fn where_nothing_is_outside_no_request_is_made() {
        let mut state = CallState::new(Phase::Report, Arc::new(Limits::default()), Arc::default(), None);
        let Err(error) = state.http_outbound().send(request(Vec::new(), Vec::new())).await else {
            panic!("a request was made")
        };
        let fault = error.downcast::<sendbox_contract::ConnectorFault>().unwrap();
        assert_eq!(fault, sendbox_contract::ConnectorFault::ManifestViolation(Box::new(Violation::NoRequestHere)));
    }
}
