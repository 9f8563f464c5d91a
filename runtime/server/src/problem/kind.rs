//! Every kind of problem, in one table: name, status, what it means, and what to do.

use http::StatusCode;
use sendbox_service::Error;
use serde::Serialize;
use utoipa::ToSchema;

/// Writes the table: the kinds, and what is said of each.
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

            /// A few words.
            pub(crate) fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }

            /// What it means, in a sentence.
            pub(crate) fn meaning(self) -> &'static str {
                match self { $(Self::$kind => $meaning,)* }
            }

            /// What to do.
            pub(crate) fn remedy(self) -> &'static str {
                match self { $(Self::$kind => $remedy,)* }
            }
        }
    };
}

kinds! {
    BadRequest, "bad-request", BAD_REQUEST, "Bad request",
        "The request broke the rules of HTTP, or ended too early.",
        "Send it again, whole.";
    MalformedJson, "malformed-json", BAD_REQUEST, "Malformed JSON",
        "The body is not a JSON document.",
        "Correct the body; `detail` says where it breaks.";
    Unauthenticated, "unauthenticated", UNAUTHORIZED, "Unauthenticated",
        "The key is missing, unknown, expired or revoked.",
        "Give a valid one as `Authorization: Bearer …`.";
    ScopeMissing, "scope-missing", FORBIDDEN, "Scope missing",
        "The key is valid, and may not do this.",
        "Make a key with the `scope` of this document, or use the platform key.";
    PlatformOnly, "platform-only", FORBIDDEN, "Platform only",
        "Only the platform key may do this.",
        "Ask the operator of the platform.";
    CrossSite, "cross-site", FORBIDDEN, "Not from the console",
        "The request comes with a session, and does not show that it comes from a page of this server.",
        "Send the session's `csrfToken` as `X-CSRF-Token`, from a page of this origin; programs use a key instead.";
    SignInInClear, "sign-in-in-clear", FORBIDDEN, "Sign-in in clear",
        "The key came over a network without TLS, and a session would go the same way.",
        "Open the console by `https://`, or on the machine itself by `http://127.0.0.1`.";
    CountryNotAllowed, "country-not-allowed", FORBIDDEN, "Country not allowed",
        "The number's country is not on the tenant's list.",
        "Add it to `countries` at `/policy`, if messages should go there.";
    NotFound, "not-found", NOT_FOUND, "Not found",
        "There is nothing at this path, or nothing that this key may see.",
        "Check the path, the ids in it and whose key it is.";
    MethodNotAllowed, "method-not-allowed", METHOD_NOT_ALLOWED, "Method not allowed",
        "The path is there, and does not take this method.",
        "Use one of those in the header `Allow`.";
    RequestTimeout, "request-timeout", REQUEST_TIMEOUT, "Request timeout",
        "The body did not arrive in time.",
        "Send it again.";
    Conflict, "conflict", CONFLICT, "Conflict",
        "What is there already stands against it.",
        "Read what is there, and decide anew.";
    DiffChanged, "diff-changed", CONFLICT, "Diff changed",
        "What would change is not what was confirmed.",
        "Look at the new diff, and confirm that.";
    ApprovalNeeded, "approval-needed", CONFLICT, "Approval needed",
        "The version of the connector may do more than the active one, or says something else of itself, and nobody has approved that.",
        "Read the version's `difference`, and approve it with its `confirm`.";
    NeededByFlows, "needed-by-flows", CONFLICT, "Needed by flows",
        "Flows that are on need this connection.",
        "Activate another one first, switch the flows off, or delete with `force=true`.";
    FlowOff, "flow-off", CONFLICT, "Flow is off",
        "The tenant has switched this flow off.",
        "Switch it on at `/flows`.";
    NoActiveConnection, "no-active-connection", CONFLICT, "No active connection",
        "No connection is set up that could send.",
        "Save one, and activate it at `/active-connection`.";
    IdempotencyInFlight, "idempotency-in-flight", CONFLICT, "Still under way",
        "The first request with this Idempotency-Key is still under way.",
        "Ask again in a moment, with the same key and body.";
    VerificationEnded, "verification-ended", GONE, "Verification ended",
        "The verification is approved, expired, exhausted, cancelled or superseded.",
        "Start a new one.";
    BodyTooLarge, "body-too-large", PAYLOAD_TOO_LARGE, "Body too large",
        "The body is larger than this path takes.",
        "Send less; `detail` says how much fits.";
    UnsupportedMediaType, "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "Unsupported media type",
        "The body is not declared as what this path takes.",
        "Send JSON with `Content-Type: application/json`, a connector with `application/wasm`.";
    InvalidInput, "invalid-input", UNPROCESSABLE_ENTITY, "Invalid input",
        "Values are missing, wrong or not known.",
        "Correct what `errors` lists; it is all of it, as far as it could be read.";
    IdempotencyMismatch, "idempotency-mismatch", UNPROCESSABLE_ENTITY, "Key used before",
        "This Idempotency-Key was used with another request.",
        "Use a new key for a new request.";
    WrongCode, "wrong-code", UNPROCESSABLE_ENTITY, "Wrong code",
        "The code is wrong, and the try is counted.",
        "Let the user try again while `triesLeft` is above 0.";
    MessageNotSent, "message-not-sent", FAILED_DEPENDENCY, "Message not sent",
        "The message was taken, is on record, and was not sent.",
        "`message.failure` says who failed and what to do.";
    Limited, "limited", TOO_MANY_REQUESTS, "Limit reached",
        "A limit on the way in is reached.",
        "Wait for `retryAfter` seconds, where it is given. Show end users no more than `endUserMessage`.";
    Internal, "internal", INTERNAL_SERVER_ERROR, "Internal error",
        "Sendbox failed.",
        "Tell the operator the `instance`; the log has more under it.";
    StoreUnavailable, "store-unavailable", SERVICE_UNAVAILABLE, "Store not available",
        "The store does not answer. Nothing was accepted.",
        "Try again.";
    StoreUncertain, "store-uncertain", SERVICE_UNAVAILABLE, "Outcome unknown",
        "The store failed while this was written down. It may have been accepted.",
        "Ask again with the same Idempotency-Key, or look it up, before you do it anew.";
    ReportNotAuthentic, "report-not-authentic", FORBIDDEN, "Report not authentic",
        "A provider's call is not signed as the connection's settings demand. Nothing was changed.",
        "Compare the secret of the connection with the provider's, and the public URL with the address that it calls.";
    ReportMalformed, "report-malformed", BAD_REQUEST, "Report malformed",
        "A provider's call is no delivery report of the connection's provider. Nothing was changed.",
        "Look at which connection's address the provider calls, and in which format.";
    ReportUnread, "report-unread", BAD_GATEWAY, "Report not read",
        "The connector failed to read a provider's call. Nothing was changed.",
        "Tell the operator the `instance`; the log names connection and version.";
    Busy, "busy", SERVICE_UNAVAILABLE, "Busy",
        "As many reports are being read as may be at once. Nothing was changed.",
        "Try again; providers do so by themselves.";
    Stopping, "stopping", SERVICE_UNAVAILABLE, "Stopping",
        "This server is ending.",
        "Try again; another one answers, or this one after its restart.";
}

