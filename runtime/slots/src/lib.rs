//! A fixed number of slots, shared fairly between owners.
//!
//! Promises
//! - there are never more permits than slots, and never more of one owner than its share;
//! - a free slot goes to the waiting owner that holds the fewest, and among equals to the one that was served longest ago. Calls of
//!   one owner are served in order;
//! - waiting is bounded: a call for which there is no room to wait is refused at once, unless it may not be refused;
//! - a waiter that goes away loses no slot;
//! - an owner that holds nothing and waits for nothing takes no memory.
//!
//! Must not know: what is done with a slot, and who the owners are.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Maximum number of waiting calls of one owner.
pub const MAX_WAITING_OF_OWNER: usize = 256;
/// Maximum number of waiting calls of all owners.
pub const MAX_WAITING: usize = 4_096;

/// A fixed number of slots. Clones share them.
#[derive(Clone)]
pub struct Slots {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Maximum number of slots of one owner. The others are left to its neighbours, however many calls it makes.
    share: usize,
}

struct State {
    free: usize,
    /// Owners that hold a slot or wait for one.
    owners: HashMap<Arc<str>, Owner>,
    /// Owners that wait and hold less than their share, the next one to be served first.
    next: BTreeSet<(usize, u64, Arc<str>)>,
    waiting: usize,
    served: u64,
}

#[derive(Default)]
struct Owner {
    held: usize,
    /// The number of the last time it was served.
    last_served: u64,
    waiting: VecDeque<oneshot::Sender<Permit>>,
}

/// There is no room to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many calls are waiting")]
pub struct TooManyWaiting;

/// Whether a call may be refused for lack of room to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// It is refused when too many calls are waiting.
    Bounded,
    /// It always waits: it ends something that has begun.
    Unbounded,
}

/// A slot, until it is dropped.
pub struct Permit {
    shared: Arc<Shared>,
    owner: Arc<str>,
}

impl Slots {
    /// Slots of which one owner may hold three quarters: the others find a quarter free, however many calls it makes.
    pub fn new(slots: usize) -> Self {
        Self::with_share(slots, slots - slots / 4)
    }

    /// Slots of which one owner may hold `share`.
    pub fn with_share(slots: usize, share: usize) -> Self {
        let state = State { free: slots, owners: HashMap::new(), next: BTreeSet::new(), waiting: 0, served: 0 };
        Self { shared: Arc::new(Shared { state: Mutex::new(state), share: share.max(1) }) }
    }

    /// Waits for a slot.
    ///
    /// # Errors
    /// When too many calls are waiting, of this owner or of all.
    pub async fn acquire(&self, owner: &str, waiting: Waiting) -> Result<Permit, TooManyWaiting> {
        let granted = {
            let mut state = self.shared.lock();
            let owner = state.owner(owner);
            if let Some(permit) = state.take_at_once(&self.shared, &owner) {
                return Ok(permit);
            }
            state.wait(&owner, self.shared.share, waiting)?
        };
        // The sender is dropped only with these slots, which the caller borrows.
        granted.await.map_err(|_| TooManyWaiting)
    }

    /// Number of waiting calls of all owners.
    pub fn waiting(&self) -> usize {
        self.shared.lock().waiting
    }

