use BreakerEvent::{Failure, Ignore, OpenAtOnce, Success};
use proptest::prelude::*;

use super::*;

#[test]
fn messages_that_a_breaker_has_stopped_ask_again_within_their_lifetime_and_not_all_at_once() {
    let at = Timestamp;
    for (until, now, expires_at, jitter, expected) in [
        (30_000, 0, 600_000, 0.0, Some(30_000)),
        (30_000, 0, 600_000, 0.5, Some(45_000)),
        (30_000, 0, 600_000, 1.0, Some(60_000)),
        // A short period is spread over five seconds.
        (2_000, 0, 600_000, 1.0, Some(7_000)),
        // The spread does not let a message expire.
        (30_000, 0, 40_000, 1.0, Some(30_000)),
        (30_000, 0, 600_000, f64::NAN, Some(30_000)),
        (30_000, 0, 30_000, 0.0, None),
    ] {
        let resumed = resume_at(at(until), at(now), at(expires_at), jitter);
        assert_eq!(resumed, expected.map(at), "{until} {now} {expires_at} {jitter}");
    }
}

const START: i64 = 1_700_000_000_000;

fn at(millis: i64) -> Timestamp {
    Timestamp(START + millis)
}

/// A breaker that opened at `at(0)`.
fn opened() -> Breaker {
    let mut breaker = Breaker::default();
    breaker.record(OpenAtOnce, at(0));
    breaker
}

#[test]
fn five_failures_in_a_row_within_a_minute_open_it() {
    for (story, events, open) in [
        ("five at once", vec![(Failure, 0); 5], true),
        ("four", vec![(Failure, 0); 4], false),
        ("over a minute", [0, 15, 30, 45, 60].map(|s| (Failure, s)).to_vec(), true),
        ("too slowly", [0, 15, 30, 45, 61].map(|s| (Failure, s)).to_vec(), false),
        ("slowly, then fast", [0, 61, 62, 63, 64, 65].map(|s| (Failure, s)).to_vec(), true),
        ("a success between", [&[(Failure, 0); 4][..], &[(Success, 0)], &[(Failure, 0); 4]].concat(), false),
        ("others between", [&[(Failure, 0); 4][..], &[(Ignore, 0); 9], &[(Failure, 0)]].concat(), true),
        ("at once", vec![(Success, 0), (OpenAtOnce, 0)], true),
        ("of the message only", vec![(Ignore, 0); 99], false),
    ] {
        let mut breaker = Breaker::default();
        let mut last = 0;
        for (event, second) in events {
            breaker.record(event, at(second * 1000));
            last = second * 1000;
        }
        let want = if open { BreakerDecision::Reject { until: at(last + 30_000) } } else { BreakerDecision::Allow };
        assert_eq!(breaker.allows(at(last)), want, "{story}");
        assert_eq!(breaker.is_open(at(last)), open, "{story}");
    }
}

#[test]
fn after_its_time_one_probe_decides() {
    let mut breaker = opened();
    assert_eq!(breaker.allows(at(29_999)), BreakerDecision::Reject { until: at(30_000) });
    assert_eq!(breaker.allows(at(30_000)), BreakerDecision::Probe);
    assert_eq!(breaker.allows(at(30_001)), BreakerDecision::ProbeRunning { until: at(90_000) }, "one at a time");
    breaker.record(Success, at(31_000));
    assert_eq!(breaker.allows(at(31_000)), BreakerDecision::Allow);
    // It starts over with the shortest time and needs all five failures.
    for _ in 0..4 {
        breaker.record(Failure, at(32_000));
    }
    assert_eq!(breaker.allows(at(32_000)), BreakerDecision::Allow);
    breaker.record(Failure, at(32_000));
    assert_eq!(breaker.allows(at(32_000)), BreakerDecision::Reject { until: at(62_000) });
}

#[test]
fn each_probe_that_fails_doubles_its_time_up_to_five_minutes() {
    let mut breaker = opened();
    let mut now = 0;
    let mut open = 30;
    for (failed_after, event) in [(60, Failure), (120, OpenAtOnce), (240, Failure), (300, Failure), (300, Failure)] {
        now += open * 1000;
        assert_eq!(breaker.allows(at(now)), BreakerDecision::Probe);
        breaker.record(event, at(now));
        open = failed_after;
        assert_eq!(breaker.allows(at(now)), BreakerDecision::Reject { until: at(now + open * 1000) });
    }
}

