//! The part of Twilio's API that is served: Messages (create, retrieve) and Verify v2 (start, check, retrieve, cancel), with Twilio's own
//! names, statuses and error codes.
//!
//! In responses, numbers are masked and texts are left out.

use sendbox_contract::{DeliveryState, FailureClass};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

use super::answer::{Answer, Refusal};
use crate::model::{Message, MessageStatus, Timestamp, Verification, VerificationStatus};

/// The version of the API of messages.
pub(super) const API_VERSION: &str = "2010-04-01";
/// Number of hexadecimal digits of a SID after its two letters.
const SID_DIGITS: usize = 32;

/// An operation of Twilio's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'p> {
    /// Create a message.
    CreateMessage(Account<'p>),
    /// Retrieve a message.
    FetchMessage(Account<'p>, Sid),
    /// Start a verification.
    StartVerification(Service<'p>),
    /// Check a code.
    CheckVerification(Service<'p>),
    /// Retrieve a verification.
    FetchVerification(Service<'p>, Sid),
    /// Cancel a verification.
    CancelVerification(Service<'p>, Sid),
}

/// The SID of an account, as the caller wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account<'p>(pub &'p str);

/// The SID of a Verify service, as the caller wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service<'p>(pub &'p str);

/// The digits of the SID of a message or a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sid(pub u128);

impl Sid {
    /// Reads a SID with these two letters.
    pub fn read(text: &str, letters: &str) -> Option<Self> {
        let digits = text.strip_prefix(letters)?;
        let is_hex = digits.len() == SID_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u128::from_str_radix(digits, 16).ok().map(Self)).flatten()
    }

    /// The SID with these two letters.
    pub fn write(self, letters: &str) -> String {
        format!("{letters}{:032x}", self.0)
    }
}

/// The operation that a method and the rest of an ingress' address name. A prefix before Twilio's own path is ignored.
pub fn operation<'p>(method: &str, path: &'p str) -> Option<Operation<'p>> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let start = segments.iter().position(|segment| matches!(*segment, API_VERSION | "v2"))?;
    let rest = segments.get(start..)?;
    let is_sid = |text: &str, letters: &str| Sid::read(text, letters).is_some();
    Some(match (method, rest) {
        ("POST", [API_VERSION, "Accounts", account, "Messages.json"]) if is_sid(account, "AC") => {
            Operation::CreateMessage(Account(account))
        }
        ("GET", [API_VERSION, "Accounts", account, "Messages", file]) if is_sid(account, "AC") => {
            Operation::FetchMessage(Account(account), Sid::read(file.strip_suffix(".json")?, "SM")?)
        }
        ("POST", ["v2", "Services", service, "Verifications"]) if is_sid(service, "VA") => {
            Operation::StartVerification(Service(service))
        }
        ("POST", ["v2", "Services", service, "VerificationCheck"]) if is_sid(service, "VA") => {
            Operation::CheckVerification(Service(service))
        }
        ("GET", ["v2", "Services", service, "Verifications", sid]) if is_sid(service, "VA") => {
            Operation::FetchVerification(Service(service), Sid::read(sid, "VE")?)
        }
        ("POST", ["v2", "Services", service, "Verifications", sid]) if is_sid(service, "VA") => {
            Operation::CancelVerification(Service(service), Sid::read(sid, "VE")?)
        }
        _ => return None,
    })
}

/// Whether a path is one of Verify.
pub fn is_verify(path: &str) -> bool {
    path.split('/').any(|segment| segment == "v2")
}

/// Why an operation failed, where that is not a [`Refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TwilioError {
    /// The message, the verification or the path does not exist; or the verification has ended.
    NotFound,
    /// The URL for status callbacks may not be called.
    Callback,
    /// The text is missing.
    NoBody,
    /// A parameter of Verify is missing or not served.
    Parameter(&'static str),
    /// The verification has no tries left.
    NoTriesLeft,
    /// Nothing is refused here but by the ingress.
    Refused(Refusal),
}

/// The response to an operation that failed.
pub fn error(error: TwilioError, of_verify: bool) -> Answer {
    let (status, code, message): (u16, u32, String) = match error {
        TwilioError::NotFound => (404, 20404, "The requested resource was not found".to_owned()),
        TwilioError::Callback => (400, 21609, "The 'StatusCallback' URL is not valid".to_owned()),
        TwilioError::NoBody => (400, 21602, "Message body is required".to_owned()),
        TwilioError::Parameter(name) => (400, 60200, format!("Invalid parameter: {name}")),
        TwilioError::NoTriesLeft => (429, 60202, "Max check attempts reached".to_owned()),
        TwilioError::Refused(refusal) => refused(refusal, of_verify),
    };
    let retry_after = match error {
        TwilioError::Refused(Refusal::Limited { retry_after }) => retry_after,
        TwilioError::Refused(Refusal::Unavailable) => Some(1),
        _ => None,
    };
    let more_info = format!("https://www.twilio.com/docs/errors/{code}");
    let body = json!({ "code": code, "message": message, "more_info": more_info, "status": status });
    Answer { retry_after, ..Answer::json(status, &body) }
}

fn refused(refusal: Refusal, of_verify: bool) -> (u16, u32, String) {
    let (status, code, message) = match refusal {
        Refusal::NotAuthentic => (401, 20003, "Authentication failed"),
        Refusal::Number if of_verify => (400, 60200, "Invalid parameter `To`"),
        Refusal::Number => (400, 21211, "Invalid 'To' phone number"),
        Refusal::Malformed | Refusal::ContentType => (400, 20001, "The request cannot be read"),
        Refusal::Content => (400, 21602, "The message body holds no code, or several"),
        Refusal::TooLarge => (400, 21617, "The message body is too long"),
        Refusal::SwitchedOff => (403, 20403, "This account may not send such messages"),
        Refusal::NotAllowed if of_verify => (403, 60605, "Verification to this destination is blocked"),
        Refusal::NotAllowed => (400, 21408, "Permission to send to this region is not enabled"),
        Refusal::Limited { .. } if of_verify => (429, 60203, "Max send attempts reached"),
        Refusal::Limited { .. } => (429, 20429, "Too many requests"),
        Refusal::NotSent => (400, 30008, "The message could not be sent"),
        Refusal::Unavailable => (503, 20503, "The service is unavailable; nothing was stored"),
    };
    (status, code, message.to_owned())
}

/// A message as Twilio describes one.
pub fn message(account: Account<'_>, sid: Sid, message: &Message) -> Value {
    let (sid, account) = (sid.write("SM"), account.0);
    let uri = format!("/{API_VERSION}/Accounts/{account}/Messages/{sid}");
    let is_unsent = message.status.is_final() && !was_sent(message);
    let error_code = message.failure.as_ref().filter(|_| is_unsent).map(|failure| failure_code(failure.class));
    let sent_at = message.attempts.last().and_then(|attempt| attempt.finished_at).filter(|_| was_sent(message));
    json!({
        "sid": sid,
        "account_sid": account,
        "messaging_service_sid": null,
        "api_version": API_VERSION,
        "direction": "outbound-api",
        "status": message_status(message),
        "to": message.to,
        "from": null,
        "body": null,
        "num_segments": message.segments.unwrap_or(1).to_string(),
        "num_media": "0",
        "price": null,
        "price_unit": "USD",
        "error_code": error_code,
        "error_message": error_code.and(message.failure.as_ref()).map(|failure| &failure.message),
        "date_created": rfc2822(message.created_at),
        "date_updated": rfc2822(sent_at.unwrap_or(message.created_at)),
        "date_sent": sent_at.map(rfc2822),
        "uri": format!("{uri}.json"),
        "subresource_uris": { "media": format!("{uri}/Media.json") },
    })
}

fn was_sent(message: &Message) -> bool {
    matches!(message.status, MessageStatus::Accepted | MessageStatus::InDoubt)
}

/// The status of a message in Twilio's words. What is in doubt was handed over, and nobody knows more.
pub fn message_status(message: &Message) -> &'static str {
    let delivery = message.delivery.as_ref().map(|delivery| delivery.state);
    match message.status {
        MessageStatus::Queued => "queued",
        MessageStatus::Sending => "sending",
        MessageStatus::Accepted | MessageStatus::InDoubt => match delivery {
            Some(DeliveryState::Delivered) => "delivered",
            Some(state) if state.is_undelivered() => "undelivered",
            _ => "sent",
        },
        MessageStatus::Failed | MessageStatus::Expired => "failed",
        MessageStatus::Cancelled => "canceled",
    }
}

/// Twilio's code for why a message was not sent.
pub(super) fn failure_code(class: FailureClass) -> u32 {
    match class {
        FailureClass::InvalidRecipient => 21211,
        FailureClass::RecipientUnsubscribed => 21610,
        FailureClass::RecipientBlocked => 30004,
        FailureClass::UnsupportedDestination => 21408,
        FailureClass::ContentRejected | FailureClass::FraudBlocked => 30007,
        FailureClass::AccountSuspended => 30002,
        FailureClass::RateLimited => 20429,
        _ => 30008,
    }
}

/// A verification as Twilio describes one.
pub fn verification(service: Service<'_>, sid: Sid, verification: &Verification) -> Value {
    let is_approved = verification.status == VerificationStatus::Approved;
    json!({
        "sid": sid.write("VE"),
        "service_sid": service.0,
        "account_sid": null,
        "to": verification.to,
        "channel": "sms",
        "status": verification_status(verification.status),
        "valid": is_approved,
        "lookup": {},
        "amount": null,
        "payee": null,
        "sna": null,
        "send_code_attempts": [],
        "date_created": rfc3339(verification.created_at),
        "date_updated": rfc3339(verification.approved_at.unwrap_or(verification.created_at)),
        "url": null,
    })
}

/// The status of a verification in Twilio's words.
fn verification_status(status: VerificationStatus) -> &'static str {
    match status {
        VerificationStatus::Pending => "pending",
        VerificationStatus::Approved => "approved",
        VerificationStatus::Exhausted => "max_attempts_reached",
        VerificationStatus::Expired => "expired",
        VerificationStatus::Cancelled | VerificationStatus::Superseded => "canceled",
    }
}

