//! One run: who starts, what clients ask for, and which of all that waits goes on next.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sendbox_domain::model::{Mode, VerificationStatus};
use sendbox_sandbox::DeliveryState;
use sendbox_service::Service;
use sendbox_store::Store;

use super::client::{self, Operation, Request};
use super::faults::Fault;
use super::invariants::{Oracle, Snapshot};
use super::process::{Observer, Process, Runtimes, STATEMENT, poll_all};
use super::run_state::{RunState, SLOTS, Shared, Who, lock};
use super::{Finding, Passed, Shelf, TENANTS};

/// The numbers that clients send to.
const NUMBERS: [&str; 2] = ["+4520123456", "+4520123457"];
/// The most steps that it takes until everything has ended.
const MAX_STEPS_TO_THE_END: u32 = 6_000;
/// How long a stop may take.
const GRACE: Duration = Duration::from_secs(20);

/// What happens next.
enum Choice {
    Write(usize),
    Turn(usize),
    Timer((u64, u64)),
    Advance,
    Start(usize),
    Request,
    Crash,
    Suspend,
    StepClock,
    Stop,
}

pub(super) struct Run<'s> {
    shelf: &'s Shelf,
    seed: u64,
    file: PathBuf,
    run_state: Shared,
    runtimes: Runtimes,
    observer: Store,
    processes: Vec<Option<Process>>,
    starts: [u32; SLOTS],
    is_exclusive: bool,
    tenant: &'static str,
    requests: Vec<Request>,
    requests_left: u32,
    oracle: Oracle,
    seen_changes: u64,
    active: &'static str,
}

impl<'s> Run<'s> {
    pub(super) fn new(shelf: &'s Shelf, seed: u64, file: &Path) -> Self {
        let mut run_state = RunState::new(seed);
        let processes = match run_state.random.u32(0..10) {
            0..=4 => 1,
            5..=8 => 2,
            _ => SLOTS,
        };
        let tenant = TENANTS[run_state.random.usize(0..TENANTS.len())];
        run_state.is_faulty = true;
        let requests_left = run_state.random.u32(4..15);
        let faults = run_state.random.u32(0..7);
        run_state.faults_left = faults;
        run_state.record(
            None,
            format_args!(
                "seed {seed}: tenant `{tenant}`, {processes} processes, {requests_left} requests, {faults} faults"
            ),
        );
        // The observer opens the file for reading, beside the connections of all processes.
        let (observer, _) = Store::open_in_steps(file.to_owned(), Arc::new(Observer)).expect("a store");
        Self {
            shelf,
            seed,
            file: file.to_owned(),
            run_state: Arc::new(Mutex::new(run_state)),
            runtimes: Runtimes::default(),
            observer,
            processes: (0..processes).map(|_| None).collect(),
            starts: [0; SLOTS],
            is_exclusive: processes == 1,
            tenant,
            requests: Vec::new(),
            requests_left,
            oracle: Oracle::default(),
            seen_changes: 0,
            active: "main",
        }
    }

    /// Lets one process do something on a new database, without faults.
    pub(super) fn set_up<F>(shelf: &'s Shelf, file: &Path, work: impl FnOnce(Service) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut run = Self::new(shelf, 0, file);
        run.processes.truncate(1);
        run.is_exclusive = true;
        {
            let mut run_state = lock(&run.run_state);
            run_state.faults_left = 0;
            run_state.is_faulty = false;
        }
        run.requests_left = 0;
        let mut work = Some(work);
        for _ in 0..MAX_STEPS_TO_THE_END {
            run.step(false);
            let Some(process) = run.processes[0].as_ref() else {
                if work.is_none() {
                    return;
                }
                continue;
            };
            let Some(service) = process.service() else { continue };
            let Some(work) = work.take() else { continue };
            let has_stopped = Arc::clone(&process.has_stopped);
            process.spawn(async move {
                work(service.clone()).await;
                service.stop(GRACE).await;
                has_stopped.store(true, Ordering::Relaxed);
            });
        }
        panic!("the database was not prepared:\n{}", lock(&run.run_state).history.join("\n"));
    }

