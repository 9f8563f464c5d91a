//! Delivery reports: the URL that a provider calls back, and what its callbacks say of a message.

pub(crate) mod callback_url;
pub(crate) mod limiter;
pub(crate) mod receiver;
