//! Builds the guests of a workspace for `wasm32-wasip2`, from a build script.
//!
//! `cargo run` and `cargo test` on a fresh clone build everything: this crate runs an inner `cargo`, with a target
//! folder of its own beside the outer one, so that check, clippy, debug and release share one build of the guests. A rebuild
//! with nothing changed does nothing.
//!
//! With `SENDBOX_GUESTS_DIR=dir` nothing is built: `dir/<package>.wasm` is used as it is, for packagers and for machines
//! without the target.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// The target of every guest.
pub const TARGET: &str = "wasm32-wasip2";
/// The profile that a workspace of guests defines.
pub const PROFILE: &str = "connector";
/// The environment variable that names a folder with prebuilt components.
pub const PREBUILT: &str = "SENDBOX_GUESTS_DIR";

/// Why the guests cannot be built, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The Rust target is missing and cannot be fetched from here.
    #[error(
        "the Rust target {TARGET} is missing, and `rustup target add {TARGET}` failed ({0}). Install it, or set {PREBUILT} to a folder with ready components"
    )]
    NoTarget(String),
    /// The inner cargo failed. Its output is above.
    #[error("building the guests in {0} failed; see above")]
    Cargo(PathBuf),
    /// A file is not where it should be.
    #[error("{path}: {source}")]
    Io {
        /// The path of the file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Called outside a build script.
    #[error("{0} is not set: this is for build scripts")]
    NoBuildScript(&'static str),
}

/// A built component.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The package's name.
    pub package: String,
    /// The component.
    pub path: PathBuf,
}

/// Builds `packages` of the workspace in `workspace` and copies the components to `OUT_DIR`.
///
/// Tells cargo to run the build script again when a source of the workspace or of `also_watched` changes.
///
/// # Errors
/// When the target is missing and cannot be fetched, or the guests do not build.
pub fn build(workspace: &Path, packages: &[&str], also_watched: &[&Path]) -> Result<Vec<Guest>, BuildError> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(BuildError::NoBuildScript("OUT_DIR"))?);
    rerun_if_env_changed(PREBUILT);
    if let Some(prebuilt) = env::var_os(PREBUILT) {
        return copy(packages, &out, |package| {
            let path = Path::new(&prebuilt).join(format!("{package}.wasm"));
            rerun_if_changed(&path);
            path
        });
    }
    watch(workspace)?;
    for path in also_watched {
        watch(path)?;
    }
    ensure_target()?;
    // <target>/<profile>/build/<package>-<hash>/out: the outer target folder is four up. The guests are built beside it.
    let target = out
        .ancestors()
        .nth(4)
        .unwrap_or(&out)
        .join("guests")
        .join(workspace.file_name().map_or_else(|| OsString::from("guests"), OsString::from));
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace).args(["build", "--locked", "--profile", PROFILE, "--target", TARGET, "--target-dir"]);
    cargo.arg(&target);
    for package in packages {
        cargo.args(["--package", package]);
    }
    scrub(&mut cargo);
    let status = cargo.status().map_err(|source| BuildError::Io { path: workspace.to_owned(), source })?;
    if !status.success() {
        return Err(BuildError::Cargo(workspace.to_owned()));
    }
    let built = target.join(TARGET).join(PROFILE);
    copy(packages, &out, |package| built.join(format!("{}.wasm", package.replace('-', "_"))))
}

fn copy(packages: &[&str], out: &Path, from: impl Fn(&str) -> PathBuf) -> Result<Vec<Guest>, BuildError> {
    packages
        .iter()
        .map(|package| {
            let source = from(package);
            let path = out.join(format!("{package}.wasm"));
            fs::copy(&source, &path).map_err(|error| BuildError::Io { path: source, source: error })?;
            Ok(Guest { package: (*package).to_owned(), path })
        })
        .collect()
}

/// Fetches the target if rustup does not do so automatically (`RUSTUP_AUTO_INSTALL=0`), and prints that.
fn ensure_target() -> Result<(), BuildError> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let sysroot = Command::new(rustc).args(["--print", "sysroot"]).output();
    let installed = sysroot.ok().is_some_and(|output| {
        let sysroot = String::from_utf8_lossy(&output.stdout);
        Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET).join("lib").is_dir()
    });
    if installed {
        return Ok(());
    }
    warn(&format!("the Rust target {TARGET} is missing; fetching it with `rustup target add {TARGET}`"));
    let status = Command::new("rustup").args(["target", "add", TARGET]).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(BuildError::NoTarget(status.to_string())),
        Err(error) => Err(BuildError::NoTarget(error.to_string())),
    }
}

/// The inner cargo must not inherit the outer one's settings for its crate, target and wrappers.
fn scrub(cargo: &mut Command) {
    let kept = ["CARGO_HOME", "CARGO_MAKEFLAGS", "CARGO"];
    for (name, _) in env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        let of_cargo = text.starts_with("CARGO")
            && !kept.contains(&text)
            && !text.starts_with("CARGO_NET_")
            && !text.starts_with("CARGO_REGISTRIES_");
        let of_rustc = text.starts_with("RUSTC") || text.starts_with("RUSTFLAGS") || text.starts_with("CLIPPY");
        let of_script = ["TARGET", "HOST", "PROFILE", "OUT_DIR", "OPT_LEVEL", "DEBUG", "NUM_JOBS"].contains(&text);
        if of_cargo || of_rustc || of_script {
            cargo.env_remove(&name);
        }
    }
}

/// Watches every source of a folder, file by file: a folder's modification time does not change with its files.
fn watch(folder: &Path) -> Result<(), BuildError> {
    let failed = |source| BuildError::Io { path: folder.to_owned(), source };
    if folder.is_file() {
        rerun_if_changed(folder);
        return Ok(());
    }
    rerun_if_changed(folder);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.file_name().is_some_and(|name| name == "target") {
            continue;
        }
        watch(&path)?;
    }
    Ok(())
}

/// Tells cargo to run the build script again when a file, or the list of files in a folder, changes.
#[allow(clippy::print_stdout, reason = "this is how a build script talks to cargo")]
pub fn rerun_if_changed(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

#[allow(clippy::print_stdout, reason = "this is how a build script talks to cargo")]
fn rerun_if_env_changed(name: &str) {
    println!("cargo::rerun-if-env-changed={name}");
}

#[allow(clippy::print_stdout, reason = "this is how a build script talks to cargo")]
fn warn(text: &str) {
    println!("cargo::warning={text}");
}
