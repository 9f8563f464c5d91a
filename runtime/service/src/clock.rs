//! The clocks. Rules receive the time as a value; only the service reads a clock, so that tests can set it.
//!
//! The time of day is for what people and other machines see. It steps when it is set. What must not depend on that, such as whether
//! a lease still counts, uses the monotonic time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use rustix::time::{ClockId, clock_gettime};
use sendbox_domain::model::Timestamp;
use tokio::sync::watch;

/// A source of the current time.
pub trait Clock: Send + Sync {
    /// The time of day. It may step, backwards too.
    fn now(&self) -> Timestamp;

    /// The time since a moment that stays the same while the process runs. It never steps, and it also counts time in which the
    /// process or the machine was suspended.
    fn monotonic(&self) -> Duration;

    /// Waits for this long.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()>;

    /// Waits for this long by a timer of the runtime, whatever the clock shows: for pauses and timeouts of this process.
    fn timer(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// Waits for a future, for this long at most. `None`: it was not done in time, and is dropped.
pub(crate) async fn timeout<T>(clock: &dyn Clock, time: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        value = future => Some(value),
        () = clock.timer(time) => None,
    }
}

/// The system clock.
#[derive(Debug, Default)]
pub struct SystemClock;

/// Linux does not count the time in which the machine is suspended in `CLOCK_MONOTONIC`, which is also what `Instant` reads.
#[cfg(target_os = "linux")]
const MONOTONIC: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const MONOTONIC: ClockId = ClockId::Monotonic;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        let time = clock_gettime(MONOTONIC);
        Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// A clock whose times only move when they are set, each by itself. For tests.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    monotonic: watch::Sender<Duration>,
}

impl ManualClock {
    /// Starts at this time of day.
    pub fn at(now: Timestamp) -> Self {
        Self { now: AtomicI64::new(now.0), monotonic: watch::Sender::new(Duration::ZERO) }
    }

    /// Moves the time of day by this many milliseconds, backwards when negative.
    pub fn advance_millis(&self, millis: i64) {
        self.now.fetch_add(millis, Ordering::SeqCst);
    }

    /// Moves the monotonic time forward.
    pub fn advance_monotonic(&self, time: Duration) {
        self.monotonic.send_modify(|monotonic| *monotonic += time);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        *self.monotonic.borrow()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        let mut monotonic = self.monotonic.subscribe();
        let end = self.monotonic() + time;
        Box::pin(async move {
            // The sender outlives this future, which borrows it.
            let _ = monotonic.wait_for(|now| *now >= end).await;
        })
    }
}
