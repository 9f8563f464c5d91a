//! Twilio's error codes and the HTTP status that each arrives with.
//!
//! Source: the error dictionary of Twilio's documentation. `unconfirmed` marks a status that no page or report was
//! found for. Codes from 30001 on are reported after the fact (in a message's `error_code` or a callback); as the
//! answer to a request they are a fault for tests and come as 400.

/// One documented error.
pub(crate) struct TwilioCode {
    pub(crate) code: u32,
    /// HTTP status of its response.
    pub(crate) status: u16,
    pub(crate) message: &'static str,
}

const fn entry(code: u32, status: u16, message: &'static str) -> TwilioCode {
    TwilioCode { code, status, message }
}

/// All codes that the simulator responds with, by itself or as an injected fault.
pub(crate) const CODES: &[TwilioCode] = &[
    entry(10001, 403, "Account is not active"), // status unconfirmed
    entry(11200, 400, "HTTP retrieval failure"),
    entry(20001, 400, "Unknown parameters"),
    entry(20003, 401, "Authenticate"),
    entry(20004, 405, "Method not allowed"),
    entry(20404, 404, "The requested resource was not found"),
    entry(20415, 415, "Unsupported media type"), // code unconfirmed
    entry(20429, 429, "Too Many Requests"),
    entry(20500, 500, "Internal Server Error"),
    entry(20503, 503, "Service Unavailable"),
    entry(21211, 400, "Invalid 'To' Phone Number"),
    entry(21212, 400, "Invalid 'From' Phone Number"),
    entry(21408, 400, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number"),
    entry(21602, 400, "Message body is required."),
    entry(21603, 400, "A 'From' phone number is required."),
    entry(21604, 400, "A 'To' phone number is required."),
    entry(
        21606,
        400,
        "The 'From' phone number provided is not a valid, SMS-capable inbound phone number or short code for your account.",
    ),
    entry(21608, 400, "The number is unverified. Trial accounts cannot send messages to unverified numbers."),
    entry(21609, 400, "The StatusCallback URL is not a valid URL."),
    entry(21610, 400, "Attempt to send to unsubscribed recipient"),
    entry(21612, 400, "The 'To' phone number is not currently reachable using the 'From' phone number via SMS."),
    entry(21614, 400, "'To' number is not a valid mobile number"),
    entry(21617, 400, "The concatenated message body exceeds the 1600 character limit."),
    entry(21703, 400, "The Messaging Service does not have a phone number available to send a message"),
    entry(21705, 400, "The Messaging Service SID is invalid."),
    entry(30001, 400, "Queue overflow"),
    entry(30002, 400, "Account suspended"),
    entry(30003, 400, "Unreachable destination handset"),
    entry(30005, 400, "Unknown destination handset"),
    entry(30006, 400, "Landline or unreachable carrier"),
    entry(30007, 400, "Message filtered"),
    entry(30034, 400, "US A2P 10DLC - Message from an Unregistered Number"),
    entry(30450, 400, "Message delivery blocked by SMS pumping protection"),
];

/// The entry of a code.
pub(crate) fn find(code: u32) -> Option<&'static TwilioCode> {
    CODES.iter().find(|entry| entry.code == code)
}

/// The code that Twilio gives an HTTP status without a reason of its own: 20000 and the status, except 401.
pub(crate) fn for_status(status: u16) -> u32 {
    match status {
        401 => 20003,
        405 => 20004,
        other => 20000 + u32::from(other),
    }
}

/// A number of the simulator: messages to it are accepted, and then reported as undelivered with [`UNREACHABLE`].
pub(crate) const UNREACHABLE_RECIPIENT: &str = "+15005550030";
/// Unreachable destination handset.
pub(crate) const UNREACHABLE: u32 = 30003;

/// Twilio's numbers for test credentials, which show each failure without an injected fault: the number and its error code.
pub(crate) const MAGIC_RECIPIENTS: &[(&str, u32)] = &[
    ("+15005550001", 21211),
    ("+15005550002", 21612),
    ("+15005550003", 21408),
    ("+15005550004", 21610),
    ("+15005550009", 21614),
];
