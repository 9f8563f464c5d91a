//! The faults of a run, and how often each has happened.

use std::fmt;

/// A fault. Each has a name in the report, and happens in some of the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A process ends while nothing of it runs.
    CrashBetweenSteps,
    /// It ends between two statements of a unit of work.
    CrashBetweenStatements,
    /// It ends after the last statement of a batch, before its commit.
    CrashBeforeCommit,
    /// It ends after a commit, before anybody is told.
    CrashAfterCommit,
    /// It ends while it starts.
    CrashWhileStarting,
    /// A statement fails, and with it one unit of a batch.
    StatementFails,
    /// A statement of a read fails.
    ReadFails,
    /// A commit fails, and nothing is changed.
    CommitFails,
    /// A commit fails and nothing is changed, but nobody can know.
    CommitLost,
    /// A commit is reported as failed, and is on disk.
    CommitUncertain,
    /// A process does not run for a while, and continues where it was.
    Suspension,
    /// The time of day of a machine steps backward.
    ClockBackward,
    /// The time of day of a machine steps forward.
    ClockForward,
    /// A process is stopped, as by SIGTERM.
    Stop,
    /// The connection ends before any byte of the message has left.
    ResetBeforeBytes,
    /// The connection ends after the message has left, and it reaches the phone.
    ResetAfterBytes,
    /// The connection ends after the message has left, and it does not reach the phone.
    LostAfterBytes,
    /// The provider responds after seconds.
    SlowProvider,
    /// The provider never responds.
    StalledProvider,
    /// The provider refuses the message.
    Refusal,
    /// The provider asks to try again later.
    RateLimited,
    /// A delivery report arrives before the provider's response.
    EarlyReport,
    /// A delivery report arrives again.
    RepeatedReport,
    /// A delivery report is about no message.
    WrongReport,
    /// Another connection is activated while messages are sent.
    Swap,
    /// The connection before is activated again.
    Rollback,
    /// A request is repeated with its idempotency key.
    RepeatedRequest,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 27] = [
        Self::CrashBetweenSteps,
        Self::CrashBetweenStatements,
        Self::CrashBeforeCommit,
        Self::CrashAfterCommit,
        Self::CrashWhileStarting,
        Self::StatementFails,
        Self::ReadFails,
        Self::CommitFails,
        Self::CommitLost,
        Self::CommitUncertain,
        Self::Suspension,
        Self::ClockBackward,
        Self::ClockForward,
        Self::Stop,
        Self::ResetBeforeBytes,
        Self::ResetAfterBytes,
        Self::LostAfterBytes,
        Self::SlowProvider,
        Self::StalledProvider,
        Self::Refusal,
        Self::RateLimited,
        Self::EarlyReport,
        Self::RepeatedReport,
        Self::WrongReport,
        Self::Swap,
        Self::Rollback,
        Self::RepeatedRequest,
    ];
}

/// How often each fault has happened, and what else runs did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    faults: [u64; Fault::ALL.len()],
    /// Runs.
    pub runs: u64,
    /// Choices of the scheduler.
    pub steps: u64,
    /// Commits.
    pub commits: u64,
    /// Messages whose bytes left.
    pub sent: u64,
    /// Messages that were stored.
    pub messages: u64,
    /// Codes that were right.
    pub approved: u64,
    /// Requests that a limit refused.
    pub limited: u64,
}

impl Tally {
    pub(super) fn count(&mut self, fault: Fault) {
        self.faults[fault as usize] += 1;
    }

    /// How often a fault has happened.
    pub fn of(&self, fault: Fault) -> u64 {
        self.faults[fault as usize]
    }

    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.faults.iter_mut().zip(other.faults) {
            *sum += count;
        }
        self.runs += other.runs;
        self.steps += other.steps;
        self.commits += other.commits;
        self.sent += other.sent;
        self.messages += other.messages;
        self.approved += other.approved;
        self.limited += other.limited;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, steps, commits, sent, messages, approved, limited, .. } = self;
        writeln!(
            f,
            "{runs} runs, {steps} steps, {commits} commits, {messages} messages, {sent} sent, {approved} approved, {limited} limited"
        )?;
        for fault in Fault::ALL {
            writeln!(f, "  {:<22} {:>8}", format!("{fault:?}"), self.of(fault))?;
        }
        Ok(())
    }
}
