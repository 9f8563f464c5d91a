//! The parent process: runs one child per file, and determines how it ended.
//!
//! It trusts nothing: lengths are checked before anything is stored, the child is killed at the first invalid byte, and its exit is
//! awaited, so that no child outlives its slot.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use sendbox_contract::Shape;
use sendbox_contract::text::one_line;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::child::Bounds;
use super::own_code::OwnCode;
use super::progress::{LoadStep, Progress};
use super::settings::{ChildCompiler, CompileLimits};
use super::wire::{FINGERPRINT_BYTES, Frame, MAX_FRAME_BYTES, Order};
use crate::artifact::error::ArtifactError;

/// How often a file is compiled if its child is killed by others.
const TRIES: u32 = 3;
/// Maximum size of stderr that is kept for errors that quote it, in bytes. The rest is read and discarded.
const KEPT_STDERR: u64 = 4 << 10;

/// Signals that a program causes itself. All others come from outside.
const SELF_INFLICTED: [Signal; 7] =
    [Signal::ABORT, Signal::SEGV, Signal::BUS, Signal::ILL, Signal::FPE, Signal::SYS, Signal::TRAP];

/// Compiles one file.
pub(super) async fn compile(
    compiler: &ChildCompiler,
    order: &Order<'_>,
    component: &Arc<[u8]>,
    progress: Progress<'_>,
) -> Result<(Shape, OwnCode), ArtifactError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match once(compiler, order, component, progress).await {
            Err(CompileFailure::Killed(_)) if tries < TRIES => {}
            Err(CompileFailure::Killed(signal)) => return Err(ArtifactError::CompilerKilled { signal, tries }),
            Err(CompileFailure::Error(error)) => return Err(error),
            Ok(made) => return Ok(made),
        }
    }
}

/// How a child ended without a result.
enum CompileFailure {
    /// By a signal from outside, so another child may succeed.
    Killed(i32),
    Error(ArtifactError),
}

impl From<ArtifactError> for CompileFailure {
    fn from(error: ArtifactError) -> Self {
        Self::Error(error)
    }
}

async fn once(
    compiler: &ChildCompiler,
    order: &Order<'_>,
    component: &Arc<[u8]>,
    progress: Progress<'_>,
) -> Result<(Shape, OwnCode), CompileFailure> {
    let limits = &compiler.limits;
    let unavailable = |error: std::io::Error| ArtifactError::CompilerUnavailable(error.to_string());
    let head = order.head(component.len()).map_err(unavailable)?;
    let mut child = spawn(compiler)
        .map_err(|error| ArtifactError::CompilerUnavailable(format!("{}: {error}", compiler.program.display())))?;
    let wall = Duration::from_millis(limits.wall_ms);
    let talked = tokio::time::timeout(wall, talk(&mut child, head, component, limits, order, progress)).await;
    // The child is killed and reaped before its answer is used. If it has already exited, this does nothing.
    child.start_kill().ok();
    child.wait().await.ok();
    talked.map_err(|_| ArtifactError::CompileTime { limit_ms: limits.wall_ms })?
}

