//! The errors of the service: a closed set, each with a stable name and a text that says what to do.

use sendbox_domain::LimitName;
use sendbox_domain::model::{Flow, Message, Scope, Verification};
use sendbox_domain::problem::{Problem, Problems};
use sendbox_store::StoreError;

/// Why an operation failed. Nothing was changed, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request has no key, or an invalid one.
    #[error("the key is missing, unknown, expired or revoked; give one as `Authorization: Bearer …`")]
    Unauthenticated,
    /// The key does not have the scope that the operation needs.
    #[error("this key does not have the scope `{}`; use a key that has it, or the platform key", .0.as_str())]
    Forbidden(Scope),
    /// The operation needs the platform key.
    #[error("only the platform key may do this")]
    PlatformOnly,
    /// The resource does not exist, or belongs to another tenant.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The input is invalid; names all problems.
    #[error("the input is wrong: {0}")]
    Invalid(Problems),
    /// The operation is not possible in the present state.
    #[error("{0}")]
    Conflict(String),
    /// The confirmed difference is not the one that would be applied.
    #[error("the difference has changed since you confirmed it; review the new one and confirm it")]
    DiffChanged,
    /// A version has a wider reach than the active one, or other texts, and that difference was not approved.
    #[error("this version needs an approval: {}. Review its difference, and approve it with the `confirm` value of the difference", .0.join("; "))]
    ApprovalNeeded(Vec<String>),
    /// Flows that are on need the connection.
    #[error("the connection is active, and flows that are on need it: {}. Activate another one first, switch the flows off, or delete with `force=true`", names(.0))]
    NeededByFlows(Vec<Flow>),
    /// The tenant has switched the flow off.
    #[error("the flow `{}` is off for this tenant; switch it on at `/flows`", .0.as_str())]
    FlowOff(Flow),
    /// The tenant has no active connection.
    #[error("no connection is active; save one and activate it at `/active-connection`")]
    NoActiveConnection,
    /// The tenant's policy does not allow the country.
    #[error("messages to {0} are not allowed for this tenant; add the country to `countries` at `/policy`")]
    CountryNotAllowed(String),
    /// A limit is reached.
    #[error("the limit `{limit}` is reached{}", retry(.retry_after))]
    Limited {
        /// The limit.
        limit: LimitName,
        /// Seconds until the same request could pass. `None`: not by waiting.
        retry_after: Option<u64>,
    },
    /// The idempotency key was used with another request.
    #[error("this Idempotency-Key was used with another request; use a new key for a new request")]
    IdempotencyMismatch,
    /// The first request with this idempotency key is still in progress.
    #[error("the first request with this Idempotency-Key is still in progress; try again in a moment")]
    IdempotencyInFlight,
    /// The message was accepted and stored, and could not be sent.
    #[error("the message was not sent{}", .message.failure.as_ref().map(|failure| format!(": {}. {}", failure.text, failure.advice)).unwrap_or_default())]
    NotSent {
        /// The message.
        message: Box<Message>,
        /// The verification that it belongs to. It stays pending for a resend.
        verification: Option<Box<Verification>>,
    },
    /// The code is wrong. The try is counted.
    #[error("the code is wrong; {tries_left} tries are left")]
    WrongCode {
        /// Tries left of this code.
        tries_left: u32,
    },
    /// The verification is no longer pending.
    #[error("the verification is {}; start a new one", .0.status.as_str())]
    VerificationEnded(Box<Verification>),
    /// The database, or its disk, is not available. Nothing was accepted, and the request may be repeated.
    #[error("the store is not available; nothing was accepted, try again")]
    StoreUnavailable,
    /// The database failed during the commit. The change may have been accepted, and may take effect later.
    #[error(
        "the store failed during the commit, so the request may or may not have been accepted; repeat it with the same Idempotency-Key, or look the resource up"
    )]
    StoreUncertain,
    /// A provider's call has no valid signature.
    #[error("the call is not signed by the provider; nothing was changed")]
    ReportNotAuthentic,
    /// A provider's call is not a delivery report.
    #[error("the call is not a delivery report of this provider; nothing was changed")]
    ReportMalformed,
    /// The connector could not read a provider's call.
    #[error("the connector could not read the call; nothing was changed")]
    ReportUnread,
    /// Too many calls of providers are in progress.
    #[error("too many reports are being read; try again")]
    Busy,
    /// The service is stopping.
    #[error("the server is stopping; try again")]
    Stopping,
    /// A fault of Sendbox, for example a stored value that cannot be read.
    #[error("Sendbox failed: {0}")]
    Internal(String),
}

