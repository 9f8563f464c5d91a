//! Delivery reports: the URL that a provider calls back, and the reports that it sends.

pub(crate) mod callback_url;
pub(crate) mod limiter;
pub(crate) mod receiver;
