//! Every way in which a guest can exceed a limit, crash, or lie about itself. Each ends in its own typed error, with
//! nothing on the wire, and the next send on the same sandbox works. Requests are in
//! `hostile_requests.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::path::PathBuf;
use std::time::Duration;

use sendbox_sandbox::policy::Limits;
use sendbox_sandbox::{ConnectorFault as Fault, FailureClass, LoadError, Party, RequestSent, TraceKind};
use sendbox_tests::guests::{Behaviour, MetadataBehaviour};
use sendbox_tests::sandbox_fixture::{self, hostile_metadata, impatient};
use sendbox_tests::verdict::fault;
use sendbox_tests::{SandboxFixture, SandboxFixtureConfig, Script, Step, component, expect_accepted, expect_failure};

#[tokio::test]
async fn a_guest_ends_at_its_limits() {
    // Enough CPU and time that every other limit applies first, on any machine.
    let limits = Limits { cpu_ms: 60_000, send_ms: 600_000, ..Limits::default() };
    let fixture =
        SandboxFixture::with(SandboxFixtureConfig { limits: limits.clone(), ..SandboxFixtureConfig::default() }).await;
    let host_calls = Fault::HostCalls { limit: limits.host_calls };
    let host_call_size = Fault::HostCallSize { limit_bytes: limits.hostcall_fuel };
    let sealed_bytes = Fault::SealedBytes { limit_bytes: limits.sealed_bytes };
    let handles = Fault::Handles { limit: limits.handles };
    let cases = [
        (Behaviour::LoopOfHostCalls, "concat", host_calls.clone()),
        (Behaviour::LoopOfHostCalls, "config", host_calls.clone()),
        (Behaviour::LoopOfHostCalls, "log", host_calls.clone()),
        (Behaviour::MemoryBomb, "", Fault::Memory { limit_bytes: limits.memory_bytes }),
        (Behaviour::DeepRecursion, "", Fault::Stack { limit_bytes: limits.stack_bytes }),
        (Behaviour::GiantString, "log", host_call_size.clone()),
        (Behaviour::GiantString, "config", host_call_size.clone()),
        (Behaviour::GiantString, "receipt", host_call_size.clone()),
        (Behaviour::ManyParts, "flat", host_call_size.clone()),
        (Behaviour::ManyParts, "nested", host_call_size),
        (Behaviour::ManyHandles, "", handles.clone()),
        (Behaviour::WasiFlood, "pollables", handles),
        (Behaviour::Doubling, "text", Fault::SealedPieces { limit: limits.sealed_pieces }),
        (Behaviour::Doubling, "encoded", sealed_bytes),
        (Behaviour::Doubling, "empty", host_calls),
    ];
    for (behaviour, aim, expected) in cases {
        let what = format!("{behaviour} {aim}");
        assert_eq!(fault(&what, fixture.send(behaviour, aim).await), expected, "{what}");
        fixture.expect_seen(0, &what);
    }
    fixture.expect_next_send_works("all limits").await;
}

/// Time in which the thread waits for a core does not count: the limit is CPU time, and usage is reported as CPU time.
#[tokio::test]
async fn a_guest_that_loops_forever_ends_at_its_cpu_limit() {
    let limits = Limits { send_ms: 600_000, ..Limits::default() };
    let limit = Duration::from_millis(limits.cpu_ms);
    let fixture =
        SandboxFixture::with(SandboxFixtureConfig { limits: limits.clone(), ..SandboxFixtureConfig::default() }).await;
    let report = fixture.send(Behaviour::LoopInSend, "").await;
    let used = report.used;
    assert_eq!(fault("loop", report), Fault::Cpu { limit_ms: limits.cpu_ms });
    assert!(used.cpu > limit && used.cpu < limit * 2, "it ends at the first tick after its limit: {used:?}");
    // It went on where it delays nobody.
    assert_eq!(niceness_of("sendbox-heavy"), Some(19));
    fixture.expect_seen(0, "loop");
    fixture.expect_next_send_works("loop").await;
}

/// The niceness of a thread of this process with this name.
fn niceness_of(thread: &str) -> Option<i32> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let named = |task: &PathBuf| std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == thread);
    let stat = std::fs::read_to_string(tasks.into_iter().find(named)?.join("stat")).unwrap();
    // The 19th field; the 2nd one is the name in parentheses.
    stat.rsplit(')').next().unwrap().split_whitespace().nth(16)?.parse().ok()
}

#[tokio::test]
async fn each_fault_alone_leaves_the_sandbox_working() {
    let fixture = SandboxFixture::new().await;
    for (behaviour, aim) in [
        (Behaviour::LoopInSend, ""),
        (Behaviour::MemoryBomb, ""),
        (Behaviour::DeepRecursion, ""),
        (Behaviour::ManyHandles, ""),
        (Behaviour::Trap, "before"),
    ] {
        fault(behaviour.name(), fixture.send(behaviour, aim).await);
        fixture.expect_next_send_works(behaviour.name()).await;
    }
}

