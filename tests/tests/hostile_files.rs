//! Files that are not connectors, and a cache that was tampered with.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use sendbox_sandbox::policy::Limits;
use sendbox_sandbox::{ArtifactError, CacheError, LoadError, Sandbox, SandboxConfig, SandboxError};
use sendbox_tests::component::{self, CONNECTOR, EXPORTS};
use sendbox_tests::sandbox_fixture::{self, hostile, memory_scanner};

async fn artifact(component: &[u8]) -> ArtifactError {
    match sandbox_fixture::refusal(component, Limits::default()).await {
        LoadError::Artifact(error) => error,
        other => panic!("{other:?}"),
    }
}

fn shape(what: &'static str, count: usize, limit: usize) -> ArtifactError {
    ArtifactError::Shape { what: what.into(), count, limit }
}

#[tokio::test]
async fn files_that_are_not_components_are_refused_by_kind() {
    assert!(matches!(artifact(b"").await, ArtifactError::NotWasm(_)));
    assert!(matches!(artifact(b"\0as").await, ArtifactError::NotWasm(_)));
    assert!(matches!(artifact(b"#!/bin/sh\nexit 0\n").await, ArtifactError::NotWasm(_)));
    assert!(matches!(artifact(&[0x5a; 4096]).await, ArtifactError::NotWasm(_)));
    assert_eq!(artifact(b"\0asm\x01\0\0\0").await, ArtifactError::CoreModule);
    assert!(matches!(artifact(b"\0asm\x0d\0\x02\0").await, ArtifactError::Malformed { .. }));
    let limits = Limits::default();
    let oversized = [hostile(), vec![0; limits.component_bytes]].concat();
    let expected = ArtifactError::TooLarge { bytes: oversized.len(), limit: limits.component_bytes };
    assert_eq!(artifact(&oversized).await, expected);
}

#[tokio::test]
async fn precompiled_code_is_refused_even_if_it_is_our_own() {
    let folder = private_folder();
    cached(folder.path()).load(&hostile()).await.map(drop).unwrap();
    let code = fs::read(only(folder.path(), "cwasm")).unwrap();
    assert!(code.len() <= Limits::default().component_bytes, "the size limit would apply first");
    assert_eq!(artifact(&code).await, ArtifactError::Precompiled);
    assert_eq!(artifact(b"\x7fELF\x02\x01\x01\0").await, ArtifactError::Precompiled);
}

#[tokio::test]
async fn a_truncated_file_is_refused_wherever_it_is_cut() {
    let whole = hostile();
    let fixture = sandbox_fixture::sandbox(Limits::default(), &[], None);
    let step = whole.len() / 97;
    for length in (8..whole.len()).step_by(step).chain([whole.len() - 1]) {
        match fixture.load(&whole[..length]).await {
            // Truncated between two sections, it is a smaller component that is not a connector.
            Err(LoadError::Artifact(ArtifactError::Malformed { .. } | ArtifactError::WrongWorld { .. })) => {}
            Err(other) => panic!("cut at {length}: {other:?}"),
            Ok(_) => panic!("cut at {length}: loaded"),
        }
    }
    fixture.load(&whole).await.map(drop).expect("the sandbox still works");
}

#[tokio::test]
async fn a_file_with_a_flipped_bit_never_harms() {
    let whole = hostile();
    let sandbox = sandbox_fixture::sandbox(Limits { cpu_ms: 50, ..Limits::default() }, &[], None);
    for flip in 0..60 {
        let mut damaged = whole.clone();
        let at = 8 + flip * (whole.len() - 8) / 60;
        damaged[at] ^= 1 << (flip % 8);
        // It may be loaded or refused: what matters is that the call returns, and that the next file loads.
        sandbox.load(&damaged).await.ok();
    }
    sandbox.load(&whole).await.map(drop).expect("the sandbox still works");
}

