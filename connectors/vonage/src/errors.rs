//! Vonage's error codes and their failure classes.
//!
//! Source: "API Errors, SMS API" and "Delivery receipts" in Vonage's documentation. There are two tables, for the `status` in a
//! response and for the `err-code` of a delivery receipt; the same number has different meanings.

use sendbox_connector_sdk::FailureClass as Class;

/// The class of a message's `status` in a response; `None` for 0 and for an unknown one.
pub(crate) fn class_of(status: u32) -> Option<Class> {
    Some(match status {
        1 | 10 => Class::RateLimited,                  // throttled; too many binds
        2 | 3 | 12 | 22 | 23 => Class::InvalidRequest, // missing, invalid, too long, network code, callback
        4 | 14 | 32 => Class::AuthenticationFailed,    // credentials, signature, signature and secret
        5 => Class::ProviderUnavailable,               // internal error
        6 | 33 => Class::InvalidRecipient,             // unknown prefix; number no longer in use
        7 => Class::RecipientBlocked,
        8 | 11 => Class::AccountSuspended, // barred; not enabled for this API
        9 => Class::InsufficientBalance,
        15 => Class::SenderRejected,
        29 => Class::UnsupportedDestination, // demo account, number not on its list
        _ => return None,
    })
}

/// The class of a delivery receipt's `err-code`; `None` for 0 and for an unknown one.
pub(crate) fn class_of_receipt(code: u32) -> Option<Class> {
    Some(match code {
        3 => Class::InvalidRecipient,                 // no longer active
        4 | 13 | 14 | 15 => Class::RecipientBlocked,  // barred by user, age, carrier, no credit
        5 | 11 | 12 => Class::UnsupportedDestination, // ported, no route, out of reach
        6 | 52 => Class::ContentRejected,             // spam filter, content filter
        9 | 53 => Class::RecipientUnsubscribed,       // asked not to be sent to, consent filter
        10 => Class::InvalidRequest,
        16 => Class::QuotaExceeded,
        50 | 51 | 54 => Class::SenderRejected, // entity, header, regulation
        // Switched off, busy, network error, no reason: nothing that an admin or a user could change.
        1 | 2 | 7 | 8 | 99 => Class::Unknown,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_codes_have_their_classes() {
        for (status, want) in [
            (0, None),
            (1, Some(Class::RateLimited)),
            (2, Some(Class::InvalidRequest)),
            (3, Some(Class::InvalidRequest)),
            (4, Some(Class::AuthenticationFailed)),
            (5, Some(Class::ProviderUnavailable)),
            (6, Some(Class::InvalidRecipient)),
            (7, Some(Class::RecipientBlocked)),
            (8, Some(Class::AccountSuspended)),
            (9, Some(Class::InsufficientBalance)),
            (10, Some(Class::RateLimited)),
            (11, Some(Class::AccountSuspended)),
            (12, Some(Class::InvalidRequest)),
            (14, Some(Class::AuthenticationFailed)),
            (15, Some(Class::SenderRejected)),
            (22, Some(Class::InvalidRequest)),
            (23, Some(Class::InvalidRequest)),
            (29, Some(Class::UnsupportedDestination)),
            (32, Some(Class::AuthenticationFailed)),
            (33, Some(Class::InvalidRecipient)),
            (13, None),
            (99, None),
        ] {
            assert_eq!(class_of(status), want, "{status}");
        }
        for (code, want) in [
            (0, None),
            (1, Some(Class::Unknown)),
            (3, Some(Class::InvalidRecipient)),
            (4, Some(Class::RecipientBlocked)),
            (6, Some(Class::ContentRejected)),
            (9, Some(Class::RecipientUnsubscribed)),
            (11, Some(Class::UnsupportedDestination)),
            (77, None),
        ] {
            assert_eq!(class_of_receipt(code), want, "{code}");
        }
    }
}
