use super::*;

const NOW: Timestamp = Timestamp(1_000_000);

fn later(seconds: u64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

/// `a` was active, `b` is.
fn swapped() -> Versions {
    Versions::first("a".to_owned(), NOW).activate("b", AUTO_ROLLBACK_SECONDS, DRAIN_SECONDS, NOW).unwrap()
}

fn trapped() -> VersionFault {
    VersionFault::Misbehaved { faults: 1, attempts: 1 }
}

#[test]
fn a_version_takes_over_and_back() {
    let versions = swapped();
    assert_eq!((versions.active.as_str(), versions.previous.as_deref()), ("b", Some("a")));
    assert_eq!(versions.activate("b", 0, 0, NOW), Err(ReleaseError::AlreadyActive));
    let back = versions.roll_back(trapped().into(), later(1)).unwrap();
    assert_eq!((back.active.as_str(), back.previous.as_deref()), ("a", None));
    let rollback = back.last_rollback.clone().unwrap();
    assert_eq!((rollback.from.as_str(), rollback.to.as_str(), rollback.automatic), ("b", "a", true));
    assert_eq!(back.roll_back(RollbackReason::Manual(String::new()), later(2)), Err(ReleaseError::NoPrevious));
}

#[test]
fn a_canary_begins_grows_and_ends() {
    let versions = Versions::first("a".to_owned(), NOW);
    assert_eq!(versions.start_canary("a", 10, NOW), Err(ReleaseError::AlreadyActive));
    for percent in [0, 100, 255] {
        assert_eq!(versions.start_canary("b", percent, NOW), Err(ReleaseError::InvalidPercent));
    }
    assert_eq!(versions.end_canary(None, NOW), Err(ReleaseError::NoCanary));
    let tried = versions.start_canary("b", 10, NOW).unwrap();
    assert_eq!(tried.role("b"), VersionRole::Canary);
    let more = tried.start_canary("b", 50, later(5)).unwrap();
    assert_eq!(more.canary.as_ref().map(|canary| (canary.percent, canary.started_at)), Some((50, NOW)));
    let other = more.start_canary("c", 50, later(6)).unwrap();
    assert_eq!((other.role("b"), other.role("c")), (VersionRole::Available, VersionRole::Canary));
    let active = more.activate("b", 60, 10, later(7)).unwrap();
    assert_eq!((active.canary, active.active.as_str()), (None, "b"));
    let ended = more.end_canary(Some(trapped()), later(7)).unwrap();
    assert_eq!((ended.active.as_str(), ended.canary.as_ref()), ("a", None));
    assert_eq!(ended.last_rollback.map(|rollback| rollback.from), Some("b".to_owned()));
}

/// The percentage is accurate, each message keeps its side, and a larger percentage keeps the messages of a smaller one.
#[test]
fn the_share_of_a_canary() {
    let small = Versions::first("a".to_owned(), NOW).start_canary("b", 10, NOW).unwrap();
    let large = small.start_canary("b", 40, NOW).unwrap();
    let (mut few, mut many) = (0, 0);
    for number in 0..10_000 {
        let message = format!("m{number}");
        let first = |versions: &Versions| versions.candidates(&message, None, &[], "a", NOW)[0].to_owned();
        let (in_small, in_large) = (first(&small) == "b", first(&large) == "b");
        assert!(!in_small || in_large, "{message} left the canary when its share grew");
        assert_eq!(first(&small), first(&small));
        few += u32::from(in_small);
        many += u32::from(in_large);
    }
    let almost_all = small.start_canary("b", 99, NOW).unwrap();
    assert_eq!(almost_all.candidates("", None, &[], "a", NOW), ["a"], "without a message there is no trial");
    assert!((800..1200).contains(&few) && (3700..4300).contains(&many), "{few}, {many}");
}

#[test]
fn a_message_stays_with_the_version_that_it_began_with() {
    let versions = swapped();
    let first = |held: Option<&'static str>, left: &[&str], now| {
        versions.candidates("m", held, left, "o", now).first().map(|digest| (*digest).to_owned()).unwrap()
    };
    // Drained after ten seconds.
    assert_eq!(first(Some("a"), &[], later(9)), "a");
    assert_eq!(first(Some("a"), &[], later(10)), "b");
    assert_eq!(first(None, &[], later(1)), "b", "nothing begins on the one before");
    assert_eq!(first(Some("gone"), &[], later(1)), "b");
    assert_eq!(first(Some("b"), &["b"], later(1)), "a", "what refused it is not asked again");
    assert_eq!(versions.candidates("m", None, &[], "o", NOW), ["b", "a", "o"], "for connections that do not fit");
    assert_eq!(versions.candidates("m", None, &["b", "a", "o"], "o", NOW), [""; 0]);
}

#[test]
fn what_is_taken_back_at_once_is_not_tried_again() {
    let back = swapped().roll_back(trapped().into(), later(1)).unwrap();
    assert_eq!(back.candidates("m", Some("b"), &[], "a", later(1)), ["a"]);
    assert!(!back.sends("b"));
    let by_hand = swapped().roll_back(RollbackReason::Manual("I prefer it".to_owned()), later(1)).unwrap();
    assert_eq!(by_hand.candidates("m", Some("b"), &[], "a", later(2)), ["b", "a"], "it may end what it began");
}

#[test]
fn where_a_refused_message_turns_to() {
    let versions = swapped().start_canary("c", 50, NOW).unwrap();
    assert_eq!(versions.alternative_to("c", NOW), Some("b"));
    assert_eq!(versions.alternative_to("b", later(3599)), Some("a"));
    assert_eq!(versions.alternative_to("b", later(3600)), None, "it is not watched any more");
    assert_eq!(versions.alternative_to("x", NOW), Some("b"));
    assert_eq!(Versions::first("a".to_owned(), NOW).alternative_to("a", NOW), None);
}

#[test]
fn what_stays_ready() {
    let versions = swapped().start_canary("c", 50, NOW).unwrap();
    assert_eq!(versions.in_use(later(9)).collect::<Vec<_>>(), ["b", "c", "a", "a"]);
    assert_eq!(versions.in_use(later(10)).collect::<Vec<_>>(), ["b", "c", "a"]);
}

/// Many activations in a short time: messages in progress on any version may finish.
#[test]
fn swaps_after_one_another_all_drain() {
    let mut versions = Versions::first("v0".to_owned(), NOW);
    for number in 1..=5 {
        versions = versions.activate(&format!("v{number}"), 60, 10, later(number)).unwrap();
    }
    assert!((0..=5).all(|number| versions.may_continue(&format!("v{number}"), later(6))));
    assert!(!versions.may_continue("v0", later(11)) && versions.may_continue("v1", later(11)));
    let back = versions.activate("v0", 60, 10, later(12)).unwrap();
    assert_eq!(
        back.draining.iter().map(|draining| draining.digest.as_str()).collect::<Vec<_>>(),
        ["v5", "v4", "v3", "v2"]
    );
}
