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
use super::world::{SLOTS, Shared, Who, World, lock};
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
    world: Shared,
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
        let mut world = World::new(seed);
        let processes = match world.random.u32(0..10) {
            0..=4 => 1,
            5..=8 => 2,
            _ => SLOTS,
        };
        let tenant = TENANTS[world.random.usize(0..TENANTS.len())];
        world.is_faulty = true;
        let requests_left = world.random.u32(4..15);
        let faults = world.random.u32(0..7);
        world.faults_left = faults;
        world.record(
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
            world: Arc::new(Mutex::new(world)),
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
            let mut world = lock(&run.world);
            world.faults_left = 0;
            world.is_faulty = false;
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
        panic!("the database was not prepared:\n{}", lock(&run.world).history.join("\n"));
    }

    pub(super) fn finish(mut self) -> Result<Passed, Box<Finding>> {
        let steps = lock(&self.world).random.u32(40..200);
        let mut done = 0;
        while (done < steps || self.requests_left > 0) && done < 2_000 {
            self.step(true);
            done += 1;
            if let Some(finding) = self.finding() {
                return Err(finding);
            }
        }
        {
            let mut world = lock(&self.world);
            world.faults_left = 0;
            world.is_faulty = false;
            world.record(None, format_args!("no more faults and requests"));
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
        let ended = self.oracle.check_end(&lock(&self.world), &self.requests, &self.observer, self.tenant);
        if let Err(violated) = ended {
            lock(&self.world).violate(None, violated);
        }
        if let Some(finding) = self.finding() {
            return Err(finding);
        }
        self.processes.clear();
        let mut world = lock(&self.world);
        let mut tally = world.tally.clone();
        tally.runs = 1;
        tally.steps = u64::from(done + MAX_STEPS_TO_THE_END - left);
        tally.commits = world.commits;
        tally.messages = u64::try_from(self.oracle.stored().messages.len()).unwrap_or_default();
        Ok(Passed { tally, history: std::mem::take(&mut world.history) })
    }

    fn finding(&self) -> Option<Box<Finding>> {
        let mut world = lock(&self.world);
        let violated = world.violation.take()?;
        Some(Box::new(Finding { seed: self.seed, violated, history: std::mem::take(&mut world.history) }))
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
        let mut chosen = lock(&self.world).random.u32(0..all.max(1));
        for (weight, choice) in choices {
            if chosen < weight {
                self.carry_out(choice);
                break;
            }
            chosen -= weight;
        }
        poll_all(&self.world, &self.runtimes);
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
        let world = Arc::clone(&self.world);
        let mut world = lock(&world);
        world.tidy();
        for (slot, process) in self.processes.iter_mut().enumerate() {
            match process {
                None => choices.push((3, Choice::Start(slot))),
                Some(process) => {
                    let may_write = lock_holder.is_none() && world.runs(process.who);
                    if may_write && process.has_writes() {
                        choices.push((6, Choice::Write(slot)));
                    }
                }
            }
        }
        for (index, turn) in world.turns.iter().enumerate() {
            if world.runs(turn.who) {
                choices.push((4, Choice::Turn(index)));
            }
        }
        for (key, timer) in world.timers.range(..=(world.time, u64::MAX)) {
            if world.runs(timer.who) {
                choices.push((4, Choice::Timer(*key)));
            }
        }
        let is_idle = choices.is_empty();
        choices.push((if is_idle { 8 } else { 1 }, Choice::Advance));
        if self.requests_left > 0 && self.processes.iter().flatten().any(|process| process.service().is_some()) {
            choices.push((2, Choice::Request));
        }
        if world.faults_left > 0 && self.requests_left < 8 {
            // A suspended process holds no lock for which the others would wait in vain.
            let suspend = u32::from(lock_holder.is_none() && world.suspended.is_empty());
            // Rare among all that happens.
            if world.chance(6) {
                choices.push((1, Choice::Crash));
                // Often when a message is about to be sent.
                let is_sending = world.turns.iter().any(|turn| turn.what == "sandbox");
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
                let mut world = lock(&self.world);
                let turn = world.turns.remove(index);
                if turn.what != STATEMENT {
                    world.record(Some(turn.who), format_args!("goes on at the {}", turn.what));
                }
                turn.wake();
            }
            Choice::Timer(key) => {
                let timer = lock(&self.world).timers.remove(&key);
                timer.into_iter().for_each(super::world::Waiting::wake);
            }
            Choice::Advance => self.advance(),
            Choice::Start(slot) => {
                self.starts[slot] += 1;
                let who = Who { slot, start: self.starts[slot] };
                let shared = (self.shelf, &self.observer, self.is_exclusive);
                self.processes[slot] = Some(Process::start(&self.world, &self.runtimes, who, &self.file, shared));
            }
            Choice::Request => self.request(),
            Choice::Crash => {
                if let Some(who) = self.any_process() {
                    let mut world = lock(&self.world);
                    if world.fault(Fault::CrashBetweenSteps, 1) {
                        world.record(Some(who), format_args!("crashes"));
                        world.dead.insert(who);
                    }
                }
            }
            Choice::Suspend => {
                if let Some(who) = self.any_process() {
                    let mut world = lock(&self.world);
                    // Often one that is about to send.
                    let sending = world.turns.iter().find(|turn| turn.what == "sandbox").map(|turn| turn.who);
                    let prefers_sending = world.chance(2);
                    let who = sending.filter(|_| prefers_sending).unwrap_or(who);
                    if world.fault(Fault::Suspension, 1) {
                        let millis = world.random.u64(1_000..30_000);
                        let until = world.time + millis;
                        world.record(Some(who), format_args!("is suspended for {millis} ms"));
                        world.suspended.insert(who, until);
                    }
                }
            }
            Choice::StepClock => self.step_clock(),
            Choice::Stop => self.stop(),
        }
    }

    fn any_process(&self) -> Option<Who> {
        let all: Vec<Who> = self.processes.iter().flatten().map(|process| process.who).collect();
        let world = &mut lock(&self.world);
        (!all.is_empty()).then(|| all[world.random.usize(0..all.len())])
    }

    /// Lets time pass, at least until the next timer ends.
    fn advance(&self) {
        let mut world = lock(&self.world);
        let next = world.timers.iter().find(|(_, timer)| world.runs(timer.who)).map(|((at, _), _)| *at);
        let more = match world.random.u32(0..40) {
            0 if self.requests_left > 0 => world.random.u64(10_000..70_000),
            0..=4 => world.random.u64(500..3_000),
            5..=20 => world.random.u64(0..500),
            _ => 0,
        };
        world.time = world.time.max(next.unwrap_or(world.time + 100)) + more;
        let time = world.time;
        let awake: Vec<Who> =
            world.suspended.iter().filter(|(_, until)| **until <= time).map(|(who, _)| *who).collect();
        for who in awake {
            world.suspended.remove(&who);
            world.record(Some(who), format_args!("continues"));
        }
    }

    fn step_clock(&self) {
        let mut world = lock(&self.world);
        let slot = world.random.usize(0..self.processes.len());
        let millis = i64::from(world.random.i32(100..40_000));
        let (fault, millis) =
            if world.chance(2) { (Fault::ClockForward, millis) } else { (Fault::ClockBackward, -millis) };
        if world.fault(fault, 1) {
            world.clock_error[slot] += millis;
            world.record(None, format_args!("the clock of {} steps by {millis} ms", ["A", "B", "C"][slot]));
        }
    }

    fn stop(&self) {
        let all: Vec<&Process> = self.processes.iter().flatten().filter(|it| it.service().is_some()).collect();
        if all.is_empty() {
            return;
        }
        let process = all[lock(&self.world).random.usize(0..all.len())];
        let Some(service) = process.service() else { return };
        {
            let mut world = lock(&self.world);
            if !world.fault(Fault::Stop, 1) {
                return;
            }
            world.record(Some(process.who), format_args!("is told to stop"));
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
            let is_dead = lock(&self.world).dead.contains(&who);
            if process.has_stopped.load(Ordering::Relaxed) && !is_dead {
                lock(&self.world).record(Some(who), format_args!("has stopped"));
            } else if !is_dead {
                continue;
            }
            self.processes[slot] = None;
            lock(&self.world).suspended.remove(&who);
            for request in &mut self.requests {
                request.made_to.retain(|made_to| *made_to != who);
                request.tries = u32::try_from(request.made_to.len()).unwrap_or(u32::MAX);
            }
        }
        let received = std::mem::take(&mut lock(&self.world).received);
        for received in received {
            let request = &mut self.requests[received.request];
            if let Some(index) = request.made_to.iter().position(|who| *who == received.who) {
                request.made_to.remove(index);
                request.tries -= 1;
            }
            self.refresh();
            let mut world = lock(&self.world);
            if let Err(violated) = self.oracle.receive(&mut world, &self.requests, &received) {
                world.violate(Some(received.who), violated);
            }
        }
    }

    /// Looks at the database, if it has changed.
    fn refresh(&mut self) {
        let mut world = lock(&self.world);
        if world.changes == self.seen_changes || world.violation.is_some() {
            return;
        }
        self.seen_changes = world.changes;
        let snapshot = Snapshot::read(&self.observer, self.tenant);
        if let Err(violated) = self.oracle.check(&world, snapshot) {
            world.violate(None, violated);
        }
    }

    /// A client makes a request.
    fn request(&mut self) {
        let burst = {
            let world = &mut lock(&self.world);
            if world.chance(2) { world.random.u32(2..5) } else { 1 }
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
        let process = ready[lock(&self.world).random.usize(0..ready.len())];
        let Some(service) = process.service() else { return };
        let who = process.who;
        let connection = match &self.requests[index].operation {
            Operation::Report { connection, .. } => connection.as_str(),
            _ => "main",
        };
        let path = self.shelf.callbacks.iter().find(|(of, _)| *of == (self.tenant, connection));
        let path = path.map(|(_, path)| path.as_str()).unwrap_or_default();
        client::make(&self.world, process, service, self.tenant, (index, &self.requests[index]), path);
        let request = &mut self.requests[index];
        request.made_to.push(who);
        request.tries += 1;
        request.made += 1;
    }

    /// What a client asks for next. `None`: nothing, because there is nothing to ask about yet.
    fn next_request(&mut self) -> Option<usize> {
        let shared = Arc::clone(&self.world);
        let mut world = lock(&shared);
        let to = NUMBERS[world.random.usize(0..NUMBERS.len())];
        let mode = if world.chance(3) { Mode::Async } else { Mode::Sync };
        let has_key = !world.chance(3);
        let stored = self.oracle.stored();
        let open: Vec<String> = stored
            .verifications
            .values()
            .filter(|row| row.status == VerificationStatus::Pending || world.random.bool())
            .map(|row| row.id.clone())
            .collect();
        let verification = (!open.is_empty()).then(|| open[world.random.usize(0..open.len())].clone());
        let operation = match (world.random.u32(0..16), verification) {
            (0..=2, _) => {
                let code = format!("{:06}", world.random.u32(0..1_000_000));
                let lifetime = world.random.u32(3..60);
                Operation::Send { to, code, lifetime, mode }
            }
            (3..=5, _) | (6..=10, None) => Operation::Start { to, mode },
            (6..=8, Some(verification)) => {
                let of_verification = |message: &str| {
                    stored.messages.get(message).is_some_and(|row| row.verification.as_ref() == Some(&verification))
                };
                let right = world.sent.iter().rev().find(|sent| of_verification(&sent.message));
                let right = right.map(|sent| sent.code.clone());
                let code = right.filter(|_| world.random.u32(0..3) > 0).unwrap_or_else(|| "0000000000".to_owned());
                Operation::Check { verification, code }
            }
            (9, Some(verification)) => Operation::Resend { verification, mode },
            (10, Some(verification)) => Operation::Cancel { verification },
            (11, _) => {
                let (fault, name) =
                    if self.active == "main" { (Fault::Swap, "second") } else { (Fault::Rollback, "main") };
                self.active = name;
                world.tally.count(fault);
                Operation::Activate { name }
            }
            (12..=14, _) if !world.sent.is_empty() => self.report(&mut world),
            _ => {
                let with_key: Vec<usize> =
                    (0..self.requests.len()).filter(|index| self.requests[*index].key.is_some()).collect();
                if with_key.is_empty() {
                    return None;
                }
                world.tally.count(Fault::RepeatedRequest);
                return Some(with_key[world.random.usize(0..with_key.len())]);
            }
        };
        drop(world);
        let has_key = has_key
            && !matches!(operation, Operation::Activate { .. } | Operation::Report { .. } | Operation::Cancel { .. });
        Some(self.add(operation, has_key))
    }

    /// The provider reports what became of a message.
    fn report(&self, world: &mut World) -> Operation {
        let states = [DeliveryState::Sent, DeliveryState::Delivered, DeliveryState::Undelivered];
        let state = states[world.random.usize(0..states.len())];
        // Often of the newest one, whose response may not be stored yet.
        let newest = world.sent.len() - 1;
        let sent = if world.chance(2) { newest } else { world.random.usize(0..=newest) };
        let sent = world.sent[sent].clone();
        if world.chance(8) {
            world.tally.count(Fault::WrongReport);
            return Operation::Report { connection: "main".to_owned(), provider_id: "SM-of-nobody".to_owned(), state };
        }
        let stored = self.oracle.stored().journal.get(&sent.message);
        let is_early = stored.is_some_and(|all| {
            all.iter().any(|attempt| attempt.number == sent.attempt && attempt.finished_at.is_none())
        });
        if is_early {
            world.tally.count(Fault::EarlyReport);
        }
        let is_repeated = self.requests.iter().any(|request| {
            matches!(&request.operation, Operation::Report { provider_id, .. } if *provider_id == sent.provider_id)
        });
        if is_repeated {
            world.tally.count(Fault::RepeatedReport);
        }
        Operation::Report { connection: sent.connection, provider_id: sent.provider_id, state }
    }
}
