//! `sendbox connector push`: uploads a component, follows its check, shows what it may do, and releases it if asked.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use sendbox_domain::model::{ConnectorVersion, Difference, Progress, VersionDifference, VersionRole, VersionState};
use serde_json::json;

use super::client::{ApiResponse, ConnectorClient};
use super::labels;
use crate::exit::{CliError, Effect, Exit, RemoteError};
use crate::{render, runner};

/// How often the progress of the check is polled.
const POLL: Duration = Duration::from_millis(100);

#[derive(Args)]
pub struct PushArgs {
    /// The component, a .wasm file.
    file: PathBuf,

    /// After the check, start a canary with this percentage of the messages.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=99), conflicts_with = "activate")]
    canary: Option<u8>,

    /// After the check, activate the version.
    #[arg(long)]
    activate: bool,

    /// Approve what it may do beyond the active version, and its changed presentation.
    #[arg(long)]
    approve: bool,
}

/// Shows the progress of a check: a bar on a terminal, otherwise a line for each step.
enum ProgressReporter {
    Bar(ProgressBar),
    Lines { last: Option<Progress> },
    Silent,
}

impl ProgressReporter {
    fn new(json: bool) -> Self {
        if json {
            Self::Silent
        } else if std::io::stderr().is_terminal() {
            let style = ProgressStyle::with_template("{spinner} {bar:20} {pos}/{len} {msg}");
            let bar = ProgressBar::new(1).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(POLL);
            Self::Bar(bar)
        } else {
            Self::Lines { last: None }
        }
    }

    fn update(&mut self, at: &Progress) {
        match self {
            Self::Bar(bar) => {
                bar.set_length(u64::from(at.steps));
                bar.set_position(u64::from(at.step));
                bar.set_message(render::line(&at.activity));
            }
            Self::Lines { last } if last.as_ref() != Some(at) => {
                render::warn(&format!("{}/{} {}", at.step, at.steps, render::line(&at.activity)));
                *last = Some(at.clone());
            }
            Self::Lines { .. } | Self::Silent => {}
        }
    }

    fn end(self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// Runs the command.
pub async fn run(args: &PushArgs, client: &ConnectorClient) -> Result<Exit, CliError> {
    let component = runner::read(&args.file)?;
    let mut progress = ProgressReporter::new(client.json);
    progress.update(&Progress { step: 0, steps: 3, activity: "uploading".to_owned() });
    let mut version = client.upload(component).await?;
    let digest = version.parsed.digest.clone();
    while version.parsed.state == VersionState::Checking {
        if let Some(step) = &version.parsed.progress {
            progress.update(step);
        }
        tokio::time::sleep(POLL).await;
        version = client.uploaded(&digest).await?;
    }
    progress.end();
    let id = match (&version.parsed.state, &version.parsed.connector) {
        (VersionState::Ready, Some(id)) => id.clone(),
        _ => return Err(refused(&version.parsed, &args.file.display().to_string())),
    };
    // Read before the difference is shown: if somebody changes the release meanwhile, activation fails instead of surprising.
    let generation = client.release(&id).await?.parsed.generation;
    let mut version = client.version(&id, &digest).await?;
    if !client.json {
        render::print(&checked(&version.parsed, &id))?;
    }
    if let Some(difference) = version.parsed.difference.as_ref().filter(|difference| difference.needs_approval) {
        let confirm = difference.confirmation_token.clone();
        if !args.approve && !confirmed_on_terminal(client, difference)? {
            return Err(approval_needed(client, &id, &digest, difference));
        }
        version = client.approve(&id, &digest, &confirm).await?;
        if !client.json {
            render::print("Approved.\n")?;
        }
    }
    release(args, client, &id, version, generation).await
}

/// Starts a canary or activates the version, as the flags say.
async fn release(
    args: &PushArgs,
    client: &ConnectorClient,
    id: &str,
    version: ApiResponse<ConnectorVersion>,
    generation: u64,
) -> Result<Exit, CliError> {
    let digest = version.parsed.digest.clone();
    let is_active = version.parsed.role == Some(VersionRole::Active);
    let (mut raw, text) = match args.canary {
        _ if is_active => (json!({}), format!("It is the active version of {id}.\n")),
        Some(percent) => {
            let release = client.start_canary(id, &digest, percent, Some(generation)).await?;
            (json!({ "release": release.raw }), labels::release(&release.parsed))
        }
        None if args.activate => {
            let activated = client.activate(id, &digest, Some(generation)).await?;
            (activated.raw, labels::activated(&activated.parsed))
        }
        None => {
            let short = labels::short(&digest);
            let (canary, activate) = (
                client.command_line(&format!("canary {id} {short} 10")),
                client.command_line(&format!("activate {id} {short}")),
            );
            (json!({}), format!("It does not send yet. Next:\n  {canary}\n  {activate}\n"))
        }
    };
    if let Some(members) = raw.as_object_mut() {
        members.insert("version".to_owned(), version.raw);
    }
    client.print(&ApiResponse { raw, parsed: () }, || text)
}

fn checked(version: &ConnectorVersion, id: &str) -> String {
    let number = version.version.as_deref().unwrap_or("without a version");
    let mut text = format!(
        "Checked {} {}: {} ({})\n",
        render::line(id),
        render::line(number),
        version.digest,
        render::bytes(version.bytes)
    );
    if let Some(difference) = &version.difference {
        text.push_str(&labels::difference(difference));
    }
    text
}

/// Asks for approval on the terminal. `false` if there is none.
fn confirmed_on_terminal(client: &ConnectorClient, difference: &VersionDifference) -> Result<bool, CliError> {
    if client.json || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(false);
    }
    let changes = if difference.wider.len() == 1 { "change needs" } else { "changes need" };
    let question = format!("{} {changes} your approval (the lines with +). Approve? [y/N] ", difference.wider.len());
    let mut stderr = std::io::stderr().lock();
    stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush()).context("cannot write the question")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("cannot read the answer")?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn approval_needed(client: &ConnectorClient, id: &str, digest: &str, difference: &VersionDifference) -> CliError {
    let command = format!("approve {id} {} --confirm {}", labels::short(digest), difference.confirmation_token);
    let advice = format!("if you agree, run `{}`, or push again with --approve", client.command_line(&command));
    let remote = RemoteError::new("approval-required", "policy", Effect::Uploaded, &advice);
    // Without --json, the difference was printed just before.
    let wider = if client.json { format!(": {}", sentences(&difference.wider)) } else { String::new() };
    let text = format!("the version needs an approval before it sends{wider}");
    CliError::remote(Exit::Refused, anyhow!(text), remote)
}

fn sentences(lines: &[Difference]) -> String {
    lines.iter().map(|line| line.message.as_str()).collect::<Vec<_>>().join("; ")
}

fn refused(version: &ConnectorVersion, file: &str) -> CliError {
    let reason = version.refusal.as_deref().unwrap_or("the server gave no reason");
    let advice = "correct the connector, build it, and push it again";
    let remote = RemoteError::new("connector-refused", "connector", Effect::None, advice);
    CliError::remote(Exit::Refused, anyhow!("the server refused {file}: {reason}"), remote)
}
