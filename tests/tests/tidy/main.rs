//! The invariants of `ARCHITECTURE.md` as tests. Each fails when its rule is broken, and names the line.
//!
//! They read the sources as text, because a rule about where something may be named is a rule about text.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod imports;
mod references;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Files under `folder` with one of the extensions, relative to the root, without build output.
fn files(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    fn walk(folder: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.map(Result::unwrap) {
            let path = entry.path();
            if path.is_symlink()
                || path.file_name().is_some_and(|name| {
                    ["target", "node_modules", "dist", ".git"].contains(&name.to_string_lossy().as_ref())
                })
            {
                continue;
            }
            if path.is_dir() {
                walk(&path, extensions, found);
            } else if path.extension().and_then(|text| text.to_str()).is_some_and(|text| extensions.contains(&text)) {
                found.push(path);
            }
        }
    }
    let root = root();
    let mut found = Vec::new();
    walk(&root.join(folder), extensions, &mut found);
    found.sort();
    found.into_iter().map(|path| path.strip_prefix(&root).unwrap().to_owned()).collect()
}

fn read(relative: &Path) -> String {
    fs::read_to_string(root().join(relative)).unwrap()
}

/// A file's lines that are code: no comments, and nothing from the first `#[cfg(test)]` on.
fn code_lines(relative: &Path) -> Vec<(usize, String)> {
    read(relative)
        .lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number + 1, line.to_owned()))
        .collect()
}

/// Every line of production code that contains one of `words`, except in the files `allowed`.
fn elsewhere(folders: &[&str], words: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for folder in folders {
        for file in files(folder, &["rs"]) {
            let name = file.to_string_lossy().into_owned();
            let is_test = name.contains("/tests/") || name.contains("/benches/") || name.contains("/examples/");
            if is_test || allowed.iter().any(|allowed| name.starts_with(allowed)) {
                continue;
            }
            for (number, line) in code_lines(&file) {
                if words.iter().any(|word| line.contains(word)) {
                    found.push(format!("{name}:{number}: {}", line.trim()));
                }
            }
        }
    }
    found
}

#[test]
fn one_place_builds_the_wasmtime_configuration() {
    let found =
        elsewhere(&["runtime"], &["Config::new()", "PoolingAllocationConfig"], &["runtime/sandbox/src/engine.rs"]);
    assert!(found.is_empty(), "wasmtime is configured in runtime/sandbox/src/engine.rs alone:\n{}", found.join("\n"));
}

#[test]
fn one_place_opens_sockets() {
    let words =
        ["TcpStream", "UdpSocket", "UnixStream", "TcpListener", "reqwest", "hyper_util::client", "TokioResolver"];
    let found = elsewhere(
        &[
            "runtime/policy",
            "runtime/contract",
            "runtime/domain",
            "runtime/store",
            "runtime/sandbox",
            "runtime/service",
            "runtime/catalogue",
            "runtime/cli",
        ],
        &words,
        &[
            // The client, and its resolver.
            "runtime/sandbox/src/egress.rs",
            "runtime/sandbox/src/egress/dns.rs",
            // A client of Sendbox's own API. It is not part of a send: it handles no message, code or provider credential.
            "runtime/cli/src/remote.rs",
        ],
    );
    assert!(found.is_empty(), "bytes leave through runtime/sandbox/src/egress.rs alone:\n{}", found.join("\n"));
}

#[test]
fn one_function_lets_bytes_out() {
    let source = read(Path::new("runtime/sandbox/src/egress.rs"));
    assert_eq!(source.matches(".execute(").count(), 1, "one call of the HTTP client");
    // A guest's requests, and those of the host itself: each behind its judgement.
    let callers = ["runtime/sandbox/src/host/http_outbound.rs", "runtime/sandbox/src/post.rs"];
    let others = elsewhere(&["runtime/sandbox"], &["egress.send("], &callers);
    assert!(others.is_empty(), "bytes leave only behind a judgement:\n{}", others.join("\n"));
    for caller in callers {
        assert_eq!(
            read(Path::new(caller)).matches("egress.send(").count(),
            1,
            "{caller}: one call, behind the judgement"
        );
    }
    let makers = elsewhere(&["runtime/sandbox"], &["Ok(Permitted {"], &["runtime/sandbox/src/egress/permit.rs"]);
    assert!(makers.is_empty(), "only `permit` and `permit_own` make what may leave:\n{}", makers.join("\n"));
}

