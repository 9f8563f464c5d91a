//! The `sendbox` command.
//!
//! Reads what was typed, calls the crates that hold the rules, and prints what came of it: results on stdout, errors and
//! warnings on stderr, and an exit code that a script can rely on ([`exit::Exit`]).
//!
//! Must not hold rules: what a number is, what may leave, which template is meant is decided in `sendbox-service`,
//! `sendbox-policy` and `sendbox-sandbox`.

mod connection;
mod connector;
mod demo;
mod dev;
mod development;
mod exit;
mod hard_stop;
mod house;
mod inspect;
mod new;
mod phone;
mod remote;
mod render;
mod runner;
mod send;
mod serve;
mod simulate;
mod stage;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use self::exit::{Exit, Stop};

/// A send makes a thousand small allocations and is passed between threads; the system's allocator takes a lock for many of them
/// (`cargo bench --bench send`: a third less CPU with this one).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sends one-time passwords by SMS through sandboxed connectors.
///
/// A connector is a WebAssembly component that hands a message to a provider. It never sees the number, the code, the
/// text or a credential, and reaches only the hosts that it names.
#[derive(Parser)]
#[command(name = "sendbox", version, arg_required_else_help = true, after_help = exit::HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(Box<serve::ServeArgs>),
    Send(Box<send::SendArgs>),
    Inspect(inspect::InspectArgs),
    Simulate(simulate::SimulateArgs),
    Demo(demo::DemoArgs),
    New(new::NewArgs),
    Dev(dev::DevArgs),
    Connector(Box<connector::ConnectorArgs>),
    /// Compiles one connector, confined. Started by the other commands.
    #[command(name = runner::COMPILE, hide = true)]
    Compile {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

impl Command {
    /// Whether errors are JSON on stdout too.
    fn json(&self) -> bool {
        match self {
            Self::Send(args) => args.json,
            Self::Inspect(args) => args.json,
            Self::Simulate(args) => args.json,
            Self::Connector(args) => args.json,
            Self::Serve(_) | Self::Demo(_) | Self::New(_) | Self::Dev(_) | Self::Compile { .. } => false,
        }
    }

    async fn run(&self) -> Result<Exit, Stop> {
        match self {
            Self::Serve(args) => serve::run(args).await,
            Self::Send(args) => send::run(args).await,
            Self::Inspect(args) => inspect::run(args).await,
            Self::Simulate(args) => simulate::run(args).await,
            Self::Demo(args) => demo::run(args).await,
            Self::New(args) => new::run(args),
            Self::Dev(args) => dev::run(args).await,
            Self::Connector(args) => connector::run(args).await,
            // `main` has taken it before there was a runtime.
            Self::Compile { .. } => Ok(Exit::Internal),
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Compile { arguments } = cli.command {
        // It confines itself, and what runs before that must be next to nothing: no runtime, no TLS.
        return sendbox_sandbox::compile_child(arguments);
    }
    // One cryptography for the whole process. An error means that it is there already.
    rustls::crypto::ring::default_provider().install_default().ok();
    let json = cli.command.json();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(cli.command.run());
            // What still runs on a thread that may block is not waited for: it has had its time.
            runtime.shutdown_timeout(Duration::from_millis(200));
            result
        }
        Err(error) => Err(Stop::from(error)),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(stop) => stop.report(json).into(),
    }
}
