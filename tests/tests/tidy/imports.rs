//! Files of a crate do not import each other in circles.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;

use super::{code_lines, files, root};

#[test]
fn files_do_not_import_each_other() {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join("runtime")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let circle = circle(&imports(&name));
        if !circle.is_empty() {
            found.push(format!("runtime/{name}: {}", circle.join(" imports ")));
        }
    }
    assert!(found.is_empty(), "move the shared code into a file below them:\n{}", found.join("\n"));
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
            "what is re-exported",
            vec![
                module("a", "pub use self::b::{B, C}; pub(crate) use c::D;"),
                module("a/b", "use super::D;"),
                module("a/c", ""),
            ],
            &[],
        ),
        (
            "everything that a file defines",
            vec![module("a", "pub use self::b::*;"), module("a/b", "pub struct B;"), module("a/c", "use super::B;")],
            &[],
        ),
        (
            "what is re-exported, and what is not",
            vec![module("a", "pub use self::b::B;"), module("a/b", "use super::{B, A};")],
            &["a", "a/b", "a"],
        ),
        (
            "words",
            vec![module("a", "// crate::b\nlet x = \"crate::b\"; /* crate::b */"), module("b", "use crate::a;")],
            &[],
        ),
    ] {
        let names: Vec<&str> = sources.iter().map(|(name, _)| name.as_str()).collect();
        let sources: BTreeMap<String, String> = sources.iter().cloned().collect();
        let reexports = reexports(&sources, &names);
        let import = |(name, source): (&String, &String)| (name.clone(), imported(name, source, &names, &reexports));
        assert_eq!(circle(&sources.iter().map(import).collect()), expected, "{what}");
    }
}

type Imports = BTreeMap<String, BTreeSet<String>>;

/// The imports of each file of a crate from its other files, without tests. A file is named `artifact/cache`; the root is empty. What a
/// file re-exports is imported from where it is defined.
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
    let reexports = reexports(&sources, &names);
    let import = |(module, code): (&String, &String)| (module.clone(), imported(module, code, &names, &reexports));
    sources.iter().map(import).collect()
}

/// A file and a name that it re-exports, with the file that the name comes from.
type Reexports = BTreeMap<(String, String), String>;

fn reexports(sources: &BTreeMap<String, String>, modules: &[&str]) -> Reexports {
    let mut found = Reexports::new();
    for (module, code) in sources {
        for statement in code.split_inclusive(';') {
            let begins =
                ["pub use ", "pub(crate) use ", "pub(super) use "].iter().find_map(|begin| statement.find(begin));
            let Some(reexport) = begins.and_then(|at| statement.get(at..)) else { continue };
            for (target, name) in resolved(module, reexport, modules) {
                // Without a name it is everything in the file.
                let names = name.map_or_else(|| definitions(&sources[&target]), |name| vec![name]);
                found.extend(names.into_iter().map(|name| ((module.clone(), name), target.clone())));
            }
        }
    }
    found
}

/// The names that a file defines.
fn definitions(code: &str) -> Vec<String> {
    let tokens = tokens(code);
    let defines = |token: &str| matches!(token, "struct" | "enum" | "trait" | "type" | "fn" | "const" | "static");
    tokens.windows(2).filter(|pair| defines(&pair[0])).map(|pair| pair[1].clone()).collect()
}

/// The other files that the paths in a file refer to.
fn imported(module: &str, code: &str, modules: &[&str], reexports: &Reexports) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (mut target, name) in resolved(module, code, modules) {
        // A few files at most pass a name on.
        for _ in 0..8 {
            let source = name.clone().and_then(|name| reexports.get(&(target.clone(), name)));
            let Some(source) = source else { break };
            target.clone_from(source);
        }
        if target != module {
            found.insert(target);
        }
    }
    found
}

/// The files that the paths in a file refer to, each with the name that follows.
fn resolved(module: &str, code: &str, modules: &[&str]) -> Vec<(String, Option<String>)> {
    let parts = |module: &str| module.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let own = parts(module);
    let mut found = Vec::new();
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
        if modules.contains(&target.as_str()) {
            found.push((target, path.next()));
        }
    }
    found
}

/// Every path in a file, with the modules within the file that contain it.
fn paths(code: &str) -> Vec<(Vec<String>, Vec<String>)> {
    let tokens = tokens(code);
    let is_name = |token: &str| token.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let mut found = Vec::new();
    // The owner of each open brace: a module, or the beginning of the paths of a `use`.
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

/// Names, `::` and single characters, without comments, string literals and spaces.
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
