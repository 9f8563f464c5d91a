use FailureClass as Class;
use RequestSent::{Maybe, No, Yes};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const START: i64 = 1_700_000_000_000;

/// The contract's nineteen classes, and the host's two.
const ALL: [Class; 21] = [
    Class::NotSent,
    Class::RateLimited,
    Class::QuotaExceeded,
    Class::ProviderUnavailable,
    Class::InDoubt,
    Class::InvalidRequest,
    Class::TemplateRejected,
    Class::ContentRejected,
    Class::SenderRejected,
    Class::AuthenticationFailed,
    Class::ConfigurationInvalid,
    Class::InsufficientBalance,
    Class::AccountSuspended,
    Class::InvalidRecipient,
    Class::RecipientUnsubscribed,
    Class::RecipientBlocked,
    Class::UnsupportedDestination,
    Class::FraudBlocked,
    Class::Unknown,
    Class::ConnectorFault,
    Class::Unavailable,
];

/// The first attempt of a message that lives ten minutes, with a fallback and the default policy.
fn first(class: Class, request_sent: RequestSent) -> Situation {
    Situation {
        class,
        request_sent,
        retry_after: None,
        tries_here: 1,
        attempts: 1,
        physical_messages: may_have_been_sent(class, request_sent).into(),
        unproven: 0,
        max_messages: 2,
        in_doubt: InDoubt::PreferSilence,
        idempotent: false,
        has_fallback: true,
        fallback_has_own_template: true,
        has_other_version: false,
        now: Timestamp(START),
        expires_at: Timestamp(START + 600_000),
        may_retry: true,
        jitter: 1.0,
    }
}

fn next(situation: Situation) -> NextStep {
    let decision = decide(&situation);
    assert!(!decision.reason.message.is_empty());
    decision.next
}

fn again(millis: i64) -> NextStep {
    NextStep::Retry { at: Timestamp(START + millis) }
}

const FAILED: NextStep = NextStep::Stop(MessageStatus::Failed);
const DOUBTED: NextStep = NextStep::Stop(MessageStatus::InDoubt);

/// The table of `docs/retries.md`: same provider, other provider, breaker.
/// While a version is on trial, failures that it may have caused go to the other version.
#[test]
fn another_version_takes_over_what_a_version_may_be_to_blame_for() {
    use RequestSent::{Maybe, No, Yes};
    for (class, sent, takes_over) in [
        (Class::ConnectorFault, No, true),
        (Class::InvalidRequest, Yes, true),
        (Class::AuthenticationFailed, Yes, true),
        (Class::ConfigurationInvalid, No, true),
        // The message may have been sent.
        (Class::ConnectorFault, Maybe, false),
        (Class::ConnectorFault, Yes, false),
        (Class::InDoubt, Maybe, false),
        // Not the version's fault.
        (Class::ProviderUnavailable, Yes, false),
        (Class::NotSent, No, false),
        (Class::InvalidRecipient, Yes, false),
        (Class::FraudBlocked, Yes, false),
        (Class::UnsupportedDestination, Yes, false),
    ] {
        let decided = next(Situation { has_other_version: true, ..first(class, sent) });
        assert_eq!(decided == NextStep::OtherVersion, takes_over, "{class} {sent:?}: {decided:?}");
        let without = next(first(class, sent));
        assert_ne!(without, NextStep::OtherVersion, "{class} {sent:?}");
    }
    for class in ALL {
        let takes_over = next(Situation { has_other_version: true, ..first(class, No) }) == NextStep::OtherVersion;
        assert_eq!(excludes_version(class), takes_over, "{class}");
    }
    // The bounds on all attempts apply here, too.
    let used_up = Situation { has_other_version: true, attempts: 6, ..first(Class::ConnectorFault, No) };
    assert_eq!(next(used_up), NextStep::Stop(MessageStatus::Failed));
    let unproven = Situation { has_other_version: true, unproven: 2, ..first(Class::InvalidRequest, Yes) };
    assert_eq!(next(unproven), NextStep::Stop(MessageStatus::Failed));
}

