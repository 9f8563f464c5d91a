//! One round of the development loop: a component becomes the active version, and sends a test message.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use sendbox_domain::FieldErrors;
use sendbox_domain::model::{
    Activation, Approval, ConnectionInput, ConnectionTest, ConnectorVersion, ResourceUsage, SendFailure, SentRequest,
    TestOutcome, TestReport, TraceStep, VersionActivation, VersionDifference, VersionRole, VersionState,
};
use sendbox_service::{Caller, Error, Service};

use super::environment::{DevEnvironment, TENANT};
use super::settings::Settings;
use crate::connector::labels;
use crate::exit::{CliError, Exit};
use crate::render::{self, line};

/// The name of the development connection.
const CONNECTION: &str = "dev";
/// How often the check of a component is polled.
const POLL: Duration = Duration::from_millis(20);
/// The author acts with the platform's rights.
const AUTHOR: &Caller = &Caller::Platform;

/// The state that rounds share: the version that is active.
pub struct DevSession<'a> {
    environment: &'a DevEnvironment,
    /// The recipient of test messages.
    to: &'a str,
    /// Connector and digest of the active version.
    active: Option<(String, String)>,
    /// Whether this round has activated its version and not yet tried it.
    is_untried: bool,
}

impl<'a> DevSession<'a> {
    /// A session without a version.
    pub fn new(environment: &'a DevEnvironment, to: &'a str) -> Self {
        Self { environment, to, active: None, is_untried: false }
    }

    /// Which version is active after a round that failed, as a sentence.
    pub fn state_after_failure(&mut self) -> &'static str {
        match (std::mem::take(&mut self.is_untried), &self.active) {
            (true, _) => "The new version is active, but could not be tried.",
            (false, Some(_)) => "The previous version stays active.",
            (false, None) => "There is no version yet.",
        }
    }

    fn service(&self) -> &Service {
        self.environment.service()
    }

    /// Uploads a component, shows what changed, activates it, and sends a test message, whose outcome is returned.
    pub async fn run_round(&mut self, component: &[u8], settings: &Settings) -> Result<Exit, CliError> {
        let version = self.upload(component).await?;
        let id = version.connector.clone().unwrap_or_default();
        self.activate(&id, &version).await?;
        self.active = Some((id.clone(), version.digest.clone()));
        self.is_untried = true;
        let connection = ConnectionInput {
            connector: id,
            parameters: settings.parameters.clone(),
            templates: settings.templates.clone(),
            rotate_callback_url: false,
        };
        self.service().save_connection(AUTHOR, TENANT, CONNECTION, connection).await.map_err(service_error)?;
        let activation = Activation { name: CONNECTION.to_owned() };
        self.service().activate(AUTHOR, TENANT, activation).await.map_err(service_error)?;
        let exit = self.test().await?;
        self.is_untried = false;
        Ok(exit)
    }

    /// Uploads the component, waits for its check, and prints the result.
    async fn upload(&self, component: &[u8]) -> Result<ConnectorVersion, CliError> {
        let began = Instant::now();
        let (mut version, is_known) =
            self.service().upload(AUTHOR, Some(TENANT), component).await.map_err(service_error)?;
        while version.state == VersionState::Checking {
            tokio::time::sleep(POLL).await;
            version = self.service().uploaded(AUTHOR, Some(TENANT), &version.digest).await.map_err(service_error)?;
        }
        if version.state == VersionState::Refused {
            let reason = version.refusal.unwrap_or_default();
            return Err(CliError::refused(anyhow!("the component was refused: {reason}")));
        }
        let loaded = if is_known {
            "already loaded".to_owned()
        } else {
            format!("checked and compiled in {}", render::millis(began.elapsed()))
        };
        render::print(&format!(
            "\n{} {}: {}, {}, {loaded}\n",
            line(version.connector.as_deref().unwrap_or_default()),
            line(version.version.as_deref().unwrap_or_default()),
            labels::short(&version.digest),
            render::bytes(version.bytes),
        ))?;
        Ok(version)
    }

    /// Activates the version, after an approval if one is needed.
    async fn activate(&self, id: &str, version: &ConnectorVersion) -> Result<(), CliError> {
        if version.role == Some(VersionRole::Active) {
            let is_same = self.active.as_ref().is_some_and(|(_, digest)| *digest == version.digest);
            return Ok(render::print(if is_same { "The component is unchanged.\n" } else { "It is active.\n" })?);
        }
        if let Some(difference) = &version.difference {
            render::print(&labels::difference(difference))?;
            self.approve(id, difference).await?;
        }
        let activation = VersionActivation {
            digest: version.digest.clone(),
            generation: None,
            // The author is watching: no automatic rollback.
            auto_rollback_seconds: Some(0),
            drain_seconds: Some(0),
        };
        let service = self.service();
        let activated = service.activate_version(AUTHOR, Some(TENANT), id, activation).await.map_err(service_error)?;
        let previous = activated.release.previous.as_deref().map(labels::short).unwrap_or_default();
        Ok(render::print(&format!("Activated: it replaces {previous}.\n"))?)
    }

    /// Approves what the version may do beyond the active one. This is the author's own machine, and nothing leaves it.
    async fn approve(&self, id: &str, difference: &VersionDifference) -> Result<(), CliError> {
        if !difference.needs_approval {
            return Ok(());
        }
        let approval = Approval { confirmation_token: difference.confirmation_token.clone() };
        self.service()
            .approve_version(AUTHOR, Some(TENANT), id, &difference.to, approval)
            .await
            .map_err(service_error)?;
        if difference.wider.iter().all(|line| line.code.is_presentation()) {
            return Ok(());
        }
        render::warn(
            "warning: IT MAY DO MORE, AND WAS APPROVED ON THIS MACHINE ONLY. In production an admin must approve it.",
        );
        Ok(())
    }

    /// Sends the test message if its host is simulated, and prints its request and its outcome.
    async fn test(&self) -> Result<Exit, CliError> {
        let dry_run = self.send_test_message(true).await?;
        let host = dry_run.requests.first().and_then(host);
        let report = match &host {
            Some(host) if self.environment.simulates(host) => self.send_test_message(false).await?,
            _ => dry_run,
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

    async fn send_test_message(&self, dry_run: bool) -> Result<TestReport, CliError> {
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
        self.service().test_connection(AUTHOR, TENANT, test).await.map_err(service_error)
    }
}

/// Maps an error of the service to one of the command.
fn service_error(error: Error) -> CliError {
    match error {
        Error::Invalid(FieldErrors(errors)) => CliError::errors(errors),
        Error::Limited { .. } | Error::CountryNotAllowed(_) | Error::NumberKindNotAllowed(_) | Error::Conflict(_) => {
            CliError::refused(error)
        }
        other => anyhow::Error::from(other).into(),
    }
}

fn host(request: &SentRequest) -> Option<String> {
    let url = url::Url::parse(&request.url).ok()?;
    url.host_str().map(str::to_owned)
}

/// A request as it was sent, or would have been, with sealed values masked.
fn masked(request: &SentRequest) -> String {
    let mut text = format!("{} {}\n", line(&request.method), line(&request.url));
    for header in &request.headers {
        writeln!(text, "{}: {}", line(&header.name), line(&header.value)).ok();
    }
    writeln!(text, "\n{}", render::lines(&request.body)).ok();
    text
}

/// The lines that the connector logged.
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
            "Nothing was sent: {host} is neither simulated nor has a scripted response. To try a response, add one to the configuration: \"answers\": {{\"{host}\": \"answers/accepted.json\"}}\n"
        );
        return (Exit::Success, text);
    }
    let id = report.provider_message_id.as_deref().unwrap_or("none given");
    (Exit::Success, format!("Accepted. Provider id: {}\n", line(id)))
}

