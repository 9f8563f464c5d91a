//! The trait of a simulated provider, which checks requests and responds in the provider's own formats.
//!
//! A provider is one file behind [`Provider`]. It follows the provider's documentation alone and shares no code with our
//! connectors, so that no mistake is made twice and stays hidden. It has no inbox and knows neither faults nor sockets: it returns
//! its response, and the message if it accepts it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::callback::StatusCallback;
use crate::request::IncomingRequest;

/// A simulated provider.
pub(crate) trait Provider: Send + Sync {
    /// The name that faults and the inbox use: lower case, `[a-z0-9-]`.
    fn name(&self) -> &'static str;
    /// The names of its hosts, for `--connect-to`. [`Provider::hosts`] may accept more.
    fn known_hosts(&self) -> Vec<String>;
    /// Whether a request to this host is for this provider.
    fn hosts(&self, host: &str) -> bool;
    /// Responds to one request.
    fn handle(&self, request: &IncomingRequest, state: &SimState) -> SimResponse;
    /// A response with this status in the provider's format, with the text `message`. Below 400 it has the format of a success,
    /// with `message` in a field for free text.
    fn refusal(&self, status: u16, message: &str) -> SimResponse;
    /// The provider's real response for one of its documented error codes; `None` for an unknown code.
    fn error(&self, code: &str) -> Option<SimResponse>;
    /// Strings that the inbox must not show: credentials in the forms in which requests contain them.
    fn secrets(&self) -> Vec<String>;
}

/// The environment of providers: the time, and new identifiers.
pub(crate) struct SimState {
    seed: [u8; 16],
    counter: AtomicU64,
}

impl SimState {
    /// `seed` makes the identifiers of two simulators differ.
    pub(crate) fn new(seed: [u8; 16]) -> Self {
        Self { seed, counter: AtomicU64::new(0) }
    }

    pub(crate) fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    /// 32 hexadecimal digits, different at every call.
    pub(crate) fn new_id(&self) -> String {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let digest = Sha256::new().chain_update(self.seed).chain_update(count.to_be_bytes()).finalize();
        let mut id = hex::encode(digest);
        id.truncate(32);
        id
    }
}

/// Unix time in milliseconds; 0 before 1970.
pub(crate) fn unix_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A message that a provider accepted.
#[derive(Default)]
pub(crate) struct Accepted {
    /// The recipient, as in the request.
    pub(crate) to: String,
    /// The sender, when the request named one.
    pub(crate) sender: Option<String>,
    /// The finished text, for providers that are given one.
    pub(crate) text: Option<String>,
    /// Named values, for providers that are given those.
    pub(crate) variables: BTreeMap<String, String>,
    /// Why the code is sent, when the request says so.
    pub(crate) usage: Option<String>,
    /// The provider's id of the message.
    pub(crate) provider_id: Option<String>,
    /// Its status callbacks, if the request named a URL for them.
    pub(crate) callbacks: Vec<StatusCallback>,
}

/// A response of a provider.
pub(crate) struct SimResponse {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The message, if the provider accepted it.
    pub(crate) accepted: Option<Accepted>,
}

impl SimResponse {
    /// A JSON response.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
            accepted: None,
        }
    }

    /// A response without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), accepted: None }
    }

    pub(crate) fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn with_accepted(mut self, message: Accepted) -> Self {
        self.accepted = Some(message);
        self
    }
}

impl fmt::Debug for SimResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The body echoes numbers and texts.
        f.debug_struct("SimResponse")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("accepted", &self.accepted.is_some())
            .finish_non_exhaustive()
    }
}

/// `+`, a digit that is not 0, and 6 to 14 more: E.164, with the shortest numbers that any country has.
pub(crate) fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(is_international_digits)
}

/// The digits of an E.164 number without its `+`.
pub(crate) fn is_international_digits(text: &str) -> bool {
    (7..=15).contains(&text.len()) && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e164() {
        for good in ["+4512345678", "+14155550100", "+2902255"] {
            assert!(is_e164(good), "{good}");
        }
        for bad in ["", "+", "4512345678", "+045123456", "+45 12345678", "+12", "+1234567890123456", "+45١٢٣٤٥٦٧"]
        {
            assert!(!is_e164(bad), "{bad}");
        }
    }

    #[test]
    fn ids_are_fresh_and_hexadecimal() {
        let state = SimState::new([7; 16]);
        let (a, b) = (state.new_id(), state.new_id());
        assert_ne!(a, b);
        assert_ne!(a, SimState::new([8; 16]).new_id());
        assert!(a.len() == 32 && a.bytes().all(|c| c.is_ascii_hexdigit()));
    }
}