#[test]
fn the_table() {
    use BreakerEvent::{Failure, Ignore, OpenAtOnce};
    for (class, sent, same, other, breaker) in [
        // Certainly not sent.
        (Class::NotSent, No, true, true, Failure),
        (Class::RateLimited, No, true, true, Failure),
        (Class::RateLimited, Yes, true, true, Failure),
        (Class::ProviderUnavailable, No, true, true, Failure),
        (Class::ProviderUnavailable, Yes, true, true, Failure),
        (Class::Unknown, No, true, true, Failure),
        (Class::InDoubt, No, true, true, Failure),
        // This machine's fault, which says nothing about the provider.
        (Class::Unavailable, No, true, true, Ignore),
        // In doubt; a connector that claims otherwise cannot know.
        (Class::InDoubt, Maybe, false, false, Failure),
        (Class::InDoubt, Yes, false, false, Failure),
        (Class::NotSent, Maybe, false, false, Failure),
        (Class::NotSent, Yes, false, false, Failure),
        (Class::Unknown, Maybe, false, false, Failure),
        (Class::Unknown, Yes, false, false, Failure),
        (Class::RateLimited, Maybe, false, false, Failure),
        (Class::ProviderUnavailable, Maybe, false, false, Failure),
        (Class::ConnectorFault, Maybe, false, false, Failure),
        (Class::ConnectorFault, Yes, false, false, Failure),
        // The content or the sender.
        (Class::InvalidRequest, Yes, false, true, Ignore),
        (Class::TemplateRejected, Yes, false, true, Ignore),
        (Class::ContentRejected, Yes, false, true, Ignore),
        (Class::SenderRejected, Yes, false, true, Ignore),
        // Credentials, configuration, balance, account.
        (Class::QuotaExceeded, Yes, false, true, OpenAtOnce),
        (Class::AuthenticationFailed, Yes, false, true, OpenAtOnce),
        (Class::ConfigurationInvalid, No, false, true, OpenAtOnce),
        (Class::InsufficientBalance, Yes, false, true, OpenAtOnce),
        (Class::AccountSuspended, Yes, false, true, OpenAtOnce),
        // The number.
        (Class::InvalidRecipient, Yes, false, false, Ignore),
        (Class::RecipientUnsubscribed, Yes, false, false, Ignore),
        (Class::RecipientBlocked, Yes, false, false, Ignore),
        (Class::UnsupportedDestination, Yes, false, true, Ignore),
        (Class::FraudBlocked, Yes, false, false, Ignore),
        (Class::ConnectorFault, No, false, true, OpenAtOnce),
    ] {
        let doubt = may_have_been_sent(class, sent);
        let stopped = if doubt { DOUBTED } else { FAILED };
        let alone = next(Situation { has_fallback: false, ..first(class, sent) });
        assert_eq!(alone, if same { again(500) } else { stopped }, "{class} {sent:?}: the same");
        let used_up = next(Situation { tries_here: 3, attempts: 3, ..first(class, sent) });
        assert_eq!(used_up, if other { NextStep::Fallback } else { stopped }, "{class} {sent:?}: another");
        assert_eq!(breaker_event(class, sent), breaker, "{class} {sent:?}: the breaker");
        assert_eq!(outcome(class, sent) == AttemptOutcome::InDoubt, doubt);
    }
}

#[test]
fn without_a_complete_answer_every_failure_is_in_doubt() {
    for class in ALL {
        assert!(may_have_been_sent(class, Maybe), "{class}");
        assert_eq!(next(first(class, Maybe)), DOUBTED, "{class}");
    }
}

#[test]
fn in_doubt() {
    let doubt = || first(Class::InDoubt, Maybe);
    let delivery = || Situation { in_doubt: InDoubt::PreferDelivery, ..doubt() };
    for (story, situation, want) in [
        ("silence is preferred", doubt(), DOUBTED),
        ("the provider makes one message of two", Situation { idempotent: true, ..doubt() }, again(500)),
        ("but the tenant allows one", Situation { idempotent: true, max_messages: 1, ..doubt() }, DOUBTED),
        ("but two are out", Situation { idempotent: true, physical_messages: 2, ..doubt() }, DOUBTED),
        ("delivery is preferred", delivery(), NextStep::Fallback),
        ("with nowhere to go", Situation { has_fallback: false, ..delivery() }, DOUBTED),
        ("and the tenant allows one", Situation { max_messages: 1, ..delivery() }, DOUBTED),
        ("two are out", Situation { physical_messages: 2, ..delivery() }, DOUBTED),
        ("the same provider first", Situation { idempotent: true, ..delivery() }, again(500)),
        ("not counted by the caller", Situation { physical_messages: 0, max_messages: 1, ..delivery() }, DOUBTED),
    ] {
        assert_eq!(next(situation), want, "{story}");
    }
}