fn names(flows: &[Flow]) -> String {
    flows.iter().map(|flow| flow.as_str()).collect::<Vec<_>>().join(", ")
}

fn retry(seconds: &Option<u64>) -> String {
    seconds.map_or_else(|| "; waiting does not help".to_owned(), |seconds| format!("; try again in {seconds} s"))
}

impl From<Problems> for Error {
    /// Rules name a field of what they check (`to`); what is checked is the body of a request, and a field of it is named by
    /// its JSON pointer. `name` is a part of the path.
    fn from(problems: Problems) -> Self {
        let in_body = |problem: Problem| match problem.field.as_str() {
            "" | "name" => problem,
            pointer if pointer.starts_with('/') => problem,
            name => Problem { field: format!("/{name}"), ..problem },
        };
        Self::Invalid(Problems(problems.0.into_iter().map(in_body).collect()))
    }
}

impl From<StoreError> for Error {
    /// Logs the cause, because the answer to the caller does not name it.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(cause) => {
                tracing::error!(%cause, "the store is not available");
                Self::StoreUnavailable
            }
            StoreError::Uncertain(cause) => {
                tracing::error!(%cause, "it is unknown whether a change was committed");
                Self::StoreUncertain
            }
            StoreError::Corrupt(what) => {
                tracing::error!(%what, "the store holds a value that cannot be read");
                Self::Internal(format!("a stored value cannot be read ({what})"))
            }
        }
    }
}

impl Error {
    /// An error for one field.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(Problems(vec![Problem::new(field, message)]))
    }

    /// The stable name: the last part of a problem document's `type`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden(_) => "scope-missing",
            Self::PlatformOnly => "platform-only",
            Self::NotFound(_) => "not-found",
            Self::Invalid(_) => "invalid-input",
            Self::Conflict(_) => "conflict",
            Self::DiffChanged => "diff-changed",
            Self::ApprovalNeeded(_) => "approval-needed",
            Self::NeededByFlows(_) => "needed-by-flows",
            Self::FlowOff(_) => "flow-off",
            Self::NoActiveConnection => "no-active-connection",
            Self::CountryNotAllowed(_) => "country-not-allowed",
            Self::Limited { .. } => "limited",
            Self::IdempotencyMismatch => "idempotency-mismatch",
            Self::IdempotencyInFlight => "idempotency-in-flight",
            Self::NotSent { .. } => "message-not-sent",
            Self::WrongCode { .. } => "wrong-code",
            Self::VerificationEnded(_) => "verification-ended",
            Self::StoreUnavailable => "store-unavailable",
            Self::StoreUncertain => "store-uncertain",
            Self::ReportNotAuthentic => "report-not-authentic",
            Self::ReportMalformed => "report-malformed",
            Self::ReportUnread => "report-unread",
            Self::Busy => "busy",
            Self::Stopping => "stopping",
            Self::Internal(_) => "internal",
        }
    }
}

/// The result of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_whose_answer_is_lost_is_uncertain_for_the_caller_too() {
        for (error, name) in [
            (StoreError::Uncertain("the connection was reset".to_owned()), "store-uncertain"),
            (StoreError::Unavailable("the connection was reset".to_owned()), "store-unavailable"),
            (StoreError::Corrupt("messages.status".to_owned()), "internal"),
        ] {
            assert_eq!(Error::from(error).name(), name);
        }
    }
}
