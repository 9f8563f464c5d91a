//! One process: a service with a runtime, a clock and connections of its own, on the store that all of them share.

use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sendbox_domain::model::Timestamp;
use sendbox_domain::rules::request_rate::RequestRates;
use sendbox_domain::rules::retention::Retention;
use sendbox_sandbox::policy::OperatorPolicy;
use sendbox_service::clock::Clock;
use sendbox_service::vault::MasterKeys;
use sendbox_service::{BuiltIn, PublicUrl, Service, ServiceConfig};
use sendbox_store::{StepFault, SteppedWriter, Steps, Store};
use tokio::runtime::{Builder, Runtime};

use super::Shelf;
use super::faults::Fault;
use super::provider::Provider;
use super::run_state::{Shared, Who, lock, wait};
use crate::test_service::{PLATFORM_KEY, PUBLIC_URL};

/// What a statement waits for that does not run in the writer.
pub(super) const STATEMENT: &str = "statement";

/// How often the tasks of a process get a turn after something has happened. A longer chain of them goes on in the next step.
const ROUNDS: usize = 6;

/// The runtimes of all processes, which also go on while a writer works.
pub(super) type Runtimes = Arc<Mutex<Vec<(Who, Arc<Runtime>)>>>;

/// Lets the tasks of all processes run that can.
pub(super) fn poll_all(run_state: &Shared, runtimes: &Runtimes) {
    let all = runtimes.lock().expect("not poisoned").clone();
    for (who, runtime) in all {
        if lock(run_state).runs(who) {
            runtime.block_on(async {
                for _ in 0..ROUNDS {
                    tokio::task::yield_now().await;
                }
            });
        }
    }
}

pub(super) struct SimulatedClock {
    pub(super) run_state: Shared,
    pub(super) who: Who,
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        lock(&self.run_state).now(self.who.slot)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(lock(&self.run_state).time)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.timer(time)
    }

    fn timer(&self, time: Duration) -> BoxFuture<'static, ()> {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let timer = lock(&self.run_state).timer(self.who, millis);
        Box::pin(wait(timer))
    }
}

/// Decides over each statement of a process.
pub(super) struct ProcessSteps {
    run_state: Shared,
    who: Who,
    runtimes: Runtimes,
    /// Whether the writer runs, outside of every task.
    is_writing: AtomicBool,
    is_ready: Arc<AtomicBool>,
}

impl ProcessSteps {
    /// Ends the process before its next statement, and so before anybody hears from it again.
    fn crash(&self, sql: &str) -> Result<(), StepFault> {
        let mut run_state = lock(&self.run_state);
        run_state.record(Some(self.who), format_args!("crashes at {}", brief(sql)));
        run_state.dead.insert(self.who);
        Err(StepFault::Flush)
    }

    fn fails(&self, sql: &str, how: &str, fault: StepFault) -> Result<(), StepFault> {
        lock(&self.run_state).record(Some(self.who), format_args!("{how}: {}", brief(sql)));
        Err(fault)
    }

    fn happens(&self, fault: Fault, one_in: u32) -> bool {
        lock(&self.run_state).fault(fault, one_in)
    }

    /// While the writer is between two statements, everybody else goes on.
    fn others_go_on(&self, one_in: u32) {
        if self.is_writing.load(Ordering::Relaxed) && lock(&self.run_state).chance(one_in) {
            poll_all(&self.run_state, &self.runtimes);
        }
    }
}

/// The beginning of a statement.
pub(super) fn brief(sql: &str) -> String {
    let words: Vec<&str> = sql.split_whitespace().take(6).collect();
    words.join(" ").chars().take(60).collect()
}

impl Steps for ProcessSteps {
    fn before(&self, sql: &str) -> Result<(), StepFault> {
        if lock(&self.run_state).dead.contains(&self.who) {
            return Err(StepFault::Flush);
        }
        lock(&self.run_state).note_statement(sql);
        if sql == "COMMIT" {
            self.others_go_on(2);
            if self.happens(Fault::CrashBeforeCommit, 60) {
                return self.crash(sql);
            }
            if self.happens(Fault::CommitFails, 60) {
                return self.fails(sql, "the disk is full", StepFault::DiskFull);
            }
            if self.happens(Fault::CommitLost, 60) {
                return self.fails(sql, "the commit is lost", StepFault::Flush);
            }
        } else if self.is_writing.load(Ordering::Relaxed) {
            self.others_go_on(16);
            if !self.is_ready.load(Ordering::Relaxed) {
                if self.happens(Fault::CrashWhileStarting, 60) {
                    return self.crash(sql);
                }
            } else if self.happens(Fault::CrashBetweenStatements, 250) {
                return self.crash(sql);
            } else if self.happens(Fault::StatementFails, 400) {
                return self.fails(sql, "a statement fails", StepFault::DiskFull);
            }
        } else if self.is_ready.load(Ordering::Relaxed)
            && sql.starts_with("SELECT")
            && self.happens(Fault::ReadFails, 80)
        {
            return self.fails(sql, "a read fails", StepFault::DiskFull);
        }
        Ok(())
    }

