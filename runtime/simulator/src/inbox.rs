//! The messages that the simulated providers accepted, and all requests that they received.
//!
//! Promises bounded memory (two rings of [`INBOX_CAPACITY`]), that a subscriber with a snapshot misses nothing and gets nothing
//! twice, and that credentials are masked in what the inbox shows. Knows no provider.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde::Serialize;
use tokio::sync::broadcast;

use crate::lock::lock;
use crate::provider::{Accepted, unix_millis};
use crate::request::IncomingRequest;

/// Maximum number of messages, and of requests. Older ones are dropped.
pub const INBOX_CAPACITY: usize = 1000;
/// Headers whose whole value is a credential.
const CREDENTIAL_HEADERS: &[&str] = &["authorization", "proxy-authorization", "cookie"];

/// A message that a simulated provider accepted. `Debug` shows neither number nor text; serialisation shows both.
#[derive(Clone, Serialize)]
pub struct InboxMessage {
    /// 1 for the first message of this simulator.
    pub number: u64,
    /// `twilio`, `http`, …
    pub provider: String,
    /// The provider's id of the message, as in the response.
    pub provider_id: Option<String>,
    /// The recipient, as in the request.
    pub to: String,
    /// The sender, when the request named one.
    pub sender: Option<String>,
    /// The finished text, from connectors that send one.
    pub text: Option<String>,
    /// Named values, from connectors that send those.
    pub variables: BTreeMap<String, String>,
    /// Why the code was sent, when the request said so.
    pub usage: Option<String>,
    /// Unix time in milliseconds.
    pub received_at: u64,
    /// The fault that broke the response: the provider accepted the message, and the sender cannot know.
    pub fault: Option<String>,
    /// The request, with credentials masked.
    pub request: RawRequest,
}

impl fmt::Debug for InboxMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboxMessage")
            .field("number", &self.number)
            .field("provider", &self.provider)
            .field("provider_id", &self.provider_id)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

/// A request in which credentials are replaced by `[credential]`.
#[derive(Clone, Serialize)]
pub struct RawRequest {
    /// HTTP method.
    pub method: String,
    /// Host without port.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; bytes that are not UTF-8 are replaced.
    pub body: String,
}

impl fmt::Debug for RawRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRequest").field("method", &self.method).field("host", &self.host).finish_non_exhaustive()
    }
}

impl RawRequest {
    fn masked(request: &IncomingRequest, secrets: &[String]) -> Self {
        let mask = |text: &str| {
            let present = secrets.iter().filter(|secret| !secret.is_empty());
            present.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "[credential]"))
        };
        let header = |(name, value): &(String, String)| {
            let hidden = CREDENTIAL_HEADERS.contains(&name.as_str());
            (name.clone(), if hidden { "[credential]".to_owned() } else { mask(value) })
        };
        Self {
            method: request.method.clone(),
            host: request.host.clone(),
            path: mask(&request.path),
            headers: request.headers.iter().map(header).collect(),
            body: mask(&String::from_utf8_lossy(&request.body)),
        }
    }
}

/// An event for subscribers of the inbox.
#[derive(Clone, Debug)]
pub enum InboxEvent {
    /// A provider accepted a message.
    Message(Arc<InboxMessage>),
    /// The inbox was emptied.
    Cleared,
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// TCP connections accepted.
    pub connections: u64,
    /// Failed handshakes: unknown name, refused certificate, client gone.
    pub failed_handshakes: u64,
    /// Requests whose head was read.
    pub requests: u64,
    /// Messages that a provider accepted.
    pub accepted: u64,
    /// Requests that were answered with a status of 400 or more, by a provider or a fault.
    pub refused: u64,
    /// Injected faults, including delays.
    pub faults: u64,
}

#[derive(Default)]
pub(crate) struct LiveCounters {
    pub(crate) connections: AtomicU64,
    pub(crate) failed_handshakes: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) faults: AtomicU64,
}

impl LiveCounters {
    pub(crate) fn add(counter: &AtomicU64) -> u64 {
        counter.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn read(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            connections: read(&self.connections),
            failed_handshakes: read(&self.failed_handshakes),
            requests: read(&self.requests),
            accepted: read(&self.accepted),
            refused: read(&self.refused),
            faults: read(&self.faults),
        }
    }
}