/// A call that returns little but reads a lot is charged for what it reads.
#[tokio::test]
async fn work_on_a_large_value_is_charged() {
    let limits = Limits { cpu_ms: 60_000, send_ms: 600_000, ..Limits::default() };
    let fixture =
        SandboxFixture::with(SandboxFixtureConfig { limits: limits.clone(), ..SandboxFixtureConfig::default() }).await;
    for aim in ["digest", "hmac data", "hmac key", "decode"] {
        let report = fixture.send(Behaviour::CostlyHostCalls, aim).await;
        assert!(report.used.host_calls >= 4, "{aim}: it ended before it started");
        let fault = fault(aim, report);
        assert_eq!(fault, Fault::SealedBytes { limit_bytes: limits.sealed_bytes }, "{aim}");
    }
    // Comparisons are not allowed while a message is sent.
    let fault = fault("matches", fixture.send(Behaviour::CostlyHostCalls, "matches").await);
    assert_eq!(fault, Fault::ImportRefused("signature.matches"));
    fixture.expect_seen(0, "costly calls");
    fixture.expect_next_send_works("costly calls").await;
}

/// WASI calls also cost the host CPU time.
#[tokio::test]
async fn wasi_does_not_bypass_the_limits() {
    let fixture = SandboxFixture::with(SandboxFixtureConfig {
        limits: Limits { cpu_ms: 50, ..Limits::default() },
        ..SandboxFixtureConfig::default()
    })
    .await;
    for aim in ["random", "clock"] {
        let fault = fault(aim, fixture.send(Behaviour::WasiFlood, aim).await);
        assert!(matches!(fault, Fault::Cpu { limit_ms: 50 } | Fault::HostCalls { .. }), "{aim}: {fault:?}");
    }
    for aim in ["secure", "insecure"] {
        let fault = fault(aim, fixture.send(Behaviour::HugeRandom, aim).await);
        assert!(matches!(fault, Fault::Trap(_)), "{aim}: {fault:?}");
    }
    fixture.expect_seen(0, "random");
    fixture.expect_next_send_works("random").await;
}

#[tokio::test]
async fn a_guest_has_no_ambient_capabilities() {
    let fixture = SandboxFixture::new().await;
    let report = fixture.send(Behaviour::Ambient, "").await;
    let failure = expect_failure("ambient", report, FailureClass::Unknown, RequestSent::No);
    assert_eq!(failure.text, "env 0 args 0 stdin 0 cwd false file false clock 0");
}

#[tokio::test]
async fn a_crash_is_classified_by_what_was_sent() {
    let fixture =
        SandboxFixture::with(SandboxFixtureConfig { limits: impatient(), ..SandboxFixtureConfig::default() }).await;
    let before = fault("trap before", fixture.send(Behaviour::Trap, "before").await);
    assert!(matches!(before, Fault::Trap(_)), "{before:?}");
    fixture.expect_seen(0, "trap before");

    let report = fixture.send(Behaviour::Trap, "after").await;
    // The provider responded, and the response was lost with the connector: another attempt could be a second message.
    let failure = expect_failure("trap after", report, FailureClass::InDoubt, RequestSent::Yes);
    assert!(matches!(failure.fault, Some(Fault::Trap(_))), "{failure:?}");
    assert_eq!(failure.party, Party::Connector);
    fixture.expect_seen(1, "trap after");

    let other =
        SandboxFixture::with(SandboxFixtureConfig { limits: impatient(), ..SandboxFixtureConfig::default() }).await;
    other.server.play(Script::steps([Step::Read, Step::Silence]));
    let report = other.send(Behaviour::Trap, "after").await;
    let failure = expect_failure("trap in doubt", report, FailureClass::InDoubt, RequestSent::Maybe);
    assert!(matches!(failure.fault, Some(Fault::Trap(_))), "{failure:?}");
    other.expect_next_send_works("trap").await;
}

#[tokio::test]
async fn exiting_is_a_crash() {
    let fixture = SandboxFixture::new().await;
    for code in ["0", "1"] {
        let fault = fault("exit", fixture.send(Behaviour::Exit, code).await);
        assert!(matches!(fault, Fault::Trap(_)), "{fault:?}");
    }
    fixture.expect_next_send_works("exit").await;
}

/// A timer that takes time would be a clock, so timers fire immediately, and a guest that sleeps for a year returns.
#[tokio::test]
async fn sleeping_takes_no_time() {
    let fixture = SandboxFixture::new().await;
    for aim in ["before", "after"] {
        expect_accepted(aim, fixture.send(Behaviour::Sleep, aim).await);
    }
    fixture.expect_seen(2, "sleep");
}

