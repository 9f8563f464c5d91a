//! How the command ends: exit codes, and errors that are no outcome of a send.

use std::process::ExitCode;

use sendbox_domain::{Problem, Problems};
use sendbox_sandbox::{Failure, FailureClass, Party, RequestSent};
use serde_json::json;

use crate::render;

/// The end of `--help`.
pub const HELP: &str = "\
Exit codes:
  0  accepted by the provider (or the dry run, or any other command, did its work)
  2  the command line, a file or a value is wrong; nothing was sent
  3  refused here, by a rule, a limit or the connector itself; nothing was sent
  4  the provider answered, and did not take the message
  5  in doubt: the provider may have sent it; look it up there before sending again
  6  the network failed before anything was sent
  7  this machine could not do it; nothing was sent";

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Success,
    /// 2: what was typed is wrong. Also what clap ends with.
    Usage,
    /// 3: refused here, before anything left.
    Refused,
    /// 4: the provider said no.
    Provider,
    /// 5: nobody can know.
    InDoubt,
    /// 6: the network failed before anything left.
    Network,
    /// 7: this machine.
    Internal,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<&Failure> for Exit {
    /// By what is known about the message first: whether it may be out there matters more than who is to blame.
    fn from(failure: &Failure) -> Self {
        Self::of(failure.class, failure.party, failure.request_sent)
    }
}

impl Exit {
    /// What the operating system is told.
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

    /// The same, of a failure that was told.
    pub fn of(class: FailureClass, party: Party, sent: RequestSent) -> Self {
        match (class, party, sent) {
            (FailureClass::InDoubt, ..) | (_, _, RequestSent::Maybe) => Self::InDoubt,
            // The provider has answered, and the connector fell over the answer.
            (FailureClass::ConnectorFault, _, RequestSent::Yes) => Self::InDoubt,
            (_, _, RequestSent::Yes) => Self::Provider,
            (FailureClass::Unavailable, ..) | (_, Party::Host, _) => Self::Internal,
            (_, Party::Network, _) => Self::Network,
            (_, Party::Connector | Party::Policy | Party::Provider, RequestSent::No) => Self::Refused,
        }
    }
}

/// A command that ended early. Nothing has been sent.
#[derive(Debug)]
pub struct Stop {
    exit: Exit,
    error: anyhow::Error,
    problems: Vec<Problem>,
    told: Option<Box<Told>>,
}

/// What a running service, or the way to it, said of an error.
#[derive(Debug)]
pub struct Told {
    /// A stable name.
    pub class: String,
    /// Who failed: `caller`, `policy`, `network`, `server`, `connector`.
    pub party: &'static str,
    /// What to do.
    pub advice: String,
    /// Everything that is wrong with the input.
    pub problems: Vec<Problem>,
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self { exit: Exit::Internal, error, problems: Vec::new(), told: None }
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        anyhow::Error::from(error).into()
    }
}

impl Stop {
    /// What was typed is wrong.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, ..error.into().into() }
    }

    /// Values are wrong: all of them at once.
    pub fn problems(problems: Vec<Problem>) -> Self {
        let error = anyhow::Error::from(Problems(problems.clone()));
        Self { exit: Exit::Usage, error, problems, told: None }
    }

    /// Refused here, by a rule or a limit.
    pub fn refused(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Refused, ..error.into().into() }
    }

    /// As somebody else said it.
    pub fn told(exit: Exit, error: anyhow::Error, told: Told) -> Self {
        Self { exit, error, problems: Vec::new(), told: Some(Box::new(told)) }
    }

    /// Says it: a person reads stderr, a script stdout.
    pub fn report(self, json: bool) -> Exit {
        let (class, party, advice) = match self.exit {
            Exit::Usage => ("invalid-input", "caller", "correct the input and run the command again"),
            Exit::Refused => ("connector-fault", "connector", FailureClass::ConnectorFault.advice()),
            _ => ("unavailable", "host", "see what the machine lacks, and try again"),
        };
        // A sentence of each cause. Some embedders of causes repeat them, and a person needs each once.
        let mut text = String::new();
        for cause in self.error.chain().map(ToString::to_string) {
            if !text.contains(&cause) {
                text.push_str(if text.is_empty() { "" } else { ": " });
                text.push_str(&cause);
            }
        }
        if let Some(told) = &self.told {
            self.report_told(told, &text, json);
        } else if json {
            let mut error = json!({
                "class": class, "party": party, "requestSent": RequestSent::No, "text": text,
                "providerCode": null, "retryAfter": null, "advice": advice,
            });
            if let (Some(fields), false) = (error.as_object_mut(), self.problems.is_empty()) {
                fields.insert("problems".into(), json!(self.problems));
            }
            // The exit code says it all when stdout is gone.
            render::print(&format!("{}\n", json!({ "error": error }))).ok();
        } else if self.problems.is_empty() {
            render::warn(&format!("error: {}", render::lines(&text)));
        } else {
            let list: String =
                self.problems.iter().map(|problem| format!("\n  {}", render::line(&problem.to_string()))).collect();
            render::warn(&format!("error: nothing was sent; please correct:{list}"));
        }
        self.exit
    }

    fn report_told(&self, told: &Told, text: &str, json: bool) {
        if json {
            let error = json!({
                "class": told.class, "party": told.party, "requestSent": RequestSent::No, "text": text,
                "providerCode": null, "retryAfter": null, "advice": told.advice, "problems": told.problems,
            });
            render::print(&format!("{}\n", json!({ "error": error }))).ok();
            return;
        }
        let who = match told.party {
            "caller" => "what was asked for",
            "policy" => "a rule of Sendbox stopped it",
            "network" => "the network, or the server's address",
            "connector" => "the connector",
            _ => "the server",
        };
        let mut lines = format!("error: {} ({})", render::lines(text), render::line(&told.class));
        for problem in &told.problems {
            lines.push_str(&format!("\n  {}", render::line(&problem.to_string())));
        }
        lines.push_str(&format!(
            "\n  {:<12} {who}\n  {:<12} {}",
            "who failed",
            "what to do",
            render::line(&told.advice)
        ));
        render::warn(&lines);
    }
}

/// Puts the blame where it belongs.
pub trait Blame<T> {
    /// An error of this is an error of what was typed.
    fn blame_input(self) -> Result<T, Stop>;
}

impl<T, E: Into<anyhow::Error>> Blame<T> for Result<T, E> {
    fn blame_input(self) -> Result<T, Stop> {
        self.map_err(Stop::usage)
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