    pub(super) fn finish(mut self) -> Result<Passed, Box<Finding>> {
        let steps = lock(&self.run_state).random.u32(40..200);
        let mut done = 0;
        while (done < steps || self.requests_left > 0) && done < 2_000 {
            self.step(true);
            done += 1;
            if let Some(finding) = self.finding() {
                return Err(finding);
            }
        }
        {
            let mut run_state = lock(&self.run_state);
            run_state.faults_left = 0;
            run_state.is_faulty = false;
            run_state.record(None, format_args!("no more faults and requests"));
        }
        self.requests_left = 0;
        let mut left = MAX_STEPS_TO_THE_END;
        while !self.is_over() && left > 0 {
            self.step(true);
            left -= 1;
            if let Some(finding) = self.finding() {
                return Err(finding);
            }
        }
        let ended = self.oracle.check_end(&lock(&self.run_state), &self.requests, &self.observer, self.tenant);
        if let Err(violated) = ended {
            lock(&self.run_state).violate(None, violated);
        }
        if let Some(finding) = self.finding() {
            return Err(finding);
        }
        self.processes.clear();
        let mut run_state = lock(&self.run_state);
        let mut tally = run_state.tally.clone();
        tally.runs = 1;
        tally.steps = u64::from(done + MAX_STEPS_TO_THE_END - left);
        tally.commits = run_state.commits;
        tally.messages = u64::try_from(self.oracle.stored().messages.len()).unwrap_or_default();
        Ok(Passed { tally, history: std::mem::take(&mut run_state.history) })
    }

    fn finding(&self) -> Option<Box<Finding>> {
        let mut run_state = lock(&self.run_state);
        let violated = run_state.violation.take()?;
        Some(Box::new(Finding { seed: self.seed, violated, history: std::mem::take(&mut run_state.history) }))
    }

    /// Whether all processes run, every request has its response, and every message has ended.
    fn is_over(&self) -> bool {
        let all_run = self.processes.iter().all(|process| process.as_ref().is_some_and(|it| it.service().is_some()));
        let waits = self.requests.iter().any(|request| request.tries > 0);
        all_run && !waits && self.oracle.open_message().is_none()
    }

    fn step(&mut self, checks: bool) {
        let choices = self.choices();
        let all: u32 = choices.iter().map(|(weight, _)| *weight).sum();
        let mut chosen = lock(&self.run_state).random.u32(0..all.max(1));
        for (weight, choice) in choices {
            if chosen < weight {
                self.carry_out(choice);
                break;
            }
            chosen -= weight;
        }
        poll_all(&self.run_state, &self.runtimes);
        self.settle();
        if checks {
            self.refresh();
        }
    }

    fn choices(&mut self) -> Vec<(u32, Choice)> {
        let mut choices = Vec::new();
        let mut lock_holder = None;
        for process in self.processes.iter_mut().flatten() {
            if process.holds_lock() {
                lock_holder = Some(process.who);
            }
        }
        let run_state = Arc::clone(&self.run_state);
        let mut run_state = lock(&run_state);
        run_state.tidy();
        for (slot, process) in self.processes.iter_mut().enumerate() {
            match process {
                None => choices.push((3, Choice::Start(slot))),
                Some(process) => {
                    let may_write = lock_holder.is_none() && run_state.runs(process.who);
                    if may_write && process.has_writes() {
                        choices.push((6, Choice::Write(slot)));
                    }
                }
            }
        }
        for (index, turn) in run_state.turns.iter().enumerate() {
            if run_state.runs(turn.who) {
                choices.push((4, Choice::Turn(index)));
            }
        }
        for (key, timer) in run_state.timers.range(..=(run_state.time, u64::MAX)) {
            if run_state.runs(timer.who) {
                choices.push((4, Choice::Timer(*key)));
            }
        }
        let is_idle = choices.is_empty();
        choices.push((if is_idle { 8 } else { 1 }, Choice::Advance));
        if self.requests_left > 0 && self.processes.iter().flatten().any(|process| process.service().is_some()) {
            choices.push((2, Choice::Request));
        }
        if run_state.faults_left > 0 && self.requests_left < 8 {
            // A suspended process holds no lock for which the others would wait in vain.
            let suspend = u32::from(lock_holder.is_none() && run_state.suspended.is_empty());
            // Rare among all that happens.
            if run_state.chance(6) {
                choices.push((1, Choice::Crash));
                // Often when a message is about to be sent.
                let is_sending = run_state.turns.iter().any(|turn| turn.what == "sandbox");
                choices.push((if is_sending { 6 * suspend } else { suspend }, Choice::Suspend));
                choices.push((1, Choice::StepClock));
                choices.push((1, Choice::Stop));
            }
        }
        choices
    }