#[test]
fn an_earlier_doubt_stays() {
    // The previous attempt is in doubt; this one was certainly not sent.
    let after = |class| Situation { tries_here: 2, attempts: 2, physical_messages: 1, ..first(class, Yes) };
    let delivery = |class| Situation { in_doubt: InDoubt::PreferDelivery, ..after(class) };
    for (story, situation, want) in [
        ("another connection could send a second one", after(Class::AuthenticationFailed), DOUBTED),
        ("so could this one", after(Class::RateLimited), DOUBTED),
        ("not with the same key", Situation { idempotent: true, ..after(Class::RateLimited) }, again(1000)),
        ("delivery is preferred", delivery(Class::AuthenticationFailed), NextStep::Fallback),
        ("delivery is preferred", delivery(Class::RateLimited), again(1000)),
        ("the number is invalid, and yet something may have come", delivery(Class::InvalidRecipient), DOUBTED),
    ] {
        assert_eq!(next(situation), want, "{story}");
    }
}

#[test]
fn pauses_grow_and_keep_to_what_the_provider_asks() {
    let limited = || first(Class::RateLimited, Yes);
    for (story, situation, want) in [
        ("half a second", limited(), again(500)),
        ("then one", Situation { tries_here: 2, attempts: 2, ..limited() }, again(1000)),
        ("by chance less", Situation { jitter: 0.25, ..limited() }, again(125)),
        ("or nothing", Situation { jitter: 0.0, ..limited() }, again(0)),
        ("what is no number is nothing", Situation { jitter: f64::NAN, ..limited() }, again(0)),
        ("nor is it more", Situation { jitter: 9.0, ..limited() }, again(500)),
        ("never before what is asked", Situation { retry_after: Some(3), ..limited() }, again(3500)),
        ("long: another connection", Situation { retry_after: Some(30), ..limited() }, NextStep::Fallback),
        ("long, alone", Situation { retry_after: Some(30), has_fallback: false, ..limited() }, again(30_500)),
        ("beyond expiry", Situation { retry_after: Some(600), ..limited() }, NextStep::Fallback),
        ("beyond expiry, alone", Situation { retry_after: Some(600), has_fallback: false, ..limited() }, FAILED),
        (
            "exactly at expiry",
            Situation { expires_at: Timestamp(START + 500), has_fallback: false, ..limited() },
            FAILED,
        ),
        ("just before", Situation { expires_at: Timestamp(START + 501), has_fallback: false, ..limited() }, again(500)),
        ("tried three times", Situation { tries_here: 3, attempts: 3, ..limited() }, NextStep::Fallback),
        ("no budget: a fallback carries everything", Situation { may_retry: false, ..limited() }, NextStep::Fallback),
        ("no budget, alone", Situation { may_retry: false, has_fallback: false, ..limited() }, FAILED),
        ("six attempts", Situation { attempts: 6, ..limited() }, FAILED),
    ] {
        assert_eq!(next(situation), want, "{story}");
    }
}

#[test]
fn after_its_time_nothing_is_sent() {
    let late = |class, sent| Situation { now: Timestamp(START + 600_000), ..first(class, sent) };
    for (class, sent, want) in [
        (Class::NotSent, No, NextStep::Stop(MessageStatus::Expired)),
        (Class::AuthenticationFailed, Yes, NextStep::Stop(MessageStatus::Expired)),
        // Known immediately, and not because of the time.
        (Class::InvalidRecipient, Yes, FAILED),
        (Class::InDoubt, Maybe, DOUBTED),
    ] {
        assert_eq!(next(Situation { idempotent: true, ..late(class, sent) }), want, "{class}");
    }
}

#[test]
fn what_was_refused_goes_only_to_a_connection_with_its_own_words() {
    for class in [Class::InvalidRequest, Class::TemplateRejected, Class::ContentRejected, Class::SenderRejected] {
        assert_eq!(next(Situation { fallback_has_own_template: false, ..first(class, Yes) }), FAILED, "{class}");
    }
    let auth = Situation { fallback_has_own_template: false, ..first(Class::AuthenticationFailed, Yes) };
    assert_eq!(next(auth), NextStep::Fallback);
}

