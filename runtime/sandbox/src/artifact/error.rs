//! Why a file does not become a connector.

use std::borrow::Cow;

use sendbox_contract::text::one_line;
use serde::{Deserialize, Serialize};

/// Why a file did not become code. Each refusal has its own, and [`is_of_the_file`](Self::is_of_the_file) says whose fault it
/// is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ArtifactError {
    /// The file is too large.
    #[error(
        "the file has {bytes} bytes; a connector may have {limit}. Build with `opt-level = 3, lto = \"fat\", strip = true`"
    )]
    TooLarge {
        /// Bytes of the file.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// It is not WebAssembly.
    #[error("the file is not WebAssembly: {0}")]
    NotWasm(String),
    /// It is a core module.
    #[error(
        "the file is a core module, not a component; build for `wasm32-wasip2`, or wrap it with `wasm-tools component new`"
    )]
    CoreModule,
    /// It is machine code that somebody compiled already.
    #[error("the file is precompiled machine code; only components are taken, and compiled here")]
    Precompiled,
    /// It is cut off, or malformed inside.
    #[error("the file is malformed at byte {offset}: {reason}")]
    Malformed {
        /// The position in the file.
        offset: usize,
        /// What is malformed.
        reason: String,
    },
    /// It imports something that is not offered.
    #[error("the component imports `{import}`, which is not offered to connectors. {hint}")]
    ForbiddenImport {
        /// The import, without its version.
        import: String,
        /// What to do.
        hint: Cow<'static, str>,
    },
    /// It does not export a connector.
    #[error(
        "the component does not export `{expected}`; build it against the world `blind-connector` of `wit/connector/v1`"
    )]
    WrongWorld {
        /// What is missing.
        expected: String,
    },
    /// It holds further components with code of their own.
    #[error("the component is composed of other components; a connector is one")]
    Composed,
    /// It holds more of something than is allowed.
    #[error("the component has {count} {what}; {limit} are allowed")]
    Shape {
        /// What is counted: `functions`, `exports`.
        what: Cow<'static, str>,
        /// The count.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// The compiler refused it.
    #[error("the component does not compile: {0}")]
    Compile(String),
    /// It exports a connector, but not with the contract's types.
    #[error("the component does not fit the contract: {0}")]
    Contract(String),
    /// Compiling it needs too much memory.
    #[error("compiling the component needs more than {limit_bytes} bytes of memory")]
    CompileMemory {
        /// Bytes allowed.
        limit_bytes: u64,
    },
    /// Compiling it needs too much CPU.
    #[error("compiling the component needs more than {limit_seconds} seconds of CPU")]
    CompileCpu {
        /// Seconds allowed.
        limit_seconds: u64,
    },
    /// It becomes too much machine code.
    #[error("compiled, the component has more than {limit_bytes} bytes")]
    CompiledSize {
        /// Bytes allowed.
        limit_bytes: usize,
    },
    /// The compiler crashed over it.
    #[error("the compiler crashed over the component (signal {signal})")]
    CompilerCrashed {
        /// The signal that ended it.
        signal: i32,
    },
    /// The compiler did not end in time. It was not its CPU that ran out: the machine is busy, or the program hangs.
    #[error("compiling did not end within {limit_ms} ms; try again when the machine is less busy")]
    CompileTime {
        /// Milliseconds allowed.
        limit_ms: u64,
    },
    /// Its metadata did not come in time. It was not its CPU that ran out: the machine is busy, or it waits for something.
    #[error(
        "reading the connector's metadata did not end within {limit_ms} ms; try again when the machine is less busy"
    )]
    MetadataTime {
        /// Milliseconds allowed.
        limit_ms: u64,
    },
    /// Somebody killed the compiler, again and again.
    #[error(
        "the compiler was killed from outside (signal {signal}) in each of {tries} tries; look whether the machine is out of memory, and try again"
    )]
    CompilerKilled {
        /// The signal that ended the last one.
        signal: i32,
        /// How often it was tried.
        tries: u32,
    },
    /// The compiler's process cannot be started, or cannot be confined.
    #[error("the compiler cannot be started: {0}")]
    CompilerUnavailable(String),
    /// The compiler's process does not do what it is there for.
    #[error("the compiler's answer makes no sense ({0}); is its program this build of Sendbox?")]
    CompilerAnswer(String),
}

impl ArtifactError {
    /// Whether the file is to blame. If not, the machine or its set-up is, and the same file may do later.
    pub fn is_of_the_file(&self) -> bool {
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

    /// The compiler's own words, on one line.
    pub(crate) fn does_not_compile(error: &wasmtime::Error) -> Self {
        Self::Compile(one_line(&format!("{error:#}"), 500))
    }
}
