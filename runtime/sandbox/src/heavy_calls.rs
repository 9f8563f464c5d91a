//! Threads of the lowest priority, to which a call moves once it has used more CPU time than most calls ever do.
//!
//! There are half as many as cores, so guests that loop have no more than half of the cores, and only while nothing else needs them: the
//! calls of others are not delayed by them. A heavy call that is honest takes longer on a busy machine, and uses no more.
//!
//! Timers and connections that a heavy call makes belong to the runtime in which the first heavy call began.

use std::any::Any;
use std::future::poll_fn;
use std::io;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;

use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// The lowest priority on Linux.
const NICENESS: i32 = 19;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The threads, which start with the first heavy call and end when this is dropped and their calls have ended.
#[derive(Default)]
pub(crate) struct HeavyCalls {
    /// Empty if no thread could be started. Calls then go on where they began.
    threads: OnceLock<Vec<UnboundedSender<Task>>>,
    next: AtomicUsize,
}

impl HeavyCalls {
    /// Runs a call: here, until `is_heavy` after it has been polled, and then on a thread of low priority. If the returned future is
    /// dropped, the call is dropped too, on its thread.
    pub(crate) async fn run<F>(&self, call: F, is_heavy: impl Fn() -> bool) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let mut call = Box::pin(call);
        let ended = poll_fn(|context| match call.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if is_heavy() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        if let Some(output) = ended.await {
            return output;
        }
        let threads = self.threads.get_or_init(start_threads);
        let index = self.next.fetch_add(1, Ordering::Relaxed).checked_rem(threads.len());
        let Some(thread) = index.and_then(|index| threads.get(index)) else { return call.await };
        let (mut ended, output) = oneshot::channel::<Result<F::Output, Box<dyn Any + Send>>>();
        let task = async move {
            let mut call = AssertUnwindSafe(call).catch_unwind();
            let output = tokio::select! {
                biased;
                // Nobody waits for the call any more.
                () = ended.closed() => return,
                output = &mut call => output,
            };
            ended.send(output).ok();
        };
        thread.send(Box::pin(task)).ok();
        match output.await {
            Ok(Ok(output)) => output,
            Ok(Err(panic)) => resume_unwind(panic),
            // The thread has ended before its calls.
            Err(error) => resume_unwind(Box::new(error.to_string())),
        }
    }
}

fn start_threads() -> Vec<UnboundedSender<Task>> {
    let count = thread::available_parallelism().map_or(1, NonZero::get).div_ceil(2);
    let runtime = Handle::current();
    let started: io::Result<Vec<_>> = (0..count)
        .map(|_| {
            let (tasks, queue) = unbounded_channel();
            let runtime = runtime.clone();
            thread::Builder::new().name("sendbox-heavy".into()).spawn(move || {
                // Without it the thread is one like the others, which is what happens where it is not permitted.
                rustix::process::setpriority_process(None, NICENESS).ok();
                runtime.block_on(drive(queue));
            })?;
            Ok(tasks)
        })
        .collect();
    started.unwrap_or_default()
}

/// Polls the calls of a thread in turn, until there will be no more.
async fn drive(mut queue: UnboundedReceiver<Task>) {
    let mut calls = FuturesUnordered::new();
    loop {
        tokio::select! {
            task = queue.recv() => match task {
                Some(task) => calls.push(task),
                None => break,
            },
            Some(()) = calls.next(), if !calls.is_empty() => {}
        }
    }
    while calls.next().await.is_some() {}
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use super::*;

    fn thread_name() -> String {
        thread::current().name().unwrap_or_default().to_owned()
    }

    /// The niceness of the current thread.
    fn niceness() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_call_moves_when_it_becomes_heavy() {
        let calls = HeavyCalls::default();
        let light = calls.run(async { thread_name() }, || true).await;
        assert_ne!(light, "sendbox-heavy", "it never had to wait");
        let flag = Arc::new(AtomicBool::new(false));
        let sets = Arc::clone(&flag);
        let call = async move {
            tokio::task::yield_now().await;
            let before = thread_name();
            sets.store(true, Ordering::Relaxed);
            tokio::task::yield_now().await;
            let after = (thread_name(), niceness());
            // Timers and sockets work there.
            tokio::time::sleep(Duration::from_millis(1)).await;
            (before, after, thread_name())
        };
        let (before, after, later) = calls.run(call, move || flag.load(Ordering::Relaxed)).await;
        assert_ne!(before, "sendbox-heavy");
        assert_eq!((after.0.as_str(), later.as_str()), ("sendbox-heavy", "sendbox-heavy"));
        assert_eq!(after.1, NICENESS);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_call_ends_when_nobody_waits_for_it() {
        struct Dropped(Option<oneshot::Sender<String>>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                self.0.take().unwrap().send(thread_name()).ok();
            }
        }
        let calls = Arc::new(HeavyCalls::default());
        let (dropped, on) = oneshot::channel();
        let (moved, has_moved) = oneshot::channel::<()>();
        let call = async move {
            let _held = Dropped(Some(dropped));
            tokio::task::yield_now().await;
            moved.send(()).ok();
            std::future::pending::<()>().await;
        };
        let waiting = tokio::spawn(async move { calls.run(call, || true).await });
        has_moved.await.unwrap();
        waiting.abort();
        assert_eq!(on.await.unwrap(), "sendbox-heavy");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_panic_reaches_the_caller_and_no_other_call() {
        let calls = Arc::new(HeavyCalls::default());
        let run = |panics: bool| {
            let calls = Arc::clone(&calls);
            tokio::spawn(async move {
                let call = async move {
                    tokio::task::yield_now().await;
                    assert!(!panics, "on purpose");
                    thread_name()
                };
                calls.run(call, || true).await
            })
        };
        let (wrong, right) = (run(true), run(false));
        assert!(wrong.await.unwrap_err().is_panic());
        assert_eq!(right.await.unwrap(), "sendbox-heavy");
        assert_eq!(run(false).await.unwrap(), "sendbox-heavy");
    }
}