    fn carry_out(&mut self, choice: Choice) {
        match choice {
            Choice::Write(slot) => {
                if let Some(process) = &mut self.processes[slot] {
                    process.write();
                }
            }
            Choice::Turn(index) => {
                let mut run_state = lock(&self.run_state);
                let turn = run_state.turns.remove(index);
                if turn.what != STATEMENT {
                    run_state.record(Some(turn.who), format_args!("goes on at the {}", turn.what));
                }
                turn.wake();
            }
            Choice::Timer(key) => {
                let timer = lock(&self.run_state).timers.remove(&key);
                timer.into_iter().for_each(super::run_state::Waiting::wake);
            }
            Choice::Advance => self.advance(),
            Choice::Start(slot) => {
                self.starts[slot] += 1;
                let who = Who { slot, start: self.starts[slot] };
                let shared = (self.shelf, &self.observer, self.is_exclusive);
                self.processes[slot] = Some(Process::start(&self.run_state, &self.runtimes, who, &self.file, shared));
            }
            Choice::Request => self.request(),
            Choice::Crash => {
                if let Some(who) = self.any_process() {
                    let mut run_state = lock(&self.run_state);
                    if run_state.fault(Fault::CrashBetweenSteps, 1) {
                        run_state.record(Some(who), format_args!("crashes"));
                        run_state.dead.insert(who);
                    }
                }
            }
            Choice::Suspend => {
                if let Some(who) = self.any_process() {
                    let mut run_state = lock(&self.run_state);
                    // Often one that is about to send.
                    let sending = run_state.turns.iter().find(|turn| turn.what == "sandbox").map(|turn| turn.who);
                    let prefers_sending = run_state.chance(2);
                    let who = sending.filter(|_| prefers_sending).unwrap_or(who);
                    if run_state.fault(Fault::Suspension, 1) {
                        let millis = run_state.random.u64(1_000..30_000);
                        let until = run_state.time + millis;
                        run_state.record(Some(who), format_args!("is suspended for {millis} ms"));
                        run_state.suspended.insert(who, until);
                    }
                }
            }
            Choice::StepClock => self.step_clock(),
            Choice::Stop => self.stop(),
        }
    }

    fn any_process(&self) -> Option<Who> {
        let all: Vec<Who> = self.processes.iter().flatten().map(|process| process.who).collect();
        let run_state = &mut lock(&self.run_state);
        (!all.is_empty()).then(|| all[run_state.random.usize(0..all.len())])
    }

    /// Lets time pass, at least until the next timer ends.
    fn advance(&self) {
        let mut run_state = lock(&self.run_state);
        let next = run_state.timers.iter().find(|(_, timer)| run_state.runs(timer.who)).map(|((at, _), _)| *at);
        let more = match run_state.random.u32(0..40) {
            0 if self.requests_left > 0 => run_state.random.u64(10_000..70_000),
            0..=4 => run_state.random.u64(500..3_000),
            5..=20 => run_state.random.u64(0..500),
            _ => 0,
        };
        run_state.time = run_state.time.max(next.unwrap_or(run_state.time + 100)) + more;
        let time = run_state.time;
        let awake: Vec<Who> =
            run_state.suspended.iter().filter(|(_, until)| **until <= time).map(|(who, _)| *who).collect();
        for who in awake {
            run_state.suspended.remove(&who);
            run_state.record(Some(who), format_args!("continues"));
        }
    }

    fn step_clock(&self) {
        let mut run_state = lock(&self.run_state);
        let slot = run_state.random.usize(0..self.processes.len());
        let millis = i64::from(run_state.random.i32(100..40_000));
        let (fault, millis) =
            if run_state.chance(2) { (Fault::ClockForward, millis) } else { (Fault::ClockBackward, -millis) };
        if run_state.fault(fault, 1) {
            run_state.clock_error[slot] += millis;
            run_state.record(None, format_args!("the clock of {} steps by {millis} ms", ["A", "B", "C"][slot]));
        }
    }

