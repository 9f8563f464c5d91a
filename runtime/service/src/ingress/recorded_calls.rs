//! How many calls of an ingress are recorded in its log that caused no message: so few that whoever knows an address cannot fill the
//! database.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::lock::lock;

/// Maximum number of calls without a message that are recorded for an ingress in a second.
const RECORDED_PER_SECOND: u32 = 5;
/// Maximum number of ingresses whose recorded calls are counted at once.
const MAX_COUNTED: usize = 10_000;

/// How many calls of each ingress were recorded in the current second.
#[derive(Default)]
pub(crate) struct RecordedCalls(Mutex<HashMap<String, (Duration, u32)>>);

impl RecordedCalls {
    /// Whether another call of an ingress may be recorded. `now` is a monotonic time.
    pub(crate) fn admit(&self, ingress: &str, now: Duration) -> bool {
        let mut counts = lock(&self.0);
        if counts.len() >= MAX_COUNTED && !counts.contains_key(ingress) {
            counts.clear();
        }
        let (since, count) = counts.entry(ingress.to_owned()).or_insert((now, 0));
        if now.saturating_sub(*since) >= Duration::from_secs(1) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= RECORDED_PER_SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_recorded_a_few_times_a_second() {
        let calls = RecordedCalls::default();
        let second = Duration::from_secs(1);
        for (now, admitted) in [(Duration::ZERO, 5), (second / 2, 0), (second, 5), (second * 3, 5)] {
            let count = (0..20).filter(|_| calls.admit("one", now)).count();
            assert_eq!(count, admitted, "{now:?}");
        }
        assert!(calls.admit("another", Duration::ZERO));
    }
}
