//! A hostile guest without a test proves nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::fs;
use std::path::Path;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn sources(folder: &Path) -> String {
    let own = Path::new(file!()).file_name().unwrap();
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs") && path.file_name() != Some(own))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

#[test]
fn every_behaviour_is_run() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let behaviours = names(&here.join("guests/hostile/src/behaviour"));
    assert!(behaviours.len() > 20, "the behaviours are not where they were");
    let tests = sources(&here.join("tests")) + &sources(&here.join("src")) + &sources(&here.join("src/zoo"));
    let untested: Vec<_> =
        behaviours.iter().filter(|name| *name != "mod" && !tests.contains(&format!("\"{name}\""))).collect();
    assert!(
        untested.is_empty(),
        "no test runs the behaviours {untested:?}; name them in tests/tests/hostile_guests.rs or hostile_requests.rs"
    );
}

#[test]
fn every_aim_of_a_behaviour_is_tried() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = sources(&here.join("tests")) + &sources(&here.join("src")) + &sources(&here.join("src/zoo"));
    let mut untried = Vec::new();
    for name in names(&here.join("guests/hostile/src/behaviour")).iter().filter(|name| *name != "mod") {
        let source = fs::read_to_string(here.join(format!("guests/hostile/src/behaviour/{name}.rs"))).unwrap();
        // An arm `"aim" => …` or `"aim" | "other" => …`.
        for arm in source.lines().map(str::trim).filter(|line| line.starts_with('"')) {
            let Some((aims, _)) = arm.split_once(" =>") else { continue };
            untried.extend(
                aims.split('|')
                    .map(|aim| aim.trim().to_owned())
                    .filter(|aim| !tests.contains(aim.as_str()))
                    .map(|aim| format!("{name} {aim}")),
            );
        }
    }
    assert!(untried.is_empty(), "no test tries {untried:?}");
}

#[test]
fn every_behaviour_of_the_metadata_is_loaded() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = fs::read_to_string(here.join("guests/hostile/src/metadata.rs")).unwrap();
    let tests = sources(&here.join("tests"));
    let names: Vec<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("b\"")?.split_once("\" =>"))
        .map(|(name, _)| name)
        .collect();
    assert!(names.len() > 4, "the behaviours are not where they were");
    let untested: Vec<_> = names.iter().filter(|name| !tests.contains(&format!("\"{name}\""))).collect();
    assert!(untested.is_empty(), "no test loads the metadata {untested:?}");
}

#[test]
fn every_guest_crate_is_built() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let build = fs::read_to_string(here.join("build.rs")).unwrap();
    for entry in fs::read_dir(here.join("guests")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().join("Cargo.toml").is_file() {
            assert!(build.contains(&format!("\"{name}\"")), "build.rs does not build the guest {name}");
        }
    }
}
