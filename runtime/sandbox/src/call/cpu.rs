//! The CPU time of a call: its guest, and the host's work for it.
//!
//! It is read from the CPU clock of the thread, which stops while the thread waits for a core: on a busy machine a call takes
//! longer, but uses no more. The call is a future that may move between threads whenever it waits, so each poll is measured on its
//! own: it begins and ends on one thread. The exchange of bytes with a provider is excluded ([`CpuClock::exclude`]): the connector
//! cannot influence the cost of TLS and HTTP, which is bounded in other ways.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// No interval is running.
const NONE: u64 = u64::MAX;

/// The CPU clock of a call. Used by one thread at a time; the atomics are necessary because the call moves between threads. Reading
/// a thread's clock is a system call, so it is read only where counting starts and stops, and at no poll in between.
pub(crate) struct CpuClock {
    /// Nanoseconds of all finished intervals.
    spent: AtomicU64,
    /// The thread's clock at the start of the current interval, or [`NONE`].
    began: AtomicU64,
    /// The wall clock at that time.
    began_at: AtomicU64,
    /// Whether the current poll is excluded.
    is_excluded: AtomicBool,
}

impl CpuClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            spent: AtomicU64::new(0),
            began: AtomicU64::new(NONE),
            began_at: AtomicU64::new(0),
            is_excluded: AtomicBool::new(false),
        })
    }

    /// The CPU time that the call has used so far. Exact within the call, on its own thread, and after its end.
    pub(crate) fn used(&self) -> Duration {
        let under_way = match self.began.load(Ordering::Relaxed) {
            NONE => 0,
            began => thread_clock().saturating_sub(began),
        };
        Duration::from_nanos(self.spent.load(Ordering::Relaxed).saturating_add(under_way))
    }

    /// Whether the call has certainly used no more than this, because no interval uses more CPU time than wall time. Does not read
    /// a thread's clock.
    pub(crate) fn is_within(&self, most: Duration) -> bool {
        let under_way = match self.began.load(Ordering::Relaxed) {
            NONE => 0,
            _ => wall_clock().saturating_sub(self.began_at.load(Ordering::Relaxed)),
        };
        Duration::from_nanos(self.spent.load(Ordering::Relaxed).saturating_add(under_way)) <= most
    }

    /// Counts the CPU time of `call`.
    pub(crate) async fn count<F: Future>(self: Arc<Self>, call: F) -> F::Output {
        let mut call = pin!(call);
        poll_fn(|context| {
            let _interval = Interval::begin(&self);
            call.as_mut().poll(context)
        })
        .await
    }

    /// Excludes the CPU time of `work`, which is a part of the call.
    pub(crate) async fn exclude<F: Future>(self: Arc<Self>, work: F) -> F::Output {
        self.end_interval();
        let exclusion = Exclusion::begin(&self);
        let output = work.await;
        drop(exclusion);
        self.begin_interval();
        output
    }

    fn begin_interval(&self) {
        self.began_at.store(wall_clock(), Ordering::Relaxed);
        self.began.store(thread_clock(), Ordering::Relaxed);
    }

    fn end_interval(&self) {
        if self.began.load(Ordering::Relaxed) != NONE {
            self.spent.store(u64::try_from(self.used().as_nanos()).unwrap_or(NONE), Ordering::Relaxed);
            self.began.store(NONE, Ordering::Relaxed);
        }
    }
}

/// An interval from the beginning of a poll to its end, however it ends.
struct Interval<'c>(&'c CpuClock);

impl<'c> Interval<'c> {
    fn begin(clock: &'c CpuClock) -> Self {
        if !clock.is_excluded.load(Ordering::Relaxed) {
            clock.begin_interval();
        }
        Self(clock)
    }
}

impl Drop for Interval<'_> {
    fn drop(&mut self) {
        self.0.end_interval();
    }
}

/// The exclusion of a part of the call, until that ends in any way.
struct Exclusion<'c>(&'c CpuClock);

impl<'c> Exclusion<'c> {
    fn begin(clock: &'c CpuClock) -> Self {
        clock.is_excluded.store(true, Ordering::Relaxed);
        Self(clock)
    }
}

impl Drop for Exclusion<'_> {
    fn drop(&mut self) {
        self.0.is_excluded.store(false, Ordering::Relaxed);
    }
}

/// The CPU time of the current thread, in nanoseconds.
fn thread_clock() -> u64 {
    nanos(ClockId::ThreadCPUTime)
}

/// A monotonic clock, in nanoseconds. Cheap to read.
fn wall_clock() -> u64 {
    nanos(ClockId::Monotonic)
}

fn nanos(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0));
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has the core until the thread's own clock says so.
    fn work_for(time: Duration) {
        let end = thread_clock() + u64::try_from(time.as_nanos()).unwrap();
        while thread_clock() < end {
            std::hint::spin_loop();
        }
    }

    const SHORT: Duration = Duration::from_millis(5);
    const LONG: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn work_counts_and_waiting_does_not() {
        let clock = CpuClock::new();
        let inner = Arc::clone(&clock);
        clock
            .clone()
            .count(async move {
                work_for(SHORT);
                assert!(inner.used() >= SHORT, "seen from within");
                tokio::time::sleep(LONG).await;
                inner.clone().exclude(async { work_for(LONG) }).await;
                std::thread::sleep(LONG);
                work_for(SHORT);
            })
            .await;
        assert!(clock.is_within(LONG));
        assert!(!clock.is_within(SHORT));
        // Waiting for a core, or for anything else, would have added a multiple of `LONG`.
        let used = clock.used();
        assert!(used >= SHORT * 2 && used < LONG, "{used:?}");
        work_for(LONG);
        assert_eq!(clock.used(), used, "it stands still when the call has ended");
    }

    #[tokio::test]
    async fn a_call_that_gives_up_an_exchange_counts_again() {
        let clock = CpuClock::new();
        let inner = Arc::clone(&clock);
        clock
            .clone()
            .count(async move {
                let mut exchange = Box::pin(inner.exclude(std::future::pending::<()>()));
                let mut context = std::task::Context::from_waker(std::task::Waker::noop());
                assert!(exchange.as_mut().poll(&mut context).is_pending());
                drop(exchange);
                tokio::task::yield_now().await;
                work_for(SHORT);
            })
            .await;
        assert!(clock.used() >= SHORT);
    }

    #[test]
    fn each_thread_counts_for_itself() {
        let clock = CpuClock::new();
        let mut call = Box::pin(clock.clone().count(async {
            work_for(SHORT);
            tokio::task::yield_now().await;
            work_for(SHORT);
        }));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        // One thread whose clock is far ahead, one whose clock has just begun.
        std::thread::scope(|scope| {
            let first = scope.spawn(|| {
                work_for(LONG);
                call.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_pending()
            });
            assert!(first.join().unwrap());
        });
        assert!(call.as_mut().poll(&mut context).is_ready());
        let used = clock.used();
        assert!(used >= SHORT * 2 && used < LONG, "{used:?}");
    }
}
