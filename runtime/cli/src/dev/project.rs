//! The component of a project: built by `cargo`, or read from a file that another tool builds.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, anyhow};
use serde_json::Value;
use tokio::process::Command;

use crate::exit::{CliError, InputErrorExt as _};
use crate::runner;

/// The Rust target of connectors.
const TARGET: &str = "wasm32-wasip2";

/// Where a component comes from.
pub enum Project {
    /// A folder with a Cargo.toml.
    Cargo(PathBuf),
    /// A ready file.
    File(PathBuf),
}

impl Project {
    /// The project that the command line names. Its paths are canonical, like those that the watcher reports.
    pub fn of(folder: &Path, component: Option<&Path>) -> Result<Self, CliError> {
        if let Some(file) = component {
            let name = || format!("cannot read {}; build it first", file.display());
            return Ok(Self::File(file.canonicalize().with_context(name).into_input_error()?));
        }
        let name = || format!("cannot read {}", folder.display());
        let folder = folder.canonicalize().with_context(name).into_input_error()?;
        if !folder.join("Cargo.toml").is_file() {
            return Err(CliError::usage(anyhow!(
                "no Cargo.toml in {}. Name a project folder (`sendbox new` creates one), or a component with --component",
                folder.display()
            )));
        }
        Ok(Self::Cargo(folder))
    }

    /// Builds the project if necessary, and reads the component. The output of the build goes to the terminal.
    pub async fn component(&self) -> Result<Vec<u8>, CliError> {
        match self {
            Self::File(path) => runner::read(path),
            Self::Cargo(folder) => runner::read(&build(folder).await?),
        }
    }
}

async fn build(folder: &Path) -> Result<PathBuf, CliError> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--target", TARGET, "--message-format", "json-render-diagnostics"]);
    cargo.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    let child = cargo
        .spawn()
        .context("cannot run `cargo`; install Rust, or build the component yourself and pass --component")
        .into_input_error()?;
    let output = child.wait_with_output().await.context("cannot wait for `cargo`")?;
    if !output.status.success() {
        return Err(CliError::usage(anyhow!("the build failed; see the output above")));
    }
    built(&String::from_utf8_lossy(&output.stdout), &folder.join("Cargo.toml"))
}

/// Finds the component of the project's own package in cargo's messages.
fn built(messages: &str, manifest: &Path) -> Result<PathBuf, CliError> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut files = messages.filter_map(|message| {
        let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
        let list = |pointer: &str| message.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        let is_ours = text("/reason") == Some("compiler-artifact")
            && text("/manifest_path").is_some_and(|path| Path::new(path) == manifest)
            && list("/target/crate_types").any(|kind| kind == "cdylib");
        let mut files = list("/filenames").filter_map(Value::as_str).filter(|name| name.ends_with(".wasm"));
        is_ours.then(|| files.next().map(PathBuf::from)).flatten()
    });
    files.next().ok_or_else(|| {
        CliError::usage(anyhow!(
            "the build produced no component. Set crate-type = [\"cdylib\"] under `[lib]` in {}",
            manifest.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_component_is_that_of_the_projects_own_package() {
        let artifact = |manifest: &str, kind: &str, file: &str| {
            json!({
                "reason": "compiler-artifact", "manifest_path": manifest, "target": {"crate_types": [kind]},
                "filenames": [file],
            })
            .to_string()
        };
        let manifest = Path::new("/a/Cargo.toml");
        let messages = [
            artifact("/a/sdk/Cargo.toml", "cdylib", "/a/target/sdk.wasm"),
            artifact("/a/Cargo.toml", "rlib", "/a/target/liba.rlib"),
            "Finished".to_owned(),
            artifact("/a/Cargo.toml", "cdylib", "/a/target/a.wasm"),
        ];
        assert_eq!(built(&messages.join("\n"), manifest).unwrap(), Path::new("/a/target/a.wasm"));
        assert!(format!("{:?}", built(&messages[..3].join("\n"), manifest)).contains("cdylib"));
    }
}
