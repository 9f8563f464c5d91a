//! GatewayAPI's error codes and the HTTP status that each arrives with.
//!
//! Source: the error code index of GatewayAPI's documentation, and its statement of what 400, 401, 403 and 422 are for. The
//! index gives no status; those here follow from that statement.

/// One documented error.
pub(crate) struct GatewayApiCode {
    pub(crate) code: u16,
    /// HTTP status of its response.
    pub(crate) status: u16,
    /// `%1` and `%2` stand for variables.
    pub(crate) message: &'static str,
}

const fn entry(code: u16, status: u16, message: &'static str) -> GatewayApiCode {
    GatewayApiCode { code, status, message }
}

/// All codes that the simulator responds with, by itself or as an injected fault.
pub(crate) const CODES: &[GatewayApiCode] = &[
    entry(0x0210, 401, "Invalid username: %1"),
    entry(0x0211, 401, "Invalid password"),
    entry(0x0212, 401, "Invalid IP-address: %1"),
    entry(0x0213, 403, "Unauthorized IP-address: %1"),
    entry(0x0214, 403, "Temporary blacklist for MSISDN %1 with hash %2"),
    entry(0x0215, 403, "MSISDN %1 blacklisted"),
    entry(0x0216, 403, "Insufficient credit"),
    entry(0x0217, 403, "Unauthorized destination: country %1"),
    entry(0x0218, 422, "Unknown message class id %1"),
    entry(0x021D, 403, "SMS not enabled for account"),
    entry(0x021E, 422, "Message class %1 is not configured for %2"),
    entry(0x021F, 403, "Unauthorized operator: MCC %1, MNC %2"),
    entry(0x0220, 422, "Unsupported parameter %1"),
    entry(0x0221, 401, "Unsupported signature method %1"),
    entry(0x0222, 422, "Missing required parameter %1"),
    entry(0x0223, 401, "Invalid Consumer Key"),
    entry(0x0224, 401, "Invalid signature"),
    entry(0x0225, 401, "Expired timestamp"),
    entry(0x0226, 401, "Invalid / used nonce"),
    entry(0x0229, 401, "Invalid API token"),
    entry(0x022A, 403, "Account is frozen"),
    entry(0x0301, 500, "Unknown error"),
    entry(0x0303, 403, "Operation not permitted"),
    entry(0x0306, 500, "Insufficient Resources"),
    entry(0x0307, 403, "Permission denied"),
    entry(0x0308, 400, "Invalid Argument: %1"),
    entry(0x0309, 400, "Resource temporarily unavailable"),
    entry(0x0310, 422, "A message contains the same recipient more than once. MSISDNs %1 is duplicated"),
    entry(0x0311, 422, "Priority %1 not available"),
    entry(0x0312, 422, "Message rejected by the filter"), // text unconfirmed
    entry(0x0313, 422, "Destination %1 is not supported"), // text unconfirmed
];

/// The entry of a code.
pub(crate) fn find(code: u16) -> Option<&'static GatewayApiCode> {
    CODES.iter().find(|entry| entry.code == code)
}