#[test]
fn reasons_are_sentences() {
    for (situation, want) in [
        (
            first(Class::RateLimited, Yes),
            "the message was certainly not sent (rate-limited); the same connection tries again (try 2 of 3)",
        ),
        (
            Situation { idempotent: true, ..first(Class::InDoubt, Maybe) },
            "nobody knows whether the message was sent (in-doubt); the same connection tries again (try 2 of 3), with the \
             same key, which its provider makes one message of",
        ),
        (
            first(Class::InDoubt, Maybe),
            "nobody knows whether the message was sent (in-doubt); its provider would make a second message of another \
             try, and the tenant prefers silence to a second message",
        ),
        (
            first(Class::AuthenticationFailed, Yes),
            "the connection cannot send until its settings or account are put right (authentication-failed); another try \
             of the same connection would end the same way, so the next connection is tried",
        ),
        (
            first(Class::RecipientBlocked, Yes),
            "the number takes no messages (recipient-blocked); no other connection is tried",
        ),
    ] {
        assert_eq!(decide(&situation).reason.message, want);
    }
}

/// Everything in the sentence is in the data, and the stored form is read back unchanged.
#[test]
fn reasons_are_data() {
    let silent = first(Class::NotSent, No);
    let mut codes = std::collections::BTreeSet::new();
    for (situation, code, values) in [
        (first(Class::RecipientBlocked, Yes), "no-other-connection", json!({ "cause": "recipient" })),
        (Situation { expires_at: Timestamp(START), ..silent.clone() }, "expired", json!({ "cause": "not-sent" })),
        (Situation { max_messages: 0, ..silent.clone() }, "max-messages", json!({ "cause": "not-sent", "max": 0 })),
        (Situation { attempts: 6, ..silent.clone() }, "max-attempts", json!({ "cause": "not-sent", "max": 6 })),
        (
            Situation { has_other_version: true, ..first(Class::ConnectorFault, No) },
            "other-version",
            json!({ "cause": "fault" }),
        ),
        (
            Situation { tries_here: 3, has_fallback: false, ..silent.clone() },
            "nothing",
            json!({ "cause": "not-sent", "max": 3, "noRetry": "max-tries", "noFallback": "none" }),
        ),
        (
            Situation { has_fallback: false, ..first(Class::InDoubt, Maybe) },
            "nothing",
            json!({ "cause": "in-doubt", "noRetry": "second-message", "noFallback": "silence" }),
        ),
        (
            Situation { fallback_has_own_template: false, ..first(Class::ContentRejected, Yes) },
            "nothing",
            json!({ "cause": "content", "noRetry": "same-end", "noFallback": "no-template" }),
        ),
        (silent.clone(), "retry", json!({ "cause": "not-sent", "number": 2, "max": 3 })),
        (
            Situation { idempotent: true, ..first(Class::InDoubt, Maybe) },
            "retry-same-key",
            json!({ "cause": "in-doubt", "number": 2, "max": 3 }),
        ),
        (
            Situation { may_retry: false, ..silent.clone() },
            "next-connection",
            json!({ "cause": "not-sent", "noRetry": "retry-budget" }),
        ),
        (
            Situation { retry_after: Some(3600), ..silent.clone() },
            "next-connection",
            json!({ "cause": "not-sent", "noRetry": "too-late" }),
        ),
        (
            Situation { retry_after: Some(60), ..silent.clone() },
            "next-connection-no-pause",
            json!({ "cause": "not-sent" }),
        ),
    ] {
        let reason = decide(&situation).reason;
        let written = serde_json::to_value(&reason).unwrap();
        let mut values = values;
        values["class"] = situation.class.as_str().into();
        assert_eq!((&written["code"], &written["values"]), (&code.into(), &values), "{}", reason.message);
        assert_eq!(serde_json::from_value::<Decision>(written).unwrap(), reason);
        let number = |value: Option<u32>| value.is_none_or(|value| reason.message.contains(&value.to_string()));
        let said = &reason.values;
        assert!(number(said.max) && number(said.number), "{}", reason.message);
        codes.insert(code);
    }
    let schema = serde_json::to_value(<DecisionCode as utoipa::PartialSchema>::schema()).unwrap();
    assert_eq!(codes.len(), schema["enum"].as_array().unwrap().len(), "{schema}");
}

