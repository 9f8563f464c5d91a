//! Runs the hostile guests on this build: `cargo run -p sendbox-tests --example zoo [-- NAME…]`.
//!
//! Prints a line for each guest and aim: how it ended, and by which rule. Exits with 1 when one of them ends differently from
//! `tests/src/zoo/guests.rs`, or when something leaks. `--write` writes `tests/zoo/README.md`.

#![allow(clippy::print_stdout, reason = "this is what it is for")]

use std::process::ExitCode;

use sendbox_tests::zoo::{self, Zoo, page};

#[tokio::main]
async fn main() -> Result<ExitCode, std::io::Error> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names.iter().any(|name| name == "--write") {
        std::fs::write(page::path(), page::render())?;
        println!("wrote {}", page::path().display());
        return Ok(ExitCode::SUCCESS);
    }
    let chosen: Vec<_> = zoo::all()
        .into_iter()
        .filter(|guest| names.is_empty() || names.iter().any(|name| name == guest.behaviour.name()))
        .collect();
    if chosen.is_empty() {
        println!("no such guest; they are the files in tests/guests/hostile/src/behaviour");
        return Ok(ExitCode::from(2));
    }
    let zoo = Zoo::new().await;
    let (mut runs, mut bad) = (0, 0);
    for guest in &chosen {
        println!("\n{}: {}", guest.behaviour, guest.behaviour.description());
        for (aim, expected) in guest.aims {
            let observed = zoo.run(guest, aim).await;
            let good = expected.contains(&observed.ending) && observed.leaks.is_empty();
            runs += 1;
            bad += usize::from(!good);
            let mark = if good { "ok  " } else { "FAIL" };
            println!("  {mark} {aim:<24} {}", observed.ending);
            println!("       {:<24} {}", "", observed.description);
            for leak in &observed.leaks {
                println!("       {:<24} LEAK: {leak}", "");
            }
            if !expected.contains(&observed.ending) {
                println!("       {:<24} expected: {expected:?}", "");
            }
        }
    }
    println!("\n{} guests, {runs} aims: {} as they should be, {bad} not", chosen.len(), runs - bad);
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
