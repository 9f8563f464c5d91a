//! Two processes that share one message: claims, attempts, a provider, a client that cancels, delivery reports, and a crash or a
//! suspension between any two steps.
//!
//! Each step is what the service does in one transaction, or between two. What a transaction guards is a function here, named for its
//! statement; what the service decides is a rule of the domain. That a process whose row is deleted may not act any more is the result of
//! [`crate::lease`], and assumed here.

mod config;
mod process;
mod reports;
mod state;

pub use config::{Config, Start};
pub use state::State;

use sendbox_domain::model::{InDoubt, MessageStatus};

use self::state::{Cancellation, Phase};
use crate::fault::Fault;
use crate::search::Model;

type Steps = Vec<(String, State)>;

impl Config {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// What the environment does: time, crashes, suspensions, heartbeats.
    fn environment(&self, state: &State, steps: &mut Steps) {
        if state.now <= self.expires_at {
            let now = state.now + 1;
            let expired = if now == self.expires_at { "; the message expires" } else { "" };
            steps.push((format!("it is {now} s{expired}"), State { now, ..state.clone() }));
        }
        for index in 0..2 {
            let process = &state.processes[index];
            let name = state.name(index);
            if process.phase == Phase::Down {
                let mut after = state.clone();
                after.processes[index].phase = Phase::Idle;
                after.join(index);
                steps.push((format!("{name} starts again as {}", after.name(index)), after));
                continue;
            }
            if state.crashes < self.crashes {
                let mut after = state.clone();
                after.crashes += 1;
                after.processes[index].phase = Phase::Down;
                after.processes[index].is_valid = false;
                steps.push((format!("{name} is killed"), after));
            }
            if process.is_valid && state.sleeps < self.sleeps {
                let mut after = state.clone();
                after.sleeps += 1;
                after.processes[index].is_valid = false;
                steps.push((format!("{name} is suspended until its heartbeat is overdue"), after));
            }
            if !process.is_valid {
                let mut after = state.clone();
                if state.members.contains(&process.member) {
                    after.processes[index].is_valid = true;
                    steps.push((format!("{name} counts a heartbeat"), after));
                } else {
                    after.join(index);
                    steps.push((format!("{name} finds its row deleted, and joins as {}", after.name(index)), after));
                }
            }
        }
        for member in &state.members {
            let acts = |process: &state::Process| {
                process.member == *member && process.is_valid && process.phase != Phase::Down
            };
            let is_seen = state.processes.iter().any(|other| other.member != *member && other.phase != Phase::Down);
            if is_seen && !state.processes.iter().any(acts) {
                let mut after = state.clone();
                after.members.retain(|other| other != member);
                steps.push((format!("p{member} is taken for dead; its row is deleted"), after));
            }
        }
    }

    /// The client cancels its verification at one of the processes.
    fn client(&self, state: &State, steps: &mut Steps) {
        match state.cancellation {
            Cancellation::None if self.has_verification => {
                for index in 0..2 {
                    if state.processes[index].phase != Phase::Down {
                        let mut after = state.clone();
                        after.cancellation = Cancellation::Stored { by: index };
                        steps.push((format!("{} stores that the verification is cancelled", state.name(index)), after));
                    }
                }
            }
            Cancellation::Stored { by } if state.processes[by].phase != Phase::Down => {
                let mut after = state.clone();
                if let Phase::Started { is_cancelled, .. } = &mut after.processes[by].phase {
                    *is_cancelled = *is_cancelled || !self.has(Fault::CancelledSendNotRevoked);
                }
                after.cancellation = Cancellation::Acknowledged { by };
                steps.push((format!("{} revokes what it is sending, and answers the client", state.name(by)), after));
            }
            _ => {}
        }
    }
}

impl Model for Config {
    type State = State;

    fn initial(&self) -> Vec<State> {
        vec![State::new(self)]
    }

    fn steps(&self, state: &State) -> Steps {
        let mut steps = Vec::new();
        if state.broken.is_some() {
            return steps;
        }
        for index in 0..2 {
            self.process(state, index, &mut steps);
        }
        self.environment(state, &mut steps);
        self.client(state, &mut steps);
        self.reports(state, &mut steps);
        steps
    }

    fn broken(&self, state: &State) -> Option<String> {
        if let Some(broken) = state.broken {
            return Some(broken.to_owned());
        }
        let (row, received) = (&state.row, u32::from(state.received));
        let unsent = matches!(row.status, MessageStatus::Failed | MessageStatus::Expired | MessageStatus::Cancelled);
        let broken = if received > self.max_messages || row.physical_messages > self.max_messages {
            "The phone receives more messages than the policy allows."
        } else if self.is_honest && self.in_doubt == InDoubt::PreferSilence && received > 1 {
            "The tenant prefers silence, and the phone receives two messages."
        } else if self.is_honest && unsent && received > 0 {
            "A message is reported as not sent, and the phone has received it."
        } else if row.status == MessageStatus::Accepted && received == 0 {
            "A message is reported as accepted, and the phone has received nothing."
        } else if row.status.is_final() && row.has_payload {
            "A message has ended, and its payload is kept."
        } else if self.is_report_lost(state) {
            "A report overtakes its message, and is never assigned to it."
        } else {
            return None;
        };
        Some(broken.to_owned())
    }

    fn broken_by_step(&self, before: &State, after: &State) -> Option<String> {
        if before.row.status.is_final() && after.row != before.row {
            return Some("A message that has ended changes.".to_owned());
        }
        let goes_back = before.delivery.is_some_and(|state| after.delivery.is_none_or(|now| now < state));
        goes_back.then(|| "The delivery state goes back.".to_owned())
    }

    fn is_final(&self, state: &State) -> bool {
        let rests = |process: &state::Process| matches!(process.phase, Phase::Idle | Phase::Down);
        state.row.status.is_final() && state.processes.iter().all(rests) && state.report.is_none()
    }
}
