//! The errors of the service: a closed set, each with a stable name, a cause and what to do.

use sendbox_domain::LimitName;
use sendbox_domain::field_error::{FieldError, FieldErrors};
use sendbox_domain::model::{Flow, Message, Scope, Verification};
use sendbox_domain::phone::NumberKind;
use sendbox_domain::rules::buckets::Bucket;
use sendbox_domain::rules::quota::Quota;
use sendbox_store::StoreError;

use crate::connections::validation::Validation;

/// Why an operation failed. Nothing was changed, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key is missing, unknown, expired or revoked.
    #[error("the key is missing, unknown, expired or revoked; send a valid one as `Authorization: Bearer …`")]
    Unauthenticated,
    /// The key lacks this scope.
    #[error("this key lacks the scope `{}`; create one that has it, or use the platform key", .0.as_str())]
    Forbidden(Scope),
    /// The operation requires the platform key.
    #[error("this operation requires the platform key")]
    PlatformOnly,
    /// It does not exist, or the key may not see it.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The input is invalid. Holds all errors.
    #[error("invalid input: {0}")]
    Invalid(FieldErrors),
    /// The current state does not allow the change.
    #[error("{0}")]
    Conflict(String),
    /// The diff that was confirmed is not the one that would be applied.
    #[error("the changes are no longer the ones that you confirmed; review the new diff and confirm that one")]
    DiffChanged,
    /// A version may do more than the active one, or presents itself differently, and nobody has approved that.
    #[error("this version needs an approval: {}. Review its `difference`, and approve it with its `confirmationToken`", .0.join("; "))]
    ApprovalRequired(Vec<String>),
    /// Enabled flows depend on the connection.
    #[error("the connection is active, and enabled flows depend on it: {}. Activate another connection first, disable the flows, or delete with `force=true`", names(.0))]
    ConnectionInUse(Vec<Flow>),
    /// The tenant has disabled the flow.
    #[error("the flow `{}` is disabled for this tenant; enable it at `/flows`", .0.as_str())]
    FlowDisabled(Flow),
    /// The policy allows no messages without a code.
    #[error("the tenant's policy sends no messages without a code; set `notices.enabled` at `/policy`")]
    NoticesDisabled,
    /// No connection is active.
    #[error("no connection is active; save a connection and activate it at `/active-connection`")]
    NoActiveConnection,
    /// The policy does not allow messages to the country.
    #[error("the tenant's policy does not allow messages to {0}; add the country to `countries` at `/policy`")]
    CountryNotAllowed(String),
    /// The policy does not allow messages to numbers of this kind.
    #[error("the tenant's policy does not allow messages to numbers of the kind `{}`; allow the kind in `numbers` at `/policy`", .0.as_str())]
    NumberKindNotAllowed(NumberKind),
    /// What is to be replaced was changed since it was read.
    #[error(
        "it was changed since you read it; read it again, apply your change to it, and save it with its new `ETag`"
    )]
    PreconditionFailed,
    /// A limit on messages or checks.
    #[error("the limit `{limit}` is reached{}", retry(.retry_after))]
    Limited {
        /// The limit that was reached.
        limit: LimitName,
        /// Seconds until the same request can succeed. `None`: waiting does not help.
        retry_after: Option<u64>,
    },
    /// The keys of the tenant make requests too fast, or have too many in progress.
    #[error(
        "this key or its tenant makes too many requests, or has too many in progress; try again in {retry_after} s"
    )]
    TooManyRequests {
        /// Seconds until the same request can succeed.
        retry_after: u64,
    },
    /// The tenant stores as much of something as it may.
    #[error("{}", .quota.advice())]
    QuotaReached {
        /// What it has too much of.
        quota: Quota,
        /// Seconds until the same request can succeed. `None`: something has to be deleted.
        retry_after: Option<u64>,
    },
    /// The same idempotency key with another body.
    #[error("this Idempotency-Key was used with a different request; use a new key for a new request")]
    IdempotencyMismatch,
    /// The first request with this idempotency key is still in progress.
    #[error("the first request with this Idempotency-Key is still in progress; repeat the request in a moment")]
    IdempotencyInFlight,
    /// The message was stored, and not sent.
    #[error("the message was not sent{}", .message.failure.as_ref().map(|failure| format!(": {}. {}", failure.message, failure.advice)).unwrap_or_default())]
    NotSent {
        /// The message.
        message: Box<Message>,
        /// The verification that it belongs to, which stays open for a resend.
        verification: Option<Box<Verification>>,
    },
    /// The code is wrong. The try is counted.
    #[error("the code is wrong; {tries_left} tries are left")]
    WrongCode {
        /// Remaining tries for this code.
        tries_left: u32,
    },
    /// The verification has ended in another way.
    #[error("the verification is {}; create a new one", .0.status.as_str())]
    VerificationEnded(Box<Verification>),
    /// The database, or the disk beneath it, failed. Nothing was stored, and the operation may be tried again.
    #[error("the database does not respond; nothing was stored, try again")]
    StoreUnavailable,
    /// The database failed during the commit: the change may have been stored, and may appear after a crash.
    #[error(
        "the database failed during the commit, and the request may have been accepted; repeat it with the same Idempotency-Key, or look up its result"
    )]
    StoreUncertain,
    /// The signature of a provider's callback is missing or invalid.
    #[error("the callback is not signed by the provider; nothing was changed")]
    ReportNotAuthentic,
    /// A provider's callback is not a delivery report.
    #[error("the callback is not a delivery report of this provider; nothing was changed")]
    ReportMalformed,
    /// The connector failed to read a provider's callback.
    #[error("the connector could not read the callback; nothing was changed")]
    ReportUnreadable,
    /// Too many requests, sends or callbacks are waiting, of the tenant or of all tenants.
    #[error("too many requests are waiting; try again in a moment")]
    Busy,
    /// The database is sealed with a master key that this process lacks.
    #[error("this server lacks a master key with which the database is sealed; another server may respond")]
    MasterKeyMissing,
    /// The process is ending.
    #[error("the server is stopping; try again")]
    Stopping,
    /// A unit of work needs a version of a connector that is not loaded. Internal: [`crate::Service`] loads it and repeats the
    /// unit, so no operation returns this error.
    #[error("the version {digest} of a connector is not loaded")]
    VersionNotLoaded {
        /// The tenant that owns the connector; empty for connectors for all tenants.
        owner: String,
        /// The version.
        digest: String,
    },
    /// A transaction that writes needs settings that were not validated yet. Internal: [`crate::Service`] validates them and repeats the
    /// operation, so no operation returns this error.
    #[error("the settings of a connection are not validated")]
    SettingsNotValidated(Box<Validation>),
    /// States of limits lie in the future, because a clock was ahead. Internal: [`crate::Service`] stores them as of now and repeats the
    /// unit, so no operation returns this error.
    #[error("the clock was ahead when a limit was counted")]
    LimitsAhead {
        /// The tenant.
        tenant: String,
        /// The limits.
        buckets: Vec<Bucket>,
    },
    /// The database ended the transaction in favour of another one, and nothing was stored. Internal: [`crate::Service`] runs a unit of work
    /// again a few times. For callers it is [`Self::StoreUnavailable`].
    #[error("the database is busy with other changes of the same rows; nothing was stored, try again")]
    StoreConflict,
    /// Sendbox itself failed: a stored value that cannot be read, for example.
    #[error("Sendbox failed: {0}")]
    Internal(String),
}

