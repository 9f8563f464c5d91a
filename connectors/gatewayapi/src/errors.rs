//! GatewayAPI's error codes and their failure classes.
//!
//! Source: the error code index of GatewayAPI's documentation. Codes are 16 bits, written in hexadecimal. Codes from
//! 0x0100 to 0x07FF come in responses, 0x10xx later, in status notifications. A low byte up to 0x0F has the same meaning with
//! every high byte.

use sendbox_connector_sdk::FailureClass as Class;

/// Parses a code: `0x0213`.
pub(crate) fn parse(code: &str) -> Option<u16> {
    let digits = code.strip_prefix("0x").or_else(|| code.strip_prefix("0X"))?;
    u16::from_str_radix(digits, 16).ok()
}

/// The class of a full code, which counts whatever the HTTP status is; `None` for an unknown code.
pub(crate) fn class_of(code: u16) -> Option<Class> {
    Some(match code {
        // Credentials.
        0x0210 | 0x0211 | 0x0223..=0x0226 | 0x0229 => Class::AuthenticationFailed,
        0x0212 | 0x0213 => Class::AuthenticationFailed, // IP address not allowed
        0x0216 => Class::InsufficientBalance,
        0x021D | 0x022A => Class::AccountSuspended, // SMS switched off, account frozen

        // The recipient.
        0x0214 | 0x0215 => Class::RecipientBlocked, // temporarily for the same content, permanently
        0x0217 | 0x021F | 0x0313 => Class::UnsupportedDestination,

        // The message.
        0x0312 => Class::ContentRejected,
        0x0218 | 0x021E | 0x0220..=0x0222 | 0x0310 | 0x0311 => Class::InvalidRequest,

        // From the network, about the recipient.
        0x1010 | 0x1012 | 0x1014 | 0x1020 | 0x1024..=0x1026 | 0x102C => Class::InvalidRecipient,
        0x1040 | 0x1049 | 0x1060..=0x1063 | 0x1084 => Class::InvalidRecipient,
        0x1011 | 0x1030 | 0x1031 | 0x1034 | 0x103C | 0x1092 | 0x1093 => Class::RecipientBlocked, // barred, screened
        // Absent, out of reach, busy, memory full: nothing that an admin or a user could change.
        0x1013 | 0x1018 | 0x1019 | 0x1021..=0x1023 | 0x102A => Class::Unknown,
        // From the network, about the sender and the text.
        0x1032 | 0x1033 | 0x1036 | 0x103B | 0x1065..=0x1067 => Class::SenderRejected,
        0x1035 | 0x1039 | 0x103A | 0x1078 | 0x1085..=0x1087 => Class::ContentRejected,
        0x1037 => Class::QuotaExceeded,
        0x1080 => Class::RateLimited,         // queue full
        0x1047 => Class::ProviderUnavailable, // service centre congested
        // From the network, about the route.
        0x1050..=0x1052 | 0x1054..=0x1057 => Class::UnsupportedDestination,
        _ => return None,
    })
}

/// The class of a code by its low byte; `None` if that has no common meaning.
pub(crate) fn class_of_low_byte(code: u16) -> Option<Class> {
    Some(match code & 0xFF {
        0x01 | 0x02 => Class::Unknown,
        0x03 | 0x07 => Class::AuthenticationFailed, // not permitted, permission denied
        0x04 => Class::InDoubt,                     // input/output error
        0x05 | 0x06 | 0x09 => Class::ProviderUnavailable, // shutting down, no resources, try again
        0x08 => Class::InvalidRequest,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_codes_have_their_classes() {
        for (codes, want) in [
            (
                &["0x0210", "0x0211", "0x0212", "0x0213", "0x0223", "0x0224", "0x0225", "0x0226", "0x0229"]
                    as &[&str],
                Class::AuthenticationFailed,
            ),
            (&["0x0214", "0x0215"], Class::RecipientBlocked),
            (&["0x0216"], Class::InsufficientBalance),
            (&["0x0217", "0x021F", "0x021f", "0x0313"], Class::UnsupportedDestination),
            (&["0x021D", "0x022A"], Class::AccountSuspended),
            (&["0x0218", "0x021E", "0x0220", "0x0222", "0x0310", "0x0311"], Class::InvalidRequest),
            (&["0x0312"], Class::ContentRejected),
            (&["0x1010", "0x1060", "0x1084"], Class::InvalidRecipient),
            (&["0x1013", "0x1019"], Class::Unknown),
            (&["0x1093"], Class::RecipientBlocked),
        ] {
            for code in codes {
                assert_eq!(parse(code).and_then(class_of), Some(want), "{code}");
            }
        }
        for unknown in ["0x0219", "0x0300", "0x9999"] {
            assert_eq!(parse(unknown).and_then(class_of), None, "{unknown}");
        }
        for malformed in ["", "0x", "213", "0xZZ", "0x12345"] {
            assert_eq!(parse(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn low_bytes_mean_the_same_in_every_code() {
        for (code, want) in [
            (0x0301, Some(Class::Unknown)),
            (0x0203, Some(Class::AuthenticationFailed)),
            (0x0306, Some(Class::ProviderUnavailable)),
            (0x0307, Some(Class::AuthenticationFailed)),
            (0x0308, Some(Class::InvalidRequest)),
            (0x0109, Some(Class::ProviderUnavailable)),
            (0x0300, None),
            (0x0310, None),
        ] {
            assert_eq!(class_of_low_byte(code), want, "{code:#06x}");
        }
    }
}
