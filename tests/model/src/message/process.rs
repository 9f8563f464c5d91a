//! What a process does with the message: it claims it, begins an attempt, sends, and stores the end.

use sendbox_contract::{FailureClass, RequestSent};
use sendbox_domain::model::{AttemptOutcome, MessageStatus, Timestamp};
use sendbox_domain::rules::attempt as rules;
use sendbox_domain::rules::retry::{self, NextStep, Situation};

use super::state::{Answer, Cancellation, Failed, Lease, Phase, Sent, State};
use super::{Config, Steps};
use crate::fault::Fault;

fn at(second: u8) -> Timestamp {
    Timestamp(i64::from(second) * 1000)
}

/// Rounded up: an attempt does not begin before it is due.
fn second(at: Timestamp) -> u8 {
    u8::try_from(at.0.max(0).unsigned_abs().div_ceil(1000)).unwrap_or(u8::MAX)
}

impl From<Sent> for RequestSent {
    fn from(sent: Sent) -> Self {
        match sent {
            Sent::No => Self::No,
            Sent::Maybe => Self::Maybe,
            Sent::Yes => Self::Yes,
        }
    }
}

/// A case of the provider: in words, what the host sees, and how many messages the provider sends for it.
type Case = (&'static str, Answer, u8);

const fn failed(class: FailureClass, sent: Sent, status: Option<u16>) -> Answer {
    Answer::Failed(Failed { class, sent, status })
}

const HONEST: [Case; 9] = [
    ("the provider accepts it", Answer::Accepted, 1),
    ("no connection is made", failed(FailureClass::ProviderUnavailable, Sent::No, None), 0),
    ("the connector traps before it sends", failed(FailureClass::ConnectorFault, Sent::No, None), 0),
    ("the response is lost, and it was sent", failed(FailureClass::InDoubt, Sent::Maybe, None), 1),
    ("the response is lost, and it was not sent", failed(FailureClass::InDoubt, Sent::Maybe, None), 0),
    ("the provider refuses the recipient", failed(FailureClass::InvalidRecipient, Sent::Yes, Some(400)), 0),
    ("the provider refuses the text", failed(FailureClass::ContentRejected, Sent::Yes, Some(400)), 0),
    ("the provider asks to wait", failed(FailureClass::RateLimited, Sent::Yes, Some(429)), 0),
    ("the provider is unavailable", failed(FailureClass::ProviderUnavailable, Sent::Yes, Some(503)), 0),
];

const LIES: [Case; 2] = [
    ("it is sent, and the connector says: refused", failed(FailureClass::ContentRejected, Sent::Yes, Some(200)), 1),
    (
        "it is sent, and the provider says: unavailable",
        failed(FailureClass::ProviderUnavailable, Sent::Yes, Some(503)),
        1,
    ),
];

/// What a crash leaves of an attempt.
const CUT: Failed = Failed { class: FailureClass::InDoubt, sent: Sent::Maybe, status: None };
/// What an attempt is that was revoked before anything left.
const REVOKED: Failed = Failed { class: FailureClass::NotSent, sent: Sent::No, status: None };

impl Config {
    pub(super) fn process(&self, state: &State, index: usize, steps: &mut Steps) {
        match state.processes[index].phase {
            Phase::Down => {}
            Phase::Idle => self.claim(state, index, steps),
            Phase::Claimed { lease } => self.ask(state, index, lease, steps),
            Phase::Holding { lease } => self.begin(state, index, lease, steps),
            Phase::Started { lease, number, is_cancelled } => {
                self.send(state, index, (lease, number, is_cancelled), steps);
            }
            Phase::Ended { lease, number, answer, is_revoked } => {
                self.finish(state, index, (lease, number, answer, is_revoked), steps);
            }
        }
    }

    /// The guard of `messages::claim`: the message is due, and `processes::IS_FREE`.
    fn is_claimable(&self, state: &State) -> bool {
        let row = &state.row;
        let is_free = row.lease.is_none_or(|lease| !state.members.contains(&lease.member));
        let is_due = row.next_attempt_at.is_none_or(|at| at <= state.now);
        !row.status.is_final() && is_due && (is_free || self.has(Fault::LeasedMessageClaimed))
    }

    fn claim(&self, state: &State, index: usize, steps: &mut Steps) {
        let process = &state.processes[index];
        if process.is_valid && self.is_claimable(state) {
            let mut after = state.clone();
            let lease = after.claim(process.member);
            after.processes[index].phase = Phase::Claimed { lease };
            steps.push((format!("{} claims the message", state.name(index)), after));
        }
    }

    /// `Leases::is_held`: waits for a heartbeat if it is overdue.
    fn ask(&self, state: &State, index: usize, lease: Lease, steps: &mut Steps) {
        let mut after = state.clone();
        let name = state.name(index);
        if state.processes[index].member != lease.member && !self.has(Fault::LeaseNotChecked) {
            after.processes[index].phase = Phase::Idle;
            steps.push((format!("{name} has lost its lease, and leaves the message"), after));
        } else if state.is_held(index, lease) || self.has(Fault::LeaseNotChecked) {
            after.processes[index].phase = Phase::Holding { lease };
            steps.push((format!("{name} has asked whether it holds its lease"), after));
        }
    }

    /// The guard of `messages::update` and `messages::end_attempt_query`.
    fn is_holder(&self, state: &State, lease: Lease) -> bool {
        state.row.lease == Some(lease) || self.has(Fault::LeaseNotCompared)
    }

    /// The transaction that begins an attempt, or finds that none may begin.
    fn begin(&self, state: &State, index: usize, lease: Lease, steps: &mut Steps) {
        let name = state.name(index);
        let mut after = state.clone();
        if state.row.status.is_final() || !self.is_holder(state, lease) {
            after.processes[index].phase = Phase::Idle;
            steps.push((format!("{name} finds that the message is not its own, and leaves it"), after));
            return;
        }
        if let Some(open) = state.journal.iter().position(|attempt| attempt.outcome.is_none()) {
            if self.has(Fault::CrashForgotten) {
                after.journal.truncate(open);
                after.row.physical_messages -= 1;
                after.row.attempts -= 1;
            } else {
                after.journal[open].outcome = Some(retry::outcome(CUT.class, CUT.sent.into()));
                self.decide(&mut after, open, CUT);
                let what = format!("{name} finds an attempt that a process left behind: it is in doubt");
                self.go_on(state, after, index, lease, what, steps);
                return;
            }
        }
        if rules::has_expired(at(self.expires_at), at(state.now)) {
            after.end(rules::final_status(MessageStatus::Expired, state.row.physical_messages));
            self.go_on(state, after, index, lease, format!("{name} finds that the message has expired"), steps);
            return;
        }
        if state.cancellation != Cancellation::None {
            after.end(rules::final_status(MessageStatus::Cancelled, state.row.physical_messages));
            self.go_on(state, after, index, lease, format!("{name} finds that nobody wants the message"), steps);
            return;
        }
        if state.row.next_attempt_at.is_some_and(|at| at > state.now) {
            self.go_on(state, after, index, lease, format!("{name} finds that the message is not due"), steps);
            return;
        }
        if !rules::may_begin(state.row.physical_messages, count_unproven(state), self.max_messages) {
            after.end(rules::final_status(MessageStatus::Failed, state.row.physical_messages));
            self.go_on(state, after, index, lease, format!("{name} finds that there were enough messages"), steps);
            return;
        }
        if state.row.physical_messages > 0 && self.may_refuse_second {
            let mut refused = after.clone();
            refused.end(rules::final_status(MessageStatus::InDoubt, state.row.physical_messages));
            self.go_on(state, refused, index, lease, format!("{name}: the limits refuse a second message"), steps);
        }
        if !state.row.has_payload {
            after.broken = Some("A message has no payload, and is to be sent.");
        }
        if !self.has(Fault::SentBeforeStored) {
            after.store_attempt();
        }
        let number = u8::try_from(after.journal.len()).unwrap_or(u8::MAX);
        let number = if self.has(Fault::SentBeforeStored) { number + 1 } else { number };
        after.processes[index].phase = Phase::Started { lease, number, is_cancelled: false };
        let connection = state.row.connection;
        steps.push((format!("{name} stores attempt {number}, over connection {connection}"), after));
    }

    /// The moment in which the first byte is asked for, and what the provider makes of it.
    fn send(&self, state: &State, index: usize, (lease, number, is_cancelled): (Lease, u8, bool), steps: &mut Steps) {
        let name = state.name(index);
        let is_held = state.is_held(index, lease) || self.has(Fault::LeaseNotChecked);
        let now = if self.has(Fault::ExpiryCheckedTooEarly) { at(0) } else { at(state.now) };
        if is_cancelled || !rules::may_leave(is_held, at(self.expires_at), now) {
            let mut after = state.clone();
            let is_revoked = rules::is_revoked(RequestSent::No, true, at(self.expires_at), at(state.now));
            let answer = Answer::Failed(REVOKED);
            after.processes[index].phase = Phase::Ended { lease, number, answer, is_revoked };
            steps.push((format!("{name}: attempt {number} is revoked, nothing leaves"), after));
            return;
        }
        let lies: &[Case] = if self.is_honest { &[] } else { &LIES };
        for (what, answer, sent) in HONEST.iter().chain(lies) {
            let mut after = state.clone();
            let leaves = !matches!(answer, Answer::Failed(Failed { sent: Sent::No, .. }));
            if leaves {
                after.broken = self.broken_when_leaving(state, index, lease, number);
            }
            let bit = 1 << state.row.connection;
            if *sent > 0 && !(self.is_idempotent && state.sent_by_connection & bit != 0) {
                after.received += sent;
            }
            if *sent > 0 {
                after.sent_by_connection |= bit;
                after.accepted_by_provider |= 1 << number;
            }
            let is_revoked = match answer {
                Answer::Failed(failed) => {
                    rules::is_revoked(failed.sent.into(), is_cancelled, at(self.expires_at), at(state.now))
                }
                Answer::Accepted => false,
            };
            after.processes[index].phase = Phase::Ended { lease, number, answer: *answer, is_revoked };
            steps.push((format!("{name}: attempt {number}: {what}"), after));
        }
    }

    /// The promise that is broken if bytes leave now.
    fn broken_when_leaving(&self, state: &State, index: usize, lease: Lease, number: u8) -> Option<&'static str> {
        let attempt = state.journal.get(usize::from(number) - 1);
        if state.now >= self.expires_at {
            Some("A message leaves after it has expired.")
        } else if state.row.status.is_final() {
            Some("A message leaves after it has ended.")
        } else if state.row.lease != Some(lease) || !state.members.contains(&lease.member) {
            Some("A message leaves from a process that no longer has its lease.")
        } else if (state.cancellation == Cancellation::Acknowledged { by: index }) {
            Some("A message leaves after the same process has cancelled its verification.")
        } else if attempt.is_none_or(|attempt| attempt.outcome.is_some()) {
            Some("A message leaves, and its attempt is not open in the journal.")
        } else {
            None
        }
    }

    /// The transaction that stores the end of an attempt.
    fn finish(
        &self,
        state: &State,
        index: usize,
        (lease, number, answer, is_revoked): (Lease, u8, Answer, bool),
        steps: &mut Steps,
    ) {
        if self.is_report_locked(state, number) {
            return;
        }
        let name = state.name(index);
        let mut after = state.clone();
        if self.has(Fault::SentBeforeStored) && state.journal.len() + 1 == usize::from(number) {
            after.store_attempt();
        }
        let open = usize::from(number) - 1;
        // The guard of `attempts::finish_query`.
        let is_open = after.journal.get(open).is_some_and(|attempt| attempt.outcome.is_none());
        if !is_open || !self.is_holder(state, lease) {
            let mut after = state.clone();
            after.processes[index].phase = Phase::Idle;
            steps.push((format!("{name} stores no end of attempt {number}: its lease was lost"), after));
            return;
        }
        match answer {
            Answer::Accepted => {
                after.journal[open].outcome = Some(AttemptOutcome::Accepted);
                after.end(MessageStatus::Accepted);
                self.claim_reports(&mut after, number);
            }
            Answer::Failed(failed) => {
                let outcome = retry::outcome(failed.class, failed.sent.into());
                after.journal[open].outcome = Some(outcome);
                after.journal[open].failed = Some(failed);
                after.row.physical_messages = rules::physical_messages_after(outcome, after.row.physical_messages);
                if is_revoked {
                    after.row.status = MessageStatus::Queued;
                    after.row.next_attempt_at = Some(state.now);
                } else {
                    self.decide(&mut after, open, failed);
                }
            }
        }
        self.go_on(state, after, index, lease, format!("{name} stores the end of attempt {number}"), steps);
    }

    /// What a process does after a transaction: it leaves a message that has ended or is due later, and goes on with the others.
    fn go_on(&self, before: &State, mut after: State, index: usize, lease: Lease, what: String, steps: &mut Steps) {
        let is_due = after.row.next_attempt_at.is_none_or(|at| at <= before.now);
        after.processes[index].phase = if after.row.status.is_final() {
            Phase::Idle
        } else if is_due {
            Phase::Claimed { lease }
        } else {
            after.row.lease = None;
            Phase::Idle
        };
        let status = after.row.status.as_str();
        steps.push((format!("{what}; the message is {status}"), after));
    }

    /// Asks the rules what follows a failed attempt, as `Service::decide` does.
    fn decide(&self, state: &mut State, number: usize, failed: Failed) {
        let here = state.journal[number].connection;
        let of_connection =
            |connection: u8| state.journal.iter().filter(move |attempt| attempt.connection == connection);
        let fallback = (0..self.connections).find(|connection| of_connection(*connection).next().is_none());
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let situation = Situation {
            class: failed.class,
            request_sent: failed.sent.into(),
            retry_after: (failed.class == FailureClass::RateLimited).then_some(1),
            tries_here: count(of_connection(here).count()),
            attempts: state.row.attempts.into(),
            physical_messages: state.row.physical_messages,
            unproven: count(count_unproven(state)),
            max_messages: self.max_messages,
            in_doubt: self.in_doubt,
            idempotent: self.is_idempotent,
            has_fallback: fallback.is_some(),
            fallback_has_own_template: fallback.is_some(),
            has_other_version: self.has_other_version && of_connection(here).all(|attempt| attempt.version == 0),
            now: at(state.now),
            expires_at: at(self.expires_at),
            may_retry: true,
            jitter: 1.0,
        };
        match retry::decide(&situation).next {
            NextStep::Stop(status) => state.end(status),
            NextStep::Retry { at } => {
                state.row.status = MessageStatus::Queued;
                state.row.next_attempt_at = Some(second(at));
            }
            NextStep::OtherVersion => {
                state.row.status = MessageStatus::Queued;
                state.row.next_attempt_at = Some(state.now);
                state.row.version = 1;
            }
            NextStep::Fallback => {
                state.row.status = MessageStatus::Queued;
                state.row.next_attempt_at = Some(state.now);
                state.row.connection = fallback.unwrap_or(here);
                state.row.version = 0;
            }
        }
    }
}

/// The attempts of which only the connector says that they were refused.
fn count_unproven(state: &State) -> usize {
    let is_unproven = |attempt: &&super::state::Attempt| {
        let failed = attempt.failed.zip(attempt.outcome);
        failed.is_some_and(|(failed, outcome)| retry::is_unproven(outcome, failed.sent.into(), failed.status))
    };
    state.journal.iter().filter(is_unproven).count()
}
