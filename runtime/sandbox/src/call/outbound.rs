//! What a call may do outside, and what the host observed of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use sendbox_contract::{MaskedRequest, RequestSent};
use sendbox_policy::{
    ContentKind, EffectiveGrant, HostValues, Labels, MessageRule, PinnedShapes, RequestShape, ShapeReadings,
};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::egress::permit::{ClearRequest, Permitted};
use crate::egress::pool::PoolKey;
use crate::egress::revocation::Revocation;
use crate::egress::{Answer, Egress, EgressError, LeavingFlag};
use crate::parameters::Parameters;

/// A request of a connector, for display: one that passed the rules, or one that a rule held back.
#[derive(Clone)]
pub struct RequestRecord {
    /// The HTTP method, like `POST`.
    pub method: String,
    /// The absolute URL, with sealed parts masked: `https://api.example.com/[secret accountSID]/messages`.
    pub url: String,
    /// The names and values of the headers, with sealed parts masked. Includes the headers that the host adds.
    pub headers: Vec<(String, String)>,
    /// The body, with sealed parts masked.
    pub body: String,
    /// Whether the request contains the recipient and the message.
    pub carries_message: bool,
    /// The shape of the request. `None` if it was held back before its shape was known.
    pub shape: Option<RequestShape>,
    /// All readings of its literals, for [`PinnedShapes::insert_read`]. Only in a dry run.
    pub readings: Option<ShapeReadings>,
    /// The request in plain text. Only in a dry run with [`DryRun::show_sealed`].
    pub clear: Option<ClearRequest>,
}

impl From<&RequestRecord> for MaskedRequest {
    fn from(record: &RequestRecord) -> Self {
        Self {
            method: record.method.clone(),
            url: record.url.clone(),
            headers: record.headers.clone(),
            body: record.body.clone(),
            carries_message: record.carries_message,
        }
    }
}

/// The options of a dry run, which sends nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DryRun {
    /// Whether to keep the requests in plain text as well, for debugging a connector on one's own machine.
    pub show_sealed: bool,
}

/// What the request with the message is judged against.
pub(crate) struct Rule {
    pub(crate) content: ContentKind,
    /// Plain values of the message from the host, in addition to the connection's: digits in them are not a second recipient, and
    /// they are not part of a request's shape.
    pub(crate) known: HostValues,
    pub(crate) lifetime_seconds: u32,
    pub(crate) now_unix_ms: u64,
}

impl Rule {
    /// The rule including the host's values for the connection.
    pub(crate) fn message_rule<'k>(&'k self, parameters: &'k Parameters) -> MessageRule<'k> {
        MessageRule {
            content: self.content,
            known: vec![parameters.known(), &self.known],
            lifetime_seconds: self.lifetime_seconds,
            now_unix_ms: self.now_unix_ms,
        }
    }
}

/// What a call may do outside.
pub(crate) struct OutboundContext {
    pub(crate) egress: Arc<Egress>,
    pub(crate) grant: Arc<EffectiveGrant>,
    pub(crate) rule: Rule,
    pub(crate) pinned: Option<Arc<PinnedShapes>>,
    pub(crate) pool: PoolKey,
    pub(crate) deadline: Instant,
    pub(crate) revocation: Revocation,
    pub(crate) dry_run: Option<DryRun>,
}

/// The origin that sealed values may have been sent to.
pub(crate) struct SentSealed {
    /// The origin, like `https://api.example.com`.
    pub(crate) origin: String,
    /// The labels of the values.
    pub(crate) labels: Labels,
}

/// A request in progress.
pub(crate) struct PendingRequest {
    origin: String,
    carries_message: bool,
    /// What had been sent before it.
    sent_before: Option<SentSealed>,
}

/// What the host observed of the requests of a call. Only `http-outbound` adds to it.
pub(crate) struct Exchanges {
    /// Whether the request with the message was sent.
    pub(crate) message_sent: RequestSent,
    /// The HTTP status of the response to that request.
    pub(crate) message_status: Option<u16>,
    /// Present while a request with the message and a body is in progress. Set before its first byte is sent.
    pub(crate) leaving: Option<Arc<LeavingFlag>>,
    /// The origin that sealed values of this send may have been sent to, and their labels. There is only one origin.
    pub(crate) sent_sealed: Option<SentSealed>,
    /// Bodies of responses from the origin that got sealed values, as the provider wrote them.
    pub(crate) answers: Vec<Zeroizing<Vec<u8>>>,
    /// Bodies of responses as the guest got them: what they contain explains literals of its next request.
    pub(crate) answered: Vec<Vec<u8>>,
    /// The requests that passed the rules, masked.
    pub(crate) requests: Vec<RequestRecord>,
    /// The request that a rule held back, masked.
    pub(crate) held_back: Option<RequestRecord>,
    /// The origins to which bytes may have been sent.
    pub(crate) hosts_reached: BTreeSet<String>,
    /// The last network error, for an outcome that must name a cause.
    pub(crate) network_error: Option<EgressError>,
    /// Whether a dry run has what it needs.
    pub(crate) dry_run_done: bool,
}

impl Exchanges {
    pub(crate) fn none() -> Self {
        Self {
            message_sent: RequestSent::No,
            message_status: None,
            leaving: None,
            sent_sealed: None,
            answers: Vec::new(),
            answered: Vec::new(),
            requests: Vec::new(),
            held_back: None,
            hosts_reached: BTreeSet::new(),
            network_error: None,
            dry_run_done: false,
        }
    }

