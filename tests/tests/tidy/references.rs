//! Everything that code, tests and pages refer to exists in the repository.

use std::path::Path;

use super::{files, read};

#[test]
fn what_comments_and_pages_refer_to_exists() {
    let every_file: Vec<String> =
        files("", &REFERENCED).iter().map(|file| format!("/{}", file.to_string_lossy())).collect();
    let mut missing = Vec::new();
    for file in files("", &["rs", "toml", "ts", "tsx", "mjs", "wit", "md"]) {
        for (number, prose) in prose(&file) {
            for name in file_names(&prose) {
                if !every_file.iter().any(|known| known.ends_with(&format!("/{name}"))) {
                    missing.push(format!("{}:{number}: {name}", file.display()));
                }
            }
        }
    }
    assert!(missing.is_empty(), "these files do not exist:\n{}", missing.join("\n"));
}

#[test]
fn promises_that_comments_name_are_in_security_md() {
    let listed: Vec<String> = promises(&read(Path::new("SECURITY.md"))).map(str::to_owned).collect();
    let mut unknown = Vec::new();
    for file in files("", &["rs", "ts", "tsx", "mjs", "wit", "md"]) {
        for (number, prose) in prose(&file) {
            for promise in promises(&prose) {
                if !listed.iter().any(|known| known == promise) {
                    unknown.push(format!("{}:{number}: {promise}", file.display()));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "SECURITY.md does not list these promises:\n{}", unknown.join("\n"));
}

/// The extensions of files that comments and pages may name.
const REFERENCED: [&str; 9] = ["rs", "md", "toml", "json", "sql", "wit", "mjs", "ts", "tsx"];
/// The beginnings of paths of files in the repository, except for pages.
const FOLDERS: [&str; 6] = ["runtime/", "tests/", "connectors/", "templates/", "wit/", "docs/"];

/// The lines of prose in a file: all lines of a page, the comments of a source.
fn prose(relative: &Path) -> Vec<(usize, String)> {
    let comment = match relative.extension().and_then(|text| text.to_str()) {
        Some("md") => "",
        Some("toml") => "#",
        _ => "//",
    };
    let text = read(relative);
    let lines = text.lines().enumerate();
    lines.filter_map(|(number, line)| Some((number + 1, line[line.find(comment)?..].to_owned()))).collect()
}

/// The names of pages and paths of the repository in a line, without `./` and `../`.
fn file_names(prose: &str) -> impl Iterator<Item = &str> {
    let words = prose.split(|c: char| !(c.is_ascii_alphanumeric() || "_./-".contains(c)));
    // `//` is the rest of a URL.
    let words = words.filter(|word| !word.starts_with("//")).map(|word| word.trim_end_matches('.'));
    words.map(|word| word.trim_start_matches(['.', '/'])).filter(|word| {
        let Some((_, extension)) = word.rsplit_once('.') else { return false };
        extension == "md" || REFERENCED.contains(&extension) && FOLDERS.iter().any(|folder| word.starts_with(folder))
    })
}

/// `P` and a number of one or two digits, as a word.
fn promises(prose: &str) -> impl Iterator<Item = &str> {
    prose.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| {
        let digits = word.strip_prefix('P').unwrap_or_default();
        (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}
