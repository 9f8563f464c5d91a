//! Sending: from a request to a message on record, and from there to its end.

pub(crate) mod admission;
pub(crate) mod attempt_result;
pub(crate) mod delivery;
pub(crate) mod holds;
pub(crate) mod messages;
pub(crate) mod outgoing;
pub(crate) mod sender;
pub(crate) mod verifications;
pub(crate) mod worker;
