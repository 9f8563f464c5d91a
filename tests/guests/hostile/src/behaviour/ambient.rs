//! Reads the environment, arguments, standard input and clocks, and reports what it found.

use std::io::Read;
use std::time::{Instant, SystemTime};

use crate::bindings::sendbox::connector::types::{Failure, FailureClass, Message, Receipt};
use crate::request::failure;

pub fn run(_message: &Message, _aim: &str) -> Result<Receipt, Failure> {
    let mut input = String::new();
    let read = std::io::stdin().read_to_string(&mut input).unwrap_or(0);
    let (began, wall) = (Instant::now(), SystemTime::now());
    let mut mixed = 0_u64;
    for number in 0..2_000_000_u64 {
        mixed = std::hint::black_box(mixed.wrapping_mul(31) ^ number);
    }
    let moved = began.elapsed().as_nanos() + wall.elapsed().map_or(1, |since| since.as_nanos());
    let text = format!(
        "env {} args {} stdin {read} cwd {} file {} clock {moved}",
        std::env::vars().count(),
        std::env::args().count(),
        std::env::current_dir().is_ok_and(|path| path.to_str() != Some("/")),
        wasip2::cli::environment::initial_cwd().is_some(),
    );
    Err(failure(FailureClass::Unknown, &text))
}
