//! `sendbox dev`: an author's loop. The sources are watched, built, swapped in and tried, on this machine alone.
//!
//! The service and the simulated providers run in this process, in a folder that is removed at the end. A version walks the
//! same way as at a platform: uploaded, checked, compared, approved, activated.

mod ground;
mod project;
mod round;
mod settings;
mod watch;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use self::ground::Ground;
use self::project::Project;
use self::round::Bench;
use self::settings::Settings;
use self::watch::Sources;
use crate::exit::{Exit, Stop};
use crate::render;
use crate::stage::NUMBER;

/// Build a connector, try it, and do it again whenever a source changes.
///
/// Nothing leaves this machine: hosts that are simulated or have a scripted answer are sent to; of others the request is shown.
#[derive(Args)]
#[command(after_help = "\
The configuration is that of `send`, and may script the provider's answers:
  {
    \"parameters\": { \"apiKey\": \"example-key\" },
    \"templates\": [{ \"usage\": \"generic\", \"content\": \"{{code}} is your code\" }],
    \"answers\": { \"api.example.com\": \"answers/accepted.json\" }
  }
  A file of `answers` is {\"status\", \"headers\", \"body\"}, and its path is relative to the configuration.

Examples:
  sendbox new acme-sms && cd acme-sms && sendbox dev
  sendbox dev ../acme-sms --to +4712345678
  sendbox dev --component build/acme.wasm    (another language, built by something else)
  sendbox dev --once                         (for CI: ends with the outcome, as `send` does)")]
pub struct DevArgs {
    /// The project: a folder with a Cargo.toml.
    #[arg(default_value = ".")]
    folder: PathBuf,

    /// A component that something else builds; it is watched instead of sources.
    #[arg(long, value_name = "FILE.wasm")]
    component: Option<PathBuf>,

    /// Parameters, templates and scripted answers [default: dev.json in the project].
    #[arg(long, value_name = "FILE.json")]
    config: Option<PathBuf>,

    /// Whom the test message is for.
    #[arg(long, value_name = "+NUMBER", default_value = NUMBER, allow_hyphen_values = true)]
    to: String,

    /// The port of the API on 127.0.0.1 [default: any free one].
    #[arg(long)]
    port: Option<u16>,

    /// Build and try once, and end with the outcome.
    #[arg(long)]
    once: bool,
}

/// Why a round of rounds ended.
enum Ended {
    /// Ctrl-C.
    Told,
    /// The scripted answers are other ones now, and the providers must be started anew.
    Anew,
    /// `--once`.
    Done(Exit),
}

/// Runs the command.
pub async fn run(args: &DevArgs) -> Result<Exit, Stop> {
    // Before anything is written, so that nothing stays behind.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let project = Project::of(&args.folder, args.component.as_deref())?;
    let config = args.config.clone().unwrap_or_else(|| args.folder.join("dev.json"));
    let mut settings = Settings::read(&config)?;
    let folder = tempfile::Builder::new().prefix("sendbox-dev-").tempdir().context("cannot make a temporary folder")?;
    // From here on, so that no change is missed while something is built.
    let mut sources = if args.once { None } else { Some(Sources::of(&project, &config, &settings)?) };
    loop {
        let ground = tokio::select! {
            _ = interrupt.recv() => return Ok(Exit::Success),
            _ = terminate.recv() => return Ok(Exit::Success),
            ground = Ground::open(folder.path(), &settings, args.port) => ground?,
        };
        if !args.once {
            render::print(&ground.greeting())?;
        }
        let ended = tokio::select! {
            _ = interrupt.recv() => Ok(Ended::Told),
            _ = terminate.recv() => Ok(Ended::Told),
            ended = rounds(args, &project, &config, &mut settings, sources.as_mut(), &ground) => ended,
        };
        ground.close().await?;
        match ended? {
            Ended::Told => return Ok(Exit::Success),
            Ended::Done(exit) => return Ok(exit),
            Ended::Anew => render::print("The scripted answers have changed: the providers are started anew.\n")?,
        }
    }
}

/// Builds, swaps and tries: once, or at every change.
async fn rounds(
    args: &DevArgs,
    project: &Project,
    config: &std::path::Path,
    settings: &mut Settings,
    mut sources: Option<&mut Sources>,
    ground: &Ground,
) -> Result<Ended, Stop> {
    let mut bench = Bench::new(ground, &args.to);
    loop {
        let done = match project.component().await {
            Ok(component) => bench.round(&component, settings).await,
            Err(stop) => Err(stop),
        };
        let Some(sources) = sources.as_deref_mut() else { return done.map(Ended::Done) };
        if let Err(stop) = done {
            stop.report(false);
            render::warn(bench.what_stays());
        }
        loop {
            render::print("Watching. Ctrl-C ends, and removes everything but the project.\n")?;
            sources.changed().await?;
            match Settings::read(config) {
                Ok(now) => {
                    let is_anew = now.answers != settings.answers;
                    *settings = now;
                    sources.watch_answers(config, settings)?;
                    if is_anew {
                        return Ok(Ended::Anew);
                    }
                    break;
                }
                Err(stop) => {
                    stop.report(false);
                }
            }
        }
    }
}
