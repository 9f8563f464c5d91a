//! Confines a process before it reads an untrusted file.
//!
//! There are two barriers, because either may have a hole: kernel limits on memory, CPU time, files and processes, and a list of
//! the system calls that are needed to compute on bytes from a pipe. All other system calls fail: no sockets, no files, no
//! programs, no processes, no executable memory, no signals to other processes.
//!
//! A system call that is not on the list fails with `EPERM` instead of killing the process: the C library tries things that it can
//! do without (naming its memory, reading its limits), and varies between machines.
//!
//! This works on Linux, on x86-64 and AArch64. Elsewhere it fails and nothing is compiled, because an unconfined compiler is worse
//! than none.

/// The process could not be confined, and must not read anything.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// A limit could not be set.
    #[error("the limit on {what} cannot be set: {reason}")]
    Limit {
        /// What could not be limited or given up.
        what: &'static str,
        /// The error of the kernel.
        reason: String,
    },
    /// The list of system calls could not be applied.
    #[error(
        "this kernel does not confine the compiler ({0}); allow seccomp filters for Sendbox (containers can forbid them), or run it elsewhere"
    )]
    Filter(String),
    /// This system cannot confine a process.
    #[error(
        "the compiler cannot be confined on this system; run Sendbox on Linux (x86-64 or AArch64), or embed its sandbox with `Compiler::InThisProcess` if you trust every file"
    )]
    NotHere,
}

/// Confines this process for the rest of its life: limits its address space and CPU time, and cuts off everything but its pipes. It
/// dies with its parent.
///
/// # Errors
/// If the system cannot do it. The caller must exit then.
pub fn confine(memory_bytes: u64, cpu_seconds: u64) -> Result<(), ConfineError> {
    here::confine(memory_bytes, cpu_seconds)
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod here {
    use std::collections::BTreeMap;

    use rustix::process::{
        Resource, Rlimit, Signal, getpid, getrlimit, nice, set_parent_process_death_signal, setrlimit,
    };
    use seccompiler::{
        BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, TargetArch, apply_filter_all_threads,
    };

    use super::ConfineError;

    /// Descriptors 0, 1 and 2 are open; a fourth cannot be opened.
    const DESCRIPTORS: u64 = 3;
    /// The default of most systems, so that the caller's own limit does not decide what compiles.
    const STACK_BYTES: u64 = 8 << 20;
    /// Sends have priority.
    const NICENESS: i32 = 10;

    pub(super) fn confine(memory_bytes: u64, cpu_seconds: u64) -> Result<(), ConfineError> {
        // Both are hints that confine nothing: a kernel that runs out of memory kills the compiler first.
        std::fs::write("/proc/self/oom_score_adj", "1000").ok();
        nice(NICENESS).ok();
        let failed = |what| move |error: rustix::io::Errno| ConfineError::Limit { what, reason: error.to_string() };
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(failed("life without a parent"))?;
        for (resource, what, bound) in [
            (Resource::Core, "core dumps", 0),
            (Resource::Fsize, "bytes of files", 0),
            (Resource::Nofile, "descriptors", DESCRIPTORS),
            (Resource::Nproc, "processes", 0),
            (Resource::Stack, "bytes of stack", STACK_BYTES),
            (Resource::As, "bytes of memory", memory_bytes),
        ] {
            setrlimit(resource, at_most(resource, bound)).map_err(failed(what))?;
        }
        // The first limit sends SIGXCPU, which says what happened, and the second SIGKILL.
        let seconds = at_most(Resource::Cpu, cpu_seconds.saturating_add(1));
        let soft = seconds.maximum.map_or(cpu_seconds, |most| most.min(cpu_seconds));
        setrlimit(Resource::Cpu, Rlimit { current: Some(soft), ..seconds }).map_err(failed("seconds of CPU"))?;
        let program = filter().map_err(|error| ConfineError::Filter(error.to_string()))?;
        apply_filter_all_threads(&program).map_err(|error| ConfineError::Filter(error.to_string()))
    }

    /// Never more than what this process has been given.
    fn at_most(resource: Resource, bound: u64) -> Rlimit {
        let bound = getrlimit(resource).maximum.map_or(bound, |most| most.min(bound));
        Rlimit { current: Some(bound), maximum: Some(bound) }
    }

    fn filter() -> Result<BpfProgram, BackendError> {
        let arch = TargetArch::try_from(std::env::consts::ARCH)?;
        SeccompFilter::new(rules()?, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow, arch)?.try_into()
    }

    /// The allowed system calls. A call with rules is allowed only if one of them matches.
    fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
        // Existing pipes, memory, waiting, time and exit.
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = [
            libc::SYS_read,
            libc::SYS_write,
            libc::SYS_writev,
            libc::SYS_close,
            libc::SYS_munmap,
            libc::SYS_mremap,
            libc::SYS_madvise,
            libc::SYS_brk,
            libc::SYS_futex,
            libc::SYS_sched_yield,
            libc::SYS_clock_gettime,
            libc::SYS_getrandom,
            libc::SYS_getpid,
            libc::SYS_gettid,
            libc::SYS_rt_sigaction,
            libc::SYS_rt_sigprocmask,
            libc::SYS_rt_sigreturn,
            libc::SYS_sigaltstack,
            libc::SYS_exit,
            libc::SYS_exit_group,
        ]
        .into_iter()
        .map(|call| (call, Vec::new()))
        .collect();
        // Memory, but neither executable nor mapped from a file.
        let not_executable =
            || SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64), 0);
        let anonymous = SeccompCondition::new(
            3,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::MaskedEq(libc::MAP_ANONYMOUS as u64),
            libc::MAP_ANONYMOUS as u64,
        )?;
        rules.insert(libc::SYS_mmap, vec![SeccompRule::new(vec![not_executable()?, anonymous])?]);
        rules.insert(libc::SYS_mprotect, vec![SeccompRule::new(vec![not_executable()?])?]);
        // An abort is a signal to oneself.
        let pid = u64::from(getpid().as_raw_nonzero().get().unsigned_abs());
        let oneself = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, pid)?;
        rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![oneself])?]);
        Ok(rules)
    }
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod here {
    use super::ConfineError;

    pub(super) fn confine(_memory_bytes: u64, _cpu_seconds: u64) -> Result<(), ConfineError> {
        Err(ConfineError::NotHere)
    }
}
