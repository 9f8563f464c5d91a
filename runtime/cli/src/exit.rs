//! How the command ends: exit codes, and the errors of everything but a send.

use std::process::ExitCode;

use sendbox_domain::{FieldError, FieldErrors};
use sendbox_sandbox::{Failure, FailureClass, Party, RequestSent};
use serde_json::json;

use crate::render;

/// The end of `--help`.
pub const HELP: &str = "\
Exit codes:
  0  success: the provider accepted the message, or the command is done
  2  the command line, a file or a value is invalid; nothing was sent
  3  refused by a rule, a limit or the connector itself; nothing was sent
  4  the provider responded and did not accept the message
  5  in doubt: the provider may have sent the message; check there before you send again
  6  the network failed before anything was sent
  7  this machine failed; nothing was sent";

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Success,
    /// 2: invalid input. Also clap's exit code.
    Usage,
    /// 3: refused on this machine or by the server, before anything was sent.
    Refused,
    /// 4: the provider did not accept the message.
    Provider,
    /// 5: whether it was done is unknown.
    InDoubt,
    /// 6: the network failed before anything was sent.
    Network,
    /// 7: this machine or the server failed.
    Internal,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<&Failure> for Exit {
    /// What is known about the message comes first: whether it may have been sent matters more than who failed.
    fn from(failure: &Failure) -> Self {
        Self::of(failure.class, failure.party, failure.request_sent)
    }
}

impl Exit {
    /// The exit code of the process.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Provider => 4,
            Self::InDoubt => 5,
            Self::Network => 6,
            Self::Internal => 7,
        }
    }

    /// The exit for a failed send.
    pub fn of(class: FailureClass, party: Party, sent: RequestSent) -> Self {
        match (class, party, sent) {
            (FailureClass::InDoubt, ..) | (_, _, RequestSent::Maybe) => Self::InDoubt,
            // The provider responded, and the connector failed on the response.
            (FailureClass::ConnectorFault, _, RequestSent::Yes) => Self::InDoubt,
            (_, _, RequestSent::Yes) => Self::Provider,
            (FailureClass::Unavailable, ..) | (_, Party::Host, _) => Self::Internal,
            (_, Party::Network, _) => Self::Network,
            (_, Party::Connector | Party::Policy | Party::Provider, RequestSent::No) => Self::Refused,
        }
    }
}

/// Why a command failed before a message was sent.
#[derive(Debug)]
pub struct CliError {
    exit: Exit,
    error: anyhow::Error,
    errors: Vec<FieldError>,
    remote: Option<Box<RemoteError>>,
}

/// An error of a running service, or of the connection to it.
#[derive(Debug)]
pub struct RemoteError {
    /// A stable name: that of the API's problem type, or of a connection failure.
    pub class: String,
    /// Who failed: `caller`, `policy`, `network`, `server`, `connector`.
    pub party: &'static str,
    /// Whether the failed request changed anything.
    pub effect: Effect,
    /// What to do next.
    pub advice: String,
    /// The invalid fields.
    pub errors: Vec<FieldError>,
}

/// What a failed request to the service changed.
#[derive(Clone, Copy, Debug)]
pub enum Effect {
    None,
    /// The response was lost after the request was sent.
    Unknown,
    /// A version was uploaded and does not send.
    Uploaded,
}

impl RemoteError {
    /// An error without invalid fields.
    pub fn new(class: &str, party: &'static str, effect: Effect, advice: &str) -> Self {
        Self { class: class.to_owned(), party, effect, advice: advice.to_owned(), errors: Vec::new() }
    }
}

impl From<anyhow::Error> for CliError {
    fn from(error: anyhow::Error) -> Self {
        Self { exit: Exit::Internal, error, errors: Vec::new(), remote: None }
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl CliError {
    /// Invalid input.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, ..error.into().into() }
    }

    /// Invalid values, all of them at once.
    pub fn errors(errors: Vec<FieldError>) -> Self {
        let error = anyhow::Error::from(FieldErrors(errors.clone()));
        Self { exit: Exit::Usage, error, errors, remote: None }
    }

    /// Refused by a rule or a limit.
    pub fn refused(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Refused, ..error.into().into() }
    }

    /// An error of a running service.
    pub fn remote(exit: Exit, error: anyhow::Error, remote: RemoteError) -> Self {
        Self { exit, error, errors: Vec::new(), remote: Some(Box::new(remote)) }
    }