#[test]
fn a_probe_about_the_message_or_lost_lets_another_one_try() {
    let mut breaker = opened();
    assert_eq!(breaker.allows(at(30_000)), BreakerDecision::Probe);
    breaker.record(Ignore, at(30_100));
    assert_eq!(breaker.allows(at(30_100)), BreakerDecision::Probe);
    // This probe never reports.
    assert_eq!(breaker.allows(at(90_099)), BreakerDecision::ProbeRunning { until: at(90_100) });
    assert_eq!(breaker.allows(at(90_100)), BreakerDecision::Probe);
}

#[test]
fn what_began_before_it_opened_changes_nothing() {
    let mut breaker = opened();
    for event in [Success, Failure, OpenAtOnce, Ignore] {
        breaker.record(event, at(10_000));
        assert_eq!(breaker.allows(at(10_000)), BreakerDecision::Reject { until: at(30_000) }, "{event:?}");
    }
}

#[test]
fn a_clock_that_is_set_back_does_not_keep_it_shut() {
    let mut breaker = opened();
    assert_eq!(breaker.allows(at(-3_600_000)), BreakerDecision::Reject { until: at(-3_570_000) });
    assert_eq!(breaker.allows(at(-3_570_000)), BreakerDecision::Probe);
    assert_eq!(breaker.allows(at(-7_200_000)), BreakerDecision::ProbeRunning { until: at(-7_140_000) });
}

#[test]
fn a_small_tenant_has_ten_retries_a_minute() {
    let mut budget = RetryBudget::default();
    for _ in 0..10 {
        assert!(budget.has(at(0)) && budget.take(at(0)));
    }
    assert!(!budget.take(at(0)) && !budget.take(at(59_000)));
    assert!(budget.take(at(60_000)), "a minute later they are back");
}

#[test]
fn a_large_one_a_tenth() {
    let mut budget = RetryBudget::default();
    for second in 0..60 {
        for _ in 0..50 {
            budget.first_attempt(at(second * 1000));
        }
    }
    assert_eq!((0..1000).filter(|_| budget.take(at(59_000))).count(), 300);
    // Half of the first attempts have left the window, but not all retries have.
    assert!(!budget.take(at(89_000)));
}

proptest! {
    /// Always: an open breaker allows no attempt, a half-open one allows one at a time, and the time to ask again is near.
    #[test]
    fn no_two_probes_at_once_and_never_shut_for_good(
        steps in prop::collection::vec((0_u8..5, -5_000_i64..40_000), 1..200),
    ) {
        let mut breaker = Breaker::default();
        let mut now = START;
        let mut probe: Option<i64> = None;
        for (step, millis) in steps {
            now += millis;
            let event = match step {
                0 => {
                    match breaker.allows(Timestamp(now)) {
                        BreakerDecision::Allow => prop_assert!(probe.is_none()),
                        BreakerDecision::Probe => {
                            prop_assert!(probe.is_none_or(|begun| now >= begun + 60_000));
                            probe = Some(now);
                        }
                        BreakerDecision::Reject { until } | BreakerDecision::ProbeRunning { until } => {
                            prop_assert!(until.0 > now && until.0 <= now + 300_000);
                            // If the clock was set back, the minute counts from when that was noticed.
                            probe = probe.map(|begun| begun.min(now));
                            let mut later = breaker.clone();
                            prop_assert_eq!(later.allows(until), BreakerDecision::Probe);
                        }
                    }
                    continue;
                }
                1 => Success,
                2 => Failure,
                3 => OpenAtOnce,
                _ => Ignore,
            };
            breaker.record(event, Timestamp(now));
            probe = None;
        }
    }

    #[test]
    fn never_more_than_a_tenth_or_ten(steps in prop::collection::vec((any::<bool>(), 0_i64..2_000), 1..600)) {
        let mut budget = RetryBudget::default();
        let (mut firsts, mut retries): (Vec<i64>, Vec<i64>) = (Vec::new(), Vec::new());
        let mut now = START;
        for (first, millis) in steps {
            now += millis;
            if first {
                budget.first_attempt(Timestamp(now));
                firsts.push(now);
            } else if budget.take(Timestamp(now)) {
                retries.push(now);
                // Counted by whole seconds.
                let recent = |times: &[i64]| times.iter().filter(|at| now / 1000 - **at / 1000 < 60).count();
                prop_assert!(recent(&retries) <= (recent(&firsts) / 10).max(10));
            }
        }
    }
}