#[test]
fn what_tests_alone_may_use_is_used_by_them_alone() {
    let words = ["seed_random_bytes", "open_in_steps", "hold_validations"];
    let definitions = [
        "runtime/service/src/connections/validated_settings.rs",
        "runtime/service/src/vault.rs",
        "runtime/store/src/sqlite.rs",
        "runtime/store/src/store.rs",
    ];
    let found = elsewhere(&["runtime"], &words, &definitions);
    assert!(found.is_empty(), "keys and codes are random, and the store decides when it writes:\n{}", found.join("\n"));
}

#[test]
fn only_the_cache_is_unsafe() {
    let found = elsewhere(
        &["runtime", "connectors", "templates"],
        &["unsafe {", "unsafe fn", "unsafe impl"],
        &["runtime/sandbox/src/artifact/cache.rs"],
    );
    assert!(found.is_empty(), "`unsafe` is allowed only where compiled code is loaded:\n{}", found.join("\n"));
}

#[test]
fn the_command_compiles_in_a_confined_child() {
    let found = elsewhere(&["runtime/cli", "runtime/server", "runtime/service"], &["InThisProcess"], &[]);
    assert!(found.is_empty(), "files that nobody trusts are compiled in a child:\n{}", found.join("\n"));
    let makers: Vec<PathBuf> =
        files("runtime/cli/src", &["rs"]).into_iter().filter(|file| read(file).contains("Sandbox::new(")).collect();
    assert!(!makers.is_empty(), "the command creates no sandbox");
    for file in makers {
        assert!(read(&file).contains("compiler: compiler("), "{} does not say where it compiles", file.display());
    }
}

/// The layers, from the top down: the crates of the workspace that each may depend on, and no others.
const LAYERS: [(&str, &[&str]); 13] = [
    ("cli", &["server", "service", "sandbox", "domain", "contract", "policy", "catalogue", "simulator"]),
    ("server", &["service", "domain", "contract", "policy", "console"]),
    ("service", &["store", "sandbox", "domain", "contract", "policy", "slots"]),
    ("store", &["domain", "contract", "policy", "slots"]),
    ("sandbox", &["contract", "policy", "slots"]),
    ("domain", &["contract", "policy"]),
    ("contract", &["policy"]),
    ("policy", &[]),
    ("slots", &[]),
    ("catalogue", &["guest-build"]),
    ("console", &[]),
    ("guest-build", &[]),
    ("simulator", &[]),
];

/// Libraries that a layer must not depend on.
const NOT_IN: [(&str, &[&str]); 6] = [
    ("policy", &["tokio", "wasmtime", "sqlx", "axum", "hyper", "reqwest"]),
    ("contract", &["tokio", "wasmtime", "sqlx", "axum", "hyper", "reqwest"]),
    ("domain", &["tokio", "wasmtime", "sqlx", "axum", "hyper", "reqwest"]),
    ("store", &["wasmtime", "axum", "hyper", "reqwest"]),
    ("sandbox", &["sqlx", "axum"]),
    ("service", &["wasmtime", "sqlx", "axum", "hyper", "reqwest"]),
];

#[test]
fn imports_run_downward() {
    let layers = BTreeMap::from(LAYERS);
    let not_in = BTreeMap::from(NOT_IN);
    for manifest in files("runtime", &["toml"]).iter().filter(|path| path.ends_with("Cargo.toml")) {
        let folder = manifest.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let below = layers
            .get(folder.as_str())
            .unwrap_or_else(|| panic!("runtime/{folder} is in no layer: add it here and to ARCHITECTURE.md"));
        let manifest: toml::Table = read(manifest).parse().unwrap();
        let Some(dependencies) = manifest.get("dependencies").and_then(toml::Value::as_table) else { continue };
        for name in dependencies.keys() {
            if let Some(layer) = name.strip_prefix("sendbox-") {
                assert!(below.contains(&layer), "runtime/{folder} may not depend on {layer}: imports run downward");
            }
            let banned = not_in.get(folder.as_str()).copied().unwrap_or_default();
            assert!(!banned.contains(&name.as_str()), "runtime/{folder} must not know {name}");
        }
    }
}

