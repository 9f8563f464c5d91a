//! The `sendbox` command.
//!
//! Parses the command line, calls the crates that hold the rules, and prints results on stdout and errors and warnings on
//! stderr. Scripts can rely on the exit code ([`exit::Exit`]).
//!
//! Must not hold rules: what a valid number is, what may be sent and which template applies is decided in `sendbox-service`,
//! `sendbox-policy` and `sendbox-sandbox`.

mod connection;
mod connector;
mod demo;
mod dev;
mod development;
mod events;
mod exit;
mod hard_stop;
mod ingress;
mod inspect;
mod instance;
mod listen;
mod memory_protection;
mod new;
mod phone;
mod remote;
mod render;
mod runner;
mod send;
mod serve;
mod simulate;
mod simulator_setup;
mod stop_signals;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use self::exit::{CliError, Exit};

/// A send makes a thousand small allocations and moves between threads, for which the system's allocator takes many locks.
/// `cargo bench --bench send` uses a third less CPU with this one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Send one-time passwords by SMS through sandboxed connectors.
///
/// A connector is a WebAssembly component that passes a message to a provider. It never sees the number, the code, the text
/// or a credential, and reaches only the hosts that it declares.
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
    Ingress(Box<ingress::IngressArgs>),
    Events(Box<events::EventsArgs>),
    Listen(Box<listen::ListenArgs>),
    /// Compiles one connector in a confined process. The other commands start it.
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
            Self::Ingress(args) => args.json,
            Self::Events(args) => args.json,
            Self::Listen(args) => args.json,
            Self::Serve(_) | Self::Demo(_) | Self::New(_) | Self::Dev(_) | Self::Compile { .. } => false,
        }
    }

    async fn run(&self) -> Result<Exit, CliError> {
        match self {
            Self::Serve(args) => serve::run(args).await,
            Self::Send(args) => send::run(args).await,
            Self::Inspect(args) => inspect::run(args).await,
            Self::Simulate(args) => simulate::run(args).await,
            Self::Demo(args) => demo::run(args).await,
            Self::New(args) => new::run(args),
            Self::Dev(args) => dev::run(args).await,
            Self::Connector(args) => connector::run(args).await,
            Self::Ingress(args) => ingress::run(args).await,
            Self::Events(args) => events::run(args).await,
            Self::Listen(args) => listen::run(args).await,
            // Handled in `main`, before the runtime starts.
            Self::Compile { .. } => Ok(Exit::Internal),
        }
    }
}

/// What is wrong with the command line, without how the command is used.
fn sentence(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().take_while(|line| !line.starts_with("Usage:"));
    let text = lines.map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    text.strip_prefix("error: ").unwrap_or(&text).to_owned()
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // The texts of `--help` and `--version` are not errors.
        Err(error) if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") => {
            return CliError::usage(anyhow::anyhow!(sentence(&error))).report(true).into();
        }
        Err(error) => error.exit(),
    };
    if let Command::Compile { arguments } = cli.command {
        // It confines itself first, so nothing else may run before: no runtime, no TLS.
        return sendbox_sandbox::compile_child(arguments);
    }
    // One cryptography provider for the whole process. An error means that it is already installed.
    rustls::crypto::ring::default_provider().install_default().ok();
    let json = cli.command.json();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(cli.command.run());
            // Blocking threads are not waited for: their time limit has passed.
            runtime.shutdown_timeout(Duration::from_millis(200));
            result
        }
        Err(error) => Err(CliError::from(error)),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => error.report(json).into(),
    }
}
