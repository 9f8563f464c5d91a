//! Concurrent admins and processes, and messages while versions are swapped.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use sendbox_domain::model::VersionActivation;
use sendbox_service::Error;
use sendbox_tests::versioned::{ID, digest, version};
use sendbox_tests::{Database, on_every_database};

use crate::harness::{ADMIN, activate, met, release, send, service_with_connector, upload};

on_every_database!(
    only_one_of_many_admins_decides,
    two_versions_become_active_one_after_the_other,
    no_message_fails_while_versions_are_swapped
);

/// All have seen the same release, and change it at the same moment: one succeeds, the others get a conflict.
async fn only_one_of_many_admins_decides(database: &Database) {
    let fixture = service_with_connector(database, &version(1, "honest")).await;
    let candidates: Vec<Vec<u8>> = (2..10).map(|number| version(number, "honest")).collect();
    for candidate in &candidates {
        upload(&fixture, candidate).await;
    }
    let decisions = candidates.iter().map(|candidate| {
        let activation = VersionActivation {
            digest: digest(candidate),
            generation: Some(1),
            auto_rollback_seconds: None,
            drain_seconds: None,
        };
        fixture.service.activate_version(ADMIN, None, ID, activation)
    });
    let mut heard = Vec::new();
    for (decision, candidate) in join_all(decisions).await.into_iter().zip(&candidates) {
        match decision {
            Ok(activated) => heard.push((activated.release.active, digest(candidate))),
            Err(error) => assert!(matches!(error, Error::Conflict(_)), "{error}"),
        }
    }
    assert_eq!(heard.len(), 1, "{heard:?}");
    let release = release(&fixture).await;
    assert_eq!((release.active, release.generation), (heard[0].1.clone(), 2));
}

/// Without an expected generation both succeed, one after the other, and the history is linear.
async fn two_versions_become_active_one_after_the_other(database: &Database) {
    let (first, second, third) = (version(1, "honest"), version(2, "honest"), version(3, "honest"));
    let fixture = service_with_connector(database, &first).await;
    upload(&fixture, &second).await;
    upload(&fixture, &third).await;
    let (one, other) = tokio::join!(activate(&fixture, &second), activate(&fixture, &third));
    let done: Vec<_> = [one, other].into_iter().filter_map(Result::ok).collect();
    let release = release(&fixture).await;
    assert_eq!(release.generation, 1 + done.len() as u64);
    assert!(done.iter().any(|each| each.active == release.active));
    assert_ne!(release.previous, Some(release.active));
}

/// P7: no message fails, none is sent twice, and each is sent with exactly one version, which was active at that time.
async fn no_message_fails_while_versions_are_swapped(database: &Database) {
    const SWAPS: u32 = 20;
    const STEP: u64 = 10;
    let first = version(1, "honest");
    let fixture = Arc::new(service_with_connector(database, &first).await);
    let versions: Vec<Vec<u8>> = (2..6).map(|number| version(number, "honest")).collect();
    for version in &versions {
        upload(&fixture, version).await;
    }
    let known: BTreeSet<String> = versions.iter().map(|version| digest(version)).chain([digest(&first)]).collect();
    let over = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..4_u64)
        .map(|sender| {
            let (fixture, over) = (Arc::clone(&fixture), Arc::clone(&over));
            tokio::spawn(async move {
                let mut sent = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let number = 20_000_000 + sender * 1_000_000 + sent.len() as u64;
                    let message = send(&fixture, number).await;
                    sent.push((number, message));
                }
                sent
            })
        })
        .collect();
    let mut history = vec![(fixture.now(), digest(&first))];
    for swap in 0..SWAPS {
        fixture.clock.advance_millis(STEP as i64);
        let next = &versions[swap as usize % versions.len()];
        let active = activate(&fixture, next).await.unwrap().active;
        history.push((fixture.now(), active));
    }
    over.store(true, Ordering::Relaxed);
    let mut count = 0;
    for sent in join_all(senders).await {
        for (number, message) in sent.unwrap() {
            count += 1;
            assert_eq!(message.status.as_str(), "accepted", "{message:?}");
            let met = met(&fixture, &message.id).await;
            assert_eq!(met.len(), 1, "{met:?}");
            assert!(known.contains(&met[0]));
            assert_eq!(fixture.received_count(&format!("+45{number}")), 1);
            // The release is read after the clock, in the same transaction; how many swaps are committed in between depends on
            // the load of the machine. So the version was active at some moment between the beginning and the end.
            let (began, ended) = (message.attempts[0].started_at, message.attempts[0].finished_at.unwrap());
            let at = |index: usize| history.get(index).map(|(at, _)| *at);
            let was_active = history.iter().enumerate().any(|(index, (from, digest))| {
                *digest == met[0] && *from <= ended && at(index + 1).is_none_or(|until| began <= until)
            });
            assert!(was_active, "{met:?} from {began} to {ended}, {history:?}");
        }
    }
    assert!(count > 0);
}
