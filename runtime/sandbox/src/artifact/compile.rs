//! Where a component becomes machine code: in this process, or in a child that may do nothing else.
//!
//! A compiler works for anybody's file, and its authors treat a file that makes it slow or fat as no bug. So the file's cost
//! is bounded from outside: the child ([`child`]) has so much memory, so much CPU, no network, no files and no further
//! processes ([`confine`]), and the parent ([`parent`]) waits for so long and reads so many bytes. Reading the shape of a
//! file that was never seen happens in there too.
//!
//! It promises: whatever the file holds, an answer or a typed error comes, and nobody pays more than [`CompileLimits`].
//!
//! It must not know what a connector is for: bytes go in, a shape and code come out.

pub(crate) mod child;
pub(crate) mod confine;
mod parent;
mod wire;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use sendbox_contract::text::one_line;
use sendbox_contract::{Digest, Shape};
use sendbox_policy::Limits;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::ArtifactError;
use super::cache::{Cache, adopt};
use super::shape::{self, check_kind};

/// Where files are compiled.
#[derive(Clone, Debug, Default)]
pub enum Compiler {
    /// In this process, on a thread that may block. For embedders that know where their files come from, and for tests: a
    /// hostile file costs this process whatever it likes.
    #[default]
    InThisProcess,
    /// In a child process with limits. For files that nobody trusts.
    Child(ChildCompiler),
}

/// The child process.
#[derive(Clone, Debug)]
pub struct ChildCompiler {
    /// The program. It calls [`compile_child`](crate::compile_child) with the arguments that follow its own, and must be of
    /// the same build as this process.
    pub program: PathBuf,
    /// Its arguments; what the child has to know is appended to them.
    pub arguments: Vec<OsString>,
    /// All of its environment: it inherits nothing. An allocator that reserves memory when the program starts must be told here
    /// not to, as the limit on memory is set after that.
    pub environment: Vec<(OsString, OsString)>,
    /// What one file may cost.
    pub limits: CompileLimits,
}

/// What compiling one file may cost, and how many may be compiled at once. A field that is left out of the configuration keeps
/// its default.
///
/// Where the defaults come from (November 2026, x86-64, a debug build of the host with an optimised compiler, whose program
/// alone takes 80 MiB; `tests/src/bomb.rs` has the bombs):
///
/// | file | memory, at most | CPU | code |
/// |---|---|---|---|
/// | the connectors that come with Sendbox, 175 to 290 KB | 96 MiB | 0.25 to 0.5 s | 0.5 to 0.8 MB |
/// | seven functions of the largest size | 192 MiB | 2 s | 2.4 MB |
/// | functions that only call | 384 MiB | 4 s | 8.3 MB |
/// | 29,900 small functions | 256 MiB | 4 s | 6.3 MB |
/// | 29,000 signatures | 512 MiB | 8 s | 22 MB |
/// | as many locals as may be, carried around loops | 192 MiB | 15 s | 5.6 MB |
/// | a thousand parameters and results everywhere | 384 MiB | 19 s | 56 MB, over the default |
/// | loops as deep as they may be; values that all live to the end | 192 MiB | more than 25 s, over the default | |
///
/// A connector of a whole JavaScript engine takes 3 s and 5 MB (QuickJS, 1.6 MB), so it fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompileLimits {
    /// Bytes of address space of the child (`RLIMIT_AS`), its program included.
    pub memory_bytes: u64,
    /// Seconds of CPU of the child (`RLIMIT_CPU`).
    pub cpu_seconds: u64,
    /// Milliseconds from the start of the child to its end. Bounds what is no matter of CPU: a busy machine, a child that hangs.
    pub wall_ms: u64,
    /// Bytes of compiled code. The parent holds them.
    pub output_bytes: usize,
    /// Children at once. Further files wait in line.
    pub at_once: usize,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { memory_bytes: 512 << 20, cpu_seconds: 20, wall_ms: 60_000, output_bytes: 32 << 20, at_once: 2 }
    }
}

/// How far a file has come on its way to a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LoadStep {
    /// Size, kind and shape.
    Inspecting,
    /// To machine code, or from the cache.
    Compiling,
    /// The connector is asked what it is.
    ReadingMetadata,
}

