use proptest::prelude::*;

use super::*;

const START: i64 = 1_700_000_000_000;

fn at(millis: i64) -> Timestamp {
    Timestamp(START + millis)
}

/// The state of one bucket, as a store would keep it.
struct StoredState(Option<String>);

impl StoredState {
    /// As a store does before it uses a state.
    fn redate(&mut self, rule: Rule, now: Timestamp) {
        if let Some(redated) = self.0.as_deref().and_then(|state| rule.redated(state, now).unwrap()) {
            assert_eq!(rule.redated(&redated.state, now), Ok(None), "once is enough");
            self.0 = Some(redated.state);
        }
    }

    fn refund(&mut self, rule: Rule, taken_at: Timestamp) -> bool {
        let refunded = self.0.as_deref().and_then(|state| rule.refund(state, taken_at).unwrap());
        let changes = refunded.is_some();
        if let Some(refunded) = refunded {
            self.0 = Some(refunded.state);
        }
        changes
    }

    fn take(&mut self, rule: Rule, now: Timestamp) -> Result<(), Option<Timestamp>> {
        self.redate(rule, now);
        match rule.take(self.0.as_deref(), now) {
            Ok(taken) => {
                assert!(taken.state.len() < 1024 && taken.state.is_ascii(), "{}", taken.state);
                assert!(taken.expires_at > now);
                self.0 = Some(taken.state);
                Ok(())
            }
            Err(LimitError::Reached { retry_at }) => Err(retry_at),
            Err(LimitError::UnreadableState(error)) => panic!("{error}: {:?}", self.0),
        }
    }
}

fn story(rule: Rule, steps: &[(i64, Result<(), Option<i64>>)]) {
    let mut kept = StoredState(None);
    for (millis, want) in steps {
        let got = kept.take(rule, at(*millis));
        assert_eq!(got, want.map_err(|retry| retry.map(at)), "{rule:?} at {millis}: {:?}", kept.0);
    }
}

#[test]
fn a_window_lets_in_so_many() {
    // Slots of a second, as `START` begins one: a request at 0.5 s has left the window at 60.999 s.
    let two = Rule::Window { max: 2, seconds: 60 };
    story(
        two,
        &[
            (500, Ok(())),
            (30_000, Ok(())),
            (30_001, Err(Some(60_999))),
            (60_500, Err(Some(60_999))),
            (60_999, Ok(())),
            (60_999, Err(Some(90_999))),
            (90_999, Ok(())),
            (500_000, Ok(())),
        ],
    );
    story(Rule::Window { max: 0, seconds: 60 }, &[(0, Err(None))]);
    story(Rule::Window { max: 1, seconds: 0 }, &[(0, Ok(())), (0, Ok(())), (-5, Ok(()))]);
}

#[test]
fn a_clock_that_is_set_back_opens_no_window() {
    let two = Rule::Window { max: 2, seconds: 60 };
    let closed = Err(Some(60_999));
    story(
        two,
        &[
            (3_600_000, Ok(())),
            // An hour back: earlier requests still count, as of now.
            (0, Ok(())),
            (0, closed),
            (60_998, closed),
            (60_999, Ok(())),
        ],
    );
    // Less than clocks differ: closed until the clock has caught up.
    let closed = Err(Some(120_999));
    story(two, &[(60_000, Ok(())), (0, Ok(())), (0, closed), (60_999, closed), (120_998, closed), (120_999, Ok(()))]);
}

/// The clock is ahead by an hour, a day or a century, for a moment in which the limit is used up.
#[test]
fn a_clock_that_was_ahead_closes_no_limit_for_longer_than_it_is() {
    for ahead in [3_600_000, 86_400_000, 3_155_760_000_000] {
        for (rule, opens) in
            [(Rule::Window { max: 1, seconds: 3600 }, 3_639_999), (Rule::Cooldown { seconds: 30 }, 30_000)]
        {
            let mut kept = StoredState(None);
            assert_eq!(kept.take(rule, at(ahead)), Ok(()));
            for now in [0, 1, opens - 1] {
                let Err(Some(retry_at)) = kept.take(rule, at(now)) else { panic!("{rule:?} is open at {now}") };
                assert!(retry_at <= at(opens), "{rule:?} after {ahead}");
            }
            assert_eq!(kept.take(rule, at(opens)), Ok(()), "{rule:?} after {ahead}");
        }
    }
    // Spent in a month that has not begun: spent in this one.
    let rule = Rule::Spend { cap_micros: 100, price_micros: 60 };
    let mut kept = StoredState(None);
    assert_eq!(kept.take(rule, time("2027-06-30T12:00:00Z")), Ok(()));
    let now = time("2026-11-23T20:00:00Z");
    assert_eq!(kept.take(rule, now), Err(Some(time("2026-12-01T00:00:00Z"))));
    assert_eq!(kept.take(rule, time("2026-12-01T00:00:00Z")), Ok(()));
}

