//! The child process: gives up its privileges, reads one order, answers, and exits.
//!
//! It runs before anything else of its program: there is no runtime, no TLS, no configuration and no environment. It first builds
//! the engine from constants, then confines itself, and only then reads untrusted bytes. All work is done on the only thread.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use wasmtime::{Engine, OutOfMemory};

use super::confine::confine;
use super::wire::{Frame, ReceivedOrder};
use crate::artifact::error::ArtifactError;
use crate::artifact::shape;
use crate::engine::{compiling_engine, fingerprint};

/// The main function of the program that a [`ChildCompiler`](crate::ChildCompiler) names: compiles the component on stdin under
/// limits that it sets for itself, and answers on stdout. Call it first, on the main thread.
///
/// `arguments` are those that follow the [`ChildCompiler`](crate::ChildCompiler)'s own.
pub fn compile_child(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut answers = io::stdout().lock();
    let last = match prepare(arguments) {
        Ok((engine, bounds)) => work(&engine, bounds, &mut answers),
        Err(reason) => Err(ChildError::Unable(reason)),
    };
    let written = match &last {
        Ok(code) => Frame::Code.write(&mut answers, &[code.engine.as_bytes(), &code.bytes]),
        Err(ChildError::Refused(error)) => match serde_json::to_vec(error) {
            Ok(json) => Frame::Refused.write(&mut answers, &[&json]),
            Err(error) => Frame::Unable.write(&mut answers, &[error.to_string().as_bytes()]),
        },
        Err(ChildError::Unable(reason)) => Frame::Unable.write(&mut answers, &[reason.as_bytes()]),
    };
    // If the parent has gone away, nobody needs the answer.
    if written.and_then(|()| answers.flush()).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The last frame if there is no code.
enum ChildError {
    Refused(ArtifactError),
    Unable(String),
}

struct Code {
    engine: String,
    bytes: Vec<u8>,
}

/// The limits of this process, which are passed as arguments.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) memory_bytes: u64,
    pub(super) cpu_seconds: u64,
}

impl Bounds {
    pub(super) fn arguments(self) -> [String; 2] {
        [self.memory_bytes.to_string(), self.cpu_seconds.to_string()]
    }

    fn read(arguments: impl IntoIterator<Item = OsString>) -> Option<Self> {
        let mut numbers = arguments.into_iter().map(|argument| argument.to_str()?.parse().ok());
        let bounds = Self { memory_bytes: numbers.next()??, cpu_seconds: numbers.next()?? };
        numbers.next().is_none().then_some(bounds)
    }
}

fn prepare(arguments: impl IntoIterator<Item = OsString>) -> Result<(Engine, Bounds), String> {
    let bounds = Bounds::read(arguments)
        .ok_or("this part of the program is started by `sendbox` itself, with bytes of memory and seconds of CPU")?;
    let engine = compiling_engine().map_err(|error| format!("{error:#}"))?;
    confine(bounds.memory_bytes, bounds.cpu_seconds).map_err(|error| error.to_string())?;
    Ok((engine, bounds))
}

fn work(engine: &Engine, bounds: Bounds, answers: &mut impl io::Write) -> Result<Code, ChildError> {
    let over_memory = || ChildError::Refused(ArtifactError::CompileMemory { limit_bytes: bounds.memory_bytes });
    let (order, component) = ReceivedOrder::read(&mut io::stdin().lock()).map_err(|error| match error.kind() {
        io::ErrorKind::OutOfMemory => over_memory(),
        _ => ChildError::Unable(error.to_string()),
    })?;
    let own = fingerprint(engine);
    if order.engine != own {
        return Err(ChildError::Unable("its engine is another one than that of its parent".into()));
    }
    let crashed = |_| ChildError::Refused(ArtifactError::Compile("the compiler crashed".into()));
    let shape = catch_unwind(AssertUnwindSafe(|| shape::read(&component, &order.limits)))
        .map_err(crashed)?
        .map_err(ChildError::Refused)?;
    serde_json::to_vec(&shape)
        .map_err(io::Error::from)
        .and_then(|json| Frame::Shape.write(answers, &[&json]))
        .map_err(|error| ChildError::Unable(error.to_string()))?;
    let bytes = catch_unwind(AssertUnwindSafe(|| engine.precompile_component(&component))).map_err(crashed)?.map_err(
        |error| match error.downcast_ref::<OutOfMemory>() {
            Some(_) => over_memory(),
            None => ChildError::Refused(ArtifactError::does_not_compile(&error)),
        },
    )?;
    Ok(Code { engine: own, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_survive_the_command_line() {
        let read = |arguments: &[&str]| Bounds::read(arguments.iter().map(OsString::from));
        let sent = Bounds { memory_bytes: 1 << 40, cpu_seconds: 7 }.arguments();
        let bounds = read(&[&sent[0], &sent[1]]).unwrap();
        assert_eq!((bounds.memory_bytes, bounds.cpu_seconds), (1 << 40, 7));
        for wrong in [&[][..], &["1"], &["1", "2", "3"], &["one", "2"], &["-1", "2"], &["1", ""]] {
            assert!(read(wrong).is_none(), "{wrong:?}");
        }
    }
}
