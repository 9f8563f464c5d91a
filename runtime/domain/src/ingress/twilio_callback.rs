//! Status callbacks, as Twilio sends them: which events of a message they tell, in which words, and what they hold.
//!
//! Must not know: how a callback is signed and sent.

use std::fmt;

use sendbox_contract::FailureClass;
use serde::{Deserialize, Serialize};

use super::twilio::{API_VERSION, Sid, failure_code};
use crate::model::EventType;

/// Twilio's code for a message that was not delivered in its time.
const VALIDITY_EXPIRED: u32 = 30036;
/// Twilio's code for a message that was not delivered, and nobody knows why.
const UNKNOWN_REASON: u32 = 30008;

/// Where the statuses of a message are reported, in Twilio's format.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusCallback {
    /// The id of the ingress, whose secret signs.
    pub ingress: String,
    /// The SID of the account, as the caller wrote it.
    pub account: String,
    /// The URL. It may hold a token.
    pub url: String,
}

impl fmt::Debug for StatusCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusCallback").field("ingress", &self.ingress).finish_non_exhaustive()
    }
}

/// What a callback tells, in Twilio's words. `None`: nothing is told of such an event.
pub fn status(event: EventType) -> Option<&'static str> {
    match event {
        // What is in doubt was handed over, and nobody knows more.
        EventType::MessageAccepted | EventType::MessageInDoubt => Some("sent"),
        EventType::MessageDelivered => Some("delivered"),
        EventType::MessageUndelivered => Some("undelivered"),
        EventType::MessageFailed | EventType::MessageExpired => Some("failed"),
        _ => None,
    }
}

/// Twilio's code for why a message was not delivered. `None`: it may have been.
fn error_code(event: EventType, class: Option<FailureClass>) -> Option<u32> {
    match event {
        EventType::MessageFailed => Some(class.map_or(UNKNOWN_REASON, failure_code)),
        EventType::MessageExpired => Some(VALIDITY_EXPIRED),
        EventType::MessageUndelivered => Some(UNKNOWN_REASON),
        _ => None,
    }
}

/// The fields of a callback's form, sorted by name, as they are signed. The number is masked. `None`: nothing is told of such an event.
pub fn fields(
    callback: &StatusCallback,
    sid: Sid,
    to: &str,
    event: EventType,
    class: Option<FailureClass>,
) -> Option<Vec<(&'static str, String)>> {
    let status = status(event)?.to_owned();
    let sid = sid.write("SM");
    let mut fields = vec![("AccountSid", callback.account.clone()), ("ApiVersion", API_VERSION.to_owned())];
    fields.extend(error_code(event, class).map(|code| ("ErrorCode", code.to_string())));
    fields.extend([
        ("MessageSid", sid.clone()),
        ("MessageStatus", status.clone()),
        ("SmsSid", sid),
        ("SmsStatus", status),
        ("To", to.to_owned()),
    ]);
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_of_a_message_has_a_status_of_twilio() {
        let callback = StatusCallback {
            ingress: "g1".to_owned(),
            account: "AC00000000000000000000000000000001".to_owned(),
            url: "https://example.com/?token=secret".to_owned(),
        };
        assert!(!format!("{callback:?}").contains("secret"));
        for (event, class, status, code) in [
            (EventType::MessageAccepted, None, "sent", None),
            (EventType::MessageInDoubt, Some(FailureClass::Unavailable), "sent", None),
            (EventType::MessageDelivered, None, "delivered", None),
            (EventType::MessageUndelivered, None, "undelivered", Some("30008")),
            (EventType::MessageFailed, Some(FailureClass::RecipientUnsubscribed), "failed", Some("21610")),
            (EventType::MessageFailed, None, "failed", Some("30008")),
            (EventType::MessageExpired, None, "failed", Some("30036")),
        ] {
            let fields = fields(&callback, Sid(15), "+45…78", event, class).unwrap();
            let value = |name: &str| fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
            assert_eq!((value("MessageStatus"), value("ErrorCode")), (Some(status), code), "{event:?}");
            assert_eq!(value("MessageSid"), Some("SM0000000000000000000000000000000f"));
            assert!(fields.is_sorted_by_key(|(name, _)| *name), "{event:?}");
        }
        for event in EventType::ALL {
            let is_of_message = event.as_str().starts_with("message.");
            assert_eq!(status(event).is_some(), is_of_message, "{event:?}");
        }
    }
}