#[test]
fn a_place_is_given_back_where_it_was_taken() {
    let two = Rule::Window { max: 2, seconds: 60 };
    let mut kept = StoredState(None);
    for now in [500, 30_000] {
        assert_eq!(kept.take(two, at(now)), Ok(()));
    }
    assert!(kept.refund(two, at(500)));
    assert!(!kept.refund(two, at(500)), "once");
    for never_taken in [-1, 499_000, 29_999 - 60_000, i64::MIN / 2, i64::MAX / 2] {
        assert!(!kept.refund(two, at(never_taken)), "{never_taken}");
    }
    assert_eq!(kept.take(two, at(40_000)), Ok(()));
    // The other one leaves the window when it would have.
    assert_eq!(kept.take(two, at(40_000)), Err(Some(at(90_999))));
    // The window has moved on. What was taken at 30 s does not count any more, so nothing is given back for it.
    assert_eq!(kept.take(two, at(95_000)), Ok(()));
    assert!(!kept.refund(two, at(30_000)));
    assert_eq!(kept.take(two, at(95_000)), Err(Some(at(100_999))));
}

#[test]
fn a_pause_is_given_back() {
    let rule = Rule::Cooldown { seconds: 30 };
    // The first request.
    let mut kept = StoredState(None);
    assert_eq!(kept.take(rule, at(0)), Ok(()));
    assert!(kept.refund(rule, at(0)) && !kept.refund(rule, at(0)));
    assert_eq!(kept.take(rule, at(1)), Ok(()));
    assert_eq!(kept.take(rule, at(2)), Err(Some(at(30_001))), "the first pause again");
    // The last one: the pause of the one before it counts again.
    assert_eq!(kept.take(rule, at(30_001)), Ok(()));
    assert!(kept.refund(rule, at(30_001)));
    assert_eq!(kept.take(rule, at(30_000)), Err(Some(at(30_001))));
    assert_eq!(kept.take(rule, at(40_000)), Ok(()));
    assert_eq!(kept.take(rule, at(99_999)), Err(Some(at(100_000))), "the second pause");
    // The one before the last: the pause was doubled once less.
    assert_eq!(kept.take(rule, at(100_000)), Ok(()));
    assert!(kept.refund(rule, at(40_000)) && !kept.refund(rule, at(40_000)));
    assert_eq!(kept.take(rule, at(159_999)), Err(Some(at(160_000))));
    assert!(!kept.refund(rule, at(1)), "longer ago than is known");
}

#[test]
fn a_lower_limit_counts_what_was_let_in_before() {
    let state = "w1000:1700000000:3,0,5,1";
    for (max, opens) in [
        (10, NextAllowed::Now),
        (9, NextAllowed::At(at(60_999))),
        (6, NextAllowed::At(at(62_999))),
        (1, NextAllowed::At(at(63_999))),
        (0, NextAllowed::Never),
    ] {
        assert_eq!(Rule::Window { max, seconds: 60 }.next(Some(state), at(3_500)), Ok(opens), "{max}");
    }
}

#[test]
fn the_largest_state_is_below_a_kilobyte() {
    let counts = vec![u32::MAX.to_string(); MAX_SLOTS].join(",");
    let state = format!("w1440000:1180556:{counts}");
    assert!(state.len() < 1024, "{}", state.len());
    let rule = Rule::Window { max: u32::MAX, seconds: 86_400 };
    // Everything has left the window; or a part has, and the rest is kept.
    assert_eq!(rule.next(Some(&state), at(200 * 86_400_000)), Ok(NextAllowed::Now));
    let one = Rule::Window { max: 1, seconds: 86_400 };
    assert!(matches!(one.next(Some(&state), at(0)), Ok(NextAllowed::At(_))));
}

