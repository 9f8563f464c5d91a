//! Why a file does not become a connector.

use std::borrow::Cow;

use sendbox_contract::text::one_line;
use serde::{Deserialize, Serialize};

/// Why a file did not become code. Every cause has its own case, and [`is_caused_by_file`](Self::is_caused_by_file) says whether the file
/// is to blame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ArtifactError {
    /// The file is too large.
    #[error(
        "the file has {bytes} bytes; a connector may have {limit}. Build with `opt-level = 3, lto = \"fat\", strip = true`"
    )]
    TooLarge {
        /// The size of the file, in bytes.
        bytes: usize,
        /// Maximum size, in bytes.
        limit: usize,
    },
    /// The file is not WebAssembly.
    #[error("the file is not WebAssembly: {0}")]
    NotWasm(String),
    /// The file is a core module.
    #[error(
        "the file is a core module, not a component; build for `wasm32-wasip2`, or wrap it with `wasm-tools component new`"
    )]
    CoreModule,
    /// The file is precompiled machine code.
    #[error("the file is precompiled machine code; only components are taken, and compiled here")]
    Precompiled,
    /// The file is truncated or malformed.
    #[error("the file is malformed at byte {offset}: {reason}")]
    Malformed {
        /// The position in the file.
        offset: usize,
        /// What is malformed.
        reason: String,
    },
    /// The component imports something that is not offered.
    #[error("the component imports `{import}`, which is not offered to connectors. {hint}")]
    ForbiddenImport {
        /// The import, without its version.
        import: String,
        /// What to do.
        hint: Cow<'static, str>,
    },
    /// The component does not export a connector.
    #[error(
        "the component does not export `{expected}`; build it against the world `blind-connector` of `wit/connector/v1`"
    )]
    WrongWorld {
        /// The missing export.
        expected: String,
    },
    /// The component contains further components with code.
    #[error("the component is composed of other components; a connector is one")]
    Composed,
    /// The component contains more of something than is allowed.
    #[error("the component has {count} {what}; {limit} are allowed")]
    Shape {
        /// What is counted: `functions`, `exports`.
        what: Cow<'static, str>,
        /// The count.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// The compiler refused the component.
    #[error("the component does not compile: {0}")]
    Compile(String),
    /// The component exports a connector, but not with the contract's types.
    #[error("the component does not fit the contract: {0}")]
    Contract(String),
    /// Compiling the component needs too much memory.
    #[error("compiling the component needs more than {limit_bytes} bytes of memory")]
    CompileMemory {
        /// Maximum number of bytes.
        limit_bytes: u64,
    },
    /// Compiling the component needs too much CPU time.
    #[error("compiling the component needs more than {limit_seconds} seconds of CPU")]
    CompileCpu {
        /// Maximum number of seconds.
        limit_seconds: u64,
    },
    /// The compiled code is too large.
    #[error("compiled, the component has more than {limit_bytes} bytes")]
    CompiledSize {
        /// Maximum number of bytes.
        limit_bytes: usize,
    },
    /// The compiler crashed on the component.
    #[error("the compiler crashed over the component (signal {signal})")]
    CompilerCrashed {
        /// The signal that ended it.
        signal: i32,
    },
    /// The compiler did not finish in time, although it had CPU time left: the machine is busy, or the compiler hangs.
    #[error("compiling did not end within {limit_ms} ms; try again when the machine is less busy")]
    CompileTime {
        /// Maximum number of milliseconds.
        limit_ms: u64,
    },
    /// The metadata was not returned in time, although there was CPU time left: the machine is busy, or the connector waits for
    /// something.
    #[error(
        "reading the connector's metadata did not end within {limit_ms} ms; try again when the machine is less busy"
    )]
    MetadataTime {
        /// Maximum number of milliseconds.
        limit_ms: u64,
    },
    /// The compiler was repeatedly killed from outside.
    #[error(
        "the compiler was killed from outside (signal {signal}) in each of {tries} tries; look whether the machine is out of memory, and try again"
    )]
    CompilerKilled {
        /// The last signal.
        signal: i32,
        /// The number of tries.
        tries: u32,
    },
    /// The compiler's process could not be started or confined.
    #[error("the compiler cannot be started: {0}")]
    CompilerUnavailable(String),
    /// The compiler's process does not follow the protocol.
    #[error("the compiler's answer makes no sense ({0}); is its program this build of Sendbox?")]
    CompilerAnswer(String),
}

impl ArtifactError {
    /// Whether the file is to blame. If not, the machine or its configuration is, and the same file may work later.
    pub fn is_caused_by_file(&self) -> bool {
        match self {
            Self::TooLarge { .. }
            | Self::NotWasm(_)
            | Self::CoreModule
            | Self::Precompiled
            | Self::Malformed { .. }
            | Self::ForbiddenImport { .. }
            | Self::WrongWorld { .. }
            | Self::Composed
            | Self::Shape { .. }
            | Self::Compile(_)
            | Self::Contract(_)
            | Self::CompileMemory { .. }
            | Self::CompileCpu { .. }
            | Self::CompiledSize { .. }
            | Self::CompilerCrashed { .. } => true,
            Self::CompileTime { .. }
            | Self::MetadataTime { .. }
            | Self::CompilerKilled { .. }
            | Self::CompilerUnavailable(_)
            | Self::CompilerAnswer(_) => false,
        }
    }

    /// The compiler's message, on one line.
    pub(crate) fn does_not_compile(error: &wasmtime::Error) -> Self {
        Self::Compile(one_line(&format!("{error:#}"), 500))
    }
}
