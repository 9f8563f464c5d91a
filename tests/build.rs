//! Builds the guests, and generates the constants by which tests name them (`src/guests.rs`).

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result};
use sendbox_guest_build::Guest;

fn main() -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let packages = crates(&here.join("guests"))?;
    let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
    let watched = [here.join("../wit"), here.join("../connectors/sdk"), here.join("../connectors/twilio/src")];
    let watched: Vec<&Path> = watched.iter().map(AsRef::as_ref).collect();
    let guests = sendbox_guest_build::build(&here.join("guests"), &packages, &watched)?;
    let behaviours = here.join("guests/hostile/src/behaviour");
    // Prebuilt guests are not watched, but their behaviours are listed.
    sendbox_guest_build::rerun_if_changed(&behaviours);
    let out = PathBuf::from(env::var_os("OUT_DIR").context("OUT_DIR is not set")?);
    fs::write(out.join("guests.rs"), components(&guests)? + &enumeration(&read_behaviours(&behaviours)?)?)?;
    Ok(())
}

/// The names of the crates in a folder, in order.
fn crates(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// A constant with the path of each component. A guest that the library does not use is dead code, which does not compile.
fn components(guests: &[Guest]) -> Result<String> {
    let mut code = String::new();
    for guest in guests {
        let name = guest.package.to_uppercase().replace('-', "_");
        writeln!(code, "#[deny(dead_code)]\npub(crate) const {name}: &str = {:?};", guest.path)?;
    }
    Ok(code)
}

/// A behaviour of the hostile guest: its file's name, and the paragraph at the top of the file.
struct Behaviour {
    name: String,
    description: String,
}

impl Behaviour {
    /// `LoopInSend`
    fn variant(&self) -> String {
        let capitalised = |word: &str| {
            word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect::<String>()
        };
        self.name.split('_').map(capitalised).collect()
    }
}

fn read_behaviours(folder: &Path) -> Result<Vec<Behaviour>> {
    let mut behaviours = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_stem().and_then(OsStr::to_str).filter(|name| *name != "mod") else { continue };
        let source = fs::read_to_string(&path)?;
        let lines = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
        let description = lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        behaviours.push(Behaviour { name: name.to_owned(), description });
    }
    behaviours.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(behaviours)
}

/// `enum Behaviour`, with a variant for each behaviour of the hostile guest.
fn enumeration(behaviours: &[Behaviour]) -> Result<String> {
    let (mut variants, mut all, mut names, mut descriptions) =
        (String::new(), String::new(), String::new(), String::new());
    for behaviour in behaviours {
        let (name, description, variant) = (&behaviour.name, &behaviour.description, behaviour.variant());
        writeln!(variants, "    #[doc = {description:?}]\n    {variant},")?;
        writeln!(all, "        Self::{variant},")?;
        writeln!(names, "            Self::{variant} => {name:?},")?;
        writeln!(descriptions, "            Self::{variant} => {description:?},")?;
    }
    Ok(format!(
        "/// What the hostile guest does: a file in `tests/guests/hostile/src/behaviour`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Behaviour {{
{variants}}}

impl Behaviour {{
    /// Every behaviour, by name.
    pub const ALL: [Self; {}] = [
{all}    ];

    /// The name of its file, and the parameter `behaviour` of the guest.
    pub const fn name(self) -> &'static str {{
        match self {{
{names}        }}
    }}

    /// What it tries: the first paragraph of its file.
    pub const fn description(self) -> &'static str {{
        match self {{
{descriptions}        }}
    }}
}}
",
        behaviours.len()
    ))
}
