//! Where files are compiled, and the limits for one file.

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where files are compiled.
#[derive(Clone, Debug, Default)]
pub enum Compiler {
    /// In this process, on a thread that may block. For embedders that trust their files, and for tests: a hostile file can use any
    /// amount of this process's resources.
    #[default]
    InThisProcess,
    /// In a child process with limits. For untrusted files.
    Child(ChildCompiler),
}

/// A child process that compiles one file.
#[derive(Clone, Debug)]
pub struct ChildCompiler {
    /// The program. It calls [`compile_child`](crate::compile_child) with the arguments that follow its own, and must come from the
    /// same build as this process.
    pub program: PathBuf,
    /// Its arguments. The parameters of the child are appended.
    pub arguments: Vec<OsString>,
    /// Its whole environment: nothing is inherited. An allocator that reserves memory at start must be told not to, because the
    /// memory limit is set later.
    pub environment: Vec<(OsString, OsString)>,
    /// The limits for one file.
    pub limits: CompileLimits,
}

/// The limits for compiling one file, and the number of concurrent compilations. A field that is missing from the configuration has
/// its default.
///
/// How the defaults were chosen (November 2026, x86-64, a debug build of the host with an optimised compiler, whose program alone
/// takes 80 MiB; the bombs are in `tests/src/bomb.rs`):
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
/// A connector with a whole JavaScript engine takes 3 s and 5 MB (QuickJS, 1.6 MB), so it fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompileLimits {
    /// Maximum address space of the child including its program (`RLIMIT_AS`), in bytes.
    pub memory_bytes: u64,
    /// Maximum CPU time of the child (`RLIMIT_CPU`), in seconds.
    pub cpu_seconds: u64,
    /// Timeout for the child, in milliseconds. Covers what does not use CPU time: a busy machine, a child that hangs.
    pub wall_ms: u64,
    /// Maximum size of the compiled code, in bytes. The parent holds it in memory.
    pub output_bytes: usize,
    /// Maximum number of concurrent children. Further files wait.
    pub at_once: usize,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { memory_bytes: 512 << 20, cpu_seconds: 20, wall_ms: 60_000, output_bytes: 32 << 20, at_once: 2 }
    }
}
