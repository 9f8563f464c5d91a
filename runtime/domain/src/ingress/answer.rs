//! The response that each platform understands.
//!
//! Promises: no response contains a number, a code or a text, since platforms write them to their logs and show them to end users.

use serde_json::{Value, json};

use crate::model::IngressKind;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// A provider accepted the message, or it is stored and its outcome is open.
    Accepted {
        /// The message's id.
        message: &'a str,
    },
    /// The platform asked for a message without a code, and the ingress ignores those.
    Ignored,
    /// Nothing was sent.
    Refused(Refusal),
}

/// Why nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The signature or the secret is missing or wrong.
    NotAuthentic,
    /// The request cannot be understood.
    Malformed,
    /// The request's body has another type.
    ContentType,
    /// The request's body is too large.
    TooLarge,
    /// The number cannot receive messages.
    Number,
    /// The message has no code, or several.
    Content,
    /// The ingress or the flow is switched off.
    SwitchedOff,
    /// The tenant allows no messages to this country, or no messages at all.
    NotAllowed,
    /// A limit is reached.
    Limited {
        /// Seconds until the same request can succeed. `None`: waiting does not help.
        retry_after: Option<u64>,
    },
    /// The message was stored and certainly not sent.
    NotSent,
    /// Sendbox cannot work at the moment, and nothing was stored. The same request may succeed in a moment.
    Unavailable,
}

impl Refusal {
    /// The status for platforms that only look whether it is a success.
    fn status(self) -> u16 {
        match self {
            Self::NotAuthentic => 401,
            Self::Malformed | Self::Number | Self::Content => 400,
            Self::ContentType => 415,
            Self::TooLarge => 413,
            Self::SwitchedOff | Self::NotAllowed => 403,
            Self::Limited { .. } => 429,
            Self::NotSent => 424,
            Self::Unavailable => 503,
        }
    }

    /// What an end user may read.
    fn text(self) -> &'static str {
        match self {
            Self::NotAuthentic | Self::Malformed | Self::ContentType | Self::TooLarge | Self::Content => {
                "The message could not be sent because of a configuration error."
            }
            Self::Number => "Messages cannot be sent to this phone number. Check it and try again.",
            Self::SwitchedOff | Self::NotAllowed => "Messages cannot be sent to this phone number.",
            Self::Limited { .. } => "Too many messages were sent. Wait a while and try again.",
            Self::NotSent => "The message could not be sent. Try again.",
            Self::Unavailable => "Messages cannot be sent at the moment. Try again.",
        }
    }

    /// A stable name, for programs.
    fn name(self) -> &'static str {
        match self {
            Self::NotAuthentic => "unauthenticated",
            Self::Malformed | Self::ContentType | Self::TooLarge => "invalid-request",
            Self::Number => "invalid-number",
            Self::Content => "no-code",
            Self::SwitchedOff => "disabled",
            Self::NotAllowed => "not-allowed",
            Self::Limited { .. } => "limit-reached",
            Self::NotSent => "message-not-sent",
            Self::Unavailable => "unavailable",
        }
    }

    /// Whether the same request may succeed later.
    fn is_temporary(self) -> bool {
        matches!(self, Self::Unavailable | Self::Limited { retry_after: Some(_) })
    }

    /// The code that Authgear knows.
    fn authgear_code(self) -> &'static str {
        match self {
            Self::NotAuthentic => "authentication_failed",
            Self::Number => "invalid_phone_number",
            Self::Limited { .. } => "rate_limited",
            Self::NotSent | Self::NotAllowed | Self::SwitchedOff => "delivery_rejected",
            Self::Unavailable => "timeout",
            Self::Malformed | Self::ContentType | Self::TooLarge | Self::Content => "unsupported_request",
        }
    }
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `application/json` or `text/plain; charset=utf-8`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
    /// Seconds, for `Retry-After`.
    pub retry_after: Option<u64>,
}

impl Answer {
    /// A response with a JSON document.
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, content_type: "application/json", body: body.to_string(), retry_after: None }
    }

    fn text(status: u16, body: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: body.to_owned(), retry_after: None }
    }
}

