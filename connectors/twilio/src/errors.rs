//! Twilio's error codes and their failure classes.
//!
//! Source: Twilio's error and warning dictionary (<https://www.twilio.com/docs/api/errors>). Codes up to
//! 2xxxx come in responses; 3xxxx usually come later, in status callbacks.

use sendbox_connector_sdk::FailureClass as Class;

/// The class of an error code; `None` for an unknown code.
pub(crate) fn class_of(code: u32) -> Option<Class> {
    Some(match code {
        // Account and credentials.
        10001 | 20005 | 30002 | 30037 => Class::AccountSuspended, // not active, suspended, outbound disabled
        20003 | 20006 | 20008 => Class::AuthenticationFailed,     // wrong token, access denied, test credentials
        20404 => Class::InvalidRequest,                           // no such account under this SID

        // Limits.
        14107 | 20429 | 21611 | 30001 | 30022 => Class::RateLimited, // request rate, full queues, 10DLC rate
        30023 | 63038 => Class::QuotaExceeded,                       // daily limits

        // The recipient.
        21211 | 21217 | 21401 | 21421 | 21604 | 21614 | 21635 | 30005 | 30006 => Class::InvalidRecipient,
        21610 => Class::RecipientUnsubscribed, // answered STOP
        30004 => Class::RecipientBlocked,
        21408 | 21608 | 21612 => Class::UnsupportedDestination, // country not enabled, trial account, no route
        30450 => Class::FraudBlocked,                           // SMS pumping protection

        // The sender.
        21212 | 21603 | 21606 | 21607 | 21659 | 21660 | 21661 => Class::SenderRejected,
        30018 | 30024 | 30032 | 30034 => Class::SenderRejected, // not registered with the carrier, toll-free, 10DLC

        // The message.
        21605 | 21617 | 30007 | 30019 | 30038 => Class::ContentRejected, // too long, filtered
        21602 | 21619 => Class::InvalidRequest,                          // empty

        // Parameters of the connection.
        21609 => Class::ConfigurationInvalid, // StatusCallback is not a URL
        21701 | 21703 | 21704 | 21705 => Class::ConfigurationInvalid, // Messaging Service missing, empty, wrong
        30010 => Class::ConfigurationInvalid, // over the account's price limit

        // Twilio itself. After 500 the message may have been sent; after 503 it was not.
        20500 => Class::InDoubt,
        20503 => Class::ProviderUnavailable,

        // Switched off or out of reach, and no reason from the carrier: nothing that an admin or a user could change.
        30003 | 30008 => Class::Unknown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_codes_have_their_classes() {
        for (code, want) in [
            (20003, Class::AuthenticationFailed),
            (20404, Class::InvalidRequest),
            (20429, Class::RateLimited),
            (10001, Class::AccountSuspended),
            (21211, Class::InvalidRecipient),
            (21614, Class::InvalidRecipient),
            (21610, Class::RecipientUnsubscribed),
            (21608, Class::UnsupportedDestination),
            (21612, Class::UnsupportedDestination),
            (21408, Class::UnsupportedDestination),
            (21606, Class::SenderRejected),
            (21212, Class::SenderRejected),
            (21617, Class::ContentRejected),
            (21703, Class::ConfigurationInvalid),
            (21705, Class::ConfigurationInvalid),
            (30001, Class::RateLimited),
            (30002, Class::AccountSuspended),
            (30003, Class::Unknown),
            (30005, Class::InvalidRecipient),
            (30006, Class::InvalidRecipient),
            (30007, Class::ContentRejected),
            (30034, Class::SenderRejected),
            (30450, Class::FraudBlocked),
        ] {
            assert_eq!(class_of(code), Some(want), "{code}");
        }
        assert_eq!(class_of(1), None);
        assert_eq!(class_of(11200), None, "a failed callback does not concern a message");
    }
}