fn spawn(compiler: &ChildCompiler) -> std::io::Result<Child> {
    let bounds = Bounds { memory_bytes: compiler.limits.memory_bytes, cpu_seconds: compiler.limits.cpu_seconds };
    Command::new(&compiler.program)
        .args(&compiler.arguments)
        .args(bounds.arguments())
        .env_clear()
        .envs(compiler.environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C in a terminal is meant for the parent, which decides what happens to the child.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// Sends the order, reads the answer, and waits for the exit.
async fn talk(
    child: &mut Child,
    head: Vec<u8>,
    component: &Arc<[u8]>,
    limits: &CompileLimits,
    order: &Order<'_>,
    progress: Progress<'_>,
) -> Result<(Shape, OwnCode), CompileFailure> {
    let (Some(mut orders), Some(mut answers), Some(mut complaints)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(ArtifactError::CompilerUnavailable("it has no pipes".into()).into());
    };
    let giving = async {
        // A child that exits early breaks the pipe. Its exit status says why.
        if orders.write_all(&head).await.is_ok() {
            orders.write_all(component).await.ok();
        }
        drop(orders);
        Ok(())
    };
    let noting = async {
        let mut kept = Vec::new();
        (&mut complaints).take(KEPT_STDERR).read_to_end(&mut kept).await.ok();
        tokio::io::copy(&mut complaints, &mut tokio::io::sink()).await.ok();
        Ok(String::from_utf8_lossy(&kept).into_owned())
    };
    // Invalid data ends the exchange at once.
    let (heard, (), complaint) = tokio::try_join!(hear(&mut answers, limits, order, progress), giving, noting)?;
    let status = child.wait().await.map_err(|error| ArtifactError::CompilerUnavailable(error.to_string()))?;
    match heard {
        Some(answer) if status.success() => answer.map_err(CompileFailure::from),
        _ => Err(end(status, &complaint, limits)),
    }
}

/// Reads the last frame of a child; `None` if it exits before. After an error, the child is not needed any more.
async fn hear(
    answers: &mut (impl AsyncRead + Unpin),
    limits: &CompileLimits,
    order: &Order<'_>,
    progress: Progress<'_>,
) -> Result<Option<Result<(Shape, OwnCode), ArtifactError>>, ArtifactError> {
    let nonsense = |what: &str| ArtifactError::CompilerAnswer(what.to_owned());
    let mut shape: Option<Shape> = None;
    let last = loop {
        let Ok(tag) = answers.read_u8().await else { return Ok(None) };
        let frame = Frame::of(tag).ok_or_else(|| nonsense("it begins with no known word"))?;
        let Ok(length) = answers.read_u64_le().await else { return Ok(None) };
        if frame == Frame::Code {
            let most = (limits.output_bytes + FINGERPRINT_BYTES) as u64;
            if length > most {
                return Err(ArtifactError::CompiledSize { limit_bytes: limits.output_bytes });
            }
        } else if length > MAX_FRAME_BYTES {
            return Err(nonsense("it has too much to say"));
        }
        let mut payload = Vec::new();
        match answers.take(length).read_to_end(&mut payload).await {
            Ok(read) if read as u64 == length => {}
            _ => return Ok(None),
        }
        match frame {
            Frame::Shape if shape.is_none() => {
                let read = serde_json::from_slice(&payload).map_err(|_| nonsense("it describes no shape"))?;
                shape = Some(read);
                progress(LoadStep::Compiling);
            }
            Frame::Shape => return Err(nonsense("it describes the shape twice")),
            Frame::Code => {
                let shape = shape.take().ok_or_else(|| nonsense("it describes no shape"))?;
                if payload.get(..FINGERPRINT_BYTES) != Some(order.engine.as_bytes()) {
                    return Err(nonsense("its code is for another engine"));
                }
                payload.drain(..FINGERPRINT_BYTES);
                break Ok((shape, OwnCode::from_child(payload)));
            }
            Frame::Refused => {
                break Err(serde_json::from_slice(&payload).map_err(|_| nonsense("it gives no known reason"))?);
            }
            Frame::Unable => {
                let reason = one_line(&String::from_utf8_lossy(&payload), 500);
                break Err(ArtifactError::CompilerUnavailable(reason));
            }
        }
    };
    match answers.read_u8().await {
        Err(_) => Ok(Some(last)),
        Ok(_) => Err(nonsense("it goes on after its last word")),
    }
}

/// Whose fault it is that there was no last frame.
fn end(status: ExitStatus, complaint: &str, limits: &CompileLimits) -> CompileFailure {
    let Some(signal) = status.signal() else {
        let complaint = one_line(complaint.trim(), 300);
        return ArtifactError::CompilerAnswer(format!("it ended with {status}: {complaint}")).into();
    };
    if signal == Signal::XCPU.as_raw() {
        return ArtifactError::CompileCpu { limit_seconds: limits.cpu_seconds }.into();
    }
    if !SELF_INFLICTED.iter().any(|own| own.as_raw() == signal) {
        return CompileFailure::Killed(signal);
    }
    // Rust's standard library prints this before it aborts for lack of memory. The file has no influence on this text.
    if complaint.contains("memory allocation of") {
        return ArtifactError::CompileMemory { limit_bytes: limits.memory_bytes }.into();
    }
    ArtifactError::CompilerCrashed { signal }.into()
}

#[cfg(test)]
mod tests {
    use sendbox_policy::Limits;

    use super::*;

    const ENGINE: &str = "0123456789abcdef";

    fn frame(frame: Frame, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        frame.write(&mut bytes, &[payload]).unwrap();
        bytes
    }

    fn shape() -> Vec<u8> {
        frame(Frame::Shape, &serde_json::to_vec(&Shape { bytes: 7, ..Shape::default() }).unwrap())
    }

    fn code(engine: &str, code: &[u8]) -> Vec<u8> {
        frame(Frame::Code, &[engine.as_bytes(), code].concat())
    }

    async fn heard(bytes: &[u8]) -> Result<Option<Result<(Shape, OwnCode), ArtifactError>>, ArtifactError> {
        let limits = CompileLimits { output_bytes: 100, ..CompileLimits::default() };
        let order = Order { limits: &Limits::default(), engine: ENGINE.into() };
        hear(&mut &bytes[..], &limits, &order, &|_| {}).await
    }

    #[tokio::test]
    async fn a_whole_answer_is_taken() {
        let (shape, code) = heard(&[shape(), code(ENGINE, b"code")].concat()).await.unwrap().unwrap().unwrap();
        assert_eq!((shape.bytes, code.bytes()), (7, b"code".as_slice()));
        let error = ArtifactError::Shape { what: "functions".into(), count: 2, limit: 1 };
        let said = heard(&frame(Frame::Refused, &serde_json::to_vec(&error).unwrap())).await.unwrap().unwrap();
        assert_eq!(said.err(), Some(error));
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_off_anywhere_is_none() {
        let whole = [shape(), code(ENGINE, b"code")].concat();
        for length in 0..whole.len() {
            assert!(heard(&whole[..length]).await.unwrap().is_none(), "cut at {length}");
        }
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_refused_at_once() {
        let huge = [&b"c"[..], &u64::MAX.to_le_bytes()].concat();
        assert!(matches!(heard(&huge).await, Err(ArtifactError::CompiledSize { limit_bytes: 100 })));
        let over = [shape(), code(ENGINE, &[0; 101])].concat();
        assert!(matches!(heard(&over).await, Err(ArtifactError::CompiledSize { .. })));
        let fits = [shape(), code(ENGINE, &[0; 100])].concat();
        assert!(matches!(heard(&fits).await, Ok(Some(Ok(_)))));
        for (what, bytes) in [
            ("garbage", b"HTTP/1.1 200 OK".to_vec()),
            ("a giant reason", [&b"u"[..], &u64::MAX.to_le_bytes()].concat()),
            ("no shape", code(ENGINE, b"code")),
            ("a broken shape", [frame(Frame::Shape, b"{"), code(ENGINE, b"code")].concat()),
            ("two shapes", [shape(), shape()].concat()),
            ("code for another engine", [shape(), code("fedcba9876543210", b"code")].concat()),
            ("code without an engine", [shape(), frame(Frame::Code, b"code")].concat()),
            ("an unknown reason", frame(Frame::Refused, b"{\"Nonsense\":1}")),
            ("more behind it", [shape(), code(ENGINE, b"code"), vec![0]].concat()),
        ] {
            assert!(matches!(heard(&bytes).await, Err(ArtifactError::CompilerAnswer(_))), "{what}");
        }
    }

    #[test]
    fn an_end_says_whose_fault_it_was() {
        let limits = CompileLimits::default();
        let of = |raw: i32, complaint: &str| match end(ExitStatus::from_raw(raw), complaint, &limits) {
            CompileFailure::Killed(signal) => Err(signal),
            CompileFailure::Error(error) => Ok(error.is_caused_by_file()),
        };
        assert_eq!(of(Signal::XCPU.as_raw(), ""), Ok(true));
        assert_eq!(of(Signal::SEGV.as_raw(), ""), Ok(true));
        assert_eq!(of(Signal::ABORT.as_raw(), "memory allocation of 5 bytes failed"), Ok(true));
        assert_eq!(of(1 << 8, "no such library"), Ok(false));
        for signal in [Signal::KILL, Signal::TERM, Signal::HUP, Signal::INT] {
            assert_eq!(of(signal.as_raw(), ""), Err(signal.as_raw()));
        }
    }
}