impl Kind {
    /// The kind of what the service says. A new error does not compile until it has a row in the table.
    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::Unauthenticated => Self::Unauthenticated,
            Error::Forbidden(_) => Self::ScopeMissing,
            Error::PlatformOnly => Self::PlatformOnly,
            Error::NotFound(_) => Self::NotFound,
            Error::Invalid(_) => Self::InvalidInput,
            Error::Conflict(_) => Self::Conflict,
            Error::DiffChanged => Self::DiffChanged,
            Error::ApprovalNeeded(_) => Self::ApprovalNeeded,
            Error::NeededByFlows(_) => Self::NeededByFlows,
            Error::FlowOff(_) => Self::FlowOff,
            Error::NoActiveConnection => Self::NoActiveConnection,
            Error::CountryNotAllowed(_) => Self::CountryNotAllowed,
            Error::Limited { .. } => Self::Limited,
            Error::IdempotencyMismatch => Self::IdempotencyMismatch,
            Error::IdempotencyInFlight => Self::IdempotencyInFlight,
            Error::NotSent { .. } => Self::MessageNotSent,
            Error::WrongCode { .. } => Self::WrongCode,
            Error::VerificationEnded(_) => Self::VerificationEnded,
            Error::StoreUnavailable => Self::StoreUnavailable,
            Error::StoreUncertain => Self::StoreUncertain,
            Error::ReportNotAuthentic => Self::ReportNotAuthentic,
            Error::ReportMalformed => Self::ReportMalformed,
            Error::ReportUnread => Self::ReportUnread,
            Error::Busy => Self::Busy,
            Error::Stopping => Self::Stopping,
            Error::Internal(_) => Self::Internal,
        }
    }

    /// `/problems/not-found`
    pub(crate) fn path(self) -> String {
        format!("/problems/{}", self.name())
    }

    /// Seconds until it is worth a second try, where that is the same for all problems of the kind.
    pub(crate) fn retry_after(self) -> Option<u64> {
        matches!(
            self,
            Self::StoreUnavailable | Self::StoreUncertain | Self::Busy | Self::Stopping | Self::IdempotencyInFlight
        )
        .then_some(1)
    }

    /// For people who look it up.
    pub(crate) fn view(self) -> KindView {
        KindView {
            kind: self.path(),
            title: self.title(),
            status: self.status().as_u16(),
            meaning: self.meaning(),
            remedy: self.remedy(),
        }
    }
}

/// A kind of problem, explained.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProblemKind)]
pub(crate) struct KindView {
    /// As in `type` of a problem document.
    #[serde(rename = "type")]
    #[schema(example = "/problems/limited")]
    kind: String,
    /// A few words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What it means.
    meaning: &'static str,
    /// What to do.
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