fn names(flows: &[Flow]) -> String {
    flows.iter().map(|flow| flow.as_str()).collect::<Vec<_>>().join(", ")
}

fn retry(seconds: &Option<u64>) -> String {
    seconds.map_or_else(|| "; waiting does not help".to_owned(), |seconds| format!("; try again in {seconds} s"))
}

impl From<FieldErrors> for Error {
    /// Rules name the fields that they check (`to`). In a request body a field is named by its JSON pointer (`/to`). `name` is not
    /// converted, because it is part of the path.
    fn from(errors: FieldErrors) -> Self {
        let in_body = |error: FieldError| match error.field.as_str() {
            "" | "name" => error,
            pointer if pointer.starts_with('/') => error,
            name => FieldError { field: format!("/{name}"), ..error },
        };
        Self::Invalid(FieldErrors(errors.0.into_iter().map(in_body).collect()))
    }
}

impl From<StoreError> for Error {
    /// Logs the cause, because the response does not include it.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(cause) => {
                tracing::error!(%cause, "the store is unavailable");
                Self::StoreUnavailable
            }
            StoreError::Conflict(cause) => {
                tracing::warn!(%cause, "the database preferred another transaction");
                Self::StoreConflict
            }
            StoreError::Uncertain(cause) => {
                tracing::error!(%cause, "a commit failed, and may have been applied");
                Self::StoreUncertain
            }
            // The store counts them, and a line for each would fill the log.
            StoreError::Busy => Self::Busy,
            StoreError::Corrupt(what) => {
                tracing::error!(%what, "the store holds a value that cannot be read");
                Self::Internal(format!("a stored value cannot be read ({what})"))
            }
        }
    }
}

