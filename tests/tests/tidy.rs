//! The invariants of `ARCHITECTURE.md`, as tests. Each fails when its rule breaks, and says which line to look at.
//!
//! They read the sources as text: a rule about where something may be named is a rule about text.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
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
            if path.is_symlink() || path.file_name().is_some_and(|name| name == "target" || name == "node_modules") {
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

/// Every place in production code that holds one of `words`, but in the files `allowed`.
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
        &["runtime/policy", "runtime/sandbox", "runtime/service", "runtime/catalogue", "runtime/cli"],
        &words,
        &[
            // The client, and the resolver that it asks.
            "runtime/sandbox/src/egress.rs",
            "runtime/sandbox/src/egress/dns.rs",
            // A client of Sendbox's own API. It is no part of a send: no message, code or credential of a provider is in it.
            "runtime/cli/src/remote.rs",
        ],
    );
    assert!(found.is_empty(), "bytes leave through runtime/sandbox/src/egress.rs alone:\n{}", found.join("\n"));
}

#[test]
fn one_function_lets_bytes_out() {
    let source = read(Path::new("runtime/sandbox/src/egress.rs"));
    assert_eq!(source.matches(".execute(").count(), 1, "one call of the HTTP client");
    let callers = elsewhere(&["runtime/sandbox"], &["egress.send("], &[]);
    assert_eq!(callers.len(), 1, "one caller, behind the judgement:\n{}", callers.join("\n"));
    let makers = elsewhere(&["runtime/sandbox"], &["Ok(Permitted {"], &["runtime/sandbox/src/egress/permit.rs"]);
    assert!(makers.is_empty(), "only `permit` makes what may leave:\n{}", makers.join("\n"));
}

#[test]
fn only_the_cache_is_unsafe() {
    let found = elsewhere(
        &["runtime", "connectors", "templates"],
        &["unsafe {", "unsafe fn", "unsafe impl"],
        &["runtime/sandbox/src/artifact/cache.rs"],
    );
    assert!(found.is_empty(), "`unsafe` stands where compiled code is loaded, and nowhere else:\n{}", found.join("\n"));
}

#[test]
fn the_command_compiles_in_a_confined_child() {
    let found = elsewhere(&["runtime/cli", "runtime/server", "runtime/service"], &["InThisProcess"], &[]);
    assert!(found.is_empty(), "files that nobody trusts are compiled in a child:\n{}", found.join("\n"));
    let makers: Vec<PathBuf> =
        files("runtime/cli/src", &["rs"]).into_iter().filter(|file| read(file).contains("Sandbox::new(")).collect();
    assert!(!makers.is_empty(), "the command makes no sandbox");
    for file in makers {
        assert!(read(&file).contains("compiler: compiler("), "{} does not say where it compiles", file.display());
    }
}

/// From the top of the house to the bottom. A crate may name those below it.
const FLOORS: [&str; 5] = ["cli", "server", "service", "sandbox", "policy"];
/// Beside the stairs: what they may name.
const BESIDE: [(&str, &[&str]); 4] =
    [("catalogue", &["guest-build"]), ("console", &[]), ("guest-build", &[]), ("simulator", &[])];

#[test]
fn imports_run_downward() {
    let mut allowed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (floor, name) in FLOORS.iter().enumerate() {
        let mut below = FLOORS[floor + 1..].to_vec();
        if *name == "cli" || *name == "server" {
            below.extend(["catalogue", "simulator"]);
        }
        if *name == "server" {
            below.push("console");
        }
        allowed.insert(name, below);
    }
    allowed.extend(BESIDE.map(|(name, below)| (name, below.to_vec())));
    for manifest in files("runtime", &["toml"]).iter().filter(|path| path.ends_with("Cargo.toml")) {
        let folder = manifest.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let below = allowed.get(folder.as_str()).unwrap_or_else(|| {
            panic!("runtime/{folder} has no place in the house: give it one here and in ARCHITECTURE.md")
        });
        let text = read(manifest);
        let production = text.split("[dev-dependencies]").next().unwrap();
        for line in production.lines().filter(|line| line.starts_with("sendbox-")) {
            let name = line.split(['.', ' ', '=']).next().unwrap().trim_start_matches("sendbox-");
            assert!(below.contains(&name), "runtime/{folder} may not depend on {name}: imports run downward");
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
            let lines = read(&file).lines().count();
            assert!(lines <= 620, "{} has {lines} lines: does it hold one idea?", file.display());
        }
    }
}

