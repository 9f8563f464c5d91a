//! Who may do what: API keys, console sessions, and the caller that every operation checks first.

pub(crate) mod authentication;
pub(crate) mod caller;
pub(crate) mod keys;
pub(crate) mod sessions;
