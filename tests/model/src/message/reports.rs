//! Delivery reports: they may arrive before the provider's answer is stored, twice, and in any order.

use sendbox_contract::DeliveryState;
use sendbox_domain::model::AttemptOutcome;
use sendbox_domain::rules::report::most_advanced;

use super::state::{Phase, ReportRow, ReportTransaction, State};
use super::{Config, Steps};
use crate::fault::Fault;

/// The states that are reported: *sent* and *delivered*.
const REPORTED: [u8; 2] = [2, 6];

fn state_name(state: u8) -> &'static str {
    DeliveryState::ALL[usize::from(state)].as_str()
}

impl Config {
    pub(super) fn reports(&self, state: &State, steps: &mut Steps) {
        if let Some(transaction) = state.report {
            let mut after = state.clone();
            let ReportTransaction { attempt, state: reported, is_found } = transaction;
            after.report = None;
            let is_known = state.reports.iter().any(|row| (row.attempt, row.state) == (attempt, reported));
            if !is_known {
                after.reports.push(ReportRow { attempt, state: reported, is_assigned: is_found });
                after.reports.sort_unstable();
            }
            after.update_delivery();
            let what = if is_found { "is stored with its attempt" } else { "waits for its attempt" };
            steps.push((format!("the report `{}` {what}", state_name(reported)), after));
            return;
        }
        if state.reported >= self.reports || state.processes.iter().all(|process| process.phase == Phase::Down) {
            return;
        }
        for (number, attempt) in (1u8..).zip(&state.journal) {
            if state.accepted_by_provider & (1 << number) == 0 {
                continue;
            }
            for reported in REPORTED {
                let mut after = state.clone();
                let is_found = attempt.outcome == Some(AttemptOutcome::Accepted);
                after.reported += 1;
                after.report = Some(ReportTransaction { attempt: number, state: reported, is_found });
                let name = state_name(reported);
                let found = if is_found { "found" } else { "not found" };
                steps.push((format!("the provider reports `{name}` of attempt {number}, which is {found}"), after));
            }
        }
    }

    /// Whether the end of an attempt has to wait: `reports::lock`.
    pub(super) fn is_report_locked(&self, state: &State, attempt: u8) -> bool {
        state.report.is_some_and(|report| report.attempt == attempt) && !self.has(Fault::ReportNotLocked)
    }

    /// Assigns the reports that were waiting for an attempt: `reports::claim`.
    pub(super) fn claim_reports(&self, state: &mut State, attempt: u8) {
        if !self.has(Fault::WaitingReportsIgnored) {
            for row in &mut state.reports {
                row.is_assigned |= row.attempt == attempt;
            }
        }
        state.update_delivery();
    }

    pub(super) fn is_report_lost(&self, state: &State) -> bool {
        let is_accepted = |number: u8| {
            let attempt = state.journal.get(usize::from(number) - 1);
            attempt.is_some_and(|attempt| attempt.outcome == Some(AttemptOutcome::Accepted))
        };
        state.report.is_none() && state.reports.iter().any(|row| !row.is_assigned && is_accepted(row.attempt))
    }
}

impl State {
    fn update_delivery(&mut self) {
        let assigned: Vec<&ReportRow> = self.reports.iter().filter(|row| row.is_assigned).collect();
        let state = |row: &&ReportRow| DeliveryState::ALL[usize::from(row.state)];
        self.delivery = most_advanced(&assigned, state).map(|row| row.state);
    }
}
