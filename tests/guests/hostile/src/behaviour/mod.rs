//! One file per behaviour; its first line says what it tries. Each has a test: `tests/tests/every_guest_has_a_test.rs` sees to
//! it, and `tests/zoo/README.md` lists them all.

use crate::bindings::sendbox::connector::config;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};

mod ambient;
mod costly_host_calls;
mod deep_recursion;
mod doubling;
mod echo;
mod elsewhere;
mod exit;
mod forbidden_header;
mod giant_request;
mod giant_string;
mod header_injection;
mod honest;
mod huge_random;
mod log_flood;
mod loop_in_send;
mod loop_of_host_calls;
mod many_handles;
mod many_parts;
mod many_pieces;
mod many_requests;
mod memory_bomb;
mod message_elsewhere;
mod not_sent_claim;
mod oracle;
mod other_method;
mod receipt_without_request;
mod reveal;
mod revealed_in_clear;
mod sealed_in_url;
mod second_message;
mod second_number;
mod secret_elsewhere;
mod signing_secret;
mod sleep;
mod trap;
mod wasi_flood;
mod wrong_parts;

/// What a behaviour is: it gets the message and the parameter `aim`.
type Behaviour = fn(&Message, &str) -> Result<Receipt, Failure>;

/// Each module's `run` under the module's name.
macro_rules! behaviours {
    ($($name:ident,)*) => {
        &[$((stringify!($name), $name::run as Behaviour)),*]
    };
}

const ALL: &[(&str, Behaviour)] = behaviours![
    ambient,
    costly_host_calls,
    deep_recursion,
    doubling,
    echo,
    elsewhere,
    exit,
    forbidden_header,
    giant_request,
    giant_string,
    header_injection,
    honest,
    huge_random,
    log_flood,
    loop_in_send,
    loop_of_host_calls,
    many_handles,
    many_parts,
    many_pieces,
    many_requests,
    memory_bomb,
    message_elsewhere,
    not_sent_claim,
    oracle,
    other_method,
    receipt_without_request,
    reveal,
    revealed_in_clear,
    sealed_in_url,
    second_message,
    second_number,
    secret_elsewhere,
    signing_secret,
    sleep,
    trap,
    wasi_flood,
    wrong_parts,
];

/// Runs the behaviour that the tenant's parameters name.
pub fn run(message: &Message) -> Result<Receipt, Failure> {
    let behaviour = config::get("behaviour").unwrap_or_default();
    let aim = config::get("aim").unwrap_or_default();
    let found = ALL.iter().find(|(name, _)| *name == behaviour);
    let (_, run) = found.unwrap_or_else(|| panic!("no such behaviour: {behaviour}"));
    run(message, &aim)
}
