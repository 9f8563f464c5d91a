//! One round: a component becomes the version that sends, and a test message goes through it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use sendbox_sandbox::{FailureClass, Party, RequestSent};
use sendbox_service::model::{
    Activation, Approval, ConnectionInput, ConnectionTest, ConnectorVersion, FailureView, ResourceUsage, SentRequest,
    Standing, TestOutcome, TestReport, TraceStep, VersionActivation, VersionDifference, VersionState,
};
use sendbox_service::{Caller, Error, Problems, Service};
use serde_json::Value;

use super::ground::{Ground, TENANT};
use super::settings::Settings;
use crate::connector::words;
use crate::exit::{Exit, Stop};
use crate::render::{self, line};

/// The author's connection.
const CONNECTION: &str = "dev";
/// How often it is looked whether the check of a file has ended.
const POLL: Duration = Duration::from_millis(20);
/// Who asks here.
const AUTHOR: &Caller = &Caller::Platform;

/// What is tried, and what was tried last.
pub struct Bench<'a> {
    ground: &'a Ground,
    to: &'a str,
    /// Connector and digest of the version that sends.
    active: Option<(String, String)>,
    /// Whether this round has come so far.
    is_swapped: bool,
}

impl<'a> Bench<'a> {
    /// Nothing is tried yet.
    pub fn new(ground: &'a Ground, to: &'a str) -> Self {
        Self { ground, to, active: None, is_swapped: false }
    }

    /// After a round that failed.
    pub fn what_stays(&mut self) -> &'static str {
        match (std::mem::take(&mut self.is_swapped), &self.active) {
            (true, _) => "The version sends, and could not be tried.",
            (false, Some(_)) => "The version before stays.",
            (false, None) => "There is no version yet.",
        }
    }

    fn service(&self) -> &Service {
        self.ground.service()
    }

    /// Uploads, says what differs, swaps, and sends a test message. Gives back what became of that.
    pub async fn round(&mut self, component: &[u8], settings: &Settings) -> Result<Exit, Stop> {
        let version = self.checked(component).await?;
        let id = version.connector.clone().unwrap_or_default();
        self.swap(&id, &version).await?;
        self.active = Some((id.clone(), version.digest.clone()));
        self.is_swapped = true;
        let connection = ConnectionInput {
            connector: id,
            parameters: settings.parameters.clone(),
            templates: settings.templates.clone(),
        };
        self.service().save_connection(AUTHOR, TENANT, CONNECTION, connection).await.map_err(stopped)?;
        let activation = Activation { name: CONNECTION.to_owned() };
        self.service().activate(AUTHOR, TENANT, activation).await.map_err(stopped)?;
        let exit = self.test().await?;
        self.is_swapped = false;
        Ok(exit)
    }

    /// The file as a version that may run, with what it took to get there.
    async fn checked(&self, component: &[u8]) -> Result<ConnectorVersion, Stop> {
        let began = Instant::now();
        let (mut version, was_there) = self.service().upload(AUTHOR, Some(TENANT), component).await.map_err(stopped)?;
        while version.state == VersionState::Checking {
            tokio::time::sleep(POLL).await;
            version = self.service().uploaded(AUTHOR, Some(TENANT), &version.digest).await.map_err(stopped)?;
        }
        if version.state == VersionState::Refused {
            let why = version.refusal.unwrap_or_default();
            return Err(Stop::refused(anyhow!("the component may not run: {why}")));
        }
        let loaded = if was_there {
            "it was loaded before".to_owned()
        } else {
            format!("inspected, compiled and read in {}", render::millis(began.elapsed()))
        };
        render::print(&format!(
            "\n{} {}: {}, {}, {loaded}\n",
            line(version.connector.as_deref().unwrap_or_default()),
            line(version.version.as_deref().unwrap_or_default()),
            words::short(&version.digest),
            render::bytes(version.bytes),
        ))?;
        Ok(version)
    }

    /// Makes it the version that sends.
    async fn swap(&self, id: &str, version: &ConnectorVersion) -> Result<(), Stop> {
        if version.role == Some(Standing::Active) {
            let is_same = self.active.as_ref().is_some_and(|(_, digest)| *digest == version.digest);
            return Ok(render::print(if is_same { "The component is the same as before.\n" } else { "It sends.\n" })?);
        }
        if let Some(difference) = &version.difference {
            render::print(&words::difference(difference))?;
            self.approve(id, difference).await?;
        }
        let activation = VersionActivation {
            digest: version.digest.clone(),
            generation: None,
            // The author looks at it; nothing is taken back behind their back.
            auto_rollback_seconds: Some(0),
            drain_seconds: Some(0),
        };
        let service = self.service();
        let activated = service.activate_version(AUTHOR, Some(TENANT), id, activation).await.map_err(stopped)?;
        let previous = activated.release.previous.as_deref().map(words::short).unwrap_or_default();
        Ok(render::print(&format!("Swapped: it sends instead of {previous}.\n"))?)
    }

    /// What may do more is approved here: it is the author's own machine, and nothing leaves it.
    async fn approve(&self, id: &str, difference: &VersionDifference) -> Result<(), Stop> {
        if !difference.needs_approval {
            return Ok(());
        }
        let approval = Approval { confirmation_token: difference.confirmation_token.clone() };
        self.service().approve_version(AUTHOR, Some(TENANT), id, &difference.to, approval).await.map_err(stopped)?;
        if difference.wider.iter().all(|line| line.code.is_presentation()) {
            return Ok(());
        }
        render::warn(
            "warning: IT MAY DO MORE, AND WAS APPROVED FOR THIS MACHINE ALONE. Elsewhere an admin must approve it.",
        );
        Ok(())
    }

    /// Shows the request, and sends it where somebody answers.
    async fn test(&self) -> Result<Exit, Stop> {
        let dry = self.tested(true).await?;
        let host = dry.requests.first().and_then(host);
        let report = match &host {
            Some(host) if self.ground.answers_for(host) => self.tested(false).await?,
            _ => dry,
        };
        let mut text = String::new();
        for request in &report.requests {
            text.push('\n');
            text.push_str(&masked(request));
        }
        text.push('\n');
        text.push_str(&log(&report));
        let (exit, outcome) = outcome(&report, host.as_deref());
        text.push_str(&outcome);
        text.push_str(&used(&report.resource_usage));
        render::print(&text)?;
        if !report.unknown_variables.is_empty() {
            let names = report.unknown_variables.join(", ");
            render::warn(&format!("warning: the template has variables without a value: {}", line(&names)));
        }
        Ok(exit)
    }

    async fn tested(&self, dry_run: bool) -> Result<TestReport, Stop> {
        let test = ConnectionTest {
            connection: Some(CONNECTION.to_owned()),
            connector: None,
            version: None,
            parameters: None,
            templates: None,
            to: self.to.into(),
            usage: None,
            locale: None,
            dry_run,
        };
        self.service().test_connection(AUTHOR, TENANT, test).await.map_err(stopped)
    }
}