#[test]
fn nothing_is_left_unfinished() {
    let words = [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("FIX", "ME")];
    let found = elsewhere(&["runtime", "connectors", "templates"], &words, &[]);
    assert!(found.is_empty(), "unfinished, by its own words:\n{}", found.join("\n"));
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
        assert_eq!(times, 1, "{name}: bring tests/mutants/mutants.toml up to date with {file}");
    }
}

#[test]
fn the_map_shows_every_room() {
    let map = read(Path::new("ARCHITECTURE.md"));
    for entry in fs::read_dir(root().join("runtime")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(map.contains(&format!("`runtime/{name}`")), "ARCHITECTURE.md does not show runtime/{name}");
    }
}

/// Crates whose files still import each other in circles. They are being taken apart: take a crate off this list as soon as it has
/// no circle, and put none on it.
const CIRCULAR: [&str; 4] = ["cli", "console", "server", "service"];

#[test]
fn files_do_not_import_each_other() {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join("runtime")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let circle = circle(&imports(&name));
        if !CIRCULAR.contains(&name.as_str()) && !circle.is_empty() {
            found.push(format!("runtime/{name}: {}", circle.join(" imports ")));
        }
    }
    assert!(found.is_empty(), "move what both need into a file below them:\n{}", found.join("\n"));
}

#[test]
fn a_circle_of_imports_is_found() {
    let module = |name: &str, source: &str| (name.to_owned(), source.to_owned());
    for (what, sources, expected) in [
        ("none", vec![module("", "mod a; mod b;"), module("a", "use crate::b::B;"), module("b", "")], &[][..]),
        (
            "two files",
            vec![module("a", "use crate::{b::{self, B}, c};"), module("b", "fn f() { crate::a::f() }")],
            &["a", "b", "a"],
        ),
        (
            "a file and its child",
            vec![module("a", "fn f() { b::f() }"), module("a/b", "use super::A;")],
            &["a", "a/b", "a"],
        ),
        (
            "the root",
            vec![module("", "use self::a::A;"), module("a", "pub(crate) use crate::B;")],
            &["the root", "a", "the root"],
        ),
        (
            "a module inside of a file",
            vec![module("a", "mod b { use super::A; use super::super::c::C; }"), module("c", "")],
            &[],
        ),
        (
            "words",
            vec![module("a", "// crate::b\nlet x = \"crate::b\"; /* crate::b */"), module("b", "use crate::a;")],
            &[],
        ),
    ] {
        let names: Vec<&str> = sources.iter().map(|(name, _)| name.as_str()).collect();
        let imports = sources.iter().map(|(name, source)| (name.clone(), imported(name, source, &names))).collect();
        assert_eq!(circle(&imports), expected, "{what}");
    }
}

type Imports = BTreeMap<String, BTreeSet<String>>;

/// What each file of a crate imports of the others, without its tests. A file is `artifact/cache`; the root is empty.
fn imports(name: &str) -> Imports {
    let folder = format!("runtime/{name}/src");
    let sources: BTreeMap<String, String> = files(&folder, &["rs"])
        .into_iter()
        .filter_map(|file| {
            let module = file.strip_prefix(&folder).unwrap().with_extension("").to_str().unwrap().to_owned();
            let is_other = module.starts_with("bin/") || module.split('/').any(|part| part == "tests");
            let module = if module == "lib" || module == "main" { String::new() } else { module };
            let code: Vec<String> = code_lines(&file).into_iter().map(|(_, line)| line).collect();
            (!is_other).then(|| (module, code.join("\n")))
        })
        .collect();
    let names: Vec<&str> = sources.keys().map(String::as_str).collect();
    sources.iter().map(|(module, code)| (module.clone(), imported(module, code, &names))).collect()
}

/// The other files that the paths of a file lead to.
fn imported(module: &str, code: &str, modules: &[&str]) -> BTreeSet<String> {
    let parts = |module: &str| module.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let own = parts(module);
    let mut found = BTreeSet::new();
    for (inside, path) in paths(code) {
        let mut path = path.into_iter().peekable();
        let mut base = [own.clone(), inside].concat();
        match path.peek().map(String::as_str) {
            Some("crate") => base.clear(),
            Some("self" | "super") => {}
            Some(first) if modules.contains(&[base.clone(), vec![first.to_owned()]].concat().join("/").as_str()) => {}
            _ => continue,
        }
        while let Some(step) = path.next_if(|step| matches!(step.as_str(), "crate" | "self" | "super")) {
            if step == "super" {
                base.pop();
            }
        }
        while let Some(step) =
            path.next_if(|step| modules.contains(&[base.join("/"), step.clone()].join("/").trim_start_matches('/')))
        {
            base.push(step);
        }
        let target = base.join("/");
        if target != module && modules.contains(&target.as_str()) {
            found.insert(target);
        }
    }
    found
}

