//! What all parts of a run share: the time, the random choices, what waits, what has left, and the history.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sendbox_domain::model::Timestamp;
use tokio::sync::oneshot;

use super::faults::{Fault, Tally};
use crate::test_service::START;

/// Maximum number of processes on one store.
pub(super) const SLOTS: usize = 3;

/// One process: where it runs, and how often a process was started there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Who {
    pub(super) slot: usize,
    pub(super) start: u32,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", ["A", "B", "C"][self.slot], self.start)
    }
}

/// A message whose bytes have left: what the provider, and perhaps the phone, has received.
#[derive(Clone)]
pub(super) struct SentMessage {
    pub(super) message: String,
    pub(super) attempt: u32,
    pub(super) connection: String,
    pub(super) to: String,
    pub(super) code: String,
    /// Whether it reaches the phone.
    pub(super) is_delivered: bool,
    pub(super) provider_id: String,
}

/// Something that waits until the scheduler lets it go on.
pub(super) struct Waiting {
    pub(super) who: Who,
    pub(super) what: &'static str,
    wake: oneshot::Sender<()>,
}

impl Waiting {
    pub(super) fn is_wanted(&self) -> bool {
        !self.wake.is_closed()
    }

    pub(super) fn wake(self) {
        // An error means that nobody waits any more.
        let _ = self.wake.send(());
    }
}

/// A response that a client has received.
pub(super) struct Received {
    pub(super) request: usize,
    pub(super) who: Who,
    pub(super) response: super::client::Response,
}

pub(super) struct RunState {
    pub(super) random: fastrand::Rng,
    /// Milliseconds since the run began, which never step.
    pub(super) time: u64,
    /// How far the time of day of each machine is off.
    pub(super) clock_error: [i64; SLOTS],
    pub(super) history: Vec<String>,
    pub(super) turns: Vec<Waiting>,
    pub(super) timers: BTreeMap<(u64, u64), Waiting>,
    registered: u64,
    pub(super) sent: Vec<SentMessage>,
    pub(super) received: Vec<Received>,
    pub(super) dead: BTreeSet<Who>,
    /// Who does not run, until when.
    pub(super) suspended: BTreeMap<Who, u64>,
    pub(super) commits: u64,
    /// Commits of something that is compared with the promises.
    pub(super) changes: u64,
    /// Whether a statement of such a change has run.
    pub(super) has_changed: bool,
    /// Whether the provider and the network may fail.
    pub(super) is_faulty: bool,
    pub(super) faults_left: u32,
    pub(super) tally: Tally,
    /// Who told a client that a verification had ended.
    pub(super) ended: BTreeMap<String, Who>,
    /// Who told a client that a later code was sent, by the message with the earlier one.
    pub(super) obsolete: BTreeMap<String, Who>,
    pub(super) violation: Option<String>,
}

pub(super) type Shared = Arc<Mutex<RunState>>;

pub(super) fn lock(run_state: &Shared) -> MutexGuard<'_, RunState> {
    run_state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RunState {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            time: 0,
            clock_error: [0; SLOTS],
            history: Vec::new(),
            turns: Vec::new(),
            timers: BTreeMap::new(),
            registered: 0,
            sent: Vec::new(),
            received: Vec::new(),
            dead: BTreeSet::new(),
            suspended: BTreeMap::new(),
            commits: 0,
            changes: 0,
            has_changed: false,
            is_faulty: false,
            faults_left: 0,
            tally: Tally::default(),
            ended: BTreeMap::new(),
            obsolete: BTreeMap::new(),
            violation: None,
        }
    }

    /// The time of day on the machine of a process.
    pub(super) fn now(&self, slot: usize) -> Timestamp {
        Timestamp(START.0 + i64::try_from(self.time).unwrap_or_default() + self.clock_error[slot])
    }

    /// Whether a process lives, and is not suspended.
    pub(super) fn runs(&self, who: Who) -> bool {
        !self.dead.contains(&who) && !self.suspended.contains_key(&who)
    }

    pub(super) fn record(&mut self, who: Option<Who>, what: fmt::Arguments<'_>) {
        let (seconds, millis) = (self.time / 1000, self.time % 1000);
        let who = who.map(|who| who.to_string()).unwrap_or_default();
        self.history.push(format!("{seconds:>5}.{millis:03} {who:<3} {what}"));
    }

    pub(super) fn chance(&mut self, one_in: u32) -> bool {
        self.random.u32(0..one_in) == 0
    }

    /// Whether a fault is to happen now. It is counted if so.
    pub(super) fn fault(&mut self, fault: Fault, one_in: u32) -> bool {
        if self.faults_left == 0 || !self.chance(one_in) {
            return false;
        }
        self.faults_left -= 1;
        self.tally.count(fault);
        true
    }

    /// Whether the provider or the network fails now. It is counted if so.
    pub(super) fn provider_fault(&mut self, fault: Fault, one_in: u32) -> bool {
        let happens = self.is_faulty && self.chance(one_in);
        if happens {
            self.tally.count(fault);
        }
        happens
    }

    /// A statement runs.
    pub(super) fn note_statement(&mut self, sql: &str) {
        const COMPARED: [&str; 4] = [" messages ", " attempts ", " verifications ", " buckets "];
        let writes = !sql.starts_with("SELECT") && !sql.contains("DELETE");
        self.has_changed |= writes && COMPARED.iter().any(|table| sql.contains(table));
    }

    /// A transaction was committed.
    pub(super) fn note_commit(&mut self) {
        self.commits += 1;
        self.changes += u64::from(std::mem::take(&mut self.has_changed));
    }

    pub(super) fn violate(&mut self, who: Option<Who>, what: String) {
        self.record(who, format_args!("VIOLATED {what}"));
        self.violation.get_or_insert(what);
    }

    fn waiting(who: Who, what: &'static str) -> (Waiting, oneshot::Receiver<()>) {
        let (wake, woken) = oneshot::channel();
        (Waiting { who, what, wake }, woken)
    }

    /// Waits until the scheduler chooses it.
    pub(super) fn turn(&mut self, who: Who, what: &'static str) -> oneshot::Receiver<()> {
        let (waiting, woken) = Self::waiting(who, what);
        self.turns.push(waiting);
        woken
    }

    /// Waits until a time, or later.
    pub(super) fn timer(&mut self, who: Who, millis: u64) -> oneshot::Receiver<()> {
        let (waiting, woken) = Self::waiting(who, "timer");
        self.registered += 1;
        self.timers.insert((self.time.saturating_add(millis), self.registered), waiting);
        woken
    }

    /// Forgets what nobody waits for.
    pub(super) fn tidy(&mut self) {
        self.turns.retain(Waiting::is_wanted);
        self.timers.retain(|_, timer| timer.is_wanted());
    }
}

/// A wait of a process. One that is dead waits for ever.
pub(super) async fn wait(woken: oneshot::Receiver<()>) {
    if woken.await.is_err() {
        std::future::pending::<()>().await;
    }
}
