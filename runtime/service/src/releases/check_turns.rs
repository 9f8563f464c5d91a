//! Whose upload is checked next.
//!
//! Promises
//! - this process runs at most [`CONCURRENT_CHECKS`] checks, and at most one of each tenant. So a tenant whose files take a minute to
//!   compile leaves room for the others;
//! - the next check is that of the tenant whose last check began longest ago, however many files another one has uploaded;
//! - no tenant that waits is forgotten, and no more than [`REMEMBERED_TENANTS`] that do not wait are remembered.
//!
//! Must not know: how a file is checked, where it is stored.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use crate::lock::lock;

/// Maximum number of uploads that are checked concurrently.
const CONCURRENT_CHECKS: usize = 2;
/// Maximum number of tenants whose last check is remembered. One that is forgotten counts as if none of its files had been checked.
const REMEMBERED_TENANTS: usize = 1000;

/// Decides whose upload is checked next. The connectors for all tenants have a turn of their own, under an empty name.
#[derive(Default)]
pub(crate) struct CheckTurns {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The tenants of which a file is being checked.
    running: BTreeSet<String>,
    /// The tenants of which a file was checked, each once. The one whose last check began longest ago comes first.
    served: VecDeque<String>,
}

/// The turn of a tenant, until it is dropped.
pub(crate) struct CheckTurn {
    turns: Arc<CheckTurns>,
    tenant: String,
}

impl CheckTurns {
    /// Whether another check may begin.
    pub(super) fn has_room(&self) -> bool {
        lock(&self.state).running.len() < CONCURRENT_CHECKS
    }

    /// Begins the turn of one of the tenants that wait; among tenants that have not been served, of the first. `None`: there is no room,
    /// or a file of each of them is being checked.
    pub(super) fn begin<'w>(self: &Arc<Self>, waiting: impl Iterator<Item = &'w str>) -> Option<CheckTurn> {
        let mut state = lock(&self.state);
        if state.running.len() >= CONCURRENT_CHECKS {
            return None;
        }
        let last_served = |tenant: &&str| state.served.iter().position(|served| served == tenant);
        let tenant = waiting.filter(|tenant| !state.running.contains(*tenant)).min_by_key(last_served)?.to_owned();
        state.running.insert(tenant.clone());
        state.served.retain(|served| *served != tenant);
        state.served.push_back(tenant.clone());
        if state.served.len() > REMEMBERED_TENANTS {
            state.served.pop_front();
        }
        drop(state);
        Some(CheckTurn { turns: Arc::clone(self), tenant })
    }
}

impl CheckTurn {
    /// Whose turn it is.
    pub(super) fn tenant(&self) -> &str {
        &self.tenant
    }
}

impl Drop for CheckTurn {
    fn drop(&mut self) {
        lock(&self.turns.state).running.remove(&self.tenant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(turns: &Arc<CheckTurns>, waiting: &[&str]) -> Option<CheckTurn> {
        turns.begin(waiting.iter().copied())
    }

    #[test]
    fn tenants_take_turns_however_many_files_one_of_them_has() {
        let turns = Arc::new(CheckTurns::default());
        let mut order = Vec::new();
        // `busy` always has another file, and the others have as many as there are in this list.
        let mut others = vec!["calm", "other", "other"];
        for _ in 0..7 {
            let waiting: Vec<&str> = std::iter::once("busy").chain(others.iter().copied()).collect();
            let turn = begin(&turns, &waiting).unwrap();
            order.push(turn.tenant().to_owned());
            if let Some(index) = others.iter().position(|other| *other == turn.tenant()) {
                others.remove(index);
            }
        }
        assert_eq!(order, ["busy", "calm", "other", "busy", "other", "busy", "busy"]);
    }

    #[test]
    fn a_tenant_that_comes_later_is_next() {
        let turns = Arc::new(CheckTurns::default());
        for _ in 0..2 {
            assert_eq!(begin(&turns, &["busy"]).unwrap().tenant(), "busy");
        }
        assert_eq!(begin(&turns, &["busy", "late"]).unwrap().tenant(), "late");
    }

    #[test]
    fn few_checks_run_at_once_and_one_of_each_tenant() {
        let turns = Arc::new(CheckTurns::default());
        let first = begin(&turns, &["busy"]).unwrap();
        assert!(begin(&turns, &["busy"]).is_none(), "one of its files is being checked");
        assert!(turns.has_room());
        let second = begin(&turns, &["busy", ""]).unwrap();
        assert_eq!(second.tenant(), "", "the connectors for all tenants");
        assert!(!turns.has_room() && begin(&turns, &["other"]).is_none());
        drop(first);
        assert_eq!(begin(&turns, &["", "busy"]).unwrap().tenant(), "busy");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let turns = Arc::new(CheckTurns::default());
        for number in 0..=REMEMBERED_TENANTS {
            begin(&turns, &[&number.to_string()]).unwrap();
        }
        assert_eq!(lock(&turns.state).served.len(), REMEMBERED_TENANTS);
        // The first one is forgotten, and comes before those that are remembered.
        assert_eq!(begin(&turns, &["1", "0"]).unwrap().tenant(), "0");
    }
}
