//! Every type of problem in one table: its name, its status, what it means, and what to do.

use std::borrow::Cow;

use http::StatusCode;
use sendbox_service::Error;
use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Defines the kinds from the table.
macro_rules! kinds {
    ($($kind:ident, $name:literal, $status:ident, $title:literal, $meaning:literal, $remedy:literal;)*) => {
        /// A kind of problem. Its name never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind {
            $(#[doc = $meaning] $kind,)*
        }

        impl Kind {
            /// All, in the order of the table.
            pub(crate) const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The last part of its `type`.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// The HTTP status.
            pub(crate) fn status(self) -> StatusCode {
                match self { $(Self::$kind => StatusCode::$status,)* }
            }

            /// A short title.
            pub(crate) fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }

            /// The meaning, in a sentence.
            pub(crate) fn meaning(self) -> &'static str {
                match self { $(Self::$kind => $meaning,)* }
            }

            /// What to do, in a sentence.
            pub(crate) fn remedy(self) -> &'static str {
                match self { $(Self::$kind => $remedy,)* }
            }
        }
    };
}

kinds! {
    BadRequest, "bad-request", BAD_REQUEST, "Bad request",
        "The request violates HTTP, or is incomplete.",
        "Send the whole request again.";
    MalformedJson, "malformed-json", BAD_REQUEST, "Malformed JSON",
        "The body is not a JSON document.",
        "Correct the body; `detail` says where the error is.";
    Unauthenticated, "unauthenticated", UNAUTHORIZED, "Unauthenticated",
        "The key is missing, unknown, expired or revoked.",
        "Send a valid key as `Authorization: Bearer …`.";
    InsufficientScope, "insufficient-scope", FORBIDDEN, "Insufficient scope",
        "The key is valid, but lacks a scope that this operation needs.",
        "Create a key with the `scope` of this problem, or use the platform key.";
    PlatformOnly, "platform-only", FORBIDDEN, "Platform key required",
        "Only the platform key permits this operation.",
        "Ask the operator of the platform.";
    CrossSite, "cross-site", FORBIDDEN, "Cross-site request",
        "The request uses a session, but does not show that it comes from a page of this server.",
        "Send the session's `csrfToken` as `X-CSRF-Token` from a page of this origin. Programs use a key instead.";
    InsecureTransport, "insecure-transport", FORBIDDEN, "Insecure transport",
        "You cannot sign in over a network without TLS: everyone on the way could read the key.",
        "Open the console over `https://`, or on the server's own machine over `http://127.0.0.1`.";
    CountryNotAllowed, "country-not-allowed", FORBIDDEN, "Country not allowed",
        "The tenant's policy does not allow messages to the country of this number.",
        "Add the country to `countries` of the policy if you want to send there.";
    NumberKindNotAllowed, "number-kind-not-allowed", FORBIDDEN, "Kind of number not allowed",
        "The tenant's policy does not allow messages to numbers of this kind.",
        "Allow the kind in `numbers` of the policy if you want to send there.";
    NotFound, "not-found", NOT_FOUND, "Not found",
        "There is nothing at this path that the key may see.",
        "Check the path and its ids, and whose key you use.";
    MethodNotAllowed, "method-not-allowed", METHOD_NOT_ALLOWED, "Method not allowed",
        "The path exists, but does not support this method.",
        "Use one of the methods in the header `Allow`.";
    RequestTimeout, "request-timeout", REQUEST_TIMEOUT, "Request timeout",
        "The body did not arrive in time.",
        "Send the request again.";
    Conflict, "conflict", CONFLICT, "Conflict",
        "The current state does not allow this change.",
        "Read the current state and decide again.";
    DiffChanged, "diff-changed", CONFLICT, "Diff changed",
        "The changes are no longer the ones that you confirmed.",
        "Review the new diff and confirm that one.";
    ApprovalRequired, "approval-required", CONFLICT, "Approval required",
        "The version may do more than the active one, or presents itself differently, and nobody has approved that.",
        "Review the version's `difference`, and approve it with its `confirmationToken`.";
    ConnectionInUse, "connection-in-use", CONFLICT, "Connection in use",
        "Enabled flows depend on this connection.",
        "Activate another connection first, disable the flows, or delete with `force=true`.";
    FlowDisabled, "flow-disabled", CONFLICT, "Flow disabled",
        "The tenant has disabled this flow.",
        "Enable it at `/flows`.";
    NoticesDisabled, "notices-disabled", CONFLICT, "Notices disabled",
        "The tenant's policy sends no messages without a code.",
        "Set `notices.enabled` at `/policy`.";
    NoActiveConnection, "no-active-connection", CONFLICT, "No active connection",
        "No connection is active, so nothing can be sent.",
        "Save a connection and activate it at `/active-connection`.";
    IdempotencyInFlight, "idempotency-in-flight", CONFLICT, "Request in progress",
        "The first request with this `Idempotency-Key` is still in progress.",
        "Repeat the request in a moment, with the same key and body.";
    VerificationEnded, "verification-ended", GONE, "Verification ended",
        "The verification is approved, expired, exhausted, cancelled or superseded.",
        "Create a new verification.";
    PreconditionFailed, "precondition-failed", PRECONDITION_FAILED, "Changed in the meantime",
        "Somebody else has changed it since you read it. Nothing was changed.",
        "Read it again, apply your change to it, and save it with its new `ETag` in `If-Match`.";
    BodyTooLarge, "body-too-large", PAYLOAD_TOO_LARGE, "Body too large",
        "The body is larger than this operation accepts.",
        "Send a smaller body; `detail` says how large it may be.";
    UnsupportedMediaType, "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "Unsupported media type",
        "The `Content-Type` is not one that this operation accepts.",
        "Send JSON with `Content-Type: application/json`, and a connector with `application/wasm`.";
    InvalidInput, "invalid-input", UNPROCESSABLE_ENTITY, "Invalid input",
        "Fields are missing, invalid or unknown.",
        "Correct every field in `errors`.";
    IdempotencyMismatch, "idempotency-mismatch", UNPROCESSABLE_ENTITY, "Idempotency key reused",
        "This `Idempotency-Key` was used with a different request.",
        "Use a new key for a new request.";
    WrongCode, "wrong-code", UNPROCESSABLE_ENTITY, "Wrong code",
        "The code is wrong, and the try was counted.",
        "Ask the user again while `triesLeft` is above 0.";
    MessageNotSent, "message-not-sent", FAILED_DEPENDENCY, "Message not sent",
        "The message was stored, and could not be sent.",
        "Read `message.failure`: it says who failed and what to do.";
    LimitReached, "limit-reached", TOO_MANY_REQUESTS, "Limit reached",
        "A limit on messages or checks is reached; `limit` names it.",
        "Wait `retryAfter` seconds, where it is given. Show end users no more than `endUserMessage`.";
    QuotaReached, "quota-reached", TOO_MANY_REQUESTS, "Quota reached",
        "The tenant stores, or has changed, as much of something as it may; `limit` names it.",
        "Delete what is not needed any more, or wait `retryAfter` seconds, where it is given.";
    TooManyRequests, "too-many-requests", TOO_MANY_REQUESTS, "Too many requests",
        "The key, its tenant or the address makes requests too fast, or has too many in progress. Nothing was done.",
        "Wait `retryAfter` seconds, and make fewer requests at once.";
    Internal, "internal", INTERNAL_SERVER_ERROR, "Internal error",
        "Sendbox failed.",
        "Give the `instance` to the operator, who finds the cause in the server's log.";
    StoreUnavailable, "store-unavailable", SERVICE_UNAVAILABLE, "Store unavailable",
        "The database does not respond. Nothing was stored and nothing was sent.",
        "Try again.";
    OutcomeUnknown, "outcome-unknown", SERVICE_UNAVAILABLE, "Outcome unknown",
        "The database failed during the commit. The request may have been accepted.",
        "Repeat the request with the same `Idempotency-Key`, or look up its result before you send a new one.";
    ReportNotAuthentic, "report-not-authentic", FORBIDDEN, "Report not authentic",
        "A provider's callback is not signed as the connection requires. Nothing was changed.",
        "Compare the connection's secret with the provider's, and the public URL with the URL that the provider calls.";
    ReportMalformed, "report-malformed", BAD_REQUEST, "Report malformed",
        "A provider's callback is not a delivery report of the connection's provider. Nothing was changed.",
        "Check which connection's callback URL the provider calls, and in which format.";
    ReportUnreadable, "report-unreadable", BAD_GATEWAY, "Report unreadable",
        "The connector failed to read a provider's callback. Nothing was changed.",
        "Give the `instance` to the operator; the server's log names the connection and the version.";
    Busy, "busy", SERVICE_UNAVAILABLE, "Busy",
        "Too many requests, sends or callbacks are waiting, of the tenant or of all tenants. Nothing was changed.",
        "Try again in a moment. Providers repeat their callbacks automatically.";
    MasterKeyMissing, "master-key-missing", SERVICE_UNAVAILABLE, "Master key missing",
        "The database is sealed with a master key that this server lacks. Nothing was stored and nothing was sent.",
        "Try again: another server may respond. The operator finds the id of the key in the server's log.";
    Starting, "starting", SERVICE_UNAVAILABLE, "Starting",
        "This server is starting: it is compiling connectors.",
        "Try again in a moment.";
    Stopping, "stopping", SERVICE_UNAVAILABLE, "Stopping",
        "This server is shutting down.",
        "Try again: another server will respond, or this one after its restart.";
}

