//! What is stored, what each process is doing, and what the phone has received.

use sendbox_contract::FailureClass;
use sendbox_domain::model::{AttemptOutcome, MessageStatus};

use super::config::{Config, Start};

/// The name of a claim: the process, under its present id, and the number of the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lease {
    pub member: u8,
    pub claim: u8,
}

/// The row of the message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    pub status: MessageStatus,
    pub attempts: u8,
    pub physical_messages: u32,
    pub connection: u8,
    pub version: u8,
    /// In seconds.
    pub next_attempt_at: Option<u8>,
    pub lease: Option<Lease>,
    /// Number and code, which are wiped at the end.
    pub has_payload: bool,
}

/// What the host saw of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    Accepted,
    Failed(Failed),
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Failed {
    pub class: FailureClass,
    pub sent: Sent,
    pub status: Option<u16>,
}

/// `RequestSent`, which is not hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sent {
    No,
    Maybe,
    Yes,
}

/// A row of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    pub connection: u8,
    pub version: u8,
    pub outcome: Option<AttemptOutcome>,
    pub failed: Option<Failed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    Idle,
    Down,
    /// It has claimed the message, or goes on with it.
    Claimed {
        lease: Lease,
    },
    /// It has asked whether it holds the lease.
    Holding {
        lease: Lease,
    },
    /// The attempt is stored, and nothing has left.
    Started {
        lease: Lease,
        number: u8,
        is_cancelled: bool,
    },
    /// The result is known, and not stored.
    Ended {
        lease: Lease,
        number: u8,
        answer: Answer,
        is_revoked: bool,
    },
}

impl Phase {
    fn lease(&self) -> Option<Lease> {
        match self {
            Self::Idle | Self::Down => None,
            Self::Claimed { lease }
            | Self::Holding { lease }
            | Self::Started { lease, .. }
            | Self::Ended { lease, .. } => Some(*lease),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    /// Its present id.
    pub member: u8,
    /// Whether its last heartbeat is recent enough for it to act.
    pub is_valid: bool,
    pub phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cancellation {
    None,
    Stored { by: usize },
    Acknowledged { by: usize },
}

/// A stored delivery report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReportRow {
    /// The attempt whose provider id it names.
    pub attempt: u8,
    /// The number of a state in `DeliveryState::ALL`.
    pub state: u8,
    pub is_assigned: bool,
}

/// A transaction that stores a report, after it has looked for the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReportTransaction {
    pub attempt: u8,
    pub state: u8,
    pub is_found: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// In seconds.
    pub now: u8,
    pub row: Row,
    pub journal: Vec<Attempt>,
    /// The rows of `processes`.
    pub members: Vec<u8>,
    pub processes: [Process; 2],
    pub cancellation: Cancellation,
    pub crashes: u8,
    pub sleeps: u8,
    /// How many messages the phone has received.
    pub received: u8,
    /// Attempts that providers have accepted, as bits, and so may report.
    pub accepted_by_provider: u8,
    /// Connections whose provider has sent the message, as bits.
    pub sent_by_connection: u8,
    pub reports: Vec<ReportRow>,
    pub report: Option<ReportTransaction>,
    pub reported: u8,
    pub delivery: Option<u8>,
    /// A promise that a step has broken.
    pub broken: Option<&'static str>,
}

impl State {
    pub fn new(config: &Config) -> Self {
        let process = |member| Process { member, is_valid: true, phase: Phase::Idle };
        let mut state = Self {
            now: 0,
            row: Row {
                status: MessageStatus::Queued,
                attempts: 0,
                physical_messages: 0,
                connection: 0,
                version: 0,
                next_attempt_at: None,
                lease: None,
                has_payload: true,
            },
            journal: Vec::new(),
            members: vec![1, 2],
            processes: [process(1), process(2)],
            cancellation: Cancellation::None,
            crashes: 0,
            sleeps: 0,
            received: 0,
            accepted_by_provider: 0,
            sent_by_connection: 0,
            reports: Vec::new(),
            report: None,
            reported: 0,
            delivery: None,
            broken: None,
        };
        if config.start == Start::Sync {
            let lease = state.claim(1);
            state.store_attempt();
            state.processes[0].phase = Phase::Started { lease, number: 1, is_cancelled: false };
        }
        state
    }

    /// The name of a process in a history.
    pub fn name(&self, index: usize) -> String {
        format!("p{}", self.processes[index].member)
    }

    /// The leases that something still names.
    fn leases(&self) -> impl Iterator<Item = Lease> {
        let of_processes = self.processes.iter().filter_map(|process| process.phase.lease());
        of_processes.chain(self.row.lease)
    }

    /// Adds the row of a process under a new id: the smallest that nothing names any more, so that equal situations are equal states.
    pub fn join(&mut self, index: usize) {
        let is_named = |id: &u8| {
            let is_process = self.processes.iter().enumerate().any(|(at, other)| at != index && other.member == *id);
            is_process || self.members.contains(id) || self.leases().any(|lease| lease.member == *id)
        };
        let id = (1..=u8::MAX).find(|id| !is_named(id)).unwrap_or(u8::MAX);
        self.members.push(id);
        self.members.sort_unstable();
        self.processes[index].member = id;
        self.processes[index].is_valid = true;
    }

    /// Leases the message under a new name.
    pub fn claim(&mut self, member: u8) -> Lease {
        let is_named = |claim: &u8| self.leases().any(|lease| lease == Lease { member, claim: *claim });
        let claim = (1..=u8::MAX).find(|claim| !is_named(claim)).unwrap_or(u8::MAX);
        let lease = Lease { member, claim };
        self.row.lease = Some(lease);
        lease
    }

    /// Whether the process may act under a lease: `HeldLease::condition`.
    pub fn is_held(&self, index: usize, lease: Lease) -> bool {
        self.processes[index].member == lease.member && self.processes[index].is_valid
    }

    /// Stores the start of an attempt, and what it changes of the message.
    pub fn store_attempt(&mut self) {
        let (connection, version) = (self.row.connection, self.row.version);
        self.journal.push(Attempt { connection, version, outcome: None, failed: None });
        self.row.status = MessageStatus::Sending;
        self.row.attempts += 1;
        self.row.physical_messages += 1;
        self.row.next_attempt_at = None;
    }

    /// The end of a message.
    pub fn end(&mut self, status: MessageStatus) {
        self.row.status = status;
        self.row.has_payload = false;
        self.row.next_attempt_at = None;
        self.row.lease = None;
    }
}
