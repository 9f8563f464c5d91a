//! Builds the connectors, and generates the list of embedded files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result};

/// Folder names under `connectors/`, which are also the names that people type.
const CONNECTORS: [&str; 7] = ["aliyun", "gatewayapi", "http", "smsaero", "tencent", "twilio", "vonage"];

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let out = PathBuf::from(env::var_os("OUT_DIR").context("OUT_DIR is not set")?);
    let packages: Vec<String> = CONNECTORS.iter().map(|name| format!("sendbox-connector-{name}")).collect();
    let package_names: Vec<&str> = packages.iter().map(String::as_str).collect();
    let guests = sendbox_guest_build::build(
        &root.join("connectors"),
        &package_names,
        &[&root.join("wit"), &root.join("templates")],
    )?;

    let mut code = String::new();
    writeln!(code, "static CONNECTORS: &[BuiltIn] = &[")?;
    for (name, guest) in CONNECTORS.iter().zip(&guests) {
        writeln!(code, "    BuiltIn {{ name: {name:?}, component: include_bytes!({:?}) }},", guest.path)?;
    }
    writeln!(code, "];")?;

    let mut starter = Vec::new();
    list(&root.join("templates/connectors/rust"), Path::new(""), &mut starter)?;
    list(&root.join("connectors/sdk"), Path::new("sdk"), &mut starter)?;
    write_files(&mut code, "STARTER", &starter)?;

    let mut messages = Vec::new();
    list(&root.join("templates/messages"), Path::new(""), &mut messages)?;
    messages.retain(|(path, _)| path.extension().is_some_and(|extension| extension == "json"));
    write_files(&mut code, "MESSAGES", &messages)?;

    fs::write(out.join("embedded.rs"), code)?;
    Ok(())
}

fn write_files(code: &mut String, name: &str, files: &[(PathBuf, PathBuf)]) -> Result<()> {
    writeln!(code, "static {name}: &[(&str, &[u8])] = &[")?;
    for (relative, path) in files {
        writeln!(code, "    ({:?}, include_bytes!({path:?})),", relative.to_string_lossy())?;
    }
    writeln!(code, "];")?;
    Ok(())
}

/// All files under `folder`, by name. Links are followed: the starter gets real copies of linked files.
fn list(folder: &Path, relative: &Path, files: &mut Vec<(PathBuf, PathBuf)>) -> Result<()> {
    let mut entries =
        fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let path = entry.path();
        if name == "target" {
            continue;
        }
        if path.is_dir() {
            list(&path, &relative.join(&name), files)?;
        } else {
            files.push((relative.join(&name), path.canonicalize()?));
        }
    }
    Ok(())
}