    /// Prints the error: as text on stderr, or as JSON on stdout. Returns how the process ends.
    pub fn report(self, json: bool) -> Exit {
        let (class, party, advice) = match self.exit {
            Exit::Usage => ("invalid-input", "caller", "correct the input and run the command again"),
            Exit::Refused => ("connector-fault", "connector", FailureClass::ConnectorFault.advice()),
            _ => ("unavailable", "host", "fix the cause on this machine, and run the command again"),
        };
        // The message of each cause. Some errors repeat the message of their cause, which is left out then.
        let mut text = String::new();
        for cause in self.error.chain().map(ToString::to_string) {
            if !text.contains(&cause) {
                text.push_str(if text.is_empty() { "" } else { ": " });
                text.push_str(&cause);
            }
        }
        if let Some(remote) = &self.remote {
            self.report_remote(remote, &text, json);
        } else if json {
            let mut error = json!({
                "class": class, "party": party, "requestSent": RequestSent::No, "message": text,
                "providerCode": null, "retryAfter": null, "advice": advice,
            });
            if let (Some(fields), false) = (error.as_object_mut(), self.errors.is_empty()) {
                fields.insert("errors".into(), json!(self.errors));
            }
            // If stdout is closed, the exit code still tells.
            render::print(&format!("{}\n", json!({ "error": error }))).ok();
        } else if self.errors.is_empty() {
            render::warn(&format!("error: {}", render::lines(&text)));
        } else {
            let list: String =
                self.errors.iter().map(|error| format!("\n  {}", render::line(&error.to_string()))).collect();
            render::warn(&format!("error: invalid input; nothing was sent. Please correct:{list}"));
        }
        self.exit
    }

    fn report_remote(&self, remote: &RemoteError, text: &str, json: bool) {
        if json {
            let error = json!({
                "class": remote.class, "party": remote.party, "requestSent": RequestSent::No, "message": text,
                "providerCode": null, "retryAfter": null, "advice": remote.advice, "errors": remote.errors,
            });
            render::print(&format!("{}\n", json!({ "error": error }))).ok();
            return;
        }
        let who = match remote.party {
            "caller" => "the request",
            "policy" => "a rule of Sendbox refused it",
            "network" => "the network, or the server's address",
            "connector" => "the connector",
            _ => "the server",
        };
        let mut lines = format!("error: {} ({})", render::lines(text), render::line(&remote.class));
        for error in &remote.errors {
            lines.push_str(&format!("\n  {}", render::line(&error.to_string())));
        }
        let effect = match remote.effect {
            Effect::None => "nothing",
            Effect::Unknown => "unknown; the request may have been carried out",
            Effect::Uploaded => "the version was uploaded; it does not send",
        };
        lines.push_str(&format!(
            "\n  {:<12} {who}\n  {:<12} {effect}\n  {:<12} {}",
            "who failed",
            "what changed",
            "what to do",
            render::line(&remote.advice)
        ));
        render::warn(&lines);
    }
}

/// Turns any error into one of invalid input.
pub trait InputErrorExt<T> {
    /// Reports the error as invalid input, [`Exit::Usage`].
    fn into_input_error(self) -> Result<T, CliError>;
}

impl<T, E: Into<anyhow::Error>> InputErrorExt<T> for Result<T, E> {
    fn into_input_error(self) -> Result<T, CliError> {
        self.map_err(CliError::usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_its_exit() {
        use {FailureClass as Class, RequestSent as Sent};
        for (class, party, sent, want) in [
            (Class::InDoubt, Party::Provider, Sent::Maybe, Exit::InDoubt),
            (Class::Unknown, Party::Provider, Sent::Maybe, Exit::InDoubt),
            (Class::InDoubt, Party::Provider, Sent::Yes, Exit::InDoubt),
            (Class::ConnectorFault, Party::Connector, Sent::Yes, Exit::InDoubt),
            (Class::ConnectorFault, Party::Connector, Sent::No, Exit::Refused),
            (Class::ConnectorFault, Party::Policy, Sent::No, Exit::Refused),
            (Class::NotSent, Party::Policy, Sent::No, Exit::Refused),
            (Class::ConfigurationInvalid, Party::Connector, Sent::No, Exit::Refused),
            (Class::NotSent, Party::Network, Sent::No, Exit::Network),
            (Class::InvalidRecipient, Party::Provider, Sent::Yes, Exit::Provider),
            (Class::ProviderUnavailable, Party::Provider, Sent::Yes, Exit::Provider),
            (Class::Unavailable, Party::Host, Sent::No, Exit::Internal),
        ] {
            let failure = Failure {
                class,
                party,
                request_sent: sent,
                text: String::new(),
                provider_code: None,
                retry_after: None,
                fault: None,
            };
            assert_eq!(Exit::from(&failure), want, "{class} {party:?} {sent:?}");
        }
    }
}
