//! What must hold in every run, after each step and at its end. The numbers are those of the promises in `SECURITY.md`.

use std::collections::{BTreeMap, BTreeSet};

use sendbox_domain::model::{AttemptOutcome, MessageStatus, VerificationStatus};
use sendbox_domain::rules::report::most_advanced;
use sendbox_sandbox::DeliveryState;
use sendbox_store::messages::MessageQuery;
use sendbox_store::rows::{AttemptRow, MessageRow, VerificationRow};
use sendbox_store::{Store, attempts, buckets, messages, reports, verifications};

use super::client::{Operation, Request, Response};
use super::provider::now;
use super::run_state::{Received, RunState};
use super::{CAP, MAX_TRIES, NUMBER_PER_HOUR};

/// What is stored at one moment.
#[derive(Default)]
pub(super) struct Snapshot {
    pub(super) messages: BTreeMap<String, MessageRow>,
    pub(super) journal: BTreeMap<String, Vec<AttemptRow>>,
    pub(super) verifications: BTreeMap<String, VerificationRow>,
    spent: u64,
}

impl Snapshot {
    pub(super) fn read(observer: &Store, tenant: &str) -> Self {
        now(async {
            let mut tx = observer.begin_read().await.expect("a read");
            let all = MessageQuery { limit: 1_000, ..MessageQuery::default() };
            let rows = messages::list(&mut tx, tenant, &all).await.expect("a read");
            let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
            let mut journal: BTreeMap<String, Vec<AttemptRow>> = BTreeMap::new();
            for attempt in attempts::list_for(&mut tx, tenant, &ids).await.expect("a read") {
                journal.entry(attempt.message.clone()).or_default().push(attempt);
            }
            let mut found = BTreeMap::new();
            for id in rows.iter().filter_map(|row| row.verification.clone()).collect::<BTreeSet<_>>() {
                if let Some(row) = verifications::get(&mut tx, tenant, &id).await.expect("a read") {
                    found.insert(id, row);
                }
            }
            let spent = buckets::peek(&mut tx, tenant, "spend-cap").await.expect("a read");
            let spent = spent.and_then(|state| state.rsplit(':').next()?.parse().ok()).unwrap_or_default();
            let messages = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
            Self { messages, journal, verifications: found, spent }
        })
    }

    fn attempts(&self, message: &str) -> &[AttemptRow] {
        self.journal.get(message).map(Vec::as_slice).unwrap_or_default()
    }

    fn codes_of(&self, verification: &str) -> usize {
        self.messages.values().filter(|row| row.verification.as_deref() == Some(verification)).count()
    }
}

fn is_unsent(row: &MessageRow) -> bool {
    row.status.is_final() && row.physical_messages == 0
}

/// How often the price of a message was charged.
fn charges(row: &MessageRow, journal: &[AttemptRow]) -> u64 {
    if is_unsent(row) {
        return 0;
    }
    let mut possible = 0;
    let mut charges = 1;
    for attempt in journal {
        charges += u64::from(possible > 0);
        possible += u64::from(attempt.outcome != Some(AttemptOutcome::Rejected));
    }
    charges
}

/// What clients were told, and what was stored before.
#[derive(Default)]
pub(super) struct Oracle {
    before: Snapshot,
    told: BTreeSet<String>,
    told_unsent: BTreeSet<String>,
    told_accepted: BTreeSet<String>,
    approved_by: BTreeMap<String, BTreeSet<usize>>,
    wrong: BTreeMap<String, BTreeSet<usize>>,
    /// How often the response to a message was that nothing was stored.
    nothing_stored: BTreeMap<usize, u32>,
    /// What each request with an idempotency key has made.
    made: BTreeMap<usize, String>,
    /// Reports that the service has taken: connection, the provider's id, state.
    reports: Vec<(String, String, DeliveryState)>,
}

type Checked = Result<(), String>;

fn require(holds: bool, violated: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(violated()) }
}

impl Oracle {
    pub(super) fn stored(&self) -> &Snapshot {
        &self.before
    }

    /// After a commit.
    pub(super) fn check(&mut self, run_state: &RunState, snapshot: Snapshot) -> Checked {
        for id in &self.told {
            require(snapshot.messages.contains_key(id), || format!("P3: a client was told of {id}, and it is gone"))?;
        }
        let mut by_number: BTreeMap<&[u8], u32> = BTreeMap::new();
        let mut spent = 0;
        for (id, row) in &snapshot.messages {
            let journal = snapshot.attempts(id);
            spent += row.price_micros * charges(row, journal);
            *by_number.entry(&row.recipient_hash).or_default() += u32::from(!is_unsent(row));
            self.check_message(run_state, row, journal)?;
        }
        for sent in &run_state.sent {
            let is_known = snapshot.attempts(&sent.message).iter().any(|attempt| attempt.number == sent.attempt);
            require(is_known, || format!("P4: attempt {} of {} has left and is gone", sent.attempt, sent.message))?;
        }
        for count in by_number.values() {
            require(*count <= NUMBER_PER_HOUR, || format!("P12: a number has {count} messages, of {NUMBER_PER_HOUR}"))?;
        }
        require(spent == snapshot.spent, || {
            format!("P12: messages for {spent} were charged, and {} is stored as spent", snapshot.spent)
        })?;
        require(spent <= CAP, || format!("P12: {spent} was spent, of {CAP}"))?;
        for (id, row) in &snapshot.verifications {
            self.check_verification(&snapshot, id, row)?;
        }
        self.before = snapshot;
        Ok(())
    }