    fn after(&self, sql: &str) -> Result<(), StepFault> {
        if sql != "COMMIT" {
            return Ok(());
        }
        lock(&self.run_state).note_commit();
        if self.happens(Fault::CrashAfterCommit, 60) {
            return self.crash("the end of COMMIT");
        }
        if self.happens(Fault::CommitUncertain, 60) {
            return self.fails(sql, "committed, and reported as failed", StepFault::Flush);
        }
        self.others_go_on(3);
        Ok(())
    }

    fn turn(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut run_state = lock(&self.run_state);
        if run_state.dead.contains(&self.who) {
            return Box::pin(std::future::pending());
        }
        if !run_state.chance(4) {
            return Box::pin(std::future::ready(()));
        }
        let turn = run_state.turn(self.who, STATEMENT);
        Box::pin(wait(turn))
    }
}

/// Decides nothing: for whoever only looks.
pub(super) struct Observer;

impl Steps for Observer {
    fn before(&self, _: &str) -> Result<(), StepFault> {
        Ok(())
    }

    fn after(&self, _: &str) -> Result<(), StepFault> {
        Ok(())
    }

    fn turn(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }
}

pub(super) struct Process {
    pub(super) who: Who,
    runtime: Arc<Runtime>,
    writer: SteppedWriter,
    steps: Arc<ProcessSteps>,
    service: Arc<Mutex<Option<Service>>>,
    runtimes: Runtimes,
    /// Set when a stop has ended.
    pub(super) has_stopped: Arc<AtomicBool>,
}

impl Process {
    /// Begins to start a process.
    pub(super) fn start(
        run_state: &Shared,
        runtimes: &Runtimes,
        who: Who,
        file: &Path,
        (shelf, observer, exclusive): (&Shelf, &Store, bool),
    ) -> Self {
        let runtime = Arc::new(Builder::new_current_thread().enable_time().build().expect("a runtime"));
        let is_ready = Arc::new(AtomicBool::new(false));
        let steps = Arc::new(ProcessSteps {
            run_state: Arc::clone(run_state),
            who,
            runtimes: Arc::clone(runtimes),
            is_writing: AtomicBool::new(false),
            is_ready: Arc::clone(&is_ready),
        });
        let (store, writer) =
            Store::open_in_steps(file.to_owned(), Arc::clone(&steps) as Arc<dyn Steps>).expect("a store");
        let clock = Arc::new(SimulatedClock { run_state: Arc::clone(run_state), who });
        let provider = Provider {
            run_state: Arc::clone(run_state),
            who,
            observer: observer.clone(),
            connector: shelf.connector.clone(),
        };
        let config = ServiceConfig {
            store,
            sandbox: Arc::clone(&shelf.sandbox),
            calls: Some(Arc::new(provider)),
            master_keys: MasterKeys::parse(&shelf.master_keys).expect("a master key"),
            platform_key: PLATFORM_KEY.to_owned().into(),
            connectors: vec![BuiltIn { id: "twilio", component: shelf.component }],
            default_templates: Vec::new(),
            operator: OperatorPolicy::default(),
            clock,
            exclusive,
            retention: Retention::default(),
            public_url: Some(PublicUrl::parse(PUBLIC_URL).expect("a URL")),
            ingress_url: None,
            request_rates: RequestRates { key_per_second: 1_000_000, tenant_per_second: 1_000_000 },
        };
        let service = Arc::new(Mutex::new(None));
        let (started, world_of_task) = (Arc::clone(&service), Arc::clone(run_state));
        let has_stopped = Arc::new(AtomicBool::new(false));
        let has_failed = Arc::clone(&has_stopped);
        runtime.spawn(async move {
            match Service::start(config).await {
                Ok(service) => {
                    lock(&world_of_task).record(Some(who), format_args!("is ready"));
                    is_ready.store(true, Ordering::Relaxed);
                    *started.lock().expect("not poisoned") = Some(service);
                }
                Err(error) => {
                    lock(&world_of_task).record(Some(who), format_args!("cannot start: {error}"));
                    has_failed.store(true, Ordering::Relaxed);
                }
            }
        });
        runtimes.lock().expect("not poisoned").push((who, Arc::clone(&runtime)));
        lock(run_state).record(Some(who), format_args!("starts"));
        Self { who, runtime, writer, steps, service, runtimes: Arc::clone(runtimes), has_stopped }
    }

    /// The service, once it has started.
    pub(super) fn service(&self) -> Option<Service> {
        self.service.lock().expect("not poisoned").clone()
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// Whether a transaction of it holds the write lock of the database.
    pub(super) fn holds_lock(&mut self) -> bool {
        self.writer.is_lent()
    }

    pub(super) fn has_writes(&mut self) -> bool {
        self.writer.is_waiting()
    }

    pub(super) fn write(&mut self) {
        self.steps.is_writing.store(true, Ordering::Relaxed);
        self.writer.step();
        self.steps.is_writing.store(false, Ordering::Relaxed);
    }
}

impl Drop for Process {
    /// As `kill -9`: what it had in memory is gone.
    fn drop(&mut self) {
        lock(&self.steps.run_state).dead.insert(self.who);
        self.runtimes.lock().expect("not poisoned").retain(|(who, _)| *who != self.who);
        self.service.lock().expect("not poisoned").take();
    }
}
