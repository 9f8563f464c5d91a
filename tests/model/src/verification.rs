//! One verification: checks that run at the same time, resends, messages that leave or not, a cancellation, and expiry.
//!
//! A check is three steps, as in the service: its try is counted and committed, the code is compared, the approval is a guarded update. A
//! crash may end it between any two. Code 0 is sent first, and each resend adds one.

use sendbox_domain::model::{Timestamp, VerificationStatus};
use sendbox_domain::rules::verification as rules;

use crate::fault::Fault;
use crate::search::Model;

/// The bounds of a search.
#[derive(Clone, Copy, Debug)]
pub struct VerificationModel {
    /// `maxTries` of the policy.
    pub max_tries: u8,
    /// `maxSends` of the policy.
    pub sends: u8,
    /// How many codes are made; those that were not sent give their send back.
    pub codes: u8,
    /// How many checks are made, of which two run at the same time.
    pub checks: u8,
    /// How long a code is valid, in seconds.
    pub lifetime: u8,
    /// How often a process is killed during a check.
    pub crashes: u8,
    pub fault: Option<Fault>,
}

impl VerificationModel {
    /// What CI searches.
    pub const BASE: Self = Self { max_tries: 2, sends: 2, codes: 2, checks: 3, lifetime: 2, crashes: 1, fault: None };
}

/// A code of the row, with its tries and lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Code {
    code: u8,
    tries: u8,
    expires_at: u8,
    order: u8,
}

