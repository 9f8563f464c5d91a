//! Runs any number of seeds of the simulation, and reports those that did not keep a promise.
//!
//! ```sh
//! cargo run --release -p sendbox-tests --example simulation -- --seeds 1000000
//! cargo run -p sendbox-tests --example simulation -- --seed 31
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sendbox_tests::simulation::{Simulation, Tally};

const HELP: &str = "\
Simulates processes that send messages, with crashes and faults that follow from a seed, and checks the promises of SECURITY.md.

Usage: simulation [--seeds N] [--from N] [--jobs N] [--keep-going]
       simulation --seed N

  --seeds N      how many seeds (default 2000)
  --from N       the first seed (default 0)
  --jobs N       how many runs at once (default: one for each core)
  --keep-going   print only the last line of a run that did not keep a promise, and go on
  --seed N       run this seed alone, and print its history

Ends with 0 when all promises were kept, with 1 when one was not, and with 2 for arguments that are not understood.

  simulation --seeds 1000000
  simulation --seed 31";

struct Arguments {
    seeds: u64,
    from: u64,
    jobs: usize,
    keep_going: bool,
    seed: Option<u64>,
}

fn arguments() -> Result<Option<Arguments>, String> {
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let mut all = Arguments { seeds: 2_000, from: 0, jobs, keep_going: false, seed: None };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let mut number = || {
            let value = given.next().ok_or_else(|| format!("{name} needs a number"))?;
            value.parse::<u64>().map_err(|_| format!("{name} needs a number, not `{value}`"))
        };
        match name.as_str() {
            "--seeds" => all.seeds = number()?,
            "--from" => all.from = number()?,
            "--jobs" => all.jobs = usize::try_from(number()?).map_err(|error| error.to_string())?.max(1),
            "--seed" => all.seed = Some(number()?),
            "--keep-going" => all.keep_going = true,
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("`{other}` is not an argument")),
        }
    }
    Ok(Some(all))
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let simulation = Simulation::prepare();
    match arguments.seed {
        Some(seed) => replay(&simulation, seed),
        None => run_all(&simulation, &arguments),
    }
}

fn replay(simulation: &Simulation, seed: u64) -> ExitCode {
    match simulation.run(seed) {
        Ok(passed) => {
            println!("{}\n\nseed {seed}: all promises were kept\n{}", passed.history.join("\n"), passed.tally);
            ExitCode::SUCCESS
        }
        Err(finding) => {
            println!("{finding}");
            ExitCode::FAILURE
        }
    }
}

fn run_all(simulation: &Simulation, arguments: &Arguments) -> ExitCode {
    let (next, all) = (AtomicU64::new(arguments.from), Mutex::new((Tally::default(), Instant::now())));
    let has_failed = AtomicBool::new(false);
    let end = arguments.from.saturating_add(arguments.seeds);
    thread::scope(|scope| {
        for _ in 0..arguments.jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end || (has_failed.load(Ordering::Relaxed) && !arguments.keep_going) {
                        return;
                    }
                    let result = simulation.run(seed);
                    let mut all = all.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    match result {
                        Ok(passed) => all.0.add(&passed.tally),
                        Err(finding) => {
                            has_failed.store(true, Ordering::Relaxed);
                            if arguments.keep_going {
                                println!("seed {seed}: {}", finding.violated);
                            } else {
                                println!("{finding}");
                            }
                        }
                    }
                    if all.1.elapsed() > Duration::from_secs(10) {
                        all.1 = Instant::now();
                        eprintln!("{} of {} seeds", all.0.runs, arguments.seeds);
                    }
                }
            });
        }
    });
    let (all, _) = all.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    println!("{all}");
    if has_failed.load(Ordering::Relaxed) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