    /// Whether a further call of this owner would have no room to wait.
    pub fn is_full(&self, owner: &str) -> bool {
        let state = self.shared.lock();
        state.waiting >= MAX_WAITING
            || state.owners.get(owner).is_some_and(|owner| owner.waiting.len() >= MAX_WAITING_OF_OWNER)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn owner(&mut self, name: &str) -> Arc<str> {
        if let Some((known, _)) = self.owners.get_key_value(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        // As if it had been served just now: those that wait already come first, however many new owners appear.
        self.owners.insert(Arc::clone(&name), Owner { last_served: self.served, ..Owner::default() });
        name
    }

    fn take_at_once(&mut self, shared: &Arc<Shared>, name: &Arc<str>) -> Option<Permit> {
        let owner = self.owners.get_mut(name)?;
        if self.free == 0 || owner.held >= shared.share || !owner.waiting.is_empty() {
            return None;
        }
        Some(self.grant(shared, name))
    }

    fn grant(&mut self, shared: &Arc<Shared>, name: &Arc<str>) -> Permit {
        self.free = self.free.saturating_sub(1);
        self.served += 1;
        let served = self.served;
        if let Some(owner) = self.owners.get_mut(name) {
            owner.held += 1;
            owner.last_served = served;
        }
        Permit { shared: Arc::clone(shared), owner: Arc::clone(name) }
    }

    fn wait(
        &mut self,
        name: &Arc<str>,
        share: usize,
        waiting: Waiting,
    ) -> Result<oneshot::Receiver<Permit>, TooManyWaiting> {
        let owner = self.owners.entry(Arc::clone(name)).or_default();
        let is_bounded = waiting == Waiting::Bounded;
        if is_bounded && (owner.waiting.len() >= MAX_WAITING_OF_OWNER || self.waiting >= MAX_WAITING) {
            let before = owner.waiting.len();
            owner.waiting.retain(|waiter| !waiter.is_closed());
            self.waiting -= before - owner.waiting.len();
            if owner.waiting.len() >= MAX_WAITING_OF_OWNER || self.waiting >= MAX_WAITING {
                return Err(TooManyWaiting);
            }
        }
        let (waiter, granted) = oneshot::channel();
        owner.waiting.push_back(waiter);
        self.waiting += 1;
        if owner.held < share {
            self.next.insert((owner.held, owner.last_served, Arc::clone(name)));
        }
        Ok(granted)
    }

    /// Changes an owner, and keeps its place in the order of those that wait.
    fn change(&mut self, name: &Arc<str>, share: usize, change: impl FnOnce(&mut Owner)) {
        let Some(owner) = self.owners.get_mut(name) else { return };
        self.next.remove(&(owner.held, owner.last_served, Arc::clone(name)));
        change(owner);
        if owner.held == 0 && owner.waiting.is_empty() {
            self.owners.remove(name);
        } else if owner.held < share && !owner.waiting.is_empty() {
            self.next.insert((owner.held, owner.last_served, Arc::clone(name)));
        }
    }

    /// The next waiter that gets a free slot.
    fn serve(&mut self, shared: &Arc<Shared>) -> Option<(oneshot::Sender<Permit>, Permit)> {
        if self.free == 0 {
            return None;
        }
        loop {
            let (.., name) = self.next.first()?.clone();
            let mut waiter = None;
            self.change(&name, shared.share, |owner| waiter = owner.waiting.pop_front());
            let waiter = waiter?;
            self.waiting -= 1;
            if waiter.is_closed() {
                continue;
            }
            // It may have left the map with its last waiter.
            self.owners.entry(Arc::clone(&name)).or_default();
            let (mut held, mut last_served) = (0, 0);
            if let Some(owner) = self.owners.get(&name) {
                (held, last_served) = (owner.held, owner.last_served);
            }
            self.next.remove(&(held, last_served, Arc::clone(&name)));
            let permit = self.grant(shared, &name);
            self.change(&name, shared.share, |_| {});
            return Some((waiter, permit));
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.free += 1;
        state.change(&self.owner, self.shared.share, |owner| owner.held = owner.held.saturating_sub(1));
        let mut served = Vec::new();
        while let Some(grant) = state.serve(&self.shared) {
            served.push(grant);
        }
        drop(state);
        for (waiter, permit) in served {
            // A waiter that has gone away returns its permit, which is dropped here, outside of the lock.
            drop(waiter.send(permit));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use proptest::prelude::*;

    use super::*;

    type Call<'a> = Pin<Box<dyn Future<Output = Result<Permit, TooManyWaiting>> + 'a>>;

    fn begin<'a>(slots: &'a Slots, owner: &'a str) -> Call<'a> {
        Box::pin(slots.acquire(owner, Waiting::Bounded))
    }

    fn poll(waiting: &mut Call<'_>) -> Option<Result<Permit, TooManyWaiting>> {
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }

    fn take(slots: &Slots, owner: &str) -> Permit {
        poll(&mut begin(slots, owner)).unwrap().unwrap()
    }

    #[test]
    fn one_owner_leaves_a_quarter_to_the_others() {
        let slots = Slots::new(8);
        let held: Vec<Permit> = (0..6).map(|_| take(&slots, "busy")).collect();
        let mut waiting = begin(&slots, "busy");
        assert!(poll(&mut waiting).is_none(), "it has its share");
        let (first, second) = (take(&slots, "calm"), take(&slots, "other"));
        assert!(poll(&mut begin(&slots, "third")).is_none(), "there are eight");
        drop((first, second));
        assert!(poll(&mut waiting).is_none(), "it still has its share");
        drop(held);
        assert!(poll(&mut waiting).unwrap().is_ok());
    }

    #[test]
    fn a_free_slot_goes_to_the_owner_that_holds_the_fewest() {
        let slots = Slots::new(4);
        let mut held: Vec<Permit> = (0..3).map(|_| take(&slots, "busy")).collect();
        held.push(take(&slots, "other"));
        let mut busy: Vec<Call<'_>> = (0..3).map(|_| begin(&slots, "busy")).collect();
        assert!(busy.iter_mut().all(|waiting| poll(waiting).is_none()));
        let mut calm = begin(&slots, "calm");
        assert!(poll(&mut calm).is_none());
        // The owner that came last, with nothing, is served before the one that waits for its fourth.
        held.remove(0);
        assert!(busy.iter_mut().all(|waiting| poll(waiting).is_none()));
        let calm = poll(&mut calm).unwrap().unwrap();
        held.remove(0);
        let first = poll(&mut busy[0]).unwrap().unwrap();
        assert!(busy[1..].iter_mut().all(|waiting| poll(waiting).is_none()), "in order");
        drop((first, calm, held));
    }

    #[test]
    fn a_waiter_that_goes_away_loses_no_slot() {
        let slots = Slots::new(1);
        let held = take(&slots, "a");
        let mut gone = begin(&slots, "b");
        assert!(poll(&mut gone).is_none());
        let mut granted_and_gone = begin(&slots, "c");
        assert!(poll(&mut granted_and_gone).is_none());
        drop(gone);
        drop(held);
        // It has its slot, and never looks.
        drop(granted_and_gone);
        drop(take(&slots, "d"));
        let state = slots.shared.lock();
        assert_eq!((state.free, state.waiting, state.owners.len(), state.next.len()), (1, 0, 0, 0));
    }

    #[test]
    fn waiting_is_bounded() {
        let slots = Slots::new(1);
        let held = take(&slots, "a");
        let mut waiting: Vec<Call<'_>> = (0..MAX_WAITING_OF_OWNER).map(|_| begin(&slots, "b")).collect();
        assert!(waiting.iter_mut().all(|waiting| poll(waiting).is_none()));
        assert!(slots.is_full("b") && !slots.is_full("a"));
        assert!(poll(&mut begin(&slots, "b")).unwrap().is_err());
        assert!(poll(&mut begin(&slots, "c")).is_none(), "others may wait");
        let mut ends_something: Call<'_> = Box::pin(slots.acquire("b", Waiting::Unbounded));
        assert!(poll(&mut ends_something).is_none(), "it waits, and is not refused");
        drop(ends_something);
        // Those that have gone away make room.
        waiting.pop();
        assert!(poll(&mut begin(&slots, "b")).is_none());
        drop(held);
    }

    proptest! {
        /// Whatever is taken, waited for, given up and returned: no slot is lost or used twice, nobody exceeds its share, and
        /// nobody waits for a slot that it could have.
        #[test]
        fn slots_are_counted(steps in prop::collection::vec((0_u8..4, 0_usize..3, any::<prop::sample::Index>()), 1..200)) {
            const OWNERS: [&str; 3] = ["a", "b", "c"];
            let slots = Slots::new(4);
            let mut held: Vec<(usize, Permit)> = Vec::new();
            let mut waiting: Vec<(usize, Call<'_>)> = Vec::new();
            for (step, owner, index) in steps {
                match step {
                    0 | 1 => {
                        let mut call = begin(&slots, OWNERS[owner]);
                        match poll(&mut call) {
                            Some(granted) => held.push((owner, granted.unwrap())),
                            None => waiting.push((owner, call)),
                        }
                    }
                    2 if !held.is_empty() => drop(held.remove(index.index(held.len()))),
                    3 if !waiting.is_empty() => drop(waiting.remove(index.index(waiting.len()))),
                    _ => {}
                }
                let mut still = Vec::new();
                for (owner, mut call) in waiting {
                    match poll(&mut call) {
                        Some(granted) => held.push((owner, granted.unwrap())),
                        None => still.push((owner, call)),
                    }
                }
                waiting = still;
                let count = |owner| held.iter().filter(|(of, _)| *of == owner).count();
                prop_assert!(held.len() <= 4 && (0..3).all(|owner| count(owner) <= 3));
                let state = slots.shared.lock();
                prop_assert_eq!(state.free, 4 - held.len());
                drop(state);
                for (owner, _) in &waiting {
                    prop_assert!(held.len() == 4 || count(*owner) == 3, "it could have a slot");
                }
            }
            drop((held, waiting));
            let state = slots.shared.lock();
            prop_assert_eq!((state.free, state.owners.len(), state.next.len()), (4, 0, 0));
        }
    }
}