/// Both rings and the subscribers.
pub(crate) struct Inbox {
    messages: Mutex<Messages>,
    requests: Mutex<VecDeque<Arc<IncomingRequest>>>,
    events: broadcast::Sender<InboxEvent>,
}

#[derive(Default)]
struct Messages {
    kept: VecDeque<Arc<InboxMessage>>,
    taken: u64,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self { messages: Mutex::default(), requests: Mutex::default(), events: broadcast::channel(INBOX_CAPACITY).0 }
    }

    pub(crate) fn record(&self, request: Arc<IncomingRequest>) {
        let mut requests = lock(&self.requests);
        if requests.len() == INBOX_CAPACITY {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    pub(crate) fn deliver(
        &self,
        provider: &str,
        secrets: &[String],
        request: &IncomingRequest,
        accepted: Accepted,
        fault: Option<String>,
    ) {
        let mut messages = lock(&self.messages);
        messages.taken += 1;
        let message = Arc::new(InboxMessage {
            number: messages.taken,
            provider: provider.to_owned(),
            provider_id: accepted.provider_id,
            to: accepted.to,
            sender: accepted.sender,
            text: accepted.text,
            variables: accepted.variables,
            usage: accepted.usage,
            received_at: unix_millis(request.received_at),
            fault,
            request: RawRequest::masked(request, secrets),
        });
        if messages.kept.len() == INBOX_CAPACITY {
            messages.kept.pop_front();
        }
        messages.kept.push_back(Arc::clone(&message));
        // Sent under the lock, so that a snapshot and its subscription agree. Having no subscriber is not an error.
        self.events.send(InboxEvent::Message(message)).ok();
    }

    pub(crate) fn clear(&self) {
        let mut messages = lock(&self.messages);
        messages.kept.clear();
        self.events.send(InboxEvent::Cleared).ok();
    }

    pub(crate) fn messages(&self) -> Vec<Arc<InboxMessage>> {
        lock(&self.messages).kept.iter().cloned().collect()
    }

    pub(crate) fn requests(&self) -> Vec<Arc<IncomingRequest>> {
        lock(&self.requests).iter().cloned().collect()
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<InboxEvent> {
        self.events.subscribe()
    }

    /// What is in the inbox now, and everything after it.
    pub(crate) fn watch(&self) -> (Vec<Arc<InboxMessage>>, broadcast::Receiver<InboxEvent>) {
        let messages = lock(&self.messages);
        (messages.kept.iter().cloned().collect(), self.events.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn request() -> IncomingRequest {
        IncomingRequest {
            host: "h.test".into(),
            method: "POST".into(),
            path: "/?token=hush".into(),
            headers: vec![("authorization".into(), "Bearer x".into()), ("x-key".into(), "hush!".into())],
            body: b"{\"key\":\"hush\"}".to_vec(),
            connection_id: 1,
            received_at: SystemTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn old_messages_are_dropped_and_numbering_continues() {
        let inbox = Inbox::new();
        for _ in 0..INBOX_CAPACITY + 5 {
            inbox.deliver("p", &[], &request(), Accepted::default(), None);
            inbox.record(Arc::new(request()));
        }
        let kept = inbox.messages();
        assert_eq!(kept.len(), INBOX_CAPACITY);
        assert_eq!(inbox.requests().len(), INBOX_CAPACITY);
        assert_eq!((kept[0].number, kept[INBOX_CAPACITY - 1].number), (6, INBOX_CAPACITY as u64 + 5));
    }

    #[test]
    fn credentials_are_masked_wherever_they_occur() {
        let inbox = Inbox::new();
        inbox.deliver("p", &["hush".into(), String::new()], &request(), Accepted::default(), None);
        let shown = serde_json::to_string(&inbox.messages()[0].request).unwrap();
        assert!(!shown.contains("hush") && !shown.contains("Bearer"), "{shown}");
        assert_eq!(shown.matches("[credential]").count(), 4, "{shown}");
    }

    #[test]
    fn debug_shows_no_number_and_no_text() {
        let inbox = Inbox::new();
        let accepted = Accepted { to: "+4512345678".into(), text: Some("code 987654".into()), ..Accepted::default() };
        inbox.deliver("p", &[], &request(), accepted, None);
        let shown = format!("{:?} {:?}", inbox.messages()[0], inbox.messages()[0].request);
        assert!(!shown.contains("12345678") && !shown.contains("987654") && !shown.contains("hush"), "{shown}");
    }
}
