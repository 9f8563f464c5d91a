//! Compiles components to machine code: in this process, or in a child process that can do nothing else.
//!
//! The compiler processes untrusted files, and its authors do not treat files that make it slow or memory-hungry as bugs. So the
//! cost of a file is bounded from outside: the child ([`child`]) has limited memory and CPU time, no network, no files and no
//! further processes ([`confine`]), and the parent ([`parent`]) limits the time that it waits and the bytes that it reads. The
//! structure of an unknown file is read in the child as well.
//!
//! It promises: whatever the file contains, the result is code or a typed error, at a cost of at most [`CompileLimits`].
//!
//! It must not know what a connector is for: it turns bytes into a structure and code.

pub(crate) mod child;
pub(crate) mod confine;
pub(crate) mod own_code;
mod parent;
mod progress;
mod settings;
mod wire;

use std::sync::Arc;

use sendbox_contract::{Digest, Shape};
use sendbox_policy::Limits;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::Component;

use self::own_code::OwnCode;
pub use self::progress::LoadStep;
use self::progress::Progress;
pub use self::settings::{ChildCompiler, CompileLimits, Compiler};
use super::cache::{Cache, adopt};
use super::error::ArtifactError;
use super::shape;
use super::shape::check_kind;
use crate::engine::fingerprint;

/// Compiles files, and caches the code if there is a cache.
pub(crate) struct ComponentLoader {
    compiler: Compiler,
    /// One permit for each child that may run.
    slots: Semaphore,
    engine: Engine,
    limits: Arc<Limits>,
    cache: Option<Arc<Cache>>,
}

impl ComponentLoader {
    pub(crate) fn new(compiler: Compiler, engine: Engine, limits: Arc<Limits>, cache: Option<Cache>) -> Self {
        let at_once = match &compiler {
            Compiler::InThisProcess => 1,
            Compiler::Child(child) => child.limits.at_once.clamp(1, Semaphore::MAX_PERMITS),
        };
        Self { compiler, slots: Semaphore::new(at_once), engine, limits, cache: cache.map(Arc::new) }
    }

    /// The structure of a file, and its code.
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
        // A cached file has already been through a child, so its structure can be read here and checked against the current limits.
        if let Some(component) = self.kept(digest).await? {
            let shape = self.shape(&bytes).await?;
            progress(LoadStep::Compiling);
            return Ok((shape, component));
        }
        let closed = |_| ArtifactError::CompilerUnavailable("the sandbox is shutting down".into());
        let _slot = self.slots.acquire().await.map_err(closed)?;
        let order = wire::Order { limits: &self.limits, engine: fingerprint(&self.engine) };
        let (shape, code) = parent::compile(child, &order, &bytes, progress).await?;
        let component = self.adopt_code(digest, code).await?;
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
            let component = Component::new(&engine, &bytes).map_err(|error| ArtifactError::does_not_compile(&error))?;
            if let Some(cache) = cache
                && let Ok(code) = component.serialize()
            {
                cache.store(&digest, &code);
            }
            Ok(component)
        })
        .await
    }

    async fn adopt_code(&self, digest: Digest, code: OwnCode) -> Result<Component, ArtifactError> {
        let (engine, cache) = (self.engine.clone(), self.cache.clone());
        blocking(move || {
            // The code is for this engine, so anything wrong with it (such as instances that are too large for the pool) is the
            // file's fault.
            let component = adopt(&engine, &code).map_err(|error| ArtifactError::does_not_compile(&error))?;
            if let Some(cache) = cache {
                cache.store(&digest, code.bytes());
            }
            Ok(component)
        })
        .await
    }
}

/// Runs a function on a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArtifactError> + Send + 'static,
) -> Result<T, ArtifactError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ArtifactError::Compile("the compiler crashed".into()))?
}