#[test]
fn what_cannot_be_read_lets_nothing_in() {
    let window = Rule::Window { max: 5, seconds: 60 };
    let cooldown = Rule::Cooldown { seconds: 30 };
    let spend = Rule::Spend { cap_micros: 5, price_micros: 1 };
    let many = format!("w1000:1:{}", vec!["1"; MAX_SLOTS + 1].join(","));
    for (rule, state) in [
        (window, ""),
        (window, "w"),
        (window, "w1000"),
        (window, "w1000:1"),
        (window, "w1000:1:"),
        (window, "w1000:1:-1"),
        (window, "w1000:1:1,"),
        (window, "w1000:1:4294967296"),
        (window, "w1000:x:1"),
        (window, "w1000:9223372036854775807:1"),
        // A state of a window with another length.
        (window, "w60000:1:1"),
        (window, "c1:1"),
        (window, many.as_str()),
        (cooldown, ""),
        (cooldown, "c1"),
        (cooldown, "cx:1"),
        (cooldown, "c1:-1"),
        (cooldown, "c1:1:"),
        (cooldown, "c1:1:x"),
        (cooldown, "c1:1:1:1"),
        (cooldown, "w1000:1:1"),
        (spend, ""),
        (spend, "s2023:1"),
        (spend, "s2023-13:1"),
        (spend, "s2023-0:1"),
        (spend, "s2023-11:-1"),
        (spend, "c1:1"),
    ] {
        assert_eq!(
            rule.take(Some(state), at(0)),
            Err(LimitError::UnreadableState(UnreadableState)),
            "{rule:?} {state}"
        );
        assert_eq!(rule.next(Some(state), at(0)), Err(UnreadableState), "{rule:?} {state}");
        assert_eq!(rule.refund(state, at(0)), Err(UnreadableState), "{rule:?} {state}");
        assert_eq!(rule.redated(state, at(0)), Err(UnreadableState), "{rule:?} {state}");
    }
}

#[test]
fn a_cooldown_doubles_and_starts_again_after_an_hour() {
    story(
        Rule::Cooldown { seconds: 30 },
        &[
            (0, Ok(())),
            (29_999, Err(Some(30_000))),
            (30_000, Ok(())),
            (89_999, Err(Some(90_000))),
            (90_000, Ok(())),
            (91_000, Err(Some(210_000))),
            (210_000, Ok(())),
            (450_000, Ok(())),
            // 480 s, and then always ten minutes.
            (450_001, Err(Some(930_000))),
            (930_000, Ok(())),
            (930_001, Err(Some(1_530_000))),
            (1_530_000, Ok(())),
            (1_530_001, Err(Some(2_130_000))),
            // One millisecond less than an hour without a request.
            (5_129_999, Ok(())),
            (5_130_000, Err(Some(5_729_999))),
            (8_729_999, Ok(())),
            (8_730_000, Err(Some(8_759_999))),
            // The clock is set back by hours, and then by seconds.
            (0, Err(Some(30_000))),
            (-20_000, Err(Some(30_000))),
        ],
    );
    story(Rule::Cooldown { seconds: 0 }, &[(0, Ok(())), (0, Ok(())), (-9, Ok(()))]);
    story(Rule::Cooldown { seconds: 600 }, &[(0, Ok(())), (600_000, Ok(())), (600_001, Err(Some(1_200_000)))]);
    // 0 passes even with an invalid state.
    assert!(Rule::Cooldown { seconds: 0 }.take(Some("nonsense"), at(0)).is_ok());
}

fn time(text: &str) -> Timestamp {
    serde_json::from_value(serde_json::json!(text)).unwrap()
}

