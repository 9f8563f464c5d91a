//! The compiler child: the limits on a file, the confinement of the child, and how a misbehaving child is handled.
//!
//! The well-behaved child is the real binary. The others are `poor-compiler`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};
use sendbox_sandbox::{
    ArtifactError, ChildCompiler, CompileLimits, Compiler, LoadError, LoadStep, Sandbox, SandboxConfig,
};
use sendbox_tests::component::{self, CONNECTOR};
use sendbox_tests::sandbox_fixture::{hostile, memory_scanner};
use sendbox_tests::{bomb, process};
use tempfile::TempDir;

const POOR: &str = env!("CARGO_BIN_EXE_poor-compiler");
/// A time that nothing here takes.
const NEVER_MS: u64 = 120_000;

/// The compiler that `sendbox` uses, on a machine that may be busy with other tests.
async fn honest() -> ChildCompiler {
    let limits = CompileLimits { wall_ms: 10 * NEVER_MS, ..CompileLimits::default() };
    ChildCompiler {
        program: process::binary().await.to_owned(),
        arguments: vec!["__compile".into()],
        environment: unreserved(),
        limits,
    }
}

/// The environment with which `sendbox` starts it.
fn unreserved() -> Vec<(OsString, OsString)> {
    vec![("MIMALLOC_DISALLOW_ARENA_ALLOC".into(), "1".into())]
}

/// A program that misbehaves in the way that its arguments select.
fn poor(arguments: &[&str]) -> ChildCompiler {
    let arguments = arguments.iter().map(OsString::from).collect();
    let limits = CompileLimits { wall_ms: NEVER_MS, ..CompileLimits::default() };
    ChildCompiler { program: POOR.into(), arguments, environment: Vec::new(), limits }
}

fn sandbox(compiler: ChildCompiler, cache: Option<&Path>) -> Sandbox {
    let config = SandboxConfig {
        in_flight: 2,
        compiler: Compiler::Child(compiler),
        cache: cache.map(Path::to_owned),
        ..SandboxConfig::default()
    };
    Sandbox::new(config).unwrap()
}

fn private_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

/// The number of starts that a poor compiler has recorded.
fn starts(note: &Path) -> u64 {
    fs::metadata(note).map_or(0, |note| note.len())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn error(sandbox: &Sandbox, component: &[u8]) -> ArtifactError {
    match sandbox.load(component).await {
        Err(LoadError::Artifact(error)) => error,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it loaded"),
    }
}

async fn id(sandbox: &Sandbox, component: &[u8]) -> String {
    sandbox.load(component).await.unwrap().metadata().id.clone()
}

// ---- the honest child ----

#[tokio::test]
async fn the_real_binary_compiles_and_reports_its_progress() {
    let steps = Mutex::new(Vec::new());
    let sandbox = sandbox(honest().await, None);
    let progress = |step| steps.lock().unwrap().push(step);
    let connector = sandbox.load_with_progress(&hostile(), &progress).await.unwrap();
    assert_eq!(connector.metadata().id, "hostile");
    assert_eq!(*steps.lock().unwrap(), [LoadStep::Inspecting, LoadStep::Compiling, LoadStep::ReadingMetadata]);
    assert_eq!(connector.inspect().shape.bytes, hostile().len(), "the shape is reported");
}

/// The child refuses a file with the same error as the rules in this process.
#[tokio::test]
async fn a_refusal_is_the_same_in_the_child_and_in_this_process() {
    let here = Sandbox::new(SandboxConfig { in_flight: 1, ..SandboxConfig::default() }).unwrap();
    let child = sandbox(honest().await, None);
    let whole = hostile();
    for (what, component) in [
        ("no WebAssembly", b"#!/bin/sh".to_vec()),
        ("precompiled", b"\x7fELF\x02\x01\x01\0".to_vec()),
        ("too large", vec![0; 3 << 20]),
        ("cut off", whole[..whole.len() / 2].to_vec()),
        ("an import", component::of_world(&format!("import wasi:sockets/tcp@0.2.6; {CONNECTOR}"))),
        ("another world", component::raw("")),
        ("nine modules", component::raw(&"(core module)".repeat(9))),
    ] {
        let refused = error(&child, &component).await;
        assert_eq!(refused, error(&here, &component).await, "{what}");
        assert!(refused.is_caused_by_file(), "{what}");
    }
    assert_eq!(id(&child, &whole).await, "hostile", "the sandbox still works");
}

#[tokio::test]
async fn the_output_of_a_child_is_cached_and_a_flipped_bit_starts_another_child() {
    let folder = private_folder();
    let note = folder.path().join("starts");
    let cache = folder.path().join("cache");
    let compiler = poor(&["honest", text(&note)]);
    assert_eq!(id(&sandbox(compiler.clone(), Some(&cache)), &hostile()).await, "hostile");
    assert_eq!(id(&sandbox(compiler.clone(), Some(&cache)), &hostile()).await, "hostile");
    assert_eq!(starts(&note), 1, "it was not taken from the cache");
    let code = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
    let code = code.into_iter().find(|path| path.extension().is_some_and(|end| end == "cwasm")).unwrap();
    let mut bytes = fs::read(&code).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&code, bytes).unwrap();
    assert_eq!(id(&sandbox(compiler, Some(&cache)), &hostile()).await, "hostile");
    assert_eq!(starts(&note), 2, "a damaged file was believed");
}

