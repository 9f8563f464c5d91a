//! How long a process may act after a heartbeat, and when the others take it for dead.
//!
//! All times are readings of one process's monotonic clock: no two processes compare theirs.
//!
//! Promises
//! - a process stops before the others take over: [`VALID_FOR`] is counted from before its heartbeat was written, and is shorter than
//!   [`DEAD_AFTER`], which is counted from after the others have read it;
//! - processes that were suspended together do not take each other for dead when they wake.
//!
//! Must not know: what is leased, where heartbeats are stored.

use std::collections::BTreeMap;
use std::time::Duration;

/// How often a process counts a heartbeat, and looks at those of the others.
pub const INTERVAL: Duration = Duration::from_secs(1);
/// How long a heartbeat may take to be stored.
pub const TIMEOUT: Duration = Duration::from_secs(3);
/// How long a process may act after a heartbeat.
pub const VALID_FOR: Duration = Duration::from_secs(5);
/// How long the heartbeat of another process must stay the same until that process is taken for dead.
pub const DEAD_AFTER: Duration = Duration::from_secs(8);
/// What counts of the time between two looks. If this process was suspended, others may have been, too, and get time to continue.
const MAX_GAP: Duration = Duration::from_secs(2);

/// Until when a process may act after a heartbeat that was begun at this time.
pub fn valid_until(began: Duration) -> Duration {
    began + VALID_FOR
}

/// Whether a process may act now.
pub fn is_valid(valid_until: Duration, now: Duration) -> bool {
    now < valid_until
}

/// A process, and the number of its heartbeats.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Heartbeats {
    /// The id of the process.
    pub process: String,
    /// How many it has counted.
    pub beats: u64,
}

/// What a process has seen of the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Observations {
    /// The end of the last look.
    looked_at: Option<Duration>,
    others: BTreeMap<String, Observed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Observed {
    beats: u64,
    /// How long its heartbeat has been the same.
    silent_for: Duration,
}

impl Observations {
    /// Adds a look that took place between two times. Returns the processes that are dead.
    pub fn add(&mut self, seen: Vec<Heartbeats>, (began, ended): (Duration, Duration)) -> Vec<Heartbeats> {
        let gap = self.looked_at.map_or(Duration::ZERO, |at| began.saturating_sub(at)).min(MAX_GAP);
        self.looked_at = Some(ended);
        let mut others = BTreeMap::new();
        let mut dead = Vec::new();
        for heartbeats in seen {
            let known = self.others.get(&heartbeats.process).filter(|known| known.beats == heartbeats.beats);
            let silent_for = known.map_or(Duration::ZERO, |known| known.silent_for + gap);
            others.insert(heartbeats.process.clone(), Observed { beats: heartbeats.beats, silent_for });
            if silent_for >= DEAD_AFTER {
                dead.push(heartbeats);
            }
        }
        self.others = others;
        dead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beats(process: &str, beats: u64) -> Heartbeats {
        Heartbeats { process: process.to_owned(), beats }
    }

    /// The processes that are dead after looks at these seconds, each with the heartbeats that were read.
    fn dead_after(looks: &[(u64, &[Heartbeats])]) -> Vec<String> {
        let mut observations = Observations::default();
        let mut dead = Vec::new();
        for (second, seen) in looks {
            let at = Duration::from_secs(*second);
            dead = observations.add(seen.to_vec(), (at, at)).into_iter().map(|dead| dead.process).collect();
        }
        dead
    }

    #[test]
    fn a_process_is_dead_when_its_heartbeat_stays_the_same() {
        let (one, two) = ([beats("a", 7)], [beats("a", 8)]);
        let same = |seconds: &[u64]| -> Vec<(u64, &[Heartbeats])> {
            seconds.iter().map(|second| (*second, &one[..])).collect()
        };
        assert!(dead_after(&same(&[0, 1, 2, 3, 4, 5, 6, 7])).is_empty());
        assert_eq!(dead_after(&same(&[0, 1, 2, 3, 4, 5, 6, 7, 8])), ["a"]);
        // Nobody knows how long it was silent before the first look.
        assert!(dead_after(&same(&[100])).is_empty());
        // The looker was suspended, and perhaps all were.
        assert!(dead_after(&same(&[0, 1000])).is_empty());
        assert!(dead_after(&same(&[0, 1000, 1001, 1002])).is_empty());
        assert_eq!(dead_after(&same(&[0, 1000, 1001, 1002, 1003, 1004, 1005, 1006])), ["a"]);
        // It has counted a heartbeat in between, or come back.
        let beats = [&same(&[0, 1, 2, 3, 4, 5, 6, 7])[..], &[(8, &two[..]), (9, &two[..])]].concat();
        assert!(dead_after(&beats).is_empty());
        let none: &[Heartbeats] = &[];
        let again = [&same(&[0, 1, 2, 3, 4, 5, 6, 7])[..], &[(8, none)], &same(&[9, 10])].concat();
        assert!(dead_after(&again).is_empty());
    }

    #[test]
    fn the_time_of_a_look_counts_for_the_other() {
        let at = Duration::from_secs;
        let mut observations = Observations::default();
        assert!(observations.add(vec![beats("a", 1)], (at(0), at(2))).is_empty());
        for second in 3..10 {
            assert!(observations.add(vec![beats("a", 1)], (at(second), at(second))).is_empty(), "after {second} s");
        }
        assert_eq!(observations.add(vec![beats("a", 1)], (at(10), at(10))).len(), 1);
    }

    #[test]
    fn a_process_stops_before_the_others_take_over() {
        assert!(VALID_FOR + INTERVAL < DEAD_AFTER);
        let until = valid_until(Duration::from_secs(10));
        assert!(is_valid(until, Duration::from_millis(14_999)) && !is_valid(until, Duration::from_secs(15)));
    }
}
