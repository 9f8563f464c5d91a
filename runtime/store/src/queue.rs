//! Work that waits for one worker, in turns between owners.
//!
//! Promises
//! - the owners that wait take turns, one job each, however many jobs one of them has queued. The jobs of an owner that end something
//!   come before its others, and otherwise run in order;
//! - waiting is bounded, for each owner and for all: a job for which there is no room is refused at once. A job that ends something is
//!   never refused: its result would be lost;
//! - a job that nobody wants any more is dropped when its turn comes, and earlier when room is needed. It takes no turn;
//! - an owner without a waiting job takes no memory.
//!
//! Must not know: what a job does, and who the owners are.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use sendbox_slots::{MAX_WAITING, MAX_WAITING_OF_OWNER, Waiting};

/// In whose name a job waits.
pub(super) type Owner = Arc<str>;

/// A job.
pub(super) trait Job {
    /// Whether somebody still waits for it.
    fn is_wanted(&self) -> bool;
}

/// Why a job is not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Too many jobs are waiting, of this owner or of all.
    Full,
    /// The queue was closed.
    Closed,
}

/// Jobs that wait.
pub(super) struct Queue<J> {
    state: Mutex<State<J>>,
    changed: Condvar,
}

struct State<J> {
    /// The owners that have a waiting job.
    owners: HashMap<Owner, Jobs<J>>,
    /// The same owners, the next one first.
    turns: VecDeque<Owner>,
    waiting: usize,
    is_closed: bool,
}

/// The waiting jobs of one owner.
struct Jobs<J> {
    /// Those that end something, and are taken first.
    ending: VecDeque<J>,
    others: VecDeque<J>,
}

impl<J> Default for Jobs<J> {
    fn default() -> Self {
        Self { ending: VecDeque::new(), others: VecDeque::new() }
    }
}

impl<J> Jobs<J> {
    fn first(&self) -> Option<&J> {
        self.ending.front().or_else(|| self.others.front())
    }

    fn take_first(&mut self) -> Option<J> {
        self.ending.pop_front().or_else(|| self.others.pop_front())
    }
}

impl<J: Job> Queue<J> {
    pub(super) fn new() -> Self {
        let state = State { owners: HashMap::new(), turns: VecDeque::new(), waiting: 0, is_closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job.
    pub(super) fn push(&self, owner: &Owner, waiting: Waiting, job: J) -> Result<(), Refusal> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(Refusal::Closed);
        }
        if waiting == Waiting::Bounded && !state.has_room(owner) {
            return Err(Refusal::Full);
        }
        let is_new = !state.owners.contains_key(owner);
        let jobs = state.owners.entry(Arc::clone(owner)).or_default();
        match waiting {
            Waiting::Unbounded => jobs.ending.push_back(job),
            Waiting::Bounded => jobs.others.push_back(job),
        }
        if is_new {
            state.turns.push_back(Arc::clone(owner));
        }
        state.waiting += 1;
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for the next job. `None` once the queue is closed and empty.
    pub(super) fn next(&self) -> Option<(Owner, J)> {
        let mut state = self.lock();
        loop {
            if let Some(next) = state.take_if(|_, _| true) {
                return Some(next);
            }
            if state.is_closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next job, if there is one and it is suitable. Does not wait.
    pub(super) fn next_if(&self, is_suitable: impl Fn(&Owner, &J) -> bool) -> Option<(Owner, J)> {
        self.lock().take_if(is_suitable)
    }

    /// Whether no job waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().waiting == 0
    }

    /// Whether it is closed, and no job waits.
    pub(super) fn is_done(&self) -> bool {
        let state = self.lock();
        state.is_closed && state.waiting == 0
    }

    /// Refuses further jobs. Those that wait are still taken.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// Refuses further jobs, and drops those that wait.
    pub(super) fn clear(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.turns.clear();
        state.waiting = 0;
        let dropped = std::mem::take(&mut state.owners);
        // Outside of the lock: dropping a job may wake its caller.
        drop(state);
        drop(dropped);
    }

    /// The number of waiting jobs, of waiting owners, and of their turns.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        let state = self.lock();
        (state.waiting, state.owners.len(), state.turns.len())
    }
}

impl<J: Job> State<J> {
    /// Whether a further job of this owner may wait.
    fn has_room(&mut self, owner: &Owner) -> bool {
        let count = |state: &Self| state.owners.get(owner).map_or(0, |jobs| jobs.others.len());
        let is_full = |state: &Self| count(state) >= MAX_WAITING_OF_OWNER || state.waiting >= MAX_WAITING;
        if is_full(self)
            && let Some(jobs) = self.owners.get_mut(owner)
        {
            let before = jobs.others.len();
            jobs.others.retain(Job::is_wanted);
            self.waiting -= before - jobs.others.len();
            if jobs.first().is_none() {
                self.owners.remove(owner);
                self.turns.retain(|waiting| waiting != owner);
            }
        }
        !is_full(self)
    }