    fn stop(&self) {
        let all: Vec<&Process> = self.processes.iter().flatten().filter(|it| it.service().is_some()).collect();
        if all.is_empty() {
            return;
        }
        let process = all[lock(&self.run_state).random.usize(0..all.len())];
        let Some(service) = process.service() else { return };
        {
            let mut run_state = lock(&self.run_state);
            if !run_state.fault(Fault::Stop, 1) {
                return;
            }
            run_state.record(Some(process.who), format_args!("is told to stop"));
        }
        let has_stopped = Arc::clone(&process.has_stopped);
        process.spawn(async move {
            service.stop(GRACE).await;
            has_stopped.store(true, Ordering::Relaxed);
        });
    }

    /// Removes processes that have ended, and counts what they will not answer.
    fn settle(&mut self) {
        for slot in 0..self.processes.len() {
            let Some(process) = &self.processes[slot] else { continue };
            let who = process.who;
            let is_dead = lock(&self.run_state).dead.contains(&who);
            if process.has_stopped.load(Ordering::Relaxed) && !is_dead {
                lock(&self.run_state).record(Some(who), format_args!("has stopped"));
            } else if !is_dead {
                continue;
            }
            self.processes[slot] = None;
            lock(&self.run_state).suspended.remove(&who);
            for request in &mut self.requests {
                request.made_to.retain(|made_to| *made_to != who);
                request.tries = u32::try_from(request.made_to.len()).unwrap_or(u32::MAX);
            }
        }
        let received = std::mem::take(&mut lock(&self.run_state).received);
        for received in received {
            let request = &mut self.requests[received.request];
            if let Some(index) = request.made_to.iter().position(|who| *who == received.who) {
                request.made_to.remove(index);
                request.tries -= 1;
            }
            self.refresh();
            let mut run_state = lock(&self.run_state);
            if let Err(violated) = self.oracle.receive(&mut run_state, &self.requests, &received) {
                run_state.violate(Some(received.who), violated);
            }
        }
    }

    /// Looks at the database, if it has changed.
    fn refresh(&mut self) {
        let mut run_state = lock(&self.run_state);
        if run_state.changes == self.seen_changes || run_state.violation.is_some() {
            return;
        }
        self.seen_changes = run_state.changes;
        let snapshot = Snapshot::read(&self.observer, self.tenant);
        if let Err(violated) = self.oracle.check(&run_state, snapshot) {
            run_state.violate(None, violated);
        }
    }

    /// A client makes a request.
    fn request(&mut self) {
        let burst = {
            let run_state = &mut lock(&self.run_state);
            if run_state.chance(2) { run_state.random.u32(2..5) } else { 1 }
        };
        self.requests_left -= 1;
        let Some(index) = self.next_request() else { return };
        // Several checks of one code at once, all wrong.
        if let Operation::Check { verification, code } = &mut self.requests[index].operation
            && burst > 1
        {
            code.replace_range(.., "0000000000");
            let verification = verification.clone();
            for other in 1..burst {
                let code = format!("000000000{other}");
                let operation = Operation::Check { verification: verification.clone(), code };
                let index = self.add(operation, false);
                self.make(index);
            }
        }
        self.make(index);
    }

    fn add(&mut self, operation: Operation, has_key: bool) -> usize {
        let key = has_key.then(|| format!("key-{}", self.requests.len()));
        self.requests.push(Request { operation, key, tries: 0, made: 0, made_to: Vec::new() });
        self.requests.len() - 1
    }

    /// Makes a request to some process that is ready.
    fn make(&mut self, index: usize) {
        let ready: Vec<&Process> = self.processes.iter().flatten().filter(|it| it.service().is_some()).collect();
        if ready.is_empty() {
            return;
        }
        let process = ready[lock(&self.run_state).random.usize(0..ready.len())];
        let Some(service) = process.service() else { return };
        let who = process.who;
        let connection = match &self.requests[index].operation {
            Operation::Report { connection, .. } => connection.as_str(),
            _ => "main",
        };
        let path = self.shelf.callbacks.iter().find(|(of, _)| *of == (self.tenant, connection));
        let path = path.map(|(_, path)| path.as_str()).unwrap_or_default();
        client::make(&self.run_state, process, service, self.tenant, (index, &self.requests[index]), path);
        let request = &mut self.requests[index];
        request.made_to.push(who);
        request.tries += 1;
        request.made += 1;
    }