impl Error {
    /// A quota that waiting does not help against.
    pub(crate) fn full(quota: Quota) -> Self {
        Self::QuotaReached { quota, retry_after: None }
    }

    /// An error in one field.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(FieldErrors(vec![FieldError::new(field, message)]))
    }

    /// The stable name: the last part of a problem document's `type`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden(_) => "insufficient-scope",
            Self::PlatformOnly => "platform-only",
            Self::NotFound(_) => "not-found",
            Self::Invalid(_) => "invalid-input",
            Self::Conflict(_) => "conflict",
            Self::DiffChanged => "diff-changed",
            Self::ApprovalRequired(_) => "approval-required",
            Self::ConnectionInUse(_) => "connection-in-use",
            Self::FlowDisabled(_) => "flow-disabled",
            Self::NoticesDisabled => "notices-disabled",
            Self::NoActiveConnection => "no-active-connection",
            Self::CountryNotAllowed(_) => "country-not-allowed",
            Self::NumberKindNotAllowed(_) => "number-kind-not-allowed",
            Self::PreconditionFailed => "precondition-failed",
            Self::Limited { .. } => "limit-reached",
            Self::TooManyRequests { .. } => "too-many-requests",
            Self::QuotaReached { .. } => "quota-reached",
            Self::IdempotencyMismatch => "idempotency-mismatch",
            Self::IdempotencyInFlight => "idempotency-in-flight",
            Self::NotSent { .. } => "message-not-sent",
            Self::WrongCode { .. } => "wrong-code",
            Self::VerificationEnded(_) => "verification-ended",
            Self::StoreUnavailable | Self::StoreConflict => "store-unavailable",
            Self::StoreUncertain => "outcome-unknown",
            Self::ReportNotAuthentic => "report-not-authentic",
            Self::ReportMalformed => "report-malformed",
            Self::ReportUnreadable => "report-unreadable",
            Self::Busy => "busy",
            Self::MasterKeyMissing => "master-key-missing",
            Self::Stopping => "stopping",
            Self::Internal(_)
            | Self::VersionNotLoaded { .. }
            | Self::SettingsNotValidated(_)
            | Self::LimitsAhead { .. } => "internal",
        }
    }
}

/// What an operation returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_without_a_response_is_uncertain_for_the_caller_too() {
        for (error, name) in [
            (StoreError::Uncertain("the connection was reset".to_owned()), "outcome-unknown"),
            (StoreError::Unavailable("the connection was reset".to_owned()), "store-unavailable"),
            (StoreError::Conflict("deadlock detected".to_owned()), "store-unavailable"),
            (StoreError::Corrupt("messages.status".to_owned()), "internal"),
            (StoreError::Busy, "busy"),
        ] {
            assert_eq!(Error::from(error).name(), name);
        }
    }
}
