//! The zoo: every hostile guest ends as the table says, and nothing leaks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::fs;
use std::path::Path;

use sendbox_tests::guests::Behaviour;
use sendbox_tests::zoo::{self, Zoo, page};

#[tokio::test]
async fn every_guest_ends_as_the_table_says_and_nothing_leaks() {
    let zoo = Zoo::new().await;
    let mut wrong = Vec::new();
    for guest in zoo::all() {
        for (aim, expected) in guest.aims {
            let observed = zoo.run(&guest, aim).await;
            if !expected.contains(&observed.ending) || !observed.leaks.is_empty() {
                let name = format!("{} {aim:?}", guest.behaviour);
                wrong.push(format!("{name}: expected {expected:?}, found {observed:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} are not as they should be:\n{}", wrong.len(), wrong.join("\n"));
}

/// An aim is an arm `"aim" => …` or `"aim" | "other" => …` in the guest's file.
#[test]
fn every_aim_in_a_guests_file_is_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests/hostile/src/behaviour");
    let mut missing = Vec::new();
    for guest in zoo::all() {
        let source = fs::read_to_string(folder.join(format!("{}.rs", guest.behaviour))).unwrap();
        for arm in source.lines().map(str::trim).filter(|line| line.starts_with('"')) {
            let Some((aims, _)) = arm.split_once(" =>") else { continue };
            for aim in aims.split('|').map(|aim| aim.trim().trim_matches('"')) {
                if !guest.aims.iter().any(|(listed, _)| *listed == aim) {
                    missing.push(format!("{} {aim:?}", guest.behaviour));
                }
            }
        }
    }
    assert!(missing.is_empty(), "add these aims to tests/src/zoo/guests.rs: {missing:?}");
}

#[test]
fn every_guest_says_what_it_tries_in_one_sentence() {
    for behaviour in Behaviour::ALL {
        let description = behaviour.description();
        assert!(description.len() > 15 && description.ends_with('.'), "{behaviour}: {description:?}");
    }
}

#[test]
fn the_page_shows_the_table() {
    let written = fs::read_to_string(page::path()).unwrap();
    assert!(written == page::render(), "write it again: cargo run -p sendbox-tests --example zoo -- --write");
}
