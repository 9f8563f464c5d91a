//! From a name or a file to a loaded connector: the part that `send`, `inspect` and `demo` share.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Args;
use sendbox_sandbox::policy::Limits;
use sendbox_sandbox::{
    ChildCompiler, CompileLimits, Compiler, Connector, LoadError, Sandbox, SandboxConfig, SandboxError,
};
use serde::de::DeserializeOwned;

use crate::development::Opened;
use crate::exit::{Blame as _, Stop};
use crate::render;

/// Bytes of any file that is read. Far above every limit that the sandbox then applies.
const LARGEST_FILE: u64 = 64 << 20;

/// The hidden command of the compiler's child.
pub const COMPILE: &str = "__compile";

/// Files are compiled by a child of this very program, which can do nothing else.
pub fn compiler(limits: CompileLimits) -> Result<Compiler, Stop> {
    // The link leads to the program that runs, also when another build was put in its place meanwhile.
    let link = Path::new("/proc/self/exe");
    let program = if link.exists() {
        link.to_owned()
    } else {
        std::env::current_exe().context("this program does not find itself, to compile connectors")?
    };
    // The command's allocator would reserve gigabytes at the start, before the child's limit on memory is there.
    let environment = vec![("MIMALLOC_DISALLOW_ARENA_ALLOC".into(), "1".into())];
    Ok(Compiler::Child(ChildCompiler { program, arguments: vec![COMPILE.into()], environment, limits }))
}

/// How connectors are run.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Sandbox")]
pub struct RunnerArgs {
    /// Bounds on the connector, as JSON; what is left out keeps its default. `sendbox inspect` shows them.
    #[arg(long, value_name = "FILE.json")]
    limits: Option<PathBuf>,

    /// Where compiled connectors are kept [default: $XDG_CACHE_HOME/sendbox, or ~/.cache/sendbox].
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    cache: Option<PathBuf>,

    /// Compile the connector anew.
    #[arg(long)]
    no_cache: bool,
}

impl RunnerArgs {
    /// Builds the sandbox.
    pub fn sandbox(&self, opened: Opened) -> Result<Sandbox, Stop> {
        let limits: Limits = match &self.limits {
            Some(path) => json_file(path)?,
            None => Limits::default(),
        };
        let config = SandboxConfig {
            limits,
            // One send; a second place lets metadata be read while it waits.
            in_flight: 2,
            compiler: compiler(CompileLimits::default())?,
            addresses: opened.addresses,
            extra_authorities: opened.authorities,
            ..SandboxConfig::default()
        };
        if let Some(folder) = &self.cache {
            return Sandbox::new(SandboxConfig { cache: Some(folder.clone()), ..config }).map_err(blame);
        }
        let default = if self.no_cache { None } else { default_cache() };
        if default.is_some() {
            match Sandbox::new(SandboxConfig { cache: default, ..config.clone() }) {
                // A home that cannot be written to must not stop a send. It only takes longer.
                Err(SandboxError::Cache(error)) => render::warn(&format!("warning: running without a cache: {error}")),
                done => return done.map_err(blame),
            }
        }
        Sandbox::new(config).map_err(blame)
    }
}

/// Whether what was typed is to blame for a sandbox that cannot be made, or the machine.
pub fn blame(error: SandboxError) -> Stop {
    match error {
        SandboxError::Cache(_) | SandboxError::Trust(_) => Stop::usage(error),
        other => Stop::from(anyhow::Error::from(other)),
    }
}

fn default_cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache"))).map(|cache| cache.join("sendbox"))
}

/// Finds a component: a built-in by its name, or a file.
pub fn component(name: &str) -> Result<Cow<'static, [u8]>, Stop> {
    let path = Path::new(name);
    let names_a_file = name.contains(std::path::is_separator) || path.extension().is_some_and(|end| end == "wasm");
    if names_a_file {
        return Ok(Cow::Owned(read(path)?));
    }
    match sendbox_catalogue::find(name) {
        Some(built_in) => Ok(Cow::Borrowed(built_in.component)),
        None => {
            let names = sendbox_catalogue::all().iter().map(|one| one.name).collect::<Vec<_>>().join(", ");
            let file = if path.is_file() { format!("; for the file write ./{name}") } else { String::new() };
            Err(Stop::usage(anyhow!(
                "there is no connector `{}`; built in are {names}. A connector of your own is a path like ./mine.wasm{file}",
                render::line(name)
            )))
        }
    }
}

/// Loads it.
pub async fn load(sandbox: &Sandbox, name: &str) -> Result<Connector, Stop> {
    let bytes = component(name)?;
    sandbox.load(&bytes).await.map_err(|error| {
        let context = format!("the connector `{}` cannot be used", render::line(name));
        match error {
            LoadError::Metadata(_) => Stop::refused(anyhow::Error::from(error).context(context)),
            LoadError::Artifact(_) if !error.is_of_the_file() => {
                Stop::from(anyhow::Error::from(error).context(context))
            }
            LoadError::Artifact(_) | LoadError::Invalid(_) => Stop::usage(anyhow::Error::from(error).context(context)),
        }
    })
}

/// Reads a whole file of a sane size.
pub fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    let name = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(name).blame_input()?;
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).with_context(name).blame_input()?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(Stop::usage(anyhow!("it is larger than {} MiB", LARGEST_FILE >> 20).context(name())));
    }
    Ok(bytes)
}

/// Reads a JSON file.
pub fn json_file<T: DeserializeOwned>(path: &Path) -> Result<T, Stop> {
    let bytes = read(path)?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not what is wanted", path.display())).blame_input()
}