#[test]
fn a_month_has_its_cap() {
    let rule = |price_micros| Rule::Spend { cap_micros: 100, price_micros };
    let mut kept = StoredState(None);
    let (last, next) = (time("2026-12-31T23:59:59.999Z"), time("2027-01-01T00:00:00Z"));
    assert_eq!(kept.take(rule(60), time("2026-12-01T00:00:00Z")), Ok(()));
    assert_eq!(kept.take(rule(41), last), Err(Some(next)));
    assert_eq!(kept.take(rule(40), last), Ok(()));
    assert_eq!(kept.take(rule(1), last), Err(Some(next)));
    assert_eq!(kept.take(rule(0), last), Ok(()), "what costs nothing passes");
    assert_eq!(kept.take(rule(101), last), Err(None), "dearer than any month allows");
    assert_eq!(kept.take(rule(u64::MAX), last), Err(None));
    assert_eq!(kept.take(rule(100), next), Ok(()));
    // A clock that is set back into the previous month does not reopen it.
    assert_eq!(kept.take(rule(1), last), Err(Some(time("2027-02-01T00:00:00Z"))));
    let taken = rule(1).take(None, time("2028-02-29T12:00:00Z")).unwrap();
    assert_eq!((taken.state.as_str(), taken.expires_at), ("s2028-2:1", time("2028-03-01T01:00:00Z")));
    // The extremes of time.
    assert!(rule(1).take(None, Timestamp(i64::MAX)).is_ok() && rule(1).take(None, Timestamp(i64::MIN)).is_ok());
}

#[test]
fn money_is_given_back_to_its_month() {
    let rule = Rule::Spend { cap_micros: 100, price_micros: 40 };
    let (june, july) = (time("2026-06-30T23:00:00Z"), time("2026-07-01T01:00:00Z"));
    let taken = rule.take(None, june).unwrap();
    assert_eq!(rule.refund(&taken.state, june).unwrap().unwrap().state, "s2026-6:0");
    assert_eq!(rule.refund("s2026-6:10", june).unwrap().unwrap().state, "s2026-6:0", "never below nothing");
    // Counted in June, and June is over: there is nothing to refund in July.
    assert_eq!(rule.refund("s2026-7:80", june), Ok(None));
    assert_eq!(rule.refund("s2026-7:80", july).unwrap().unwrap().state, "s2026-7:40");
}

/// Steps of time, in 64ths of the window, mostly short.
fn steps() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(prop_oneof![4 => 0..40_i64, 2 => 0..400_i64, 1 => 0..9000_i64], 1..250)
}

fn windows() -> impl Strategy<Value = (u32, u64)> {
    (1..12_u32, prop_oneof![Just(1_u64), Just(7), Just(60), Just(3600), Just(86_400)])
}

