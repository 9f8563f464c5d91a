//! `sendbox connector push`: a file goes up, its check is followed, and what it may do is said before it may do it.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use sendbox_service::model::{ConnectorVersion, DifferenceLine, Progress, Standing, VersionDifference, VersionState};
use serde_json::json;

use super::desk::{Desk, Said};
use super::{PushArgs, words};
use crate::exit::{Exit, Stop, Told};
use crate::{render, runner};

/// How often the server is asked how far it is.
const POLL: Duration = Duration::from_millis(100);

/// Shows the steps of a check: as a bar on a terminal, as a line for each step elsewhere.
enum Steps {
    Bar(ProgressBar),
    Lines { told: Option<Progress> },
    Silent,
}

impl Steps {
    fn new(json: bool) -> Self {
        if json {
            Self::Silent
        } else if std::io::stderr().is_terminal() {
            let style = ProgressStyle::with_template("{spinner} {bar:20} {pos}/{len} {msg}");
            let bar = ProgressBar::new(1).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(POLL);
            Self::Bar(bar)
        } else {
            Self::Lines { told: None }
        }
    }

    fn tell(&mut self, at: &Progress) {
        match self {
            Self::Bar(bar) => {
                bar.set_length(u64::from(at.steps));
                bar.set_position(u64::from(at.step));
                bar.set_message(render::line(&at.activity));
            }
            Self::Lines { told } if told.as_ref() != Some(at) => {
                render::warn(&format!("{}/{} {}", at.step, at.steps, render::line(&at.activity)));
                *told = Some(at.clone());
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
pub async fn run(args: &PushArgs, desk: &Desk) -> Result<Exit, Stop> {
    let component = runner::read(&args.file)?;
    let mut steps = Steps::new(desk.json);
    steps.tell(&Progress { step: 0, steps: 3, activity: "uploading".to_owned() });
    let mut version = desk.upload(component).await?;
    let digest = version.read.digest.clone();
    while version.read.state == VersionState::Checking {
        if let Some(progress) = &version.read.progress {
            steps.tell(progress);
        }
        tokio::time::sleep(POLL).await;
        version = desk.uploaded(&digest).await?;
    }
    steps.end();
    let id = match (&version.read.state, &version.read.connector) {
        (VersionState::Ready, Some(id)) => id.clone(),
        _ => return Err(refused(&version.read, &args.file.display().to_string())),
    };
    // Looked at first: whoever changes it from now on makes what follows fail instead of surprise.
    let generation = desk.release(&id).await?.read.generation;
    let mut version = desk.version(&id, &digest).await?;
    if !desk.json {
        render::print(&checked(&version.read, &id))?;
    }
    if let Some(difference) = version.read.difference.as_ref().filter(|difference| difference.needs_approval) {
        let confirm = difference.confirmation_token.clone();
        if !args.approve && !asked(desk, difference)? {
            return Err(unapproved(desk, &id, &digest, difference));
        }
        version = desk.approve(&id, &digest, &confirm).await?;
        if !desk.json {
            render::print("Approved.\n")?;
        }
    }
    release(args, desk, &id, version, generation).await
}

/// Tries or activates it, where that was asked for.
async fn release(
    args: &PushArgs,
    desk: &Desk,
    id: &str,
    version: Said<ConnectorVersion>,
    generation: u64,
) -> Result<Exit, Stop> {
    let digest = version.read.digest.clone();
    let is_active = version.read.role == Some(Standing::Active);
    let (mut value, text) = match args.canary {
        _ if is_active => (json!({}), format!("It is the active version of {id}.\n")),
        Some(percent) => {
            let release = desk.try_on(id, &digest, percent, Some(generation)).await?;
            (json!({ "release": release.value }), words::release(&release.read))
        }
        None if args.activate => {
            let activated = desk.activate(id, &digest, Some(generation)).await?;
            (activated.value, words::activated(&activated.read))
        }
        None => {
            let short = words::short(&digest);
            let (canary, activate) =
                (desk.again(&format!("canary {id} {short} 10")), desk.again(&format!("activate {id} {short}")));
            (json!({}), format!("It sends nothing yet. Next:\n  {canary}\n  {activate}\n"))
        }
    };
    if let Some(members) = value.as_object_mut() {
        members.insert("version".to_owned(), version.value);
    }
    desk.say(&Said { value, read: () }, || text)
}

fn checked(version: &ConnectorVersion, id: &str) -> String {
    let number = version.version.as_deref().unwrap_or("without a version");
    let mut text = format!(
        "{} {} is checked: {} ({})\n",
        render::line(id),
        render::line(number),
        version.digest,
        render::bytes(version.bytes)
    );
    if let Some(difference) = &version.difference {
        text.push_str(&words::difference(difference));
    }
    text
}

/// Whether the person at the terminal approves. `false` without a terminal.
fn asked(desk: &Desk, difference: &VersionDifference) -> Result<bool, Stop> {
    if desk.json || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(false);
    }
    let things = if difference.wider.len() == 1 { "thing needs" } else { "things need" };
    let question = format!("{} {things} your approval (the lines with +). Approve? [y/N] ", difference.wider.len());
    let mut stderr = std::io::stderr().lock();
    stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush()).context("cannot ask")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("cannot read the answer")?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn unapproved(desk: &Desk, id: &str, digest: &str, difference: &VersionDifference) -> Stop {
    let command = format!("approve {id} {} --confirm {}", words::short(digest), difference.confirmation_token);
    let told = Told {
        class: "approval-required".to_owned(),
        party: "policy",
        advice: format!("if that is right, run `{}`, or push with --approve", desk.again(&command)),
        problems: Vec::new(),
    };
    // People have just read it.
    let wider = if desk.json { format!(": {}", sentences(&difference.wider)) } else { String::new() };
    let text = format!("the version is there and sends nothing: it needs an approval{wider}");
    Stop::told(Exit::Refused, anyhow!(text), told)
}

fn sentences(lines: &[DifferenceLine]) -> String {
    lines.iter().map(|line| line.message.as_str()).collect::<Vec<_>>().join("; ")
}

fn refused(version: &ConnectorVersion, file: &str) -> Stop {
    let why = version.refusal.as_deref().unwrap_or("the server does not say why");
    let told = Told {
        class: "connector-refused".to_owned(),
        party: "connector",
        advice: "correct the connector, build it, and push it again".to_owned(),
        problems: Vec::new(),
    };
    Stop::told(Exit::Refused, anyhow!("{file} may not run: {why}"), told)
}