/// The message of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum MessageState {
    Waiting,
    /// Its attempt is stored.
    Begun,
    /// It is on the phone, and that is not stored.
    Left,
    /// It may have left, and that is stored.
    LeftStored,
    /// It has not left, and that is stored.
    UnsentStored,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum CheckState {
    Idle,
    /// Its try is counted.
    Counted {
        typed: Option<u8>,
        now: u8,
        codes: Vec<u8>,
    },
    /// The code is right.
    Right {
        code: u8,
        now: u8,
    },
    /// The code was compared, and the try is still to be counted. Only with a fault.
    Uncounted {
        right: Option<u8>,
        now: u8,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VerificationState {
    now: u8,
    status: VerificationStatus,
    current: Code,
    previous: Option<Code>,
    sends: u8,
    messages: Vec<MessageState>,
    checks: [CheckState; 2],
    begun: u8,
    crashes: u8,
    /// How often each code was compared.
    compared: Vec<u8>,
    /// When each code expires.
    expires_at: Vec<u8>,
    /// Successful responses.
    approvals: u8,
    broken: Option<&'static str>,
}

type Steps = Vec<(String, VerificationState)>;

fn at(second: u8) -> Timestamp {
    Timestamp(i64::from(second) * 1000)
}

impl VerificationState {
    /// `verification_check::codes_to_compare`.
    fn codes_to_compare(&self, max_tries: u8, now: u8) -> Vec<u8> {
        let previous = self.previous.filter(|previous| {
            rules::is_previous_compared((previous.tries.into(), max_tries.into()), at(previous.expires_at), at(now))
        });
        [self.current].into_iter().chain(previous).map(|code| code.code).collect()
    }

    fn code_name(typed: Option<u8>) -> String {
        typed.map_or_else(|| "a wrong code".to_owned(), |code| format!("code {code}"))
    }

    fn compare(&mut self, codes: &[u8], typed: Option<u8>, now: u8) -> Option<u8> {
        for code in codes {
            self.compared[usize::from(*code)] += 1;
            if self.expires_at[usize::from(*code)] <= now {
                self.broken = Some("A code is compared after it has expired.");
            }
        }
        typed.filter(|typed| codes.contains(typed))
    }
}

impl VerificationModel {
    fn has(self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// `verifications::count_try`.
    fn count_try(self, state: &mut VerificationState, now: u8) -> bool {
        let has_try = state.current.tries < self.max_tries || self.has(Fault::TriesNotBounded);
        let counts = state.status == VerificationStatus::Pending && has_try && state.current.expires_at > now;
        if counts {
            state.current.tries += 1;
            if let Some(previous) = &mut state.previous {
                previous.tries += 1;
            }
        }
        counts
    }

    /// `verifications::approve`.
    fn approve(self, state: &mut VerificationState, code: u8, now: u8) -> bool {
        let is_pending = state.status == VerificationStatus::Pending || self.has(Fault::PendingNotCompared);
        let codes = [Some(state.current), state.previous];
        let is_right = codes.into_iter().flatten().any(|it| it.code == code && it.expires_at > now);
        let approves = is_pending && (is_right || self.has(Fault::CodeNotCompared));
        if approves {
            let later = usize::from(code) + 1..state.messages.len();
            if state.messages[later].contains(&MessageState::LeftStored) {
                state.broken = Some("A code approves after the message with a later one has left.");
            }
            state.approvals += 1;
            state.status = VerificationStatus::Approved;
        }
        approves
    }

    fn checks(self, state: &VerificationState, steps: &mut Steps) {
        for index in 0..2 {
            match state.checks[index].clone() {
                CheckState::Idle => self.begin_check(state, index, steps),
                CheckState::Counted { typed, now, codes } => {
                    let mut after = state.clone();
                    let right = after.compare(&codes, typed, now);
                    after.checks[index] = match right {
                        Some(code) => CheckState::Right { code, now },
                        None => CheckState::Idle,
                    };
                    let result = if right.is_some() { "right" } else { "wrong" };
                    steps.push((format!("check {index} compares it with {codes:?}: {result}"), after));
                }
                CheckState::Right { code, now } => {
                    let mut after = state.clone();
                    after.checks[index] = CheckState::Idle;
                    let approves = self.approve(&mut after, code, now);
                    steps.push((format!("check {index} approves code {code}: {approves}"), after));
                }
                CheckState::Uncounted { right, now } => {
                    let mut after = state.clone();
                    let counts = self.count_try(&mut after, now);
                    after.checks[index] = match right {
                        Some(code) if counts => CheckState::Right { code, now },
                        _ => CheckState::Idle,
                    };
                    steps.push((format!("check {index} counts its try: {counts}"), after));
                }
            }
            if state.checks[index] != CheckState::Idle && state.crashes < self.crashes {
                let mut after = state.clone();
                after.crashes += 1;
                after.checks[index] = CheckState::Idle;
                steps.push((format!("the process of check {index} is killed"), after));
            }
        }
    }

    fn begin_check(self, state: &VerificationState, index: usize, steps: &mut Steps) {
        if state.begun >= self.checks {
            return;
        }
        let codes = (0..u8::try_from(state.messages.len()).unwrap_or(u8::MAX)).map(Some);
        for typed in codes.chain([None]) {
            let mut after = state.clone();
            after.begun += 1;
            let (now, name) = (state.now, VerificationState::code_name(typed));
            if self.has(Fault::TryCountedAfterCheck) {
                let is_open = rules::status(
                    state.status,
                    (state.current.tries.into(), self.max_tries.into()),
                    at(state.current.expires_at),
                    at(now),
                ) == VerificationStatus::Pending;
                if is_open {
                    let compared = state.codes_to_compare(self.max_tries, now);
                    let right = after.compare(&compared, typed, now);
                    after.checks[index] = CheckState::Uncounted { right, now };
                    steps.push((format!("check {index} compares {name} before its try is counted"), after));
                }
                continue;
            }
            if self.count_try(&mut after, now) {
                let codes = after.codes_to_compare(self.max_tries, now);
                after.checks[index] = CheckState::Counted { typed, now, codes };
                steps.push((format!("{now} s: check {index} counts a try of {name}"), after));
            }
        }
    }

    /// `verification_resend::renew_verification`.
    fn resend(self, state: &VerificationState, steps: &mut Steps) {
        let Code { tries, expires_at, .. } = state.current;
        let status = rules::status(state.status, (tries.into(), self.max_tries.into()), at(expires_at), at(state.now));
        let code = u8::try_from(state.messages.len()).unwrap_or(u8::MAX);
        if !rules::may_resend(status) || state.sends >= self.sends || code >= self.codes {
            return;
        }
        // The guard of `verifications::update_codes`.
        if state.status != VerificationStatus::Pending {
            return;
        }
        let mut after = state.clone();
        if state.messages[usize::from(state.current.code)] != MessageState::UnsentStored {
            after.previous = Some(state.current);
        }
        if self.has(Fault::EarlierCodeEndedAtOnce) {
            after.previous = None;
        }
        let expires_at = state.now + self.lifetime;
        after.current = Code { code, tries: 0, expires_at, order: code + 1 };
        if let Some(previous) = &mut after.previous {
            previous.expires_at = previous.expires_at.min(expires_at);
        }
        after.sends += 1;
        after.messages.push(MessageState::Waiting);
        after.compared.push(0);
        after.expires_at.push(expires_at);
        steps.push((format!("{} s: a resend, with code {code}", state.now), after));
    }

    fn messages(self, state: &VerificationState, steps: &mut Steps) {
        for (code, message) in (0u8..).zip(&state.messages) {
            let with = |message: MessageState| {
                let mut after = state.clone();
                after.messages[usize::from(code)] = message;
                after
            };
            match message {
                MessageState::Waiting | MessageState::Begun => {
                    let is_wanted = state.status == VerificationStatus::Pending && state.current.code == code;
                    if *message == MessageState::Begun {
                        let after = with(MessageState::Left);
                        steps.push((format!("the message with code {code} arrives"), after));
                    } else if is_wanted {
                        let after = with(MessageState::Begun);
                        steps.push((format!("an attempt of the message with code {code} begins"), after));
                    }
                    let mut after = with(MessageState::UnsentStored);
                    after.withdraw(code);
                    steps.push((format!("it is stored that the message with code {code} was not sent"), after));
                }
                MessageState::Left => {
                    let mut after = with(MessageState::LeftStored);
                    if !self.has(Fault::EarlierCodeKept) {
                        after.end_earlier_codes(code);
                    }
                    steps.push((format!("it is stored that the message with code {code} has left"), after));
                }
                MessageState::LeftStored | MessageState::UnsentStored => {}
            }
        }
    }
}

impl VerificationState {
    /// `unsent::withdraw_code`.
    fn withdraw(&mut self, code: u8) {
        if self.status != VerificationStatus::Pending {
            return;
        }
        self.sends = self.sends.saturating_sub(1);
        if self.current.code == code {
            match self.previous.take().filter(|previous| previous.expires_at > self.now) {
                Some(previous) => self.current = previous,
                None => self.current.order = 0,
            }
        } else if self.previous.is_some_and(|previous| previous.code == code) {
            self.previous = None;
        }
    }

    /// `verifications::end_earlier_codes`.
    fn end_earlier_codes(&mut self, code: u8) {
        let codes = [Some(self.current), self.previous];
        let Some(sent) = codes.into_iter().flatten().find(|it| it.code == code) else { return };
        if self.status == VerificationStatus::Pending && self.previous.is_some_and(|it| it.order < sent.order) {
            self.previous = None;
        }
    }

    /// The code on the phone, as long as no later one may have left.
    fn code_on_phone(&self) -> Option<u8> {
        let has_left = |message: &MessageState| matches!(message, MessageState::Left | MessageState::LeftStored);
        let last = self.messages.iter().rposition(has_left)?;
        u8::try_from(last).ok()
    }
}

impl Model for VerificationModel {
    type State = VerificationState;

    fn initial(&self) -> Vec<VerificationState> {
        vec![VerificationState {
            now: 0,
            status: VerificationStatus::Pending,
            current: Code { code: 0, tries: 0, expires_at: self.lifetime, order: 1 },
            previous: None,
            sends: 1,
            messages: vec![MessageState::Waiting],
            checks: [CheckState::Idle, CheckState::Idle],
            begun: 0,
            crashes: 0,
            compared: vec![0],
            expires_at: vec![self.lifetime],
            approvals: 0,
            broken: None,
        }]
    }

    fn steps(&self, state: &VerificationState) -> Steps {
        let mut steps = Vec::new();
        if state.broken.is_some() {
            return steps;
        }
        self.checks(state, &mut steps);
        self.resend(state, &mut steps);
        self.messages(state, &mut steps);
        if state.status == VerificationStatus::Pending {
            let mut after = state.clone();
            after.status = VerificationStatus::Cancelled;
            steps.push(("the client cancels the verification".to_owned(), after));
            // The guard of `verifications::expire`.
            if state.current.expires_at <= state.now {
                let mut after = state.clone();
                after.status = VerificationStatus::Expired;
                steps.push(("the worker stores that the verification has expired".to_owned(), after));
            }
            if state.current.expires_at > state.now {
                steps.push(("a second passes".to_owned(), VerificationState { now: state.now + 1, ..state.clone() }));
            }
        }
        steps
    }

    fn broken(&self, state: &VerificationState) -> Option<String> {
        if let Some(broken) = state.broken {
            return Some(broken.to_owned());
        }
        if state.compared.iter().any(|compared| *compared > self.max_tries) {
            return Some("A code is compared more often than the policy says.".to_owned());
        }
        if state.approvals > 1 {
            return Some("A verification is approved twice.".to_owned());
        }
        let on_phone = state.code_on_phone()?;
        let is_valid = [Some(state.current), state.previous].into_iter().flatten().any(|it| it.code == on_phone);
        let is_open =
            state.status == VerificationStatus::Pending && state.expires_at[usize::from(on_phone)] > state.now;
        (is_open && !is_valid).then(|| "The code on the phone is not valid, and no later one has left.".to_owned())
    }

    fn broken_by_step(&self, before: &VerificationState, after: &VerificationState) -> Option<String> {
        let changes = before.status != VerificationStatus::Pending && after.status != before.status;
        changes.then(|| "A verification that has ended changes.".to_owned())
    }

    fn is_final(&self, state: &VerificationState) -> bool {
        let is_stored = |it: &MessageState| matches!(it, MessageState::LeftStored | MessageState::UnsentStored);
        state.status != VerificationStatus::Pending
            && state.messages.iter().all(is_stored)
            && state.checks.iter().all(|check| *check == CheckState::Idle)
    }
}
