//! Access: API keys, console sessions, and the permissions of a caller, which every operation checks first.

pub(crate) mod authentication;
pub(crate) mod caller;
pub(crate) mod keys;
pub(crate) mod request_limits;
pub(crate) mod sessions;