fn failed(failure: &SendFailure) -> String {
    let code = failure.provider_code.as_ref().map(|code| format!(", provider code {}", line(code))).unwrap_or_default();
    format!(
        "FAILED: {} ({}{code})\n  {:<12} {}\n  {:<12} {}\n  {:<12} {}\n",
        render::lines(&failure.message),
        failure.class,
        "who failed",
        failure.party.as_str(),
        "was it sent",
        failure.request_sent.as_str(),
        "what to do",
        line(&failure.advice),
    )
}

fn exit_of(failure: &SendFailure) -> Exit {
    Exit::of(failure.class, failure.party, failure.request_sent)
}

fn used(used: &ResourceUsage) -> String {
    format!(
        "  time {}, CPU {}, memory {}\n",
        render::millis(Duration::from_micros(used.time_us)),
        render::millis(Duration::from_micros(used.cpu_us)),
        render::bytes(used.memory_bytes),
    )
}

#[cfg(test)]
mod tests {
    use sendbox_contract::{FailureClass, Party, RequestSent};

    use super::*;

    fn failure(class: FailureClass, party: Party, request_sent: RequestSent) -> SendFailure {
        SendFailure {
            class,
            party,
            request_sent,
            message: String::new(),
            provider_code: None,
            retry_after: None,
            advice: String::new(),
        }
    }

    #[test]
    fn a_round_ends_as_a_send_does() {
        for (class, party, sent, exit) in [
            (FailureClass::InvalidRecipient, Party::Provider, RequestSent::Yes, Exit::Provider),
            (FailureClass::InDoubt, Party::Provider, RequestSent::Maybe, Exit::InDoubt),
            (FailureClass::ConnectorFault, Party::Connector, RequestSent::No, Exit::Refused),
            (FailureClass::NotSent, Party::Network, RequestSent::No, Exit::Network),
        ] {
            assert_eq!(exit_of(&failure(class, party, sent)), exit, "{class}");
        }
    }

    #[test]
    fn the_host_is_found_beside_masked_values() {
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