    /// Records that a request is about to be sent, before its first byte is: if nobody waits for its end, it remains in doubt.
    pub(crate) fn begin_request(&mut self, permitted: &Permitted, leaving: &Arc<LeavingFlag>) -> PendingRequest {
        let (carries_message, labels) = (permitted.carries_message(), permitted.labels());
        let origin = permitted.origin();
        if carries_message {
            self.message_sent = RequestSent::Maybe;
            self.leaving = permitted.has_body().then(|| Arc::clone(leaving));
        }
        let sent_before = self.sent_sealed.take();
        if !labels.is_empty() {
            let labels = match &sent_before {
                Some(before) => before.labels.union(labels),
                None => labels.clone(),
            };
            self.sent_sealed = Some(SentSealed { origin: origin.clone(), labels });
        }
        PendingRequest { origin, carries_message, sent_before }
    }

    /// Records how a request ended. A response comes with the origin that sent it.
    pub(crate) fn end_request(
        &mut self,
        pending: PendingRequest,
        result: Result<Answer, EgressError>,
    ) -> Result<(Answer, String), EgressError> {
        let PendingRequest { origin, carries_message, sent_before } = pending;
        self.leaving = None;
        let sent = match &result {
            Ok(_) => RequestSent::Yes,
            Err(error) if error.maybe_sent => RequestSent::Maybe,
            Err(_) => RequestSent::No,
        };
        if carries_message {
            self.message_sent = sent;
            self.message_status = result.as_ref().ok().map(|answer| answer.status);
        }
        if sent == RequestSent::No {
            self.sent_sealed = sent_before;
        } else {
            self.sent_sealed = self.sent_sealed.take().or(sent_before);
            self.hosts_reached.insert(origin.clone());
        }
        match result {
            Ok(answer) => Ok((answer, origin)),
            Err(error) => {
                self.network_error = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Resolves the doubt about a request that was dropped in progress if it has a body and none of it had been requested yet.
    pub(crate) fn settle(&mut self) {
        if self.leaving.take().is_some_and(|leaving| !leaving.is_set()) {
            self.message_sent = RequestSent::No;
        }
    }
}

#[cfg(test)]
mod tests {
    use sendbox_policy::Label;

    use super::*;
    use crate::egress::EgressErrorKind;

    fn sealed_at(origin: &str) -> Option<SentSealed> {
        Some(SentSealed { origin: origin.to_owned(), labels: Labels::from(Label::Code) })
    }

    fn answered() -> Result<Answer, EgressError> {
        Ok(Answer { status: 200, headers: Vec::new(), body: Vec::new(), peer: String::new() })
    }

    fn unanswered(maybe_sent: bool) -> Result<Answer, EgressError> {
        Err(EgressError { kind: EgressErrorKind::Reset, message: "reset".into(), maybe_sent })
    }

    /// Where sealed values may be decides which origin a later request may go to, so a lost answer must not forget it.
    #[test]
    fn what_may_have_left_is_kept_whatever_came_back() {
        const FIRST: Option<&str> = Some("https://first.test");
        const SECOND: Option<&str> = Some("https://second.test");
        for (what, result, before, now, kept, sent) in [
            ("an answer", answered(), None, FIRST, FIRST, RequestSent::Yes),
            ("an answer to a request of literals", answered(), FIRST, None, FIRST, RequestSent::Yes),
            ("no answer", unanswered(true), None, FIRST, FIRST, RequestSent::Maybe),
            ("no answer to a request of literals", unanswered(true), FIRST, None, FIRST, RequestSent::Maybe),
            ("nothing left", unanswered(false), None, FIRST, None, RequestSent::No),
            ("nothing left after another request", unanswered(false), SECOND, FIRST, SECOND, RequestSent::No),
        ] {
            let mut exchanges = Exchanges::none();
            exchanges.message_sent = RequestSent::Maybe;
            exchanges.sent_sealed = now.and_then(sealed_at);
            let origin = "https://first.test".to_owned();
            let pending = PendingRequest { origin, carries_message: true, sent_before: before.and_then(sealed_at) };
            let has_answer = result.is_ok();
            assert_eq!(exchanges.end_request(pending, result).is_ok(), has_answer, "{what}");
            assert_eq!(exchanges.sent_sealed.as_ref().map(|sent| sent.origin.as_str()), kept, "{what}");
            assert_eq!(exchanges.message_sent, sent, "{what}");
            assert_eq!(exchanges.message_status, has_answer.then_some(200), "{what}");
            assert_eq!(exchanges.hosts_reached.is_empty(), sent == RequestSent::No, "{what}");
            assert_eq!(exchanges.network_error.is_some(), !has_answer, "{what}");
        }
    }

    #[test]
    fn a_request_without_the_message_says_nothing_about_it() {
        for result in [answered(), unanswered(true), unanswered(false)] {
            let mut exchanges = Exchanges::none();
            let pending = PendingRequest { origin: String::new(), carries_message: false, sent_before: None };
            drop(exchanges.end_request(pending, result));
            assert_eq!(exchanges.message_sent, RequestSent::No);
        }
    }
}