impl Kind {
    /// The kind of an error of the service. A new error does not compile until the table has a row for it.
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::Unauthenticated => Self::Unauthenticated,
            Error::Forbidden(_) => Self::InsufficientScope,
            Error::PlatformOnly => Self::PlatformOnly,
            Error::NotFound(_) => Self::NotFound,
            Error::Invalid(_) => Self::InvalidInput,
            Error::Conflict(_) => Self::Conflict,
            Error::DiffChanged => Self::DiffChanged,
            Error::ApprovalRequired(_) => Self::ApprovalRequired,
            Error::ConnectionInUse(_) => Self::ConnectionInUse,
            Error::FlowDisabled(_) => Self::FlowDisabled,
            Error::NoticesDisabled => Self::NoticesDisabled,
            Error::NoActiveConnection => Self::NoActiveConnection,
            Error::CountryNotAllowed(_) => Self::CountryNotAllowed,
            Error::NumberKindNotAllowed(_) => Self::NumberKindNotAllowed,
            Error::PreconditionFailed => Self::PreconditionFailed,
            Error::Limited { .. } => Self::LimitReached,
            Error::TooManyRequests { .. } => Self::TooManyRequests,
            Error::QuotaReached { .. } => Self::QuotaReached,
            Error::IdempotencyMismatch => Self::IdempotencyMismatch,
            Error::IdempotencyInFlight => Self::IdempotencyInFlight,
            Error::NotSent { .. } => Self::MessageNotSent,
            Error::WrongCode { .. } => Self::WrongCode,
            Error::VerificationEnded(_) => Self::VerificationEnded,
            Error::StoreUnavailable | Error::StoreConflict => Self::StoreUnavailable,
            Error::StoreUncertain => Self::OutcomeUnknown,
            Error::ReportNotAuthentic => Self::ReportNotAuthentic,
            Error::ReportMalformed => Self::ReportMalformed,
            Error::ReportUnreadable => Self::ReportUnreadable,
            Error::Busy => Self::Busy,
            Error::MasterKeyMissing => Self::MasterKeyMissing,
            Error::Stopping => Self::Stopping,
            Error::Internal(_)
            | Error::VersionNotLoaded { .. }
            | Error::SettingsNotValidated(_)
            | Error::LimitsAhead { .. } => Self::Internal,
        }
    }

    /// `/problems/not-found`
    pub(crate) fn path(self) -> String {
        format!("/problems/{}", self.name())
    }

    /// Seconds until a second try is worthwhile, where that is the same for every problem of the kind.
    pub(crate) fn retry_after(self) -> Option<u64> {
        matches!(
            self,
            Self::StoreUnavailable
                | Self::OutcomeUnknown
                | Self::Busy
                | Self::MasterKeyMissing
                | Self::Starting
                | Self::Stopping
                | Self::IdempotencyInFlight
        )
        .then_some(1)
    }

    /// The explanation that the API returns.
    pub(crate) fn describe(self) -> ProblemType {
        ProblemType {
            kind: self.path(),
            title: self.title(),
            status: self.status().as_u16(),
            meaning: self.meaning(),
            remedy: self.remedy(),
        }
    }
}

/// The schema of the `type` of a problem.
pub(crate) struct ProblemTypeUri;

impl PartialSchema for ProblemTypeUri {
    fn schema() -> RefOr<Schema> {
        let types = Kind::ALL.iter().map(|kind| kind.path());
        let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(types));
        schema.description(Some("Identifies a type of problem. It is also the path of its explanation.")).build().into()
    }
}

impl ToSchema for ProblemTypeUri {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ProblemTypeUri")
    }
}

/// A type of problem, explained.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemType {
    /// The `type` of the problem document.
    #[serde(rename = "type")]
    #[schema(value_type = ProblemTypeUri, example = "/problems/limit-reached")]
    kind: String,
    /// A short title.
    #[schema(example = "Limit reached")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 429)]
    status: u16,
    /// What the problem means.
    #[schema(example = "A limit on messages or checks is reached; `limit` names it.")]
    meaning: &'static str,
    /// What to do about it.
    #[schema(example = "Wait `retryAfter` seconds, where it is given. Show end users no more than `endUserMessage`.")]
    remedy: &'static str,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_fit_a_path() {
        let names: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
        assert!(Kind::ALL.iter().all(|kind| kind.status().is_client_error() || kind.status().is_server_error()));
    }
}