#[tokio::test]
async fn a_flood_of_lines_is_bounded_and_escaped() {
    let limits = Limits::default();
    let fixture = SandboxFixture::new().await;
    for (aim, level) in [("log", "error"), ("stderr", "stderr"), ("stdout", "stderr")] {
        let report = fixture.send(Behaviour::LogFlood, aim).await;
        let lines: Vec<&String> = report
            .trace
            .iter()
            .filter_map(|event| match &event.what {
                TraceKind::Log { level: of, message } => {
                    assert_eq!(of.as_str(), level, "{aim}");
                    Some(message)
                }
                _ => None,
            })
            .collect();
        let marks = report.trace.iter().filter(|event| matches!(event.what, TraceKind::LogTruncated)).count();
        assert!(!lines.is_empty() && lines.len() <= limits.log_lines, "{aim}: {} lines", lines.len());
        // Escapes are longer than what they replace: at most eight characters for one byte.
        assert!(lines.iter().map(|line| line.len()).sum::<usize>() <= limits.log_bytes * 8, "{aim}");
        assert_eq!(marks, 1, "{aim}: marks");
        for line in lines {
            assert!(!line.chars().any(|c| c.is_control() || matches!(c, '\u{202e}' | '\u{2028}')), "{aim}: {line:?}");
        }
        expect_accepted(aim, report);
    }
}

// ---- metadata ----

#[tokio::test]
async fn metadata_that_misbehaves_is_refused_at_installation() {
    let limits = Limits { cpu_ms: 50, ..Limits::default() };
    for behaviour in MetadataBehaviour::ALL {
        let loaded = sandbox_fixture::sandbox(limits.clone(), &[], None).load(&hostile_metadata(behaviour)).await;
        let refusal = loaded.err();
        // The match is exhaustive: a behaviour without a test does not compile.
        match behaviour {
            MetadataBehaviour::Honest => assert_eq!(refusal, None),
            MetadataBehaviour::Loops => assert_eq!(refusal, Some(LoadError::Metadata(Fault::Cpu { limit_ms: 50 }))),
            MetadataBehaviour::Calls => {
                assert_eq!(refusal, Some(LoadError::Metadata(Fault::ImportRefused("config.get"))));
            }
            MetadataBehaviour::Traps => {
                assert!(matches!(refusal, Some(LoadError::Metadata(Fault::Trap(_)))), "{refusal:?}");
            }
            MetadataBehaviour::Bomb => {
                let limit_bytes = limits.hostcall_fuel;
                assert_eq!(refusal, Some(LoadError::Metadata(Fault::HostCallSize { limit_bytes })));
            }
            MetadataBehaviour::Giant => {
                let Some(LoadError::Invalid(giant)) = refusal else { panic!("giant metadata") };
                assert_eq!(giant.0.len(), 1, "{giant}");
                assert!(giant.0[0].contains("131072 are allowed"), "{giant}");
            }
            MetadataBehaviour::Hosts => {
                let Some(LoadError::Invalid(hosts)) = refusal else { panic!("too many hosts") };
                assert!(hosts.to_string().contains("hosts"), "{hosts}");
            }
            MetadataBehaviour::Lies => {
                let Some(LoadError::Invalid(faults)) = refusal else { panic!("{refusal:?}") };
                for expected in
                    ["`id`", "`name`", "`usages`", "`parameters-schema`", "`template-schema`", "https://*", "ftp://"]
                {
                    assert!(faults.0.iter().any(|fault| fault.contains(expected)), "{expected} is not named: {faults}");
                }
                assert_eq!(faults.0.len(), 7, "{faults}");
            }
        }
    }
}

#[tokio::test]
async fn a_start_function_is_under_the_same_limits() {
    let limits = Limits { cpu_ms: 50, ..Limits::default() };
    let cases = [
        ("(func $start (loop $l (br $l)))", Fault::Cpu { limit_ms: 50 }),
        ("(func $start (call $start))", Fault::Stack { limit_bytes: limits.stack_bytes }),
        ("(func $start (drop (memory.grow (i32.const 300))))", Fault::Memory { limit_bytes: limits.memory_bytes }),
        (
            "(table $t 1 funcref) (func $start (drop (table.grow $t (ref.null func) (i32.const 1000000))))",
            Fault::Table { limit: 20_000 },
        ),
    ];
    for (start, expected) in cases {
        let component = component::connector(&format!("{} {start} (start $start)", component::EXPORTS));
        assert_eq!(
            sandbox_fixture::refusal(&component, limits.clone()).await,
            LoadError::Metadata(expected),
            "{start}"
        );
    }
    let trap = component::connector(&format!("{} (func $start unreachable) (start $start)", component::EXPORTS));
    let refusal = sandbox_fixture::refusal(&trap, limits).await;
    assert!(matches!(refusal, LoadError::Metadata(Fault::Trap(_))), "{refusal:?}");
}

#[tokio::test]
async fn a_refused_connector_leaves_the_sandbox_working() {
    let fixture = SandboxFixture::with(SandboxFixtureConfig {
        limits: Limits { cpu_ms: 50, ..Limits::default() },
        ..SandboxFixtureConfig::default()
    })
    .await;
    use MetadataBehaviour::{Bomb, Calls, Lies, Loops, Traps};
    for behaviour in [Loops, Calls, Traps, Bomb, Lies] {
        assert!(fixture.sandbox.load(&hostile_metadata(behaviour)).await.is_err(), "{behaviour:?}");
    }
    fixture.expect_next_send_works("refused connectors").await;
}
