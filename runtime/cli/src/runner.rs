//! From a connector's name or file to a loaded connector, for the commands that run one.

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

use crate::development::Network;
use crate::exit::{CliError, InputErrorExt as _};
use crate::render;

/// Maximum size of an input file in bytes. Far above the limits that the sandbox applies to a component.
const LARGEST_FILE: u64 = 64 << 20;

/// The hidden command that runs the compiler's child process.
pub const COMPILE: &str = "__compile";

/// A compiler that runs in a child process of this program, which is confined to compilation.
pub fn compiler(limits: CompileLimits) -> Result<Compiler, CliError> {
    // The link leads to the running program, even if its file was replaced meanwhile.
    let link = Path::new("/proc/self/exe");
    let program = if link.exists() {
        link.to_owned()
    } else {
        std::env::current_exe().context("cannot find this program's own file, which compiles connectors")?
    };
    // The command's allocator would reserve gigabytes at the start, before the child's memory limit is set.
    let environment = vec![("MIMALLOC_DISALLOW_ARENA_ALLOC".into(), "1".into())];
    Ok(Compiler::Child(ChildCompiler { program, arguments: vec![COMPILE.into()], environment, limits }))
}

/// How connectors are run.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Sandbox")]
pub struct RunnerArgs {
    /// Limits for the connector, as JSON; omitted ones keep their defaults, which `sendbox inspect` shows.
    #[arg(long, value_name = "FILE.json")]
    limits: Option<PathBuf>,

    /// The cache folder of compiled connectors [default: $XDG_CACHE_HOME/sendbox, or ~/.cache/sendbox].
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    cache: Option<PathBuf>,

    /// Compile the connector without a cache.
    #[arg(long)]
    no_cache: bool,
}

impl RunnerArgs {
    /// Builds the sandbox.
    pub fn sandbox(&self, network: &Network) -> Result<Sandbox, CliError> {
        let limits: Limits = match &self.limits {
            Some(path) => json_file(path)?,
            None => Limits::default(),
        };
        let config = SandboxConfig {
            limits,
            // One send, and one slot more to read metadata while it waits.
            in_flight: 2,
            compiler: compiler(CompileLimits::default())?,
            addresses: network.addresses.clone(),
            extra_authorities: network.authorities.clone(),
            resolver: network.resolver.clone(),
            ..SandboxConfig::default()
        };
        if let Some(folder) = &self.cache {
            return Sandbox::new(SandboxConfig { cache: Some(folder.clone()), ..config }).map_err(sandbox_error);
        }
        let default = if self.no_cache { None } else { default_cache() };
        if default.is_some() {
            match Sandbox::new(SandboxConfig { cache: default, ..config.clone() }) {
                // A home folder that is not writable must not prevent a send. It only takes longer.
                Err(SandboxError::Cache(error)) => render::warn(&format!("warning: running without a cache: {error}")),
                done => return done.map_err(sandbox_error),
            }
        }
        Sandbox::new(config).map_err(sandbox_error)
    }
}

/// Why a sandbox cannot be created: invalid input, or this machine.
pub fn sandbox_error(error: SandboxError) -> CliError {
    match error {
        SandboxError::Cache(_) | SandboxError::Trust(_) => CliError::usage(error),
        other => CliError::from(anyhow::Error::from(other)),
    }
}

fn default_cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache"))).map(|cache| cache.join("sendbox"))
}

/// Reads a component: a built-in one by its name, or a file.
pub fn component(name: &str) -> Result<Cow<'static, [u8]>, CliError> {
    let path = Path::new(name);
    let names_a_file = name.contains(std::path::is_separator) || path.extension().is_some_and(|end| end == "wasm");
    if names_a_file {
        return Ok(Cow::Owned(read(path)?));
    }
    match sendbox_catalogue::find(name) {
        Some(built_in) => Ok(Cow::Borrowed(built_in.component)),
        None => {
            let names = sendbox_catalogue::all().iter().map(|one| one.name).collect::<Vec<_>>().join(", ");
            let file = if path.is_file() { format!("; to use the file, write ./{name}") } else { String::new() };
            Err(CliError::usage(anyhow!(
                "no connector `{}`; built in are {names}. Name a connector of your own by its path, like ./mine.wasm{file}",
                render::line(name)
            )))
        }
    }
}

/// Loads a connector, built in or from a file.
pub async fn load(sandbox: &Sandbox, name: &str) -> Result<Connector, CliError> {
    let bytes = component(name)?;
    sandbox.load(&bytes).await.map_err(|error| {
        let context = format!("the connector `{}` cannot be used", render::line(name));
        match error {
            LoadError::Metadata(_) => CliError::refused(anyhow::Error::from(error).context(context)),
            LoadError::Artifact(_) if !error.is_caused_by_file() => {
                CliError::from(anyhow::Error::from(error).context(context))
            }
            LoadError::Artifact(_) | LoadError::Invalid(_) => {
                CliError::usage(anyhow::Error::from(error).context(context))
            }
        }
    })
}

/// Reads a file of at most [`LARGEST_FILE`] bytes.
pub fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let name = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(name).into_input_error()?;
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).with_context(name).into_input_error()?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(CliError::usage(anyhow!("it is larger than {} MiB", LARGEST_FILE >> 20).context(name())));
    }
    Ok(bytes)
}

/// Reads and parses a JSON file.
pub fn json_file<T: DeserializeOwned>(path: &Path) -> Result<T, CliError> {
    let bytes = read(path)?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is invalid", path.display())).into_input_error()
}