    fn check_message(&self, run_state: &RunState, row: &MessageRow, journal: &[AttemptRow]) -> Checked {
        let id = &row.id;
        let delivered = run_state.sent.iter().filter(|sent| sent.message == *id && sent.is_delivered).count();
        let possible = usize::try_from(row.physical_messages).unwrap_or(usize::MAX);
        require(possible >= delivered, || {
            format!("P4: {id} has reached the phone {delivered} times, and counts {possible}")
        })?;
        match row.status {
            MessageStatus::Accepted => {
                require(delivered > 0, || format!("{id} is accepted, and no provider has accepted it"))?;
            }
            MessageStatus::Failed | MessageStatus::Expired | MessageStatus::Cancelled => {
                require(delivered == 0, || format!("{id} is {}, and has reached the phone", row.status.as_str()))?;
            }
            _ => {}
        }
        for attempt in journal {
            require(attempt.started_at < row.expires_at, || format!("P5: an attempt of {id} began after its expiry"))?;
        }
        let Some(before) = self.before.messages.get(id) else { return Ok(()) };
        require(!before.status.is_final() || before.status == row.status, || {
            format!("{id} was {}, and is {}", before.status.as_str(), row.status.as_str())
        })?;
        let has_begun = row.attempts > before.attempts;
        let ended = row.verification.as_ref().and_then(|id| self.before.verifications.get(id));
        if let Some(ended) = ended.filter(|it| it.status != VerificationStatus::Pending) {
            require(!has_begun, || {
                format!("P5: an attempt of {id} began after {} was {}", ended.id, ended.status.as_str())
            })?;
        }
        Ok(())
    }

    fn check_verification(&self, snapshot: &Snapshot, id: &str, row: &VerificationRow) -> Checked {
        if let Some(before) = self.before.verifications.get(id) {
            require(before.status == VerificationStatus::Pending || before.status == row.status, || {
                format!("P1: {id} was {}, and is {}", before.status.as_str(), row.status.as_str())
            })?;
        }
        let wrong = self.wrong.get(id).map_or(0, BTreeSet::len);
        let codes = snapshot.codes_of(id);
        if codes == 1 {
            let tries = usize::try_from(row.tries).unwrap_or(usize::MAX);
            require(tries >= wrong, || {
                format!("P2: {wrong} codes were compared for {id}, and {tries} tries are stored")
            })?;
        }
        let allowed = codes * usize::try_from(MAX_TRIES).unwrap_or(usize::MAX);
        require(wrong <= allowed, || format!("P2: {wrong} codes were compared for {id}, of {allowed}"))
    }

    /// After a response.
    pub(super) fn receive(&mut self, run_state: &mut RunState, requests: &[Request], received: &Received) -> Checked {
        let Received { request: index, who, response } = received;
        let request = &requests[*index];
        let (made, message) = match response {
            Response::Message { id, status } => {
                if *status == MessageStatus::Accepted {
                    self.told_accepted.insert(id.clone());
                }
                (Some(id), Some(id))
            }
            Response::NotSent { id, status } => {
                require(status.is_final(), || {
                    format!("a client was told that {id} was not sent, and it is {}", status.as_str())
                })?;
                self.told_unsent.insert(id.clone());
                (None, Some(id))
            }
            Response::Verification { id, message, .. } => (Some(id), message.as_ref().map(|(id, _)| id)),
            _ => (None, None),
        };
        self.told.extend(message.cloned());
        if let (Some(made), true) = (made, request.key.is_some()) {
            let first = self.made.entry(*index).or_insert_with(|| made.clone());
            require(first == made, || format!("P4: request {index} has made {first}, and then {made}"))?;
        }
        match (&request.operation, response) {
            (Operation::Check { verification, code }, Response::Verification { status, .. }) => {
                require(*status == VerificationStatus::Approved, || {
                    format!("P1: a check of {verification} succeeds, and it is {}", status.as_str())
                })?;
                run_state.tally.approved += 1;
                let approved = self.approved_by.entry(verification.clone()).or_default();
                approved.insert(*index);
                require(approved.len() == 1, || format!("P1: {verification} was approved twice"))?;
                let is_sent = run_state.sent.iter().any(|sent| {
                    sent.code == *code
                        && self
                            .before
                            .messages
                            .get(&sent.message)
                            .is_some_and(|row| row.verification.as_ref() == Some(verification))
                });
                require(is_sent, || format!("P1: {verification} was approved with a code that was never sent"))?;
                let wrong = self.wrong.get(verification).map_or(0, BTreeSet::len);
                let is_single = self.before.codes_of(verification) == 1;
                require(!is_single || wrong < usize::try_from(MAX_TRIES).unwrap_or(usize::MAX), || {
                    format!("P2: {verification} was approved after {wrong} wrong codes")
                })?;
            }
            (Operation::Send { .. }, Response::NothingStored) => *self.nothing_stored.entry(*index).or_default() += 1,
            (Operation::Check { verification, .. }, Response::WrongCode) => {
                self.wrong.entry(verification.clone()).or_default().insert(*index);
            }
            (Operation::Resend { verification, .. }, Response::Verification { message: Some((later, _)), .. }) => {
                let earlier =
                    self.before.messages.values().filter(|row| row.verification.as_ref() == Some(verification));
                for row in earlier.filter(|row| row.id != *later && row.created_at <= self.created_at(later)) {
                    run_state.obsolete.insert(row.id.clone(), *who);
                }
            }
            (Operation::Report { connection, provider_id, state }, Response::Done) => {
                self.reports.push((connection.clone(), provider_id.clone(), *state));
            }
            (Operation::Send { to, .. } | Operation::Start { to, .. }, Response::Limited(limit)) => {
                run_state.tally.limited += 1;
                let tail = &to[to.len() - 2..];
                let rows = self.before.messages.values().filter(|row| row.recipient_masked.ends_with(tail)).count();
                require(
                    *limit != sendbox_domain::LimitName::NumberPerHour || rows >= NUMBER_PER_HOUR as usize,
                    || format!("P12: a number with {rows} messages is refused, of {NUMBER_PER_HOUR}"),
                )?;
            }
            _ => {}
        }
        Ok(())
    }