proptest! {
    #[test]
    fn never_more_in_any_window((max, seconds) in windows(), steps in steps()) {
        let rule = Rule::Window { max, seconds };
        let length = i64::try_from(seconds).unwrap() * 1000;
        let mut kept = StoredState(None);
        let mut let_in: Vec<i64> = Vec::new();
        let mut now = 0;
        for step in steps {
            now += step * length / 4096;
            if kept.take(rule, at(now)).is_ok() {
                let_in.push(now);
            }
        }
        for many in let_in.windows(max as usize + 1) {
            prop_assert!(many[max as usize] - many[0] >= length, "{:?}", many);
        }
    }

    /// The clock is set back now and then, by small or large amounts. Only the time that has really passed counts.
    #[test]
    fn never_more_whatever_the_clock_is_set_back(
        (max, seconds) in windows(),
        steps in steps(),
        back in prop::collection::vec((0..250_usize, 0..9000_i64), 0..6),
    ) {
        let rule = Rule::Window { max, seconds };
        let length = i64::try_from(seconds).unwrap() * 1000;
        let mut kept = StoredState(None);
        let mut let_in: Vec<i64> = Vec::new();
        let (mut really, mut behind) = (0, 0);
        for (index, step) in steps.into_iter().enumerate() {
            really += step * length / 4096;
            behind += back.iter().filter(|(when, _)| *when == index).map(|(_, by)| by * length / 4096).sum::<i64>();
            if kept.take(rule, at(really - behind)).is_ok() {
                let_in.push(really);
            }
        }
        for many in let_in.windows(max as usize + 1) {
            prop_assert!(many[max as usize] - many[0] >= length, "{:?}", many);
        }
    }

    /// Some requests are given back, at any time later and some of them twice. The others never exceed the limit.
    #[test]
    fn never_more_when_others_are_given_back(
        (max, seconds) in windows(),
        steps in prop::collection::vec((prop_oneof![4 => 0..40_i64, 2 => 0..400_i64, 1 => -300..9000_i64], 0..6_usize), 1..250),
    ) {
        let rule = Rule::Window { max, seconds };
        let length = i64::try_from(seconds).unwrap() * 1000;
        let mut kept = StoredState(None);
        let (mut let_in, mut open): (Vec<(i64, bool)>, Vec<usize>) = (Vec::new(), Vec::new());
        // The clock may be set back; only the time that has really passed counts.
        let (mut really, mut clock) = (0_i64, 0_i64);
        let mut times: Vec<i64> = Vec::new();
        for (step, action) in steps {
            let step = step * length / 4096;
            really += step.max(0);
            clock += step;
            if kept.take(rule, at(clock)).is_ok() {
                open.push(let_in.len());
                let_in.push((really, true));
                times.push(clock);
            }
            if action < 3 && !open.is_empty() {
                let index = open.remove(action.min(open.len() - 1));
                let_in[index].1 = false;
                kept.refund(rule, at(times[index]));
            }
        }
        let stayed: Vec<i64> = let_in.into_iter().filter(|(_, stays)| *stays).map(|(when, _)| when).collect();
        for many in stayed.windows(max as usize + 1) {
            prop_assert!(many[max as usize] - many[0] >= length, "{:?}", many);
        }
    }

    /// What was given back is as if it had never been: the next request waits as long, or longer.
    #[test]
    fn a_pause_is_no_shorter_than_without_what_was_given_back(
        seconds in 1..601_u64,
        steps in prop::collection::vec((0..2_000_000_i64, any::<bool>(), any::<bool>()), 1..60),
    ) {
        let rule = Rule::Cooldown { seconds };
        let (mut kept, mut without) = (StoredState(None), StoredState(None));
        let mut now = 0;
        let mut late: Option<i64> = None;
        for (step, fails, is_late) in steps {
            now += step;
            let next = |state: &StoredState| match rule.next(state.0.as_deref(), at(now)).unwrap() {
                NextAllowed::Now => at(now),
                NextAllowed::At(at) => at,
                NextAllowed::Never => panic!(),
            };
            prop_assert!(next(&kept) >= next(&without), "{:?} {:?}", kept.0, without.0);
            if kept.take(rule, at(now)).is_err() {
                continue;
            }
            if let Some(before) = late.take() {
                kept.refund(rule, at(before));
            }
            match (fails, is_late) {
                (true, true) => late = Some(now),
                (true, false) => prop_assert!(kept.refund(rule, at(now)) || kept.0.is_some()),
                (false, _) => prop_assert!(without.take(rule, at(now)).is_ok()),
            }
        }
    }

    /// Whatever the clock does: a refusal ends after the window, a slot and the minute by which clocks may differ.
    #[test]
    fn no_limit_is_closed_for_longer_than_it_is(
        (max, seconds) in windows(),
        jumps in prop::collection::vec(prop_oneof![Just(0), -100_000_000..100_000_000_i64, -1000..1000_i64], 1..80),
    ) {
        let rule = Rule::Window { max, seconds };
        let mut kept = StoredState(None);
        let mut now = 0;
        for jump in jumps {
            now += jump;
            if let Err(retry_at) = kept.take(rule, at(now)) {
                let longest = seconds * 1000 + seconds * 1000 / 60 + 1 + 60_000;
                prop_assert!(retry_at.unwrap().millis_since(at(now)) <= longest);
            }
        }
    }

    /// Even after the clock was set back: `back` steps go into the past.
    #[test]
    fn what_is_refused_passes_at_the_time_named_and_not_before(
        (max, seconds) in windows(),
        steps in prop::collection::vec(-300..900_i64, 1..120),
    ) {
        let rule = Rule::Window { max, seconds };
        let length = i64::try_from(seconds).unwrap() * 1000;
        let mut kept = StoredState(None);
        let mut now = 0;
        for step in steps {
            now += step * length / 4096;
            kept.redate(rule, at(now));
            let before = kept.0.clone();
            if let Err(retry_at) = kept.take(rule, at(now)) {
                let retry_at = retry_at.unwrap();
                prop_assert!(retry_at > at(now));
                prop_assert!(rule.take(before.as_deref(), retry_at).is_ok());
                prop_assert_eq!(rule.next(before.as_deref(), retry_at), Ok(NextAllowed::Now));
                prop_assert!(rule.take(before.as_deref(), retry_at.minus_millis(1)).is_err());
            }
        }
    }

    /// It errs on the strict side by one slot at most.
    #[test]
    fn a_window_is_not_closed_for_longer_than_it_is((max, seconds) in windows(), offset in 0..100_000_000_i64) {
        let rule = Rule::Window { max, seconds };
        let length = i64::try_from(seconds).unwrap() * 1000;
        let mut kept = StoredState(None);
        for _ in 0..max {
            prop_assert!(kept.take(rule, at(offset)).is_ok());
        }
        let Err(Some(retry_at)) = kept.take(rule, at(offset)) else { panic!() };
        prop_assert!(retry_at.millis_since(at(offset + length)) <= seconds * 1000 / 60 + 1);
        prop_assert!(retry_at >= at(offset + length));
    }

    /// Once a state may be removed, it no longer matters.
    #[test]
    fn an_expired_state_is_like_none(rule in rules(), steps in prop::collection::vec(0..2_000_000_i64, 1..30)) {
        let mut state: Option<String> = None;
        let mut now = 0;
        let mut expires_at = at(0);
        for step in steps {
            now += step;
            if let Ok(taken) = rule.take(state.as_deref(), at(now)) {
                (state, expires_at) = (Some(taken.state), taken.expires_at);
            }
        }
        prop_assert_eq!(rule.take(state.as_deref(), expires_at), rule.take(None, expires_at));
    }

    #[test]
    fn a_pause_is_never_shorter_than_asked(seconds in 1..601_u64, steps in prop::collection::vec(0..900_000_i64, 1..60)) {
        let rule = Rule::Cooldown { seconds };
        let mut kept = StoredState(None);
        let mut last: Option<i64> = None;
        let mut now = 0;
        for step in steps {
            now += step;
            match kept.take(rule, at(now)) {
                Ok(()) => {
                    prop_assert!(last.is_none_or(|last| now - last >= i64::try_from(seconds).unwrap() * 1000));
                    last = Some(now);
                }
                Err(retry_at) => {
                    let retry_at = retry_at.unwrap();
                    prop_assert!(retry_at > at(now) && retry_at <= at(last.unwrap() + 600_000));
                    prop_assert!(rule.take(kept.0.as_deref(), retry_at).is_ok());
                }
            }
        }
    }

    /// A refund can be spent again, but nothing beyond it.
    #[test]
    fn a_month_never_costs_more_than_its_cap(
        cap in 0..2000_u64,
        steps in prop::collection::vec((0..400_000_000_i64, 0..500_u64, any::<bool>()), 1..80),
    ) {
        let mut kept = StoredState(None);
        let mut months: BTreeMap<String, u64> = BTreeMap::new();
        let mut now = 0;
        for (step, price, back) in steps {
            now += step;
            let rule = Rule::Spend { cap_micros: cap, price_micros: price };
            let month = at(now).to_string()[..7].to_owned();
            match kept.take(rule, at(now)) {
                Ok(()) if back => {
                    if let Some(taken) = rule.refund(kept.0.as_deref().unwrap(), at(now)).unwrap() {
                        kept.0 = Some(taken.state);
                    }
                }
                Ok(()) => *months.entry(month).or_default() += price,
                Err(Some(retry_at)) => {
                    prop_assert!(months[&month] + price > cap);
                    prop_assert!(rule.take(kept.0.as_deref(), retry_at).is_ok());
                }
                Err(None) => prop_assert!(price > cap),
            }
        }
        prop_assert!(months.values().all(|sum| *sum <= cap));
    }
}

fn rules() -> impl Strategy<Value = Rule> {
    prop_oneof![
        windows().prop_map(|(max, seconds)| Rule::Window { max, seconds }),
        (1..601_u64).prop_map(|seconds| Rule::Cooldown { seconds }),
        (1..100_u64).prop_map(|price_micros| Rule::Spend { cap_micros: 1000, price_micros }),
    ]
}
