//! `sendbox dev`: the development loop of a connector's author. Watches the sources, builds them, activates the result and
//! sends a test message, all on this machine.
//!
//! The service and the simulated providers run in this process, with a data folder that is removed at the end. A version takes
//! the same steps as in production: upload, check, comparison, approval, activation.

mod environment;
mod project;
mod round;
mod settings;
mod watch;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use self::environment::DevEnvironment;
use self::project::Project;
use self::round::DevSession;
use self::settings::Settings;
use self::watch::Sources;
use crate::exit::{CliError, Exit};
use crate::render;
use crate::simulator_setup::NUMBER;
use crate::stop_signals::StopSignals;

/// Build and try a connector whenever a source changes.
///
/// Nothing leaves this machine. Requests go to simulated hosts and to hosts with a scripted response; a request to any other host
/// is only shown.
#[derive(Args)]
#[command(after_help = "\
The configuration is that of `send`, and may script the provider's responses:
  {
    \"parameters\": { \"apiKey\": \"example-key\" },
    \"templates\": [{ \"usage\": \"generic\", \"content\": \"{{code}} is your code\" }],
    \"answers\": { \"api.example.com\": \"answers/accepted.json\" }
  }
  A file in `answers` contains {\"status\", \"headers\", \"body\"}. Its path is relative to the configuration.

Examples:
  sendbox new acme-sms && cd acme-sms && sendbox dev
  sendbox dev ../acme-sms --to +4712345678
  sendbox dev --component build/acme.wasm    (built by another tool, in any language)
  sendbox dev --once                         (for CI: exits with the outcome, like `send`)")]
pub struct DevArgs {
    /// The project folder, which contains a Cargo.toml.
    #[arg(default_value = ".")]
    folder: PathBuf,

    /// Watch a component that another tool builds, instead of building sources.
    #[arg(long, value_name = "FILE.wasm")]
    component: Option<PathBuf>,

    /// The configuration: parameters, templates and scripted responses [default: dev.json in the project folder].
    #[arg(long, value_name = "FILE.json")]
    config: Option<PathBuf>,

    /// The recipient of the test message.
    #[arg(long, value_name = "+NUMBER", default_value = NUMBER, allow_hyphen_values = true)]
    to: String,

    /// The port of the API on 127.0.0.1 [default: any free one].
    #[arg(long)]
    port: Option<u16>,

    /// Build and try once, and exit with the outcome.
    #[arg(long)]
    once: bool,
}

/// Why the loop ended.
enum LoopEnd {
    /// A signal to stop.
    Interrupted,
    /// The scripted responses changed: the simulator must be restarted with them.
    ResponsesChanged,
    /// `--once`: the outcome of the only round.
    Done(Exit),
}

/// Runs the command.
pub async fn run(args: &DevArgs) -> Result<Exit, CliError> {
    // Before any file is written, so that all of them are removed.
    let mut signals = StopSignals::new()?;
    let project = Project::of(&args.folder, args.component.as_deref())?;
    let config = args.config.clone().unwrap_or_else(|| args.folder.join("dev.json"));
    let mut settings = Settings::read(&config)?;
    let folder =
        tempfile::Builder::new().prefix("sendbox-dev-").tempdir().context("cannot create a temporary folder")?;
    // Before the first build, so that no change is missed during it.
    let mut sources = if args.once { None } else { Some(Sources::of(&project, &config, &settings)?) };
    loop {
        let environment = tokio::select! {
            _ = signals.recv() => return Ok(Exit::Success),
            environment = DevEnvironment::start(folder.path(), &settings, args.port) => environment?,
        };
        if !args.once {
            render::print(&environment.greeting())?;
        }
        let end = tokio::select! {
            _ = signals.recv() => Ok(LoopEnd::Interrupted),
            end = run_rounds(args, &project, &config, &mut settings, sources.as_mut(), &environment) => end,
        };
        environment.stop().await?;
        match end? {
            LoopEnd::Interrupted => return Ok(Exit::Success),
            LoopEnd::Done(exit) => return Ok(exit),
            LoopEnd::ResponsesChanged => {
                render::print("The scripted responses changed. Restarting the simulated providers.\n")?;
            }
        }
    }
}

/// Runs a round once, or at every change.
async fn run_rounds(
    args: &DevArgs,
    project: &Project,
    config: &std::path::Path,
    settings: &mut Settings,
    mut sources: Option<&mut Sources>,
    environment: &DevEnvironment,
) -> Result<LoopEnd, CliError> {
    let mut session = DevSession::new(environment, &args.to);
    loop {
        let result = match project.component().await {
            Ok(component) => session.run_round(&component, settings).await,
            Err(error) => Err(error),
        };
        let Some(sources) = sources.as_deref_mut() else { return result.map(LoopEnd::Done) };
        if let Err(error) = result {
            error.report(false);
            render::warn(session.state_after_failure());
        }
        loop {
            render::print("Watching for changes. Ctrl-C stops, and removes everything except the project.\n")?;
            sources.changed().await?;
            match Settings::read(config) {
                Ok(changed) => {
                    let responses_changed = changed.answers != settings.answers;
                    *settings = changed;
                    sources.watch_answers(config, settings)?;
                    if responses_changed {
                        return Ok(LoopEnd::ResponsesChanged);
                    }
                    break;
                }
                Err(error) => {
                    error.report(false);
                }
            }
        }
    }
}