/// An attempt of a simulated message: how it fails, how long it takes, and the properties of its connection.
#[derive(Clone, Debug)]
struct Try {
    class: Class,
    sent: RequestSent,
    /// The HTTP status.
    answered: Option<u16>,
    takes_ms: u64,
    retry_after: Option<u32>,
    jitter: f64,
    may_retry: bool,
    other_version: bool,
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let one = (
        // Failures that allow another attempt are more frequent, so that stories are long.
        prop_oneof![
            prop::sample::select(&ALL[..]),
            prop::sample::select(
                &[Class::NotSent, Class::RateLimited, Class::InDoubt, Class::AuthenticationFailed][..]
            ),
        ],
        prop::sample::select(&[No, Maybe, Yes][..]),
        prop::sample::select(&[None, Some(200), Some(302), Some(401), Some(429), Some(503)][..]),
        0..40_000_u64,
        prop::option::weighted(0.3, 0..300_u32),
        0.0..=1.0_f64,
        prop::bool::weighted(0.9),
        any::<bool>(),
    )
        .prop_map(|(class, sent, answered, takes_ms, retry_after, jitter, may_retry, other_version)| Try {
            class,
            sent,
            answered,
            takes_ms,
            retry_after,
            jitter,
            may_retry,
            other_version,
        });
    prop::collection::vec(one, 12)
}

proptest! {
    #[test]
    fn whatever_fails_it_ends_and_keeps_its_bounds(
        tries in tries(),
        max_messages in 1..=3_u32,
        delivery in any::<bool>(),
        // The connections in order.
        idempotent in prop::collection::vec(any::<bool>(), 1..6),
        own_template in any::<bool>(),
        lifetime_ms in 1..600_000_u64,
    ) {
        let expires_at = Timestamp(START).plus_millis(lifetime_ms);
        let in_doubt = if delivery { InDoubt::PreferDelivery } else { InDoubt::PreferSilence };
        let (mut now, mut connection, mut tries_here) = (Timestamp(START), 0, 0);
        let mut messages_in_silence = 0;
        let (mut physical_messages, mut unproven) = (0, 0);
        let mut has_met_other = false;
        let mut ended = false;
        for (index, one) in tries.iter().enumerate() {
            prop_assert!(now < expires_at, "an attempt after expiry");
            tries_here += 1;
            prop_assert!(tries_here <= MAX_TRIES && index < MAX_ATTEMPTS as usize);
            let doubtful = may_have_been_sent(one.class, one.sent);
            physical_messages += u32::from(doubtful);
            unproven += u32::from(is_unproven(outcome(one.class, one.sent), one.sent, one.answered));
            prop_assert!(physical_messages + unproven <= max_messages, "a connector that lies gets no more");
            // A provider that knows the idempotency key makes one message from them.
            messages_in_silence += u32::from(doubtful && !(idempotent[connection] && messages_in_silence > 0));
            prop_assert!(delivery || messages_in_silence <= 1, "a second message, and silence is preferred");
            now = now.plus_millis(one.takes_ms);
            let situation = Situation {
                class: one.class,
                request_sent: one.sent,
                retry_after: one.retry_after,
                tries_here,
                attempts: u32::try_from(index).unwrap() + 1,
                physical_messages,
                unproven,
                max_messages,
                in_doubt,
                idempotent: idempotent[connection],
                has_fallback: connection + 1 < idempotent.len(),
                fallback_has_own_template: own_template,
                has_other_version: one.other_version && !has_met_other,
                now,
                expires_at,
                may_retry: one.may_retry,
                jitter: one.jitter,
            };
            let decision = decide(&situation);
            prop_assert_eq!(&decide(&situation), &decision);
            match decision.next {
                NextStep::Retry { at } => {
                    prop_assert!(one.may_retry && at >= now.plus_seconds(one.retry_after.unwrap_or(0).into()));
                    now = at;
                }
                NextStep::OtherVersion => {
                    prop_assert!(!doubtful && one.other_version && !has_met_other);
                    has_met_other = true;
                }
                NextStep::Fallback => {
                    connection += 1;
                    has_met_other = false;
                    tries_here = 0;
                    prop_assert!(connection < idempotent.len());
                }
                NextStep::Stop(status) => {
                    prop_assert_eq!(status == MessageStatus::InDoubt, physical_messages > 0);
                    prop_assert!(status.is_final());
                    ended = true;
                    break;
                }
            }
            prop_assert!(!matches!(
                one.class,
                Class::InvalidRecipient | Class::RecipientUnsubscribed | Class::RecipientBlocked | Class::FraudBlocked
            ));
        }
        prop_assert!(ended);
    }
}
