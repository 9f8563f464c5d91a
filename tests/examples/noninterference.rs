//! Runs any number of programs of the differential test, and reports those that observed something sealed.
//!
//! ```sh
//! cargo run --release -p sendbox-tests --example noninterference -- --programs 1000000
//! cargo run --release -p sendbox-tests --example noninterference -- --seed 31 --programs 1 --show
//! cargo run --release -p sendbox-tests --example noninterference -- --input tests/fuzz/artifacts/noninterference/crash-1
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use sendbox_tests::noninterference::{Comparison, Tally, input_of, program_of};

const HELP: &str = "\
Runs random connectors twice, with other secrets, numbers, codes and texts, and compares what they observe.

Usage: noninterference [--programs N] [--seed N] [--show]
       noninterference --input FILE

  --programs N   how many programs (default 1000)
  --seed N       the first seed (default 0); each program has the next one
  --show         print each program before it runs
  --input FILE   the program of these bytes instead, which a fuzzer wrote; it is printed

Ends with 0 when all runs of a program observed the same, with 1 at the first that did not (its seed replays it), and with 2
for arguments that are not understood, or a file that cannot be read.

  noninterference --programs 1000000
  noninterference --seed 31 --programs 1 --show
  noninterference --input tests/fuzz/artifacts/noninterference/crash-1";

struct Arguments {
    programs: u64,
    seed: u64,
    show: bool,
    input: Option<PathBuf>,
}

fn arguments() -> Result<Option<Arguments>, String> {
    let mut all = Arguments { programs: 1_000, seed: 0, show: false, input: None };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let mut number = || {
            let value = given.next().ok_or_else(|| format!("{name} needs a number"))?;
            value.parse::<u64>().map_err(|_| format!("{name} needs a number, not `{value}`"))
        };
        match name.as_str() {
            "--programs" => all.programs = number()?,
            "--seed" => all.seed = number()?,
            "--show" => all.show = true,
            "--input" => all.input = Some(given.next().ok_or("--input needs a file")?.into()),
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("`{other}` is not an argument")),
        }
    }
    Ok(Some(all))
}

#[tokio::main]
async fn main() -> ExitCode {
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
    if let Some(file) = arguments.input {
        return replay(&file).await;
    }
    let comparison = Comparison::start().await;
    let mut all = Tally::default();
    let mut reported = Instant::now();
    let end = arguments.seed.saturating_add(arguments.programs);
    for seed in arguments.seed..end {
        if arguments.show {
            println!("seed {seed}\n{}\n", program_of(&input_of(seed)));
        }
        match comparison.check(seed).await {
            Ok(tally) => all.add(&tally),
            Err(finding) => {
                println!("{finding}");
                return ExitCode::FAILURE;
            }
        }
        if reported.elapsed() > Duration::from_secs(5) {
            reported = Instant::now();
            eprintln!("{} of {} programs: {all}", seed - arguments.seed + 1, arguments.programs);
        }
    }
    println!("{} programs, no difference: {all}", arguments.programs);
    ExitCode::SUCCESS
}

async fn replay(file: &Path) -> ExitCode {
    let input = match std::fs::read(file) {
        Ok(input) => input,
        Err(error) => {
            eprintln!("{}: {error}", file.display());
            return ExitCode::from(2);
        }
    };
    println!("{}\n", program_of(&input));
    match Comparison::start().await.check_input(&input).await {
        Ok(tally) => {
            println!("no difference: {tally}");
            ExitCode::SUCCESS
        }
        Err(finding) => {
            println!("{finding}");
            ExitCode::FAILURE
        }
    }
}
