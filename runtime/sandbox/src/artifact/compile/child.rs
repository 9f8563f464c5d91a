//! The child's side: gives up what it may not have, reads one order, answers, ends.
//!
//! It runs before anything else of its program: no runtime, no TLS, no configuration, no environment. The engine is built
//! first, from constants; then the process confines itself; only then does it read a byte of what somebody else wrote. All
//! work is on the one thread that there is.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use wasmtime::{Engine, OutOfMemory};

use super::confine::confine;
use super::wire::{Frame, Received};
use crate::artifact::error::ArtifactError;
use crate::artifact::shape;
use crate::engine::{compiling_engine, fingerprint};

/// What a program that a [`ChildCompiler`](crate::ChildCompiler) names does, and nothing else: compiles the component that
/// comes by stdin, under limits that it takes on itself, and answers on stdout. Call it first thing, on the main thread.
///
/// `arguments` are those that follow the [`ChildCompiler`](crate::ChildCompiler)'s own.
pub fn compile_child(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut answers = io::stdout().lock();
    let last = match prepare(arguments) {
        Ok((engine, bounds)) => work(&engine, bounds, &mut answers),
        Err(reason) => Err(Last::Unable(reason)),
    };
    let written = match &last {
        Ok(code) => Frame::Code.write(&mut answers, &[code.engine.as_bytes(), &code.bytes]),
        Err(Last::Refused(error)) => match serde_json::to_vec(error) {
            Ok(json) => Frame::Refused.write(&mut answers, &[&json]),
            Err(error) => Frame::Unable.write(&mut answers, &[error.to_string().as_bytes()]),
        },
        Err(Last::Unable(reason)) => Frame::Unable.write(&mut answers, &[reason.as_bytes()]),
    };
    // A parent that has gone away needs no answer.
    if written.and_then(|()| answers.flush()).is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The last frame when there is no code.
enum Last {
    Refused(ArtifactError),
    Unable(String),
}

struct Code {
    engine: String,
    bytes: Vec<u8>,
}

/// The limits of this process, as arguments.
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

fn work(engine: &Engine, bounds: Bounds, answers: &mut impl io::Write) -> Result<Code, Last> {
    let over_memory = || Last::Refused(ArtifactError::CompileMemory { limit_bytes: bounds.memory_bytes });
    let (order, component) = Received::read(&mut io::stdin().lock()).map_err(|error| match error.kind() {
        io::ErrorKind::OutOfMemory => over_memory(),
        _ => Last::Unable(error.to_string()),
    })?;
    let own = fingerprint(engine);
    if order.engine != own {
        return Err(Last::Unable("its engine is another one than that of its parent".into()));
    }
    let crashed = |_| Last::Refused(ArtifactError::Compile("the compiler crashed".into()));
    let shape = catch_unwind(AssertUnwindSafe(|| shape::read(&component, &order.limits)))
        .map_err(crashed)?
        .map_err(Last::Refused)?;
    serde_json::to_vec(&shape)
        .map_err(io::Error::from)
        .and_then(|json| Frame::Shape.write(answers, &[&json]))
        .map_err(|error| Last::Unable(error.to_string()))?;
    let bytes = catch_unwind(AssertUnwindSafe(|| engine.precompile_component(&component))).map_err(crashed)?.map_err(
        |error| match error.downcast_ref::<OutOfMemory>() {
            Some(_) => over_memory(),
            None => Last::Refused(ArtifactError::does_not_compile(&error)),
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
