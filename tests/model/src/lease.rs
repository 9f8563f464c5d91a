//! One process that has leases, and another one that may take it for dead. Each may be suspended between any two steps, because time
//! may pass between any two.
//!
//! The times and the decision are `runtime/domain/src/rules/lease.rs`, in steps of a second.

use std::time::Duration;

use sendbox_domain::rules::lease::{self, Heartbeats, Observations};

use crate::fault::Fault;
use crate::search::Model;

/// How long both are suspended together.
const SUSPENSION: u64 = 30;
/// The least time in which the observer was awake before it takes a process for dead, in seconds: what the rule demands, without
/// the one gap that a suspension of both may fill.
const AWAKE: u64 = 6;

/// The bounds of a search.
#[derive(Clone, Copy, Debug)]
pub struct LeaseModel {
    /// How many seconds pass, without those in which both are suspended.
    pub seconds: u64,
    /// How many heartbeats the holder counts.
    pub beats: u64,
    /// Whether both may be suspended together, once.
    pub suspension: bool,
    pub fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Beat {
    Idle,
    Begun { at: u64 },
    Stored { begun_at: u64, is_member: bool },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Look {
    Idle,
    Begun { at: u64 },
    Deleting { seen: u64 },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LeaseState {
    now: u64,
    /// Seconds without suspensions.
    awake: u64,
    was_suspended: bool,
    /// The heartbeats in the row of the holder; `None` when it is deleted.
    row: Option<u64>,
    beat: Beat,
    valid_until: Duration,
    /// Whether the holder has found its row gone.
    is_lost: bool,
    look: Look,
    /// The observer begins at most one look in a second.
    began_look_at: Option<u64>,
    observations: Observations,
    /// `awake` when the last heartbeat was stored.
    beat_at: u64,
    /// `awake` when the row was deleted.
    deleted_at: Option<u64>,
}

impl LeaseState {
    /// Whether the holder may act under its leases.
    fn acts(&self) -> bool {
        !self.is_lost && lease::is_valid(self.valid_until, Duration::from_secs(self.now))
    }
}

const HOLDER: &str = "holder";

impl LeaseModel {
    /// What CI searches.
    pub const BASE: Self = Self { seconds: 12, beats: 1, suspension: false, fault: None };
    pub const SUSPENDED: Self = Self { seconds: 8, suspension: true, ..Self::BASE };

    /// The guard of `processes::delete_silent`.
    fn delete_silent(self, row: Option<u64>, seen: u64) -> bool {
        row.is_some_and(|beats| beats == seen || self.fault == Some(Fault::HeartbeatNotCompared))
    }

    fn holder(self, state: &LeaseState, steps: &mut Vec<(String, LeaseState)>) {
        match state.beat {
            Beat::Idle if !state.is_lost && state.row.unwrap_or(0) < self.beats => steps.push((
                format!("{} s: the holder begins a heartbeat", state.now),
                LeaseState { beat: Beat::Begun { at: state.now }, ..state.clone() },
            )),
            Beat::Idle => {}
            Beat::Begun { at } => {
                let is_member = state.row.is_some();
                let stored = LeaseState {
                    beat: Beat::Stored { begun_at: at, is_member },
                    row: state.row.map(|beats| beats + 1),
                    beat_at: if is_member { state.awake } else { state.beat_at },
                    ..state.clone()
                };
                steps.push((format!("{} s: the heartbeat is stored: {is_member}", state.now), stored));
            }
            Beat::Stored { begun_at, is_member } => {
                let mut after = LeaseState { beat: Beat::Idle, ..state.clone() };
                if is_member {
                    let from = if self.fault == Some(Fault::ValidFromEnd) { state.now } else { begun_at };
                    after.valid_until = after.valid_until.max(lease::valid_until(Duration::from_secs(from)));
                } else {
                    after.is_lost = true;
                }
                steps.push((format!("{} s: the holder learns that it was stored: {is_member}", state.now), after));
            }
        }
    }

    fn observer(self, state: &LeaseState, steps: &mut Vec<(String, LeaseState)>) {
        match state.look {
            Look::Idle => {
                let at = state.now;
                if state.row.is_some() && state.began_look_at != Some(at) {
                    let after = LeaseState { look: Look::Begun { at }, began_look_at: Some(at), ..state.clone() };
                    steps.push((format!("{at} s: the observer begins a look"), after));
                }
            }
            Look::Begun { at } if Duration::from_secs(state.now - at) > lease::TIMEOUT => {
                steps.push((
                    format!("{} s: the look has timed out", state.now),
                    LeaseState { look: Look::Idle, ..state.clone() },
                ));
            }
            Look::Begun { at } => {
                let seen = state.row.map(|beats| Heartbeats { process: HOLDER.to_owned(), beats });
                let mut after = state.clone();
                let times = (Duration::from_secs(at), Duration::from_secs(state.now));
                let dead = after.observations.add(seen.into_iter().collect(), times);
                after.look = dead.first().map_or(Look::Idle, |dead| Look::Deleting { seen: dead.beats });
                let found = if dead.is_empty() { "" } else { ", and takes the holder for dead" };
                steps.push((format!("{} s: the observer reads {:?} heartbeats{found}", state.now, state.row), after));
            }
            Look::Deleting { seen } => {
                let mut after = LeaseState { look: Look::Idle, ..state.clone() };
                let deletes = self.delete_silent(state.row, seen);
                if deletes {
                    after.row = None;
                    after.deleted_at = Some(state.awake);
                }
                steps.push((format!("{} s: the observer deletes the row of the holder: {deletes}", state.now), after));
            }
        }
    }
}

impl Model for LeaseModel {
    type State = LeaseState;

    fn initial(&self) -> Vec<LeaseState> {
        vec![LeaseState {
            now: 0,
            awake: 0,
            was_suspended: false,
            row: Some(0),
            beat: Beat::Idle,
            valid_until: lease::valid_until(Duration::ZERO),
            is_lost: false,
            look: Look::Idle,
            began_look_at: None,
            observations: Observations::default(),
            beat_at: 0,
            deleted_at: None,
        }]
    }

    fn steps(&self, state: &LeaseState) -> Vec<(String, LeaseState)> {
        let mut steps = Vec::new();
        if state.row.is_none() && state.beat == Beat::Idle && !state.acts() {
            return steps;
        }
        self.holder(state, &mut steps);
        self.observer(state, &mut steps);
        if state.awake < self.seconds {
            let after = LeaseState { now: state.now + 1, awake: state.awake + 1, ..state.clone() };
            steps.push(("a second passes".to_owned(), after));
        }
        if self.suspension && !state.was_suspended {
            let after = LeaseState { now: state.now + SUSPENSION, was_suspended: true, ..state.clone() };
            steps.push((format!("both are suspended for {SUSPENSION} s"), after));
        }
        steps
    }

    fn broken(&self, state: &LeaseState) -> Option<String> {
        if state.row.is_none() && state.acts() {
            return Some("A process acts under its leases although others have taken them over.".to_owned());
        }
        let was_early = state.deleted_at.is_some_and(|at| at.saturating_sub(state.beat_at) < AWAKE);
        was_early.then(|| {
            "A process that is suspended together with the others, or not at all, is taken for dead.".to_owned()
        })
    }

    fn broken_by_step(&self, before: &LeaseState, after: &LeaseState) -> Option<String> {
        (before.row.is_none() && after.row.is_some()).then(|| "A deleted row comes back.".to_owned())
    }

    fn is_final(&self, state: &LeaseState) -> bool {
        state.row.is_none() || state.awake == self.seconds
    }
}