fn time_of(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.0.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn rfc2822(at: Timestamp) -> String {
    time_of(at).format(&Rfc2822).unwrap_or_default()
}

fn rfc3339(at: Timestamp) -> String {
    time_of(at).format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "AC00000000000000000000000000000001";
    const SERVICE: &str = "VA00000000000000000000000000000002";

    #[test]
    fn operations_are_found_behind_any_prefix() {
        let sid = |letters: &str| format!("{letters}0000000000000000000000000000000f");
        for (method, path, operation) in [
            (
                "POST",
                format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json"),
                Some(Operation::CreateMessage(Account(ACCOUNT))),
            ),
            (
                "POST",
                format!("api/2010-04-01/Accounts/{ACCOUNT}/Messages.json"),
                Some(Operation::CreateMessage(Account(ACCOUNT))),
            ),
            (
                "GET",
                format!("2010-04-01/Accounts/{ACCOUNT}/Messages/{}.json", sid("SM")),
                Some(Operation::FetchMessage(Account(ACCOUNT), Sid(15))),
            ),
            (
                "POST",
                format!("/v2/Services/{SERVICE}/Verifications"),
                Some(Operation::StartVerification(Service(SERVICE))),
            ),
            (
                "POST",
                format!("/v2/Services/{SERVICE}/VerificationCheck"),
                Some(Operation::CheckVerification(Service(SERVICE))),
            ),
            (
                "GET",
                format!("/v2/Services/{SERVICE}/Verifications/{}", sid("VE")),
                Some(Operation::FetchVerification(Service(SERVICE), Sid(15))),
            ),
            ("DELETE", format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json"), None),
            ("POST", "/2010-04-01/Accounts/AC1/Messages.json".to_owned(), None),
            ("GET", format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/SM1.json"), None),
            ("POST", "/".to_owned(), None),
        ] {
            assert_eq!(super::operation(method, &path), operation, "{method} {path}");
        }
    }

    #[test]
    fn sids_are_read_as_they_are_written() {
        for number in [0, 15, u128::MAX, 1 << 100] {
            let text = Sid(number).write("SM");
            assert_eq!((text.len(), Sid::read(&text, "SM")), (34, Some(Sid(number))));
        }
        for text in ["SM+0000000000000000000000000000001", "SM1", "", "VE00000000000000000000000000000001"] {
            assert_eq!(Sid::read(text, "SM"), None, "{text}");
        }
    }

    #[test]
    fn errors_have_the_codes_of_twilio() {
        let refused = TwilioError::Refused;
        for (failed, of_verify, status, code) in [
            (refused(Refusal::NotAuthentic), false, 401, 20003),
            (refused(Refusal::Number), false, 400, 21211),
            (refused(Refusal::Number), true, 400, 60200),
            (refused(Refusal::NotAllowed), false, 400, 21408),
            (refused(Refusal::Limited { retry_after: Some(9) }), false, 429, 20429),
            (refused(Refusal::Limited { retry_after: Some(9) }), true, 429, 60203),
            (TwilioError::Callback, false, 400, 21609),
            (TwilioError::NotFound, true, 404, 20404),
            (TwilioError::NoTriesLeft, true, 429, 60202),
        ] {
            let answer = error(failed, of_verify);
            let body: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(
                (answer.status, body["code"].as_u64(), body["status"].as_u64()),
                (status, Some(code), Some(status.into()))
            );
            assert!(body["more_info"].as_str().unwrap().ends_with(&code.to_string()));
        }
    }

    #[test]
    fn times_are_written_as_twilio_writes_them() {
        assert_eq!(rfc2822(Timestamp(1_700_000_000_123)), "Tue, 14 Nov 2023 22:13:20 +0000");
        assert_eq!(rfc3339(Timestamp(1_700_000_000_123)), "2023-11-14T22:13:20Z");
    }
}
