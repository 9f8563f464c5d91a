//! What one call uses of the CPU: its guest, and the host's work for it.
//!
//! Read from the CPU clock of the thread, which stands still while the thread waits for a core: on a busy machine a call takes
//! longer, and uses no more. The call is a future that may move between threads whenever it waits, so each of its polls is a
//! stretch of its own: it begins and ends on one thread. Exchanging bytes with a provider is left out ([`CpuClock::leave_out`]):
//! what TLS and HTTP cost is not the connector's to save, and it is bounded otherwise.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// No stretch is under way.
const NONE: u64 = u64::MAX;

/// The CPU clock of one call. Used by one thread at a time; the atomics are there because the call moves between threads. To
/// read a thread's clock is a system call, so it is read where counting begins and ends, and at no poll in between.
pub(crate) struct CpuClock {
    /// Nanoseconds of the stretches that have ended.
    spent: AtomicU64,
    /// What the thread's clock said when the present stretch began, or [`NONE`].
    began: AtomicU64,
    /// What the clock on the wall said then.
    began_at: AtomicU64,
    /// Whether what is being polled is left out.
    left_out: AtomicBool,
}

impl CpuClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            spent: AtomicU64::new(0),
            began: AtomicU64::new(NONE),
            began_at: AtomicU64::new(0),
            left_out: AtomicBool::new(false),
        })
    }

    /// What the call has used until now. Exact within the call, on its own thread, and after its end.
    pub(crate) fn used(&self) -> Duration {
        let under_way = match self.began.load(Ordering::Relaxed) {
            NONE => 0,
            began => thread_clock().saturating_sub(began),
        };
        Duration::from_nanos(self.spent.load(Ordering::Relaxed).saturating_add(under_way))
    }

    /// Whether the call has certainly used no more than this: no stretch uses more than it lasts. Asks no thread's clock.
    pub(crate) fn is_within(&self, most: Duration) -> bool {
        let under_way = match self.began.load(Ordering::Relaxed) {
            NONE => 0,
            _ => wall_clock().saturating_sub(self.began_at.load(Ordering::Relaxed)),
        };
        Duration::from_nanos(self.spent.load(Ordering::Relaxed).saturating_add(under_way)) <= most
    }

    /// Counts what `call` uses.
    pub(crate) async fn count<F: Future>(self: Arc<Self>, call: F) -> F::Output {
        let mut call = pin!(call);
        poll_fn(|context| {
            let _stretch = Stretch::begin(&self);
            call.as_mut().poll(context)
        })
        .await
    }

    /// Does not count what `work`, a part of the call, uses.
    pub(crate) async fn leave_out<F: Future>(self: Arc<Self>, work: F) -> F::Output {
        self.end_stretch();
        let left_out = LeftOut::begin(&self);
        let output = work.await;
        drop(left_out);
        self.begin_stretch();
        output
    }

    fn begin_stretch(&self) {
        self.began_at.store(wall_clock(), Ordering::Relaxed);
        self.began.store(thread_clock(), Ordering::Relaxed);
    }

    fn end_stretch(&self) {
        if self.began.load(Ordering::Relaxed) != NONE {
            self.spent.store(u64::try_from(self.used().as_nanos()).unwrap_or(NONE), Ordering::Relaxed);
            self.began.store(NONE, Ordering::Relaxed);
        }
    }
}

/// From the beginning of one poll to its end, however it ends.
struct Stretch<'c>(&'c CpuClock);

impl<'c> Stretch<'c> {
    fn begin(clock: &'c CpuClock) -> Self {
        if !clock.left_out.load(Ordering::Relaxed) {
            clock.begin_stretch();
        }
        Self(clock)
    }
}

impl Drop for Stretch<'_> {
    fn drop(&mut self) {
        self.0.end_stretch();
    }
}

/// As long as something is left out, however that ends.
struct LeftOut<'c>(&'c CpuClock);

impl<'c> LeftOut<'c> {
    fn begin(clock: &'c CpuClock) -> Self {
        clock.left_out.store(true, Ordering::Relaxed);
        Self(clock)
    }
}

impl Drop for LeftOut<'_> {
    fn drop(&mut self) {
        self.0.left_out.store(false, Ordering::Relaxed);
    }
}

/// Nanoseconds for which the current thread has had a core.
fn thread_clock() -> u64 {
    nanos(ClockId::ThreadCPUTime)
}

/// Nanoseconds on a clock that never stands still. Cheap to read.
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
                inner.clone().leave_out(async { work_for(LONG) }).await;
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
                let mut exchange = Box::pin(inner.leave_out(std::future::pending::<()>()));
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
