//! What the benchmarks share.

use std::time::Duration;

use tokio::task::JoinSet;

/// A runtime with a thread for each core of the machines that figures are for.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// The median of the values of several runs.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// User and system time of this process.
pub fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Whether this is a run by `cargo bench`. `cargo test --benches` starts benchmarks too, which then do nothing.
#[expect(clippy::print_stdout, reason = "the output of a benchmark")]
pub fn is_benchmark(name: &str) -> bool {
    let is_benchmark = std::env::args().any(|argument| argument == "--bench");
    if !is_benchmark {
        println!("run with `cargo bench -p sendbox-tests --bench {name}`");
    }
    is_benchmark
}

/// Runs so many calls, `at_once` of them at a time.
pub async fn run_at_once<F, Fut>(calls: usize, at_once: usize, call: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    for started in 0..calls {
        if started >= at_once {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(call());
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}
