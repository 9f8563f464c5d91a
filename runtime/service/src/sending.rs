//! Sending: from a request to a stored message, and from there to its end.

pub(crate) mod admission;
pub(crate) mod attempt;
pub(crate) mod attempt_result;
pub(crate) mod delivery;
pub(crate) mod failed_checks;
pub(crate) mod holds;
pub(crate) mod idempotency;
pub(crate) mod message_end;
pub(crate) mod message_list;
pub(crate) mod message_request;
pub(crate) mod messages;
pub(crate) mod payload;
pub(crate) mod refused_sends;
pub(crate) mod request_fields;
pub(crate) mod routing;
pub(crate) mod sender;
pub(crate) mod sends_in_progress;
pub(crate) mod unsent;
pub(crate) mod verification_check;
pub(crate) mod verification_resend;
pub(crate) mod verification_start;
pub(crate) mod verifications;
pub(crate) mod worker;