    fn created_at(&self, message: &str) -> sendbox_domain::model::Timestamp {
        self.before.messages.get(message).map_or(sendbox_domain::model::Timestamp(0), |row| row.created_at)
    }

    /// Whether a message is still on its way.
    pub(super) fn open_message(&self) -> Option<&MessageRow> {
        self.before.messages.values().find(|row| !row.status.is_final())
    }

    /// When everything has ended.
    pub(super) fn check_end(
        &self,
        run_state: &RunState,
        requests: &[Request],
        observer: &Store,
        tenant: &str,
    ) -> Checked {
        if let Some(row) = self.open_message() {
            return Err(format!("{} is still {}: it is stuck", row.id, row.status.as_str()));
        }
        for id in &self.told_unsent {
            let is_delivered = run_state.sent.iter().any(|sent| sent.message == *id && sent.is_delivered);
            require(!is_delivered, || {
                format!("a client was told that {id} was not sent, and it has reached the phone")
            })?;
        }
        for id in &self.told_accepted {
            let is_delivered = run_state.sent.iter().any(|sent| sent.message == *id && sent.is_delivered);
            require(is_delivered, || {
                format!("a client was told that {id} was accepted, and it has not reached the phone")
            })?;
        }
        for (index, request) in requests.iter().enumerate() {
            let Operation::Send { code, .. } = &request.operation else { continue };
            let nothing = self.nothing_stored.get(&index).copied().unwrap_or_default();
            let is_sent = run_state.sent.iter().any(|sent| sent.code == *code);
            require(request.made == 0 || nothing < request.made || !is_sent, || {
                format!("P16: a client was told that nothing of request {index} was stored, and it was sent")
            })?;
        }
        self.check_reports(run_state, observer, tenant)
    }

    /// What was reported of an attempt that was accepted is what its message shows.
    fn check_reports(&self, run_state: &RunState, observer: &Store, tenant: &str) -> Checked {
        let mut expected: BTreeMap<&str, Vec<DeliveryState>> = BTreeMap::new();
        for (connection, provider_id, state) in &self.reports {
            let sent =
                run_state.sent.iter().find(|sent| sent.provider_id == *provider_id && sent.connection == *connection);
            let Some(sent) = sent else { continue };
            let accepted = self
                .before
                .attempts(&sent.message)
                .iter()
                .any(|attempt| attempt.number == sent.attempt && attempt.outcome == Some(AttemptOutcome::Accepted));
            if accepted {
                expected.entry(sent.message.as_str()).or_default().push(*state);
            }
        }
        for (message, states) in expected {
            let state = most_advanced(&states, |state| *state).copied().unwrap_or(DeliveryState::Unknown);
            let (shown, stored) = now(async {
                let mut tx = observer.begin_read().await.expect("a read");
                let query = MessageQuery { delivery: Some(state), limit: 1_000, ..MessageQuery::default() };
                let shown = messages::list(&mut tx, tenant, &query).await.expect("a read");
                let stored = reports::list_for(&mut tx, tenant, &[message.to_owned()]).await.expect("a read");
                (shown.iter().any(|row| row.id == message), stored.into_values().flatten().count())
            });
            require(shown, || {
                format!(
                    "{message} was reported as {}, and does not show it ({stored} reports are stored)",
                    state.as_str()
                )
            })?;
        }
        Ok(())
    }
}