/// The response to a platform. Requests of [`IngressKind::Twilio`] are answered by [`super::twilio`].
pub fn answer(kind: IngressKind, outcome: Outcome<'_>) -> Answer {
    match (kind, outcome) {
        // 201 counts as an error, and a body must be JSON.
        (IngressKind::Supabase, Outcome::Refused(refusal)) => supabase(refusal),
        // It repeats whatever failed up to ten times, so a final refusal is told in the ingress' log only.
        (IngressKind::Zitadel, Outcome::Refused(refusal)) if is_final(refusal) => {
            Answer::json(200, &json!({ "refused": refusal.name() }))
        }
        (IngressKind::Authgear, Outcome::Accepted { .. } | Outcome::Ignored) => {
            Answer::json(200, &json!({ "code": "ok" }))
        }
        // It reads the code of a success only.
        (IngressKind::Authgear, Outcome::Refused(refusal)) => {
            let status = if refusal == Refusal::NotAuthentic { 401 } else { 200 };
            Answer::json(status, &json!({ "code": refusal.authgear_code() }))
        }
        (IngressKind::BetterAuth, Outcome::Accepted { message }) => {
            Answer::json(200, &json!({ "success": true, "messageId": message }))
        }
        (IngressKind::BetterAuth, Outcome::Refused(refusal)) => {
            let body = json!({ "success": false, "message": refusal.text() });
            with_retry(Answer::json(refusal.status(), &body), refusal)
        }
        // Its users read the body.
        (IngressKind::Authentik, Outcome::Refused(refusal)) => {
            with_retry(Answer::text(refusal.status(), refusal.text()), refusal)
        }
        (IngressKind::Generic, Outcome::Accepted { message }) => Answer::json(200, &json!({ "message": message })),
        (_, Outcome::Accepted { .. } | Outcome::Ignored) => Answer::json(200, &json!({})),
        (_, Outcome::Refused(refusal)) => {
            let body = json!({ "error": refusal.name(), "message": refusal.text() });
            with_retry(Answer::json(refusal.status(), &body), refusal)
        }
    }
}

/// Whether it makes no sense to repeat the request.
fn is_final(refusal: Refusal) -> bool {
    !refusal.is_temporary() && refusal != Refusal::NotAuthentic
}

/// Supabase tells its user an error that comes with 200. It repeats a 503 with `Retry-After` at once, and shows a fixed text for everything
/// else.
fn supabase(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::NotAuthentic => Answer::json(401, &json!({})),
        Refusal::Unavailable => Answer { retry_after: Some(1), ..Answer::json(503, &json!({})) },
        _ => {
            let error = json!({ "http_code": refusal.status(), "message": refusal.text() });
            Answer::json(200, &json!({ "error": error }))
        }
    }
}

fn with_retry(answer: Answer, refusal: Refusal) -> Answer {
    let retry_after = match refusal {
        Refusal::Limited { retry_after } => retry_after,
        Refusal::Unavailable => Some(1),
        _ => None,
    };
    Answer { retry_after, ..answer }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCEPTED: Outcome<'static> = Outcome::Accepted { message: "m1" };
    const LIMITED: Refusal = Refusal::Limited { retry_after: Some(30) };
    const REFUSALS: [Refusal; 12] = [
        Refusal::NotAuthentic,
        Refusal::Malformed,
        Refusal::ContentType,
        Refusal::TooLarge,
        Refusal::Number,
        Refusal::Content,
        Refusal::SwitchedOff,
        Refusal::NotAllowed,
        LIMITED,
        Refusal::Limited { retry_after: None },
        Refusal::NotSent,
        Refusal::Unavailable,
    ];

    #[test]
    fn a_success_is_what_the_platform_takes_for_one() {
        for (kind, outcome, body) in [
            (IngressKind::Logto, ACCEPTED, "{}"),
            (IngressKind::Supabase, ACCEPTED, "{}"),
            (IngressKind::Supabase, Outcome::Ignored, "{}"),
            (IngressKind::Authgear, ACCEPTED, r#"{"code":"ok"}"#),
            (IngressKind::Authgear, Outcome::Ignored, r#"{"code":"ok"}"#),
            (IngressKind::BetterAuth, ACCEPTED, r#"{"messageId":"m1","success":true}"#),
            (IngressKind::Casdoor, ACCEPTED, "{}"),
            (IngressKind::Generic, ACCEPTED, r#"{"message":"m1"}"#),
        ] {
            let answer = answer(kind, outcome);
            assert_eq!((answer.status, answer.body.as_str()), (200, body), "{kind:?}");
            assert_eq!(answer.content_type, "application/json", "{kind:?}");
        }
    }

    #[test]
    fn supabase_repeats_only_what_a_repetition_can_help() {
        for refusal in REFUSALS {
            let answer = answer(IngressKind::Supabase, Outcome::Refused(refusal));
            assert_eq!(answer.retry_after.is_some(), refusal == Refusal::Unavailable, "{refusal:?}");
            assert!([200, 401, 503].contains(&answer.status), "{refusal:?}");
            let body: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(answer.status == 200, body.pointer("/error/http_code").is_some(), "{refusal:?}");
        }
    }

    #[test]
    fn zitadel_repeats_only_what_a_repetition_can_help() {
        for refusal in REFUSALS {
            let answer = answer(IngressKind::Zitadel, Outcome::Refused(refusal));
            let repeats = matches!(refusal, Refusal::NotAuthentic | Refusal::Unavailable) || refusal == LIMITED;
            assert_eq!(answer.status == 200, !repeats, "{refusal:?}");
        }
    }

    #[test]
    fn a_refusal_is_a_failure_for_every_other_platform() {
        for kind in IngressKind::ALL {
            if matches!(kind, IngressKind::Supabase | IngressKind::Zitadel) {
                continue;
            }
            for refusal in REFUSALS {
                let answer = answer(kind, Outcome::Refused(refusal));
                assert!(answer.status >= 400 || answer.body.contains("\"code\":"), "{kind:?} {refusal:?}");
                assert_ne!(answer.body, r#"{"code":"ok"}"#);
            }
        }
    }
}
