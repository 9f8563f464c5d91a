//! Searches the models further than CI does: `cargo run --release -p sendbox-model --example deeper -- 2 1 3`.
//!
//! The numbers are crashes, suspensions, and the seconds until the message expires. Each setting may need some gigabytes of memory.

#![allow(clippy::print_stdout, reason = "its result")]

use std::process::ExitCode;

use sendbox_model::lease::LeaseModel;
use sendbox_model::message::Config;
use sendbox_model::verification::VerificationModel;
use sendbox_model::{Model, search};

/// About ten gigabytes.
const MAX_STATES: usize = 30_000_000;

fn exhaust(name: &str, model: &impl Model) -> bool {
    match search(model, MAX_STATES) {
        Ok(report) => println!("{name}: {report}"),
        Err(found) => {
            println!("{name}: {found}");
            return false;
        }
    }
    true
}

fn main() -> ExitCode {
    let numbers: Vec<u8> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let [crashes, sleeps, expires_at] = numbers[..] else {
        println!("usage: deeper CRASHES SUSPENSIONS SECONDS");
        return ExitCode::from(2);
    };
    let lease = LeaseModel { seconds: 14, beats: 2, ..LeaseModel::BASE };
    let verification = VerificationModel { codes: 3, checks: 4, ..VerificationModel::BASE };
    let mut holds = exhaust("leases", &lease);
    holds &= exhaust("verifications", &verification);
    for config in Config::deeper(crashes, sleeps, expires_at) {
        holds &= exhaust(config.name, &config);
    }
    ExitCode::from(u8::from(!holds))
}
