use sendbox_domain::model::InDoubt;

use crate::fault::Fault;

/// How the message was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With its first attempt, by the first process.
    Sync,
    /// Queued.
    Async,
}

/// What is modelled, and the bounds of the search.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    pub name: &'static str,
    pub start: Start,
    /// `delivery.inDoubt` of the policy.
    pub in_doubt: InDoubt,
    /// `delivery.maxMessages` of the policy.
    pub max_messages: u32,
    /// The number of connections.
    pub connections: u8,
    /// Whether the provider makes one message of requests with the same idempotency key.
    pub is_idempotent: bool,
    /// Whether there is another version of the connector.
    pub has_other_version: bool,
    /// Whether connectors and providers tell the truth about what they have refused.
    pub is_honest: bool,
    /// Whether the limits may refuse a second message.
    pub may_refuse_second: bool,
    /// Whether a client may cancel the verification of the message.
    pub has_verification: bool,
    /// The number of delivery reports.
    pub reports: u8,
    /// When the message expires, in seconds.
    pub expires_at: u8,
    /// How often a process is killed.
    pub crashes: u8,
    /// How often a process is suspended until its heartbeat is overdue.
    pub sleeps: u8,
    pub fault: Option<Fault>,
}

impl Config {
    /// A queued message of a tenant with two connections, whose policy prefers silence.
    pub const BASE: Self = Self {
        name: "queued, silence",
        start: Start::Async,
        in_doubt: InDoubt::PreferSilence,
        max_messages: 2,
        connections: 2,
        is_idempotent: false,
        has_other_version: false,
        is_honest: true,
        may_refuse_second: false,
        has_verification: false,
        reports: 0,
        expires_at: 2,
        crashes: 1,
        sleeps: 1,
        fault: None,
    };

    /// What CI searches: each setting with a crash, and with a suspension.
    pub fn all() -> Vec<Self> {
        let with = |crashes, sleeps| move |config: Self| Self { crashes, sleeps, ..config };
        let settings = Self::settings();
        settings.into_iter().map(with(1, 0)).chain(settings.into_iter().map(with(0, 1))).collect()
    }

    /// What a longer run searches: each setting with this many crashes and suspensions together.
    pub fn deeper(crashes: u8, sleeps: u8, expires_at: u8) -> Vec<Self> {
        Self::settings().into_iter().map(|config| Self { crashes, sleeps, expires_at, ..config }).collect()
    }

    fn settings() -> [Self; 10] {
        let base = Self::BASE;
        let delivery = Self { in_doubt: InDoubt::PreferDelivery, ..base };
        [
            base,
            Self { name: "synchronous, silence, a client cancels", start: Start::Sync, has_verification: true, ..base },
            Self { name: "queued, silence, reports", reports: 2, connections: 1, ..base },
            Self { name: "queued, delivery", ..delivery },
            Self { name: "synchronous, delivery, one message", start: Start::Sync, max_messages: 1, ..delivery },
            Self { name: "queued, delivery, limits refuse a second", may_refuse_second: true, ..delivery },
            Self { name: "queued, silence, an idempotent provider", is_idempotent: true, ..base },
            Self { name: "queued, silence, another version", has_other_version: true, connections: 1, ..base },
            Self { name: "queued, delivery, a connector that lies", is_honest: false, ..delivery },
            Self { name: "queued, silence, a connector that lies", is_honest: false, connections: 1, ..base },
        ]
    }
}
