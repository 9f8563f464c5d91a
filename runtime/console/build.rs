//! Builds the web console with Node and hands the files to `src/lib.rs`.
//!
//! Everything happens in `<target>/console`, so that the sources stay clean and all profiles share one `node_modules`. A
//! rebuild with nothing changed does nothing. Without Node (or without its registry, the first time) a page is embedded that
//! says what to do, and the build goes on: the API needs no console.
//!
//! With `SENDBOX_CONSOLE_DIR=dir` nothing is built: the files of `dir` are taken as they are, for packagers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

/// Names a folder with a built console.
const PREBUILT: &str = "SENDBOX_CONSOLE_DIR";
/// What Vite needs.
const NODE_AT_LEAST: (u32, u32) = (20, 19);
/// Never copied, never watched.
const NO_SOURCES: [&str; 2] = ["node_modules", "dist"];

fn main() -> Result<()> {
    // Asked for when it runs: a build folder that was copied has a program that was compiled elsewhere.
    let web = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").context("CARGO_MANIFEST_DIR is not set")?).join("web");
    let out = PathBuf::from(env::var_os("OUT_DIR").context("OUT_DIR is not set")?);
    let files = out.join("dist");
    say(&format!("rerun-if-env-changed={PREBUILT}"));
    if let Some(prebuilt) = env::var_os(PREBUILT) {
        say(&format!("rerun-if-changed={}", Path::new(&prebuilt).display()));
        return replace(Path::new(&prebuilt), &files);
    }
    watch(&web)?;
    if let Err(reason) = node() {
        // Node may be installed later.
        say("rerun-if-env-changed=PATH");
        return explain(&files, &reason);
    }
    // <target>/<profile>/build/<package>-<hash>/out: the target folder is four up.
    let work = out.ancestors().nth(4).unwrap_or(&out).join("console");
    fs::create_dir_all(&work)?;
    // Another cargo may build another profile.
    let lock = fs::File::create(work.join("lock"))?;
    lock.lock()?;
    copy_sources(&web, &work)?;
    if let Err(reason) = install(&work) {
        // Try again with the next build, whatever has changed.
        say(&format!("rerun-if-changed={}", work.join("not-there").display()));
        return explain(&files, &format!("{reason:#}"));
    }
    run(Command::new("npm").args(["run", "build"]).current_dir(&work)).context("the console does not build")?;
    replace(&work.join("dist"), &files)
}

/// Whether Node is there and new enough. Says what is missing.
fn node() -> Result<(), String> {
    let wanted = format!("Node.js {}.{} or later, with npm", NODE_AT_LEAST.0, NODE_AT_LEAST.1);
    let version = Command::new("node").arg("--version").output().map_err(|_| format!("{wanted}, is not installed"))?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let mut numbers = version.trim_start_matches('v').split('.').map(|part| part.parse().unwrap_or(0));
    let version_is = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version_is < NODE_AT_LEAST {
        return Err(format!("{wanted}, is needed; {version} is installed"));
    }
    Command::new("npm").arg("--version").output().map_err(|_| format!("{wanted}: npm is not installed"))?;
    Ok(())
}

/// Brings `node_modules` to what the lock file says, when that has changed.
fn install(work: &Path) -> Result<()> {
    let (lock, done) = (fs::read(work.join("package-lock.json"))?, work.join("installed"));
    if fs::read(&done).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let _ = fs::remove_file(&done);
    run(Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"])
        .current_dir(work))
    .context("`npm ci` failed")?;
    fs::write(done, lock)?;
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?} cannot be run"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    bail!("{command:?} ended with {}:\n{}", output.status, String::from_utf8_lossy(&said))
}

/// The page for machines without Node.
fn explain(files: &Path, reason: &str) -> Result<()> {
    say(&format!("warning=the console is not built: {}", reason.lines().next().unwrap_or_default()));
    let _ = fs::remove_dir_all(files);
    fs::create_dir_all(files)?;
    let first_line = reason.lines().next().unwrap_or_default();
    let shown = first_line.replace('&', "&amp;").replace('<', "&lt;");
    let page = include_str!("not-built.html").replace("__REASON__", &shown);
    fs::write(files.join("index.html"), page)?;
    Ok(())
}

/// The sources as they are now, and no others: a file that is gone here would still be built there.
fn copy_sources(web: &Path, work: &Path) -> Result<()> {
    for name in ["src", "public"] {
        let _ = fs::remove_dir_all(work.join(name));
    }
    copy(web, work)
}

fn replace(from: &Path, to: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(to);
    copy(from, to).with_context(|| format!("cannot copy {}", from.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if NO_SOURCES.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Watches every source, file by file: a folder's own time does not change with its files.
fn watch(folder: &Path) -> Result<()> {
    say(&format!("rerun-if-changed={}", folder.display()));
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if NO_SOURCES.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            watch(&entry.path())?;
        } else {
            say(&format!("rerun-if-changed={}", entry.path().display()));
        }
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "this is how a build script talks to cargo")]
fn say(text: &str) {
    println!("cargo::{text}");
}