    /// What a client asks for next. `None`: nothing, because there is nothing to ask about yet.
    fn next_request(&mut self) -> Option<usize> {
        let shared = Arc::clone(&self.run_state);
        let mut run_state = lock(&shared);
        let to = NUMBERS[run_state.random.usize(0..NUMBERS.len())];
        let mode = if run_state.chance(3) { Mode::Async } else { Mode::Sync };
        let has_key = !run_state.chance(3);
        let stored = self.oracle.stored();
        let open: Vec<String> = stored
            .verifications
            .values()
            .filter(|row| row.status == VerificationStatus::Pending || run_state.random.bool())
            .map(|row| row.id.clone())
            .collect();
        let verification = (!open.is_empty()).then(|| open[run_state.random.usize(0..open.len())].clone());
        let operation = match (run_state.random.u32(0..16), verification) {
            (0..=2, _) => {
                let code = format!("{:06}", run_state.random.u32(0..1_000_000));
                let lifetime = run_state.random.u32(3..60);
                Operation::Send { to, code, lifetime, mode }
            }
            (3..=5, _) | (6..=10, None) => Operation::Start { to, mode },
            (6..=8, Some(verification)) => {
                let of_verification = |message: &str| {
                    stored.messages.get(message).is_some_and(|row| row.verification.as_ref() == Some(&verification))
                };
                let right = run_state.sent.iter().rev().find(|sent| of_verification(&sent.message));
                let right = right.map(|sent| sent.code.clone());
                let code = right.filter(|_| run_state.random.u32(0..3) > 0).unwrap_or_else(|| "0000000000".to_owned());
                Operation::Check { verification, code }
            }
            (9, Some(verification)) => Operation::Resend { verification, mode },
            (10, Some(verification)) => Operation::Cancel { verification },
            (11, _) => {
                let (fault, name) =
                    if self.active == "main" { (Fault::Swap, "second") } else { (Fault::Rollback, "main") };
                self.active = name;
                run_state.tally.count(fault);
                Operation::Activate { name }
            }
            (12..=14, _) if !run_state.sent.is_empty() => self.report(&mut run_state),
            _ => {
                let with_key: Vec<usize> =
                    (0..self.requests.len()).filter(|index| self.requests[*index].key.is_some()).collect();
                if with_key.is_empty() {
                    return None;
                }
                run_state.tally.count(Fault::RepeatedRequest);
                return Some(with_key[run_state.random.usize(0..with_key.len())]);
            }
        };
        drop(run_state);
        let has_key = has_key
            && !matches!(operation, Operation::Activate { .. } | Operation::Report { .. } | Operation::Cancel { .. });
        Some(self.add(operation, has_key))
    }

    /// The provider reports what became of a message.
    fn report(&self, run_state: &mut RunState) -> Operation {
        let states = [DeliveryState::Sent, DeliveryState::Delivered, DeliveryState::Undelivered];
        let state = states[run_state.random.usize(0..states.len())];
        // Often of the newest one, whose response may not be stored yet.
        let newest = run_state.sent.len() - 1;
        let sent = if run_state.chance(2) { newest } else { run_state.random.usize(0..=newest) };
        let sent = run_state.sent[sent].clone();
        if run_state.chance(8) {
            run_state.tally.count(Fault::WrongReport);
            return Operation::Report { connection: "main".to_owned(), provider_id: "SM-of-nobody".to_owned(), state };
        }
        let stored = self.oracle.stored().journal.get(&sent.message);
        let is_early = stored.is_some_and(|all| {
            all.iter().any(|attempt| attempt.number == sent.attempt && attempt.finished_at.is_none())
        });
        if is_early {
            run_state.tally.count(Fault::EarlyReport);
        }
        let is_repeated = self.requests.iter().any(|request| {
            matches!(&request.operation, Operation::Report { provider_id, .. } if *provider_id == sent.provider_id)
        });
        if is_repeated {
            run_state.tally.count(Fault::RepeatedReport);
        }
        Operation::Report { connection: sent.connection, provider_id: sent.provider_id, state }
    }
}