/// Every path in a file, and the modules inside of the file in which it is written.
fn paths(code: &str) -> Vec<(Vec<String>, Vec<String>)> {
    let tokens = tokens(code);
    let is_name = |token: &str| token.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let mut found = Vec::new();
    // What each open brace belongs to: a module, or the beginning of the paths of a `use`.
    let mut modules: Vec<Option<String>> = Vec::new();
    let mut prefixes: Vec<Vec<String>> = Vec::new();
    let mut at = 0;
    let mut is_use = false;
    while let Some(token) = tokens.get(at) {
        let next = |ahead: usize| tokens.get(at + ahead).map(String::as_str).unwrap_or_default();
        match token.as_str() {
            "use" => is_use = true,
            ";" => is_use = false,
            "mod" if next(2) == "{" => {
                modules.push(Some(next(1).to_owned()));
                at += 2;
            }
            "{" if is_use => prefixes.push(Vec::new()),
            "}" if is_use => drop(prefixes.pop()),
            "{" => modules.push(None),
            "}" => drop(modules.pop()),
            name if is_name(name) => {
                let mut path = vec![name.to_owned()];
                while tokens.get(at + 1).is_some_and(|token| token == "::")
                    && tokens.get(at + 2).is_some_and(|token| is_name(token))
                {
                    path.push(tokens[at + 2].clone());
                    at += 2;
                }
                let inside = modules.iter().flatten().cloned().collect::<Vec<_>>();
                let whole = [prefixes.concat(), path].concat();
                if is_use
                    && tokens.get(at + 1).is_some_and(|token| token == "::")
                    && tokens.get(at + 2).is_some_and(|token| token == "{")
                {
                    prefixes.push(whole[prefixes.concat().len()..].to_vec());
                    at += 2;
                } else if is_use || whole.len() > 1 {
                    found.push((inside, whole));
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Names, `::` and single characters, without comments, texts and blanks.
fn tokens(code: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let is_of_name = |c: char| c.is_alphanumeric() || c == '_';
        let bytes = if let Some(comment) = rest.strip_prefix("//") {
            2 + comment.find('\n').unwrap_or(comment.len())
        } else if let Some(comment) = rest.strip_prefix("/*") {
            2 + comment.find("*/").map_or(comment.len(), |end| end + 2)
        } else if let Some(text) = rest.strip_prefix("r#\"") {
            3 + text.find("\"#").map_or(text.len(), |end| end + 2)
        } else if let Some(text) = rest.strip_prefix('"') {
            let mut is_escaped = false;
            let end = text.find(|c: char| {
                let ends = c == '"' && !is_escaped;
                is_escaped = c == '\\' && !is_escaped;
                ends
            });
            1 + end.map_or(text.len(), |end| end + 1)
        } else if ["'\"'", "'{'", "'}'"].iter().any(|character| rest.starts_with(character)) {
            3
        } else if rest.starts_with("'\\\"'") {
            4
        } else if is_of_name(first) {
            let end = rest.find(|c| !is_of_name(c)).unwrap_or(rest.len());
            tokens.push(rest[..end].to_owned());
            end
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[bytes..];
    }
    tokens
}

/// The shortest way from a file back to itself; empty when there is none.
fn circle(imports: &Imports) -> Vec<String> {
    let shown = |module: &str| if module.is_empty() { "the root".to_owned() } else { module.to_owned() };
    let mut circles: Vec<Vec<String>> = Vec::new();
    for start in imports.keys() {
        let mut from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut queue = VecDeque::from([start.as_str()]);
        while let Some(module) = queue.pop_front() {
            for next in imports.get(module).into_iter().flatten() {
                if next == start {
                    let mut way = vec![shown(start)];
                    let mut at = module;
                    while at != start {
                        way.push(shown(at));
                        at = from[at];
                    }
                    way.push(shown(start));
                    way.reverse();
                    circles.push(way);
                    queue.clear();
                    break;
                }
                if !from.contains_key(next.as_str()) {
                    from.insert(next, module);
                    queue.push_back(next);
                }
            }
        }
    }
    circles.into_iter().min_by_key(Vec::len).unwrap_or_default()
}
