//! `sendbox new`: creates a starter project for a connector.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;

use crate::exit::{CliError, Exit, InputErrorExt as _};
use crate::render;

/// Names that cargo refuses for a package, or that the starter's dependencies have.
const RESERVED: [&str; 12] = [
    "test",
    "core",
    "std",
    "alloc",
    "proc-macro",
    "build",
    "deps",
    "examples",
    "incremental",
    "sendbox-connector-sdk",
    "serde",
    "serde-json",
];

/// Create a project for a connector of your own, in Rust.
#[derive(Args)]
#[command(after_help = "\
Example:
  sendbox new acme-sms
  cd acme-sms && cargo test && sendbox dev")]
pub struct NewArgs {
    /// The connector's name and id: 3 to 64 characters of a-z, 0-9 and `-`, beginning with a letter.
    name: String,

    /// The folder of the project [default: a folder with that name].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &NewArgs) -> Result<Exit, CliError> {
    check(&args.name)
        .map_err(|reason| CliError::usage(anyhow!("invalid name `{}`: {reason}", render::line(&args.name))))?;
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let at = || format!("cannot write to {}", folder.display());
    fs::create_dir_all(&folder).with_context(at).into_input_error()?;
    if fs::read_dir(&folder).with_context(at).into_input_error()?.next().is_some() {
        return Err(CliError::usage(anyhow!(
            "{} is not empty; choose another folder with --dir, or empty it",
            folder.display()
        )));
    }
    for (relative, contents) in sendbox_catalogue::template_files() {
        let path = folder.join(destination(relative));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(at).into_input_error()?;
        }
        fs::write(&path, fill(relative, contents, &args.name)).with_context(at).into_input_error()?;
    }
    let component = format!("target/wasm32-wasip2/release/{}.wasm", crate_name(&args.name));
    let sendbox = render::own_name();
    render::print(&format!(
        "Created {folder}. Next:\n  \
         cd {folder}\n  \
         cargo test\n  \
         {sendbox} dev\n\
         `dev` builds and tries the connector on this machine whenever a source changes. Or step by step:\n  \
         cargo build --target wasm32-wasip2 --release\n  \
         {sendbox} inspect {component}\n  \
         {sendbox} send --connector {component} --config config.example.json --to +4512345678 --code 123456 --dry-run --show-sealed\n\
         To send to a simulated provider: {sendbox} simulate --answer api.example.com=answers/accepted.json\n\
         README.md in that folder describes the files.\n",
        folder = render::quoted(&folder.display().to_string()),
    ))?;
    Ok(Exit::Success)
}

fn check(name: &str) -> Result<(), &'static str> {
    if !(3..=64).contains(&name.len()) {
        return Err("it must have 3 to 64 characters");
    }
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        return Err("it may contain a-z, 0-9 and `-` only");
    }
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) || name.ends_with('-') || name.contains("--") {
        return Err("it must begin with a letter, and each `-` must be between letters or digits");
    }
    if RESERVED.contains(&name) || is_keyword(name) {
        return Err("cargo or Rust reserve that name");
    }
    Ok(())
}

/// Reserved words of Rust with three letters or more (edition 2024).
fn is_keyword(name: &str) -> bool {
    const KEYWORDS: &str = "abstract async await become box break const continue crate do dyn else enum extern false final \
        fn for gen if impl in let loop macro match mod move mut override priv pub ref return self static struct super trait \
        true try type typeof unsafe unsized use virtual where while yield";
    KEYWORDS.split_whitespace().any(|keyword| keyword == name)
}

fn crate_name(name: &str) -> String {
    name.replace('-', "_")
}

/// The file's name in the project. In this repository, files that cargo or git would interpret have other names.
fn destination(relative: &str) -> PathBuf {
    let path = Path::new(relative.strip_suffix(".tmpl").unwrap_or(relative));
    if path.file_name().is_some_and(|name| name == "gitignore") {
        path.with_file_name(".gitignore")
    } else {
        path.to_owned()
    }
}

/// Replaces `{{name}}` and `{{crate_name}}`. The SDK is copied unchanged.
fn fill<'a>(relative: &str, contents: &'a [u8], name: &str) -> Cow<'a, [u8]> {
    match std::str::from_utf8(contents) {
        Ok(text) if !relative.starts_with("sdk/") && (text.contains("{{name}}") || text.contains("{{crate_name}}")) => {
            let text = text.replace("{{name}}", name).replace("{{crate_name}}", &crate_name(name));
            Cow::Owned(text.into_bytes())
        }
        _ => Cow::Borrowed(contents),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["acme-sms", "a1b", "my-sms-2"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in
            ["", "ab", "Acme", "1st", "-abc", "abc-", "a--b", "a_b", "../x", "a/b", "crate", "test", "serde", "é-sms"]
        {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check(&"a".repeat(65)).is_err());
    }

    #[test]
    fn files_are_renamed() {
        for (stored, real) in [
            ("Cargo.toml.tmpl", "Cargo.toml"),
            ("gitignore.tmpl", ".gitignore"),
            ("src/lib.rs", "src/lib.rs"),
            ("sdk/src/lib.rs", "sdk/src/lib.rs"),
        ] {
            assert_eq!(destination(stored), Path::new(real));
        }
    }

    #[test]
    fn only_the_two_placeholders_are_replaced() {
        let text = fill("README.md", b"{{name}} {{crate_name}} {{code}}", "acme-sms");
        assert_eq!(&*text, b"acme-sms acme_sms {{code}}");
        assert_eq!(&*fill("sdk/README.md", b"{{name}}", "acme-sms"), b"{{name}}");
    }
}