/// What the service says, said by the command.
fn stopped(error: Error) -> Stop {
    match error {
        Error::Invalid(Problems(problems)) => Stop::problems(problems),
        Error::Limited { .. } | Error::CountryNotAllowed(_) | Error::Conflict(_) => Stop::refused(error),
        other => anyhow::Error::from(other).into(),
    }
}

fn host(request: &SentRequest) -> Option<String> {
    let url = url::Url::parse(&request.url).ok()?;
    url.host_str().map(str::to_owned)
}

/// A request as it left, or would have.
fn masked(request: &SentRequest) -> String {
    let mut text = format!("{} {}\n", line(&request.method), line(&request.url));
    for header in &request.headers {
        writeln!(text, "{}: {}", line(&header.name), line(&header.value)).ok();
    }
    writeln!(text, "\n{}", render::lines(&request.body)).ok();
    text
}

/// What the connector wrote.
fn log(report: &TestReport) -> String {
    let lines = report.trace.iter().filter_map(|event| match &event.step {
        TraceStep::Log { level, message } => Some(format!("log {}: {}\n", line(level), line(message))),
        _ => None,
    });
    lines.collect()
}

fn outcome(report: &TestReport, host: Option<&str>) -> (Exit, String) {
    if let Some(failure) = &report.failure {
        return (exit_of(failure), failed(failure));
    }
    if report.outcome == TestOutcome::DryRun {
        let host = line(host.unwrap_or("its host"));
        let text = format!(
            "Nothing was sent: {host} is neither simulated nor scripted. To see an answer read, give it one in the configuration: \"answers\": {{\"{host}\": \"answers/accepted.json\"}}\n"
        );
        return (Exit::Success, text);
    }
    let id = report.provider_message_id.as_deref().unwrap_or("none given");
    (Exit::Success, format!("Accepted. The provider's id: {}\n", line(id)))
}

fn failed(failure: &FailureView) -> String {
    let code = failure.provider_code.as_ref().map(|code| format!(", provider code {}", line(code))).unwrap_or_default();
    format!(
        "FAILED: {} ({}{code})\n  {:<12} {}\n  {:<12} {}\n  {:<12} {}\n",
        render::lines(&failure.message),
        line(&failure.class),
        "who failed",
        line(&failure.party),
        "was it sent",
        line(&failure.request_sent),
        "what to do",
        line(&failure.advice),
    )
}

fn exit_of(failure: &FailureView) -> Exit {
    fn word<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
        serde_json::from_value(Value::from(text)).ok()
    }
    let class = word::<FailureClass>(&failure.class);
    let known = class.zip(word::<Party>(&failure.party)).zip(word::<RequestSent>(&failure.request_sent));
    known.map_or(Exit::Internal, |((class, party), sent)| Exit::of(class, party, sent))
}

fn used(used: &ResourceUsage) -> String {
    format!(
        "  {} in all, {} of CPU, {} of memory\n",
        render::millis(Duration::from_micros(used.time_us)),
        render::millis(Duration::from_micros(used.cpu_us)),
        render::bytes(used.memory_bytes),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(class: &str, party: &str, sent: &str) -> FailureView {
        FailureView {
            class: class.to_owned(),
            party: party.to_owned(),
            request_sent: sent.to_owned(),
            message: String::new(),
            provider_code: None,
            retry_after: None,
            advice: String::new(),
        }
    }

    #[test]
    fn a_round_ends_as_a_send_does() {
        for (class, party, sent, exit) in [
            ("invalid-recipient", "provider", "yes", Exit::Provider),
            ("in-doubt", "provider", "maybe", Exit::InDoubt),
            ("connector-fault", "connector", "no", Exit::Refused),
            ("not-sent", "network", "no", Exit::Network),
            ("of a newer time", "provider", "yes", Exit::Internal),
        ] {
            assert_eq!(exit_of(&failure(class, party, sent)), exit, "{class}");
        }
    }

    #[test]
    fn the_host_is_known_whatever_is_masked_beside_it() {
        let request = |url: &str| {
            let (method, headers, body) = ("POST".to_owned(), Vec::new(), String::new());
            host(&SentRequest { method, url: url.to_owned(), headers, body, carries_message: true })
        };
        assert_eq!(
            request("https://api.example.com/v1/[secret key]/x?to=[recipient]").as_deref(),
            Some("api.example.com")
        );
        assert_eq!(request("[secret key]"), None);
    }
}
