//! One file per behaviour. Each has a test in `tests/tests`: `every_guest_has_a_test.rs` sees to it.

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

/// Runs the behaviour that the tenant's parameters name.
pub fn run(message: &Message) -> Result<Receipt, Failure> {
    let behaviour = config::get("behaviour").unwrap_or_default();
    let aim = config::get("aim").unwrap_or_default();
    match behaviour.as_str() {
        "ambient" => ambient::run(message, &aim),
        "costly_host_calls" => costly_host_calls::run(message, &aim),
        "deep_recursion" => deep_recursion::run(message, &aim),
        "doubling" => doubling::run(message, &aim),
        "echo" => echo::run(message, &aim),
        "elsewhere" => elsewhere::run(message, &aim),
        "exit" => exit::run(message, &aim),
        "forbidden_header" => forbidden_header::run(message, &aim),
        "giant_request" => giant_request::run(message, &aim),
        "giant_string" => giant_string::run(message, &aim),
        "header_injection" => header_injection::run(message, &aim),
        "honest" => honest::run(message, &aim),
        "huge_random" => huge_random::run(message, &aim),
        "log_flood" => log_flood::run(message, &aim),
        "loop_in_send" => loop_in_send::run(message, &aim),
        "loop_of_host_calls" => loop_of_host_calls::run(message, &aim),
        "many_handles" => many_handles::run(message, &aim),
        "many_parts" => many_parts::run(message, &aim),
        "many_pieces" => many_pieces::run(message, &aim),
        "many_requests" => many_requests::run(message, &aim),
        "memory_bomb" => memory_bomb::run(message, &aim),
        "message_elsewhere" => message_elsewhere::run(message, &aim),
        "not_sent_claim" => not_sent_claim::run(message, &aim),
        "oracle" => oracle::run(message, &aim),
        "other_method" => other_method::run(message, &aim),
        "receipt_without_request" => receipt_without_request::run(message, &aim),
        "reveal" => reveal::run(message, &aim),
        "revealed_in_clear" => revealed_in_clear::run(message, &aim),
        "sealed_in_url" => sealed_in_url::run(message, &aim),
        "second_message" => second_message::run(message, &aim),
        "second_number" => second_number::run(message, &aim),
        "secret_elsewhere" => secret_elsewhere::run(message, &aim),
        "signing_secret" => signing_secret::run(message, &aim),
        "sleep" => sleep::run(message, &aim),
        "trap" => trap::run(message, &aim),
        "wasi_flood" => wasi_flood::run(message, &aim),
        "wrong_parts" => wrong_parts::run(message, &aim),
        other => panic!("no such behaviour: {other}"),
    }
}