#[tokio::test]
async fn no_more_children_run_at_once_than_allowed() {
    let folder = private_folder();
    let lock = folder.path().join("lock");
    // A second one at the same time would find the lock taken, and fail.
    let mut compiler = poor(&["exclusive", text(&lock)]);
    compiler.limits.at_once = 1;
    let sandbox = sandbox(compiler, None);
    let (hostile, scanner) = (hostile(), memory_scanner());
    let ids = tokio::join!(id(&sandbox, &hostile), id(&sandbox, &scanner), id(&sandbox, &hostile));
    assert_eq!(ids, ("hostile".into(), "memory-scanner".into(), "hostile".into()));
}

// ---- limits on a file ----

/// Each bomb compiles within the limits, or fails with a typed error that blames it; the next file compiles.
#[tokio::test]
async fn no_bomb_costs_more_than_the_limits() {
    let mut compiler = honest().await;
    // Lower than the default, to save time in this test.
    compiler.limits.cpu_seconds = 2;
    let sandbox = sandbox(compiler, None);
    for bomb in bomb::all() {
        match sandbox.load(&bomb.component()).await.map(|_| ()) {
            // It compiled. Its `metadata` only traps.
            Err(LoadError::Metadata(_)) => {}
            Err(LoadError::Artifact(
                ArtifactError::CompileMemory { .. }
                | ArtifactError::CompileCpu { .. }
                | ArtifactError::CompiledSize { .. }
                | ArtifactError::Compile(_),
            )) => {}
            other => panic!("{}: {other:?}", bomb.name),
        }
    }
    assert_eq!(id(&sandbox, &hostile()).await, "hostile");
}

#[tokio::test]
async fn memory_is_bounded() {
    let mut compiler = honest().await;
    // The program itself takes most of it.
    compiler.limits.memory_bytes = 96 << 20;
    let sandbox = sandbox(compiler, None);
    let bomb = bomb::all().into_iter().find(|bomb| bomb.name == bomb::LARGEST_FUNCTIONS).unwrap();
    let error = error(&sandbox, &bomb.component()).await;
    assert_eq!(error, ArtifactError::CompileMemory { limit_bytes: 96 << 20 });
    assert!(error.is_caused_by_file());
}

#[tokio::test]
async fn cpu_is_bounded() {
    let mut compiler = poor(&["spin"]);
    compiler.limits.cpu_seconds = 1;
    let error = error(&sandbox(compiler, None), &hostile()).await;
    assert_eq!(error, ArtifactError::CompileCpu { limit_seconds: 1 });
    assert!(error.is_caused_by_file());
}

#[tokio::test]
async fn the_size_of_the_code_is_bounded() {
    let mut compiler = honest().await;
    compiler.limits.output_bytes = 10_000;
    let error = error(&sandbox(compiler, None), &hostile()).await;
    assert_eq!(error, ArtifactError::CompiledSize { limit_bytes: 10_000 });
    assert!(error.is_caused_by_file());
}

// ---- a child that is killed ----