/// Hears of every step as it begins.
pub(crate) type Progress<'a> = &'a (dyn Fn(LoadStep) + Send + Sync);

/// Machine code that a compiler of this process's own made. Only [`parent`] makes one.
pub(crate) struct OwnCode(Vec<u8>);

impl OwnCode {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Makes code of files, and keeps it where there is a cache.
pub(crate) struct Workshop {
    compiler: Compiler,
    /// Places for children.
    places: Semaphore,
    engine: Engine,
    limits: Arc<Limits>,
    cache: Option<Arc<Cache>>,
}

impl Workshop {
    pub(crate) fn new(compiler: Compiler, engine: Engine, limits: Arc<Limits>, cache: Option<Cache>) -> Self {
        let at_once = match &compiler {
            Compiler::InThisProcess => 1,
            Compiler::Child(child) => child.limits.at_once.clamp(1, Semaphore::MAX_PERMITS),
        };
        Self { compiler, places: Semaphore::new(at_once), engine, limits, cache: cache.map(Arc::new) }
    }

    /// What a file holds, and its code.
    pub(crate) async fn build(
        &self,
        bytes: &[u8],
        digest: Digest,
        progress: Progress<'_>,
    ) -> Result<(Shape, Component), ArtifactError> {
        progress(LoadStep::Inspecting);
        check_kind(bytes, &self.limits)?;
        let bytes: Arc<[u8]> = bytes.into();
        let Compiler::Child(child) = &self.compiler else {
            let shape = self.shape(&bytes).await?;
            progress(LoadStep::Compiling);
            if let Some(component) = self.kept(digest).await? {
                return Ok((shape, component));
            }
            return Ok((shape, self.compile_here(bytes, digest).await?));
        };
        // What is in the cache has been through a child once: its shape may be read here, against the limits of today.
        if let Some(component) = self.kept(digest).await? {
            let shape = self.shape(&bytes).await?;
            progress(LoadStep::Compiling);
            return Ok((shape, component));
        }
        let closed = |_| ArtifactError::CompilerUnavailable("the sandbox is shutting down".into());
        let _place = self.places.acquire().await.map_err(closed)?;
        let order = wire::Order { limits: &self.limits, engine: crate::engine::fingerprint(&self.engine) };
        let (shape, code) = parent::compile(child, &order, &bytes, progress).await?;
        let component = self.take_in(digest, code).await?;
        Ok((shape, component))
    }

    async fn shape(&self, bytes: &Arc<[u8]>) -> Result<Shape, ArtifactError> {
        let (bytes, limits) = (Arc::clone(bytes), Arc::clone(&self.limits));
        blocking(move || shape::read(&bytes, &limits)).await
    }

    async fn kept(&self, digest: Digest) -> Result<Option<Component>, ArtifactError> {
        let Some(cache) = self.cache.clone() else { return Ok(None) };
        let engine = self.engine.clone();
        blocking(move || Ok(cache.load(&engine, &digest))).await
    }

    async fn compile_here(&self, bytes: Arc<[u8]>, digest: Digest) -> Result<Component, ArtifactError> {
        let (engine, cache) = (self.engine.clone(), self.cache.clone());
        blocking(move || {
            let component = Component::new(&engine, &bytes).map_err(|error| does_not_compile(&error))?;
            if let Some(cache) = cache
                && let Ok(code) = component.serialize()
            {
                cache.store(&digest, &code);
            }
            Ok(component)
        })
        .await
    }

    async fn take_in(&self, digest: Digest, code: OwnCode) -> Result<Component, ArtifactError> {
        let (engine, cache) = (self.engine.clone(), self.cache.clone());
        blocking(move || {
            // It is code of the right engine: what is wrong with it, such as instances too large for the pool, is the file's.
            let component = adopt(&engine, &code).map_err(|error| does_not_compile(&error))?;
            if let Some(cache) = cache {
                cache.store(&digest, code.bytes());
            }
            Ok(component)
        })
        .await
    }
}

fn does_not_compile(error: &wasmtime::Error) -> ArtifactError {
    ArtifactError::Compile(one_line(&format!("{error:#}"), 500))
}

/// On a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArtifactError> + Send + 'static,
) -> Result<T, ArtifactError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ArtifactError::Compile("the compiler crashed".into()))?
}
