//! What a call may do outside, and what the host found out about it.

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
use crate::egress::{Answer, Egress, EgressError, LeavingFlag};
use crate::parameters::Parameters;

/// A request of a connector, for people: one that passed the rules, or one that a rule held back.
#[derive(Clone)]
pub struct RequestRecord {
    /// The HTTP method: `POST`.
    pub method: String,
    /// The absolute URL, with sealed parts masked: `https://api.example.com/[secret accountSID]/messages`.
    pub url: String,
    /// Names and values, with sealed parts masked. Includes the headers that the host adds.
    pub headers: Vec<(String, String)>,
    /// The body, with sealed parts masked.
    pub body: String,
    /// Whether it carries recipient and message.
    pub carries_message: bool,
    /// What is literal in it. `None` for a request that was held back before its shape was known.
    pub shape: Option<RequestShape>,
    /// Every way to read its literals, for [`PinnedShapes::insert_read`]. Only in a dry run.
    pub readings: Option<ShapeReadings>,
    /// The request in clear. Only in a dry run with [`DryRun::show_sealed`].
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

/// How to run a send without letting a byte out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DryRun {
    /// Also keeps the requests in clear, for a person who debugs a connector on their own machine.
    pub show_sealed: bool,
}

/// What the request that carries the message is judged by.
pub(crate) struct Rule {
    pub(crate) content: ContentKind,
    /// Clear values of the message that the host gave, beside the connection's: digits in them are no second recipient, and they
    /// are no part of a request's shape.
    pub(crate) known: HostValues,
    pub(crate) lifetime_seconds: u32,
    pub(crate) now_unix_ms: u64,
}

impl Rule {
    /// With what the host gave of the connection.
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
pub(crate) struct Outside {
    pub(crate) egress: Arc<Egress>,
    pub(crate) grant: Arc<EffectiveGrant>,
    pub(crate) rule: Rule,
    pub(crate) pinned: Option<Arc<PinnedShapes>>,
    pub(crate) pool: PoolKey,
    pub(crate) deadline: Instant,
    pub(crate) dry_run: Option<DryRun>,
}

/// Where sealed values may have left to.
pub(crate) struct SentSealed {
    /// `https://api.example.com`
    pub(crate) origin: String,
    /// What they were made of.
    pub(crate) labels: Labels,
}

/// A request that is under way.
pub(crate) struct Departure {
    origin: String,
    carries_message: bool,
    /// What had left before it.
    sent_before: Option<SentSealed>,
}

/// What the host found out about the requests of a call. Only `http-outbound` adds to it.
pub(crate) struct Exchanges {
    /// Whether the request that carries the message has left.
    pub(crate) message_sent: RequestSent,
    /// The HTTP status with which that request was answered.
    pub(crate) message_status: Option<u16>,
    /// While the request with the message is under way, and has a body: raised before its first byte leaves.
    pub(crate) leaving: Option<Arc<LeavingFlag>>,
    /// Where sealed values may have left to in this send, and of what kind. One origin for all of it.
    pub(crate) sent_sealed: Option<SentSealed>,
    /// Bodies of answers from the origin that was sent sealed values, as the provider wrote them.
    pub(crate) answers: Vec<Zeroizing<Vec<u8>>>,
    /// Bodies of answers as the guest got them: what they say explains literals of its next request.
    pub(crate) answered: Vec<Vec<u8>>,
    /// What passed the rules, masked.
    pub(crate) requests: Vec<RequestRecord>,
    /// The request that a rule held back, masked.
    pub(crate) held_back: Option<RequestRecord>,
    /// Origins to which bytes may have left.
    pub(crate) hosts_reached: BTreeSet<String>,
    /// The last error of the network, for an outcome that must say why.
    pub(crate) network_error: Option<EgressError>,
    /// A dry run has what it wanted.
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

    /// Notes that a request is about to leave, before its first byte does: if nobody waits for its end, what remains is doubt.
    pub(crate) fn depart(&mut self, permitted: &Permitted, leaving: &Arc<LeavingFlag>) -> Departure {
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
        Departure { origin, carries_message, sent_before }
    }

    /// Notes how a request ended. With the answer comes the origin that gave it.
    pub(crate) fn arrive(
        &mut self,
        departure: Departure,
        result: Result<Answer, EgressError>,
    ) -> Result<(Answer, String), EgressError> {
        let Departure { origin, carries_message, sent_before } = departure;
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

    /// Ends the doubt about a request that was dropped on its way, where there is none: it has a body, and none of it was asked
    /// for yet.
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
            let departure = Departure { origin, carries_message: true, sent_before: before.and_then(sealed_at) };
            let has_answer = result.is_ok();
            assert_eq!(exchanges.arrive(departure, result).is_ok(), has_answer, "{what}");
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
            let departure = Departure { origin: String::new(), carries_message: false, sent_before: None };
            drop(exchanges.arrive(departure, result));
            assert_eq!(exchanges.message_sent, RequestSent::No);
        }
    }
}
