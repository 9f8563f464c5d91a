//! Which compiler works, and what one file may cost.

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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

/// A child process that compiles one file.
#[derive(Clone, Debug)]
pub struct ChildCompiler {
    /// The program. It calls [`compile_child`](crate::compile_child) with the arguments that follow its own, and must be of
    /// the same build as this process.
    pub program: PathBuf,
    /// Its arguments. What the child has to know is appended to them.
    pub arguments: Vec<OsString>,
    /// Its whole environment: it inherits nothing. An allocator that reserves memory when the program starts must be told here
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
    /// Milliseconds from the start of the child to its end. Bounds what does not depend on CPU: a busy machine, a child that hangs.
    pub wall_ms: u64,
    /// Bytes of compiled code. The parent holds them.
    pub output_bytes: usize,
    /// Children at once. Further files wait.
    pub at_once: usize,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { memory_bytes: 512 << 20, cpu_seconds: 20, wall_ms: 60_000, output_bytes: 32 << 20, at_once: 2 }
    }
}
