//! The memory for request bodies that are being received or handled, all together.
//!
//! Promises
//! - all bodies together take no more than [`TOTAL`], and those of one owner no more than [`SHARE`]; a single body is always accepted,
//!   so that an operator who allows larger components needs to change nothing here;
//! - the last quarter of both is left to bodies of at most [`SMALL`]: uploads keep no message out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The largest body of most operations, in bytes.
pub(crate) const SMALL: usize = 64 * 1024;
/// For all bodies, in bytes.
const TOTAL: usize = 256 << 20;
/// For the bodies of one owner, in bytes.
const SHARE: usize = 32 << 20;

/// Whose memory a body takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum BodyOwner {
    Platform,
    /// Also for delivery reports of the tenant.
    Tenant(String),
    /// Of a caller without a key; `None` if its address is unknown.
    Client(Option<IpAddr>),
}

/// Why no memory could be reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// Its owner has as much as it may.
    OfOwner,
    /// All owners together have.
    OfAll,
}

/// The memory that is in use.
#[derive(Default)]
pub(crate) struct BodyBudget(Mutex<Used>);

#[derive(Default)]
struct Used {
    all: usize,
    owners: HashMap<BodyOwner, usize>,
}

/// Memory for one body, until it is dropped.
pub(crate) struct BodyPermit {
    budget: Arc<BodyBudget>,
    owner: BodyOwner,
    bytes: usize,
}

impl BodyBudget {
    /// Reserves memory for a body of at most this many bytes.
    pub(crate) fn reserve(self: &Arc<Self>, owner: BodyOwner, bytes: usize) -> Result<BodyPermit, NoRoom> {
        let mut used = self.lock();
        let of_owner = used.owners.get(&owner).copied().unwrap_or(0);
        let part_of = |whole: usize| if bytes <= SMALL { whole } else { whole - whole / 4 };
        if of_owner > 0 && of_owner + bytes > part_of(SHARE) {
            return Err(NoRoom::OfOwner);
        }
        if used.all > 0 && used.all + bytes > part_of(TOTAL) {
            return Err(NoRoom::OfAll);
        }
        used.all += bytes;
        used.owners.insert(owner.clone(), of_owner + bytes);
        Ok(BodyPermit { budget: Arc::clone(self), owner, bytes })
    }

    fn lock(&self) -> MutexGuard<'_, Used> {
        // A panic cannot have left a partial change that matters: each holder makes one update.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for BodyPermit {
    fn drop(&mut self) {
        let mut used = self.budget.lock();
        used.all = used.all.saturating_sub(self.bytes);
        match used.owners.get_mut(&self.owner) {
            Some(bytes) if *bytes > self.bytes => *bytes -= self.bytes,
            _ => drop(used.owners.remove(&self.owner)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn tenant(name: &str) -> BodyOwner {
        BodyOwner::Tenant(name.to_owned())
    }

    #[test]
    fn one_owner_has_a_share_and_uploads_leave_room_for_messages() {
        let budget = Arc::new(BodyBudget::default());
        let reserve = |owner: BodyOwner, bytes| budget.reserve(owner, bytes);
        let of_acme: Vec<_> = (0..12).map(|_| reserve(tenant("acme"), 2 * MIB).unwrap()).collect();
        assert_eq!(reserve(tenant("acme"), 2 * MIB).err(), Some(NoRoom::OfOwner));
        let messages: Vec<_> = (0..128).map(|_| reserve(tenant("acme"), SMALL).unwrap()).collect();
        assert_eq!(reserve(tenant("acme"), 1).err(), Some(NoRoom::OfOwner));
        let mut others = Vec::new();
        let full = (0..100).find_map(|number| {
            let reserved = reserve(tenant(&number.to_string()), 20 * MIB);
            reserved.map(|permit| others.push(permit)).err()
        });
        assert_eq!(full, Some(NoRoom::OfAll));
        assert!(reserve(tenant("message"), SMALL).is_ok());
        assert!(reserve(BodyOwner::Client(None), SMALL).is_ok());
        drop((of_acme, messages, others));
        assert!(budget.lock().owners.is_empty() && budget.lock().all == 0);
    }

    #[test]
    fn a_single_body_may_be_of_any_size() {
        let budget = Arc::new(BodyBudget::default());
        let large = budget.reserve(tenant("acme"), 2 * TOTAL).unwrap();
        assert_eq!(budget.reserve(tenant("acme"), 1).err(), Some(NoRoom::OfOwner));
        assert_eq!(budget.reserve(tenant("other"), 1).err(), Some(NoRoom::OfAll));
        drop(large);
        assert!(budget.reserve(tenant("acme"), SHARE).is_ok());
    }
}
