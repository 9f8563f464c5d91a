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

/// Makes code of files, and keeps it where there is a cache.
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
        let _slot = self.slots.acquire().await.map_err(closed)?;
        let order = wire::Order { limits: &self.limits, engine: fingerprint(&self.engine) };
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

    async fn take_in(&self, digest: Digest, code: OwnCode) -> Result<Component, ArtifactError> {
        let (engine, cache) = (self.engine.clone(), self.cache.clone());
        blocking(move || {
            // It is code of the right engine: what is wrong with it, such as instances too large for the pool, is the file's.
            let component = adopt(&engine, &code).map_err(|error| ArtifactError::does_not_compile(&error))?;
            if let Some(cache) = cache {
                cache.store(&digest, code.bytes());
            }
            Ok(component)
        })
        .await
    }
}

/// On a thread that may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArtifactError> + Send + 'static,
) -> Result<T, ArtifactError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ArtifactError::Compile("the compiler crashed".into()))?
}
