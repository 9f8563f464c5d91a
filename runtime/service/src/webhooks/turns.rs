//! How many requests to webhook endpoints are in progress, and how many of one tenant.

use sendbox_slots::Slots;

/// Maximum number of requests in progress.
pub(crate) const MAX_IN_PROGRESS: usize = 256;
/// Maximum number of those of one tenant.
pub(crate) const MAX_OF_TENANT: usize = 16;

/// A slot for each request in progress.
pub(crate) fn slots() -> Slots {
    Slots::with_share(MAX_IN_PROGRESS, MAX_OF_TENANT)
}