#[test]
fn policy_is_pure() {
    let words = [
        "tokio",
        "wasmtime",
        "std::fs",
        "std::env",
        "std::process",
        "std::net::Tcp",
        "SystemTime::now",
        "Instant::now",
    ];
    let found = elsewhere(&["runtime/policy"], &words, &[]);
    assert!(found.is_empty(), "policy does no I/O and asks no clock:\n{}", found.join("\n"));
}

#[test]
fn the_sandbox_knows_no_tenants_and_no_databases() {
    let found = elsewhere(&["runtime/sandbox"], &["sqlx", "axum", "tenant_id"], &[]);
    assert!(found.is_empty(), "the sandbox is a library that others embed:\n{}", found.join("\n"));
}

#[test]
fn libraries_do_not_print() {
    let found = elsewhere(
        &[
            "runtime/policy",
            "runtime/contract",
            "runtime/domain",
            "runtime/store",
            "runtime/sandbox",
            "runtime/service",
            "runtime/simulator",
            "runtime/catalogue/src",
            "runtime/console/src",
        ],
        &["println!(", "eprintln!(", "dbg!("],
        &[],
    );
    assert!(found.is_empty(), "printing is the command's business:\n{}", found.join("\n"));
}

#[test]
fn released_wit_is_unchanged() {
    let list = read(Path::new("wit/connector/v1/RELEASED.sha256"));
    let released: BTreeMap<&str, &str> =
        list.lines().map(|line| line.split_once("  ").map(|(digest, name)| (name, digest)).unwrap()).collect();
    let present = files("wit/connector/v1", &["wit"]);
    for file in &present {
        let name = file.file_name().unwrap().to_str().unwrap();
        let digest = hex::encode(Sha256::digest(read(file)));
        assert_eq!(
            released.get(name),
            Some(&digest.as_str()),
            "{name} is released and frozen: make a new version instead"
        );
    }
    assert_eq!(released.len(), present.len(), "a released file is gone");
}

#[test]
fn names_say_what_is_inside() {
    for folder in ["runtime", "connectors", "templates", "tests"] {
        for file in files(folder, &["rs", "ts", "tsx", "mjs"]) {
            let stem = file.file_stem().unwrap().to_str().unwrap();
            assert!(!["utils", "util", "helpers", "common", "misc"].contains(&stem), "{}", file.display());
        }
    }
}

#[test]
fn files_are_read_in_one_sitting() {
    for folder in ["runtime", "connectors", "templates", "tests"] {
        for file in files(folder, &["rs", "ts", "tsx", "mjs", "css"]) {
            let text = read(&file);
            // Generated files are neither read nor edited.
            if text.starts_with("// Generated by ") {
                continue;
            }
            let lines = text.lines().count();
            assert!(lines <= 620, "{} has {lines} lines: does it hold one idea?", file.display());
        }
    }
}

#[test]
fn nothing_is_left_unfinished() {
    let words = [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("FIX", "ME")];
    let found = elsewhere(&["runtime", "connectors", "templates"], &words, &[]);
    assert!(found.is_empty(), "marked as unfinished:\n{}", found.join("\n"));
}

#[test]
fn every_mutant_finds_its_text_once() {
    let list: toml::Table = read(Path::new("tests/mutants/mutants.toml")).parse().unwrap();
    let mutants = list["mutant"].as_array().unwrap();
    assert!(mutants.len() >= 60, "only {} mutants", mutants.len());
    let text = |mutant: &toml::Value, key: &str| mutant[key].as_str().unwrap().to_owned();
    for mutant in mutants {
        let (name, file) = (text(mutant, "name"), text(mutant, "file"));
        let times = read(Path::new(&file)).matches(&text(mutant, "find")).count();
        assert_eq!(times, 1, "{name}: update tests/mutants/mutants.toml for {file}");
    }
}

#[test]
fn the_map_shows_every_crate() {
    let map = read(Path::new("ARCHITECTURE.md"));
    for entry in fs::read_dir(root().join("runtime")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(map.contains(&format!("`runtime/{name}`")), "ARCHITECTURE.md does not show runtime/{name}");
    }
}