    /// Takes the job whose turn it is, if it is suitable.
    fn take_if(&mut self, is_suitable: impl Fn(&Owner, &J) -> bool) -> Option<(Owner, J)> {
        loop {
            let owner = self.turns.front()?.clone();
            let jobs = self.owners.get_mut(&owner)?;
            let is_wanted = jobs.first()?.is_wanted();
            if is_wanted && !is_suitable(&owner, jobs.first()?) {
                return None;
            }
            let job = jobs.take_first()?;
            self.waiting -= 1;
            let is_last = jobs.first().is_none();
            if is_last {
                self.owners.remove(&owner);
            }
            if is_wanted || is_last {
                self.turns.pop_front();
                if !is_last {
                    self.turns.push_back(Arc::clone(&owner));
                }
            }
            if is_wanted {
                return Some((owner, job));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    /// A job that is wanted until its switch says otherwise.
    struct Numbered(usize, Rc<Cell<bool>>);

    impl Job for Numbered {
        fn is_wanted(&self) -> bool {
            self.1.get()
        }
    }

    fn job(number: usize) -> Numbered {
        Numbered(number, Rc::new(Cell::new(true)))
    }

    fn push(queue: &Queue<Numbered>, owner: &str, number: usize) -> Result<(), Refusal> {
        queue.push(&owner.into(), Waiting::Bounded, job(number))
    }

    fn rest(queue: &Queue<Numbered>) -> Vec<(String, usize)> {
        std::iter::from_fn(|| queue.next_if(|_, _| true)).map(|(owner, job)| (owner.to_string(), job.0)).collect()
    }

    #[test]
    fn owners_take_turns() {
        let queue = Queue::new();
        for number in 0..4 {
            push(&queue, "busy", number).unwrap();
        }
        push(&queue, "calm", 0).unwrap();
        push(&queue, "other", 0).unwrap();
        push(&queue, "other", 1).unwrap();
        let order = [("busy", 0), ("calm", 0), ("other", 0), ("busy", 1), ("other", 1), ("busy", 2), ("busy", 3)];
        assert_eq!(rest(&queue), order.map(|(owner, number)| (owner.to_owned(), number)));
        assert_eq!(queue.sizes(), (0, 0, 0));
    }

    #[test]
    fn waiting_is_bounded_for_one_and_for_all() {
        let queue = Queue::new();
        for number in 0..MAX_WAITING_OF_OWNER {
            push(&queue, "busy", number).unwrap();
        }
        assert_eq!(push(&queue, "busy", 0), Err(Refusal::Full));
        // Any number of owners that have one job each.
        for owner in MAX_WAITING_OF_OWNER..MAX_WAITING {
            push(&queue, &owner.to_string(), 0).unwrap();
        }
        assert_eq!(push(&queue, "late", 0), Err(Refusal::Full));
        assert_eq!(queue.sizes().0, MAX_WAITING);
        // What ends something has room, and comes before what begins something of the same owner.
        queue.push(&"busy".into(), Waiting::Unbounded, job(9_999)).unwrap();
        assert_eq!(queue.next_if(|_, _| true).map(|(_, job)| job.0), Some(9_999));
        assert_eq!(queue.next_if(|_, _| true).map(|(owner, _)| owner.to_string()).unwrap(), "256");
        assert_eq!(rest(&queue).len(), MAX_WAITING - 1);
        assert_eq!(queue.sizes(), (0, 0, 0));
    }

    #[test]
    fn what_nobody_wants_takes_no_turn_and_no_room() {
        let queue = Queue::new();
        let wanted = Rc::new(Cell::new(true));
        for number in 0..MAX_WAITING_OF_OWNER {
            queue.push(&"busy".into(), Waiting::Bounded, Numbered(number, Rc::clone(&wanted))).unwrap();
        }
        push(&queue, "calm", 0).unwrap();
        assert_eq!(push(&queue, "busy", 1_000), Err(Refusal::Full));
        wanted.set(false);
        push(&queue, "busy", 1_000).unwrap();
        assert_eq!(queue.sizes(), (2, 2, 2));
        queue.push(&"gone".into(), Waiting::Bounded, Numbered(0, wanted)).unwrap();
        assert_eq!(rest(&queue), [("calm".to_owned(), 0), ("busy".to_owned(), 1_000)]);
        assert_eq!(queue.sizes(), (0, 0, 0));
    }

    #[test]
    fn an_unsuitable_job_keeps_its_turn() {
        let queue = Queue::new();
        push(&queue, "a", 0).unwrap();
        push(&queue, "b", 1).unwrap();
        assert!(queue.next_if(|_, job| job.0 != 0).is_none());
        assert_eq!(rest(&queue), [("a".to_owned(), 0), ("b".to_owned(), 1)]);
    }

    #[test]
    fn a_closed_queue_is_emptied_and_takes_nothing_more() {
        let queue = Queue::new();
        push(&queue, "a", 0).unwrap();
        queue.close();
        assert_eq!(push(&queue, "a", 1), Err(Refusal::Closed));
        assert_eq!(queue.next().map(|(_, job)| job.0), Some(0));
        assert!(queue.next().is_none());

        let queue = Queue::new();
        push(&queue, "a", 0).unwrap();
        queue.clear();
        assert!(queue.next().is_none());
        assert_eq!(push(&queue, "a", 1), Err(Refusal::Closed));
    }
}