#[tokio::test]
async fn a_child_that_is_killed_from_outside_is_retried_and_then_reported() {
    let folder = private_folder();
    for (signal, number) in [("KILL", 9), ("TERM", 15)] {
        let note = folder.path().join(signal);
        let error = error(&sandbox(poor(&["killed", text(&note), signal]), None), &hostile()).await;
        assert_eq!(error, ArtifactError::CompilerKilled { signal: number, tries: 3 });
        assert!(!error.is_caused_by_file());
        assert_eq!(starts(&note), 3);
    }
    let note = folder.path().join("at first");
    assert_eq!(id(&sandbox(poor(&["killed-at-first", text(&note)]), None), &hostile()).await, "hostile");
    assert_eq!(starts(&note), 3);
}

#[tokio::test]
async fn a_child_ends_when_its_load_is_cancelled() {
    let folder = private_folder();
    let note = folder.path().join("pid");
    let sandbox = Arc::new(sandbox(poor(&["hang-and-tell", text(&note)]), None));
    let loading = tokio::spawn({
        let sandbox = Arc::clone(&sandbox);
        async move { sandbox.load(&hostile()).await.map(drop) }
    });
    let deadline = Instant::now() + Duration::from_millis(NEVER_MS);
    let until = async |what: &str, condition: &dyn Fn() -> bool| {
        while !condition() {
            assert!(Instant::now() < deadline, "{what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let pid = || fs::read_to_string(&note).ok()?.strip_suffix('\n')?.parse().ok().and_then(Pid::from_raw);
    until("it is started", &|| pid().is_some()).await;
    let pid = pid().unwrap();
    assert!(test_kill_process(pid).is_ok(), "it runs");
    loading.abort();
    until("it is gone", &|| test_kill_process(pid).is_err()).await;
}

// ---- a program that is not the compiler ----

#[tokio::test]
async fn an_invalid_response_of_the_child_is_not_blamed_on_the_file() {
    for behaviour in ["garbage", "endless", "truncated", "silent", "angry"] {
        let error = error(&sandbox(poor(&[behaviour]), None), &hostile()).await;
        assert!(matches!(error, ArtifactError::CompilerAnswer(_)), "{behaviour}: {error:?}");
        assert!(!error.is_caused_by_file(), "{behaviour}");
        assert!(error.to_string().len() < 1_000, "{behaviour}: its output is bounded");
    }
    let error = error(&sandbox(poor(&["too-much"]), None), &hostile()).await;
    assert_eq!(error, ArtifactError::CompiledSize { limit_bytes: CompileLimits::default().output_bytes });
}

#[tokio::test]
async fn a_child_that_hangs_is_killed() {
    let mut compiler = poor(&["hang"]);
    compiler.limits.wall_ms = 300;
    let error = error(&sandbox(compiler, None), &hostile()).await;
    assert_eq!(error, ArtifactError::CompileTime { limit_ms: 300 });
    assert!(!error.is_caused_by_file());
}

#[tokio::test]
async fn a_missing_program_is_reported() {
    let mut compiler = poor(&[]);
    compiler.program = PathBuf::from("/nowhere/sendbox");
    let error = error(&sandbox(compiler, None), &hostile()).await;
    assert!(matches!(&error, ArtifactError::CompilerUnavailable(why) if why.contains("/nowhere/sendbox")), "{error:?}");
    assert!(!error.is_caused_by_file());
}

// ---- confinement of the child ----

#[tokio::test]
async fn a_child_gets_no_environment() {
    let folder = private_folder();
    let seen = folder.path().join("environment");
    assert!(std::env::vars_os().next().is_some(), "the environment is empty");
    error(&sandbox(poor(&["environment", text(&seen)]), None), &hostile()).await;
    assert_eq!(fs::read_to_string(&seen).unwrap(), "[]");
}

/// Calls the same function as the compiler child, in a program that then tries what a malicious file could make it try.
#[tokio::test]
async fn a_confined_process_reaches_nothing() {
    let output = tokio::process::Command::new(POOR).arg("confined").output().await.unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let end = |line: &str, when: &str| {
        line.strip_prefix(when).and_then(|rest| rest.rsplit_once(": ")).map(|(_, end)| end.to_owned())
    };
    let ends = |when: &str| stdout.lines().filter_map(|line| end(line, when)).collect::<Vec<_>>();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(ends("before"), ["done"; 11], "this proves nothing on this machine:\n{stdout}{complaint}");
    // Not because of the limits on descriptors or processes: the kernel rejects the call first.
    let mut expected = vec!["permission denied"; 10];
    expected.extend(["out of memory", "permission denied"]);
    assert_eq!(ends("after"), expected, "{stdout}{complaint}");
}