#[tokio::test]
async fn a_component_of_another_world_is_refused() {
    let expected = ArtifactError::WrongWorld { expected: "sendbox:connector/connector@1.0.0".into() };
    assert_eq!(artifact(&component::raw("")).await, expected);
    assert_eq!(artifact(&component::of_world("export unknown:vendor/this@1.0.0;")).await, expected);
    assert_eq!(artifact(&component::of_world("import sendbox:connector/log@1.0.0;")).await, expected);
    // The right name, but empty.
    let empty = component::raw(r#"(instance $i) (export "sendbox:connector/connector@1.0.0" (instance $i))"#);
    assert!(matches!(artifact(&empty).await, ArtifactError::Contract(_)));
    let next = component::raw(r#"(instance $i) (export "sendbox:connector/connector@2.0.0" (instance $i))"#);
    assert_eq!(artifact(&next).await, expected);
}

#[tokio::test]
async fn an_import_that_is_not_offered_is_named() {
    for import in ["wasi:http/outgoing-handler", "wasi:sockets/tcp", "wasi:filesystem/preopens", "unknown:vendor/this"]
    {
        let version = if import.starts_with("wasi") { "0.2.6" } else { "1.0.0" };
        let component = component::of_world(&format!("import {import}@{version}; {CONNECTOR}"));
        match artifact(&component).await {
            ArtifactError::ForbiddenImport { import: named, hint } => {
                assert_eq!(named, import);
                assert!(!hint.is_empty());
            }
            other => panic!("{import}: {other:?}"),
        }
    }
    let bare = component::raw(r#"(import "run" (func))"#);
    assert!(matches!(artifact(&bare).await, ArtifactError::ForbiddenImport { import, .. } if import == "run"));
}

#[tokio::test]
async fn a_component_of_components_is_refused() {
    let inner = "(component $inner (core module $m) (core instance $i (instantiate $m)))";
    assert_eq!(
        artifact(&component::raw(&format!("{inner} (instance (instantiate $inner))"))).await,
        ArtifactError::Composed
    );
    let mut nest = String::new();
    for _ in 0..5 {
        nest = format!("(component {nest})");
    }
    assert_eq!(artifact(&component::raw(&nest)).await, ArtifactError::Composed);
}

#[tokio::test]
async fn counts_and_sizes_are_bounded_before_anything_is_compiled() {
    let with = |fields: &str| component::connector(&format!("{EXPORTS} {fields}"));
    let modules = "(core module)".repeat(9);
    assert_eq!(artifact(&component::raw(&modules)).await, shape("core modules", 9, 8));
    let locals = |count| format!("(func (local {}))", "i32 ".repeat(count));
    assert_eq!(artifact(&with(&locals(20_000))).await, shape("locals in one function", 20_000, 5_000));
    assert!(matches!(artifact(&with(&locals(100_000))).await, ArtifactError::Malformed { .. }));
    let giant = format!("(func {})", "nop ".repeat(300 << 10));
    let ArtifactError::Shape { what, count, .. } = artifact(&with(&giant)).await else { panic!("a giant function") };
    assert_eq!(what, "bytes in one function");
    assert!(count > 300 << 10);
    let functions = "(func)".repeat(31_000);
    let ArtifactError::Shape { what, .. } = artifact(&with(&functions)).await else { panic!("many functions") };
    assert_eq!(what, "functions");
    assert_eq!(artifact(&with("(table 1000000 funcref)")).await, shape("table elements", 1_000_000, 20_000));
    assert_eq!(artifact(&with("(table 1 funcref) (table 1 funcref) (table 1 funcref)")).await, shape("tables", 3, 2));
    assert_eq!(
        artifact(&component::raw("(core module (memory 1)) (core module (memory 1))")).await,
        shape("memories", 2, 1)
    );
}

/// 300 pages are 18.75 MiB, which exceeds the limit before a single instruction has run.
#[tokio::test]
async fn memory_declared_too_large_is_refused() {
    let component =
        component::connector(&EXPORTS.replace(r#"(memory (export "memory") 1)"#, r#"(memory (export "memory") 300)"#));
    let limit = Limits::default().memory_bytes;
    assert_eq!(artifact(&component).await, shape("bytes of initial memory", 300 << 16, limit));
}

#[tokio::test]
async fn disabled_wasm_features_are_refused_by_validation() {
    for (what, fields) in [
        ("memory64", "(memory i64 1)"),
        ("shared memory", "(memory 1 1 shared)"),
        ("GC", "(type (struct (field i32)))"),
        ("exceptions", "(tag)"),
        ("tail calls", "(func $f (return_call $f))"),
        ("relaxed SIMD", "(func (param v128 v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))"),
        ("function references", "(func (param (ref func)))"),
        ("custom page sizes", "(memory 1 (pagesize 1))"),
        ("several memories", "(memory 1) (memory 1)"),
    ] {
        let component = component::raw(&format!("(core module {fields})"));
        let error = artifact(&component).await;
        assert!(matches!(error, ArtifactError::Malformed { .. }), "{what}: {error:?}");
    }
}

/// A custom section with this many bytes of contents.
fn custom(bytes: usize) -> Vec<u8> {
    let mut section = vec![0_u8];
    let mut size = bytes + 5;
    while size >= 0x80 {
        section.push((size & 0x7f) as u8 | 0x80);
        size >>= 7;
    }
    section.push(size as u8);
    section.extend(b"\x04bomb");
    section.extend(vec![0xff; bytes]);
    section
}

/// Custom sections are dead weight: bounded, and nothing reads them.
#[tokio::test]
async fn custom_sections_change_nothing_and_are_bounded() {
    let sandbox = sandbox_fixture::sandbox(Limits::default(), &[], None);
    let padded = [hostile(), custom(256 << 10)].concat();
    let connector = sandbox.load(&padded).await.unwrap();
    assert_eq!(connector.metadata().id, "hostile");
    assert!(connector.inspect().shape.custom_bytes >= 256 << 10);
    let bomb = [hostile(), custom(1 << 20)].concat();
    let ArtifactError::Shape { what, .. } = artifact(&bomb).await else { panic!("a large section") };
    assert_eq!(what, "bytes of custom sections");
    let bomb = [hostile(), custom(1).repeat(100)].concat();
    let ArtifactError::Shape { what, .. } = artifact(&bomb).await else { panic!("many sections") };
    assert_eq!(what, "custom sections");
    // Inside a module they count too.
    let text = format!("(@custom \"bomb\" \"{}\")", "x".repeat(600 << 10));
    let ArtifactError::Shape { what, .. } = artifact(&component::raw(&format!("(core module {text})"))).await else {
        panic!("a large section inside")
    };
    assert_eq!(what, "bytes of custom sections");
    let bomb = [hostile(), custom(3 << 20)].concat();
    assert!(matches!(artifact(&bomb).await, ArtifactError::TooLarge { .. }));
}

/// The validator accepts any depth, but compilers get slow.
#[tokio::test]
async fn nesting_of_blocks_is_bounded() {
    let nested = |kind: &str, depth: usize| {
        let (open, close) = (format!("{kind} ").repeat(depth), "end ".repeat(depth));
        component::connector(&format!("{EXPORTS} (func {open} {close})"))
    };
    let what = "blocks inside one another in one function";
    assert_eq!(artifact(&nested("block", 5_000)).await, shape(what, 5_000, 1_000));
    assert_eq!(artifact(&nested("loop", 80_000)).await, shape(what, 80_000, 1_000));
    assert_eq!(artifact(&nested("i32.const 1 if", 1_001)).await, shape(what, 1_001, 1_000));
    // One after another, blocks are not deep. This one compiles, and its `metadata` traps.
    let flat = component::connector(&format!("{EXPORTS} (func {})", "block end ".repeat(5_000)));
    assert!(matches!(sandbox_fixture::refusal(&flat, Limits::default()).await, LoadError::Metadata(_)));
}

// ---- the cache ----

fn private_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

fn cached(folder: &Path) -> Sandbox {
    Sandbox::new(SandboxConfig { cache: Some(folder.to_owned()), in_flight: 2, ..SandboxConfig::default() }).unwrap()
}

fn with_extension(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|of| of == extension))
        .collect();
    found.sort();
    found
}

fn only(folder: &Path, extension: &str) -> PathBuf {
    let found = with_extension(folder, extension);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

async fn id(sandbox: &Sandbox, component: &[u8]) -> String {
    sandbox.load(component).await.unwrap().metadata().id.clone()
}

#[tokio::test]
async fn a_damaged_cache_entry_is_replaced() {
    let folder = private_folder();
    assert_eq!(id(&cached(folder.path()), &hostile()).await, "hostile");
    let (code, tag) = (only(folder.path(), "cwasm"), only(folder.path(), "mac"));
    let good = fs::read(&code).unwrap();

    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for (what, file, bytes) in [
        ("a flipped bit", &code, flipped),
        ("a cut file", &code, good[..good.len() / 2].to_vec()),
        ("an empty file", &code, Vec::new()),
        ("a wrong tag", &tag, vec![0; 32]),
        ("an empty tag", &tag, Vec::new()),
    ] {
        fs::write(file, &bytes).unwrap();
        assert_eq!(id(&cached(folder.path()), &hostile()).await, "hostile", "{what}");
        assert_ne!(fs::read(file).unwrap(), bytes, "{what} was not replaced, so it was accepted");
    }
    fs::remove_file(&tag).unwrap();
    assert_eq!(id(&cached(folder.path()), &hostile()).await, "hostile");
    assert!(tag.is_file(), "code without a tag was believed");
}

/// Code that was compiled from one component is not accepted for another one, even with a valid tag.
#[tokio::test]
async fn code_cannot_be_planted_under_another_name() {
    let folder = private_folder();
    let sandbox = cached(folder.path());
    assert_eq!(id(&sandbox, &hostile()).await, "hostile");
    let (code, tag) = (only(folder.path(), "cwasm"), only(folder.path(), "mac"));
    let (hostile_code, hostile_tag) = (fs::read(&code).unwrap(), fs::read(&tag).unwrap());
    fs::remove_file(&code).unwrap();
    fs::remove_file(&tag).unwrap();
    assert_eq!(id(&sandbox, &memory_scanner()).await, "memory-scanner");
    fs::write(only(folder.path(), "cwasm"), hostile_code).unwrap();
    fs::write(only(folder.path(), "mac"), hostile_tag).unwrap();
    assert_eq!(id(&cached(folder.path()), &memory_scanner()).await, "memory-scanner");
}

#[tokio::test]
async fn a_cache_that_verifies_is_used() {
    let folder = private_folder();
    assert_eq!(id(&cached(folder.path()), &hostile()).await, "hostile");
    let code = only(folder.path(), "cwasm");
    let before = fs::metadata(&code).unwrap().modified().unwrap();
    assert_eq!(id(&cached(folder.path()), &hostile()).await, "hostile");
    assert_eq!(fs::metadata(&code).unwrap().modified().unwrap(), before, "it was compiled again");
    for file in with_extension(folder.path(), "cwasm").iter().chain(&with_extension(folder.path(), "mac")) {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o077, 0, "{}", file.display());
    }
    assert_eq!(fs::metadata(folder.path().join("key")).unwrap().permissions().mode() & 0o077, 0);
}

#[tokio::test]
async fn a_folder_that_others_can_enter_is_refused() {
    let folder = private_folder();
    for mode in [0o755, 0o711, 0o770, 0o702] {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        let config = SandboxConfig { cache: Some(folder.path().to_owned()), in_flight: 1, ..SandboxConfig::default() };
        match Sandbox::new(config) {
            Err(SandboxError::Cache(CacheError::Open(path))) => assert_eq!(path, folder.path()),
            Err(other) => panic!("{mode:o}: {other}"),
            Ok(_) => panic!("{mode:o}: accepted"),
        }
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(id(&cached(folder.path()), &hostile()).await, "hostile");
}

/// The owner of the folder, or of the key in it, controls which machine code this process runs.
#[tokio::test]
async fn a_folder_of_somebody_else_is_refused() {
    const NOBODY: u32 = 65_534;
    let open = |folder: &Path| {
        let config = SandboxConfig { cache: Some(folder.to_owned()), in_flight: 1, ..SandboxConfig::default() };
        match Sandbox::new(config) {
            Err(SandboxError::Cache(error)) => Err(error),
            Err(other) => panic!("{other}"),
            Ok(_) => Ok(()),
        }
    };
    let folder = private_folder();
    let own = fs::metadata(folder.path()).unwrap().uid();
    let key = folder.path().join("key");
    open(folder.path()).unwrap();
    for path in [folder.path(), &key] {
        if let Err(error) = chown(path, Some(NOBODY), None) {
            assert_ne!(own, 0, "{error}");
            println!("only root can give a folder away; this user cannot test it");
            continue;
        }
        let error = open(folder.path()).expect_err("it belongs to somebody else");
        let text = error.to_string();
        assert!(matches!(error, CacheError::Owner { owner: NOBODY, .. }), "{text}");
        assert!(text.contains(&format!("{} of the cache belongs to user 65534", path.display())), "{text}");
        chown(path, Some(own), None).unwrap();
        open(folder.path()).unwrap();
    }

    // The target of a link could be changed by somebody else later.
    let beside = tempfile::tempdir().unwrap();
    let link = beside.path().join("cache");
    symlink(folder.path(), &link).unwrap();
    let error = open(&link).expect_err("a link");
    assert!(matches!(error, CacheError::Kind { expected: "a folder", .. }), "{error}");
    let elsewhere = beside.path().join("key");
    fs::rename(&key, &elsewhere).unwrap();
    symlink(&elsewhere, &key).unwrap();
    let error = open(folder.path()).expect_err("a key that is a link");
    assert!(matches!(error, CacheError::Kind { expected: "a file", .. }), "{error}");
}
