//! The public zoo: every hostile guest ends as the table says, and nothing leaks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;

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

#[test]
fn the_table_has_every_guest_once() {
    let listed: Vec<String> = zoo::all().iter().map(|guest| guest.behaviour.to_owned()).collect();
    let names: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), names.len(), "a guest is listed twice");
    let files: BTreeSet<String> = fs::read_dir(page::folder())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "mod")
        .collect();
    assert_eq!(names, files);
    assert!(files.len() >= 80, "only {} guests", files.len());
}

#[test]
fn every_guest_says_what_it_tries_in_one_sentence() {
    for guest in zoo::all() {
        let sentence = page::sentence(&guest);
        assert!(sentence.len() > 15 && sentence.ends_with('.'), "{}: {sentence:?}", guest.behaviour);
    }
}

#[test]
fn the_page_shows_the_table() {
    let written = fs::read_to_string(page::path()).unwrap();
    assert!(written == page::render(), "write it again: cargo run -p sendbox-tests --example zoo -- --write");
}
