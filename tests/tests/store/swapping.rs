//! Versions of connectors, which of them send, and their results.

use sendbox_domain::model::{AttemptOutcome, Timestamp, VersionState};
use sendbox_store::attempts::VersionPeriod;
use sendbox_store::rows::*;
use sendbox_store::{Tx, attempts, connections, messages, processes, releases, tenants, versions};
use sendbox_tests::{Database, on_every_database};

use crate::sample::{self, NOW};

on_every_database!(
    a_version_is_stored_with_its_file,
    the_next_file_of_each_tenant_is_found,
    a_release_changes_only_for_those_who_have_seen_it,
    a_tenants_own_release_takes_precedence,
    an_approval_is_of_one_difference,
    attempts_are_counted_by_version,
    a_flood_of_one_tenant_does_not_hide_the_others,
    connections_are_found_by_their_connector
);

async fn a_version_is_stored_with_its_file(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let file: Vec<u8> = (0..=255).cycle().take(2 << 20).collect();
    let row = VersionRow { state: VersionState::Checking, connector: None, ..sample::version("", "sha256:01") };
    assert!(versions::insert(&mut tx, &row, &file).await.unwrap());
    assert!(!versions::insert(&mut tx, &row, b"another").await.unwrap(), "the same file is the same version");
    assert_eq!(versions::component(&mut tx, "", "sha256:01").await.unwrap(), Some(file));
    assert_eq!(versions::component(&mut tx, "acme", "sha256:01").await.unwrap(), None, "it is not the tenant's");
    assert_eq!(versions::next_unchecked(&mut tx, 10).await.unwrap().len(), 1);
    processes::insert(&mut tx, "p1").await.unwrap();
    let lease = sample::lease("p1", 2);
    let leased = VersionRow { lease: Some(lease.clone()), checks: 2, step: 2, ..row };
    versions::update(&mut tx, &leased).await.unwrap();
    assert!(versions::next_unchecked(&mut tx, 10).await.unwrap().is_empty(), "a process is working on it");
    assert!(!versions::release(&mut tx, "", "sha256:01", &sample::lease("p1", 1)).await.unwrap(), "an earlier claim");
    assert!(versions::next_unchecked(&mut tx, 10).await.unwrap().is_empty());
    assert!(versions::release(&mut tx, "", "sha256:01", &lease).await.unwrap());
    assert_eq!(versions::next_unchecked(&mut tx, 10).await.unwrap().len(), 1);
    versions::update(&mut tx, &leased).await.unwrap();
    processes::delete(&mut tx, "p1").await.unwrap();
    assert_eq!(versions::next_unchecked(&mut tx, 10).await.unwrap()[0].lease, leased.lease);
    versions::update(&mut tx, &sample::version("", "sha256:01")).await.unwrap();
    versions::insert(&mut tx, &sample::version("", "sha256:02"), b"file").await.unwrap();
    versions::insert(&mut tx, &sample::version("acme", "sha256:03"), b"file").await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = store.begin().await.unwrap();
    let kept = versions::lock(&mut tx, "", "sha256:01").await.unwrap().unwrap();
    assert_eq!((kept.state, kept.connector.as_deref(), kept.lease), (VersionState::Ready, Some("acme-sms"), None));
    let listed = versions::of_connector(&mut tx, "", "acme-sms", 10).await.unwrap();
    assert_eq!(listed.iter().map(|row| row.digest.as_str()).collect::<Vec<_>>(), ["sha256:01", "sha256:02"]);
    let numbers = [("", 2), ("acme", 1), ("nobody", 0)];
    for (tenant, number) in numbers {
        let stored = versions::stored(&mut tx, tenant).await.unwrap();
        assert_eq!((stored.versions, stored.bytes > 0), (number, number > 0), "{tenant}");
    }
    assert!(versions::delete(&mut tx, "", "sha256:01").await.unwrap());
    assert!(!versions::delete(&mut tx, "", "sha256:01").await.unwrap());
}

async fn the_next_file_of_each_tenant_is_found(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    processes::insert(&mut tx, "p1").await.unwrap();
    let waiting = |tenant: &str, digest: &str, second: u64| VersionRow {
        state: VersionState::Checking,
        uploaded_at: NOW.plus_seconds(second),
        ..sample::version(tenant, digest)
    };
    for (tenant, digest, second) in
        [("acme", "04", 0), ("acme", "03", 1), ("acme", "02", 1), ("", "05", 2), ("globex", "01", 3)]
    {
        assert!(versions::insert(&mut tx, &waiting(tenant, digest, second), b"file").await.unwrap());
    }
    versions::insert(&mut tx, &sample::version("globex", "00"), b"file").await.unwrap();
    let next = async |tx: &mut Tx, limit: u32| -> Vec<(String, String)> {
        let rows = versions::next_unchecked(tx, limit).await.unwrap();
        rows.into_iter().map(|row| (row.tenant, row.digest)).collect()
    };
    let of = |rows: &[(&str, &str)]| -> Vec<(String, String)> {
        rows.iter().map(|(tenant, digest)| ((*tenant).to_owned(), (*digest).to_owned())).collect()
    };
    assert_eq!(next(&mut tx, 10).await, of(&[("acme", "04"), ("", "05"), ("globex", "01")]));
    assert_eq!(next(&mut tx, 2).await, of(&[("acme", "04"), ("", "05")]));
    // While a process checks it, the next one of the tenant waits.
    let leased = VersionRow { lease: Some(sample::lease("p1", 1)), ..waiting("acme", "04", 0) };
    versions::update(&mut tx, &leased).await.unwrap();
    assert_eq!(next(&mut tx, 10).await, of(&[("acme", "02"), ("", "05"), ("globex", "01")]));
    processes::delete(&mut tx, "p1").await.unwrap();
    assert_eq!(next(&mut tx, 1).await, of(&[("acme", "04")]), "its process has ended");
}

async fn a_release_changes_only_for_those_who_have_seen_it(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let first = sample::release("", "acme-sms");
    let before = releases::ticks(&mut tx).await.unwrap();
    assert!(releases::put(&mut tx, &first).await.unwrap());
    assert!(!releases::put(&mut tx, &first).await.unwrap(), "it exists, at this generation");
    let versions = first.versions.activate("sha256:02", 60, 10, NOW).unwrap();
    let second = ReleaseRow { generation: 2, versions, ..first.clone() };
    assert!(releases::put(&mut tx, &second).await.unwrap());
    assert!(!releases::put(&mut tx, &second).await.unwrap(), "another process was faster");
    let skipped = ReleaseRow { generation: 4, ..first };
    assert!(!releases::put(&mut tx, &skipped).await.unwrap());
    assert_eq!(releases::get(&mut tx, "", "acme-sms").await.unwrap(), Some(second.clone()));
    assert_eq!(releases::lock(&mut tx, "", "acme-sms").await.unwrap(), Some(second.clone()));
    assert_eq!(releases::ticks(&mut tx).await.unwrap(), before + 2, "only stored attempts count");
    assert_eq!(releases::all(&mut tx).await.unwrap(), [second]);
    assert!(releases::delete(&mut tx, "", "acme-sms").await.unwrap());
    assert!(!releases::delete(&mut tx, "", "acme-sms").await.unwrap());
    assert_eq!(releases::ticks(&mut tx).await.unwrap(), before + 3);
}

async fn a_tenants_own_release_takes_precedence(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let all = sample::release("", "acme-sms");
    let own = ReleaseRow { owner: String::new(), ..sample::release("acme", "acme-sms") };
    releases::put(&mut tx, &all).await.unwrap();
    assert_eq!(releases::for_tenant(&mut tx, "acme", "acme-sms").await.unwrap(), Some(all.clone()));
    releases::put(&mut tx, &own).await.unwrap();
    assert_eq!(releases::for_tenant(&mut tx, "acme", "acme-sms").await.unwrap(), Some(own.clone()));
    assert_eq!(releases::for_tenant(&mut tx, "other", "acme-sms").await.unwrap(), Some(all.clone()));
    assert_eq!(releases::for_tenant(&mut tx, "", "acme-sms").await.unwrap(), Some(all.clone()));
    assert_eq!(releases::for_tenant(&mut tx, "acme", "acme").await.unwrap(), None);
    assert_eq!(releases::of_scope(&mut tx, "acme").await.unwrap(), std::slice::from_ref(&own));
    assert_eq!(releases::of_connector(&mut tx, "acme-sms").await.unwrap(), [all, own]);
}

async fn an_approval_is_of_one_difference(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    let approval = sample::approval("", "acme-sms");
    releases::approve(&mut tx, &approval).await.unwrap();
    let later = ApprovalRow { approved_at: NOW.plus_seconds(9), approved_by: "key:k1".to_owned(), ..approval.clone() };
    releases::approve(&mut tx, &later).await.unwrap();
    let found = releases::approval(&mut tx, "", "acme-sms", &approval.fingerprint).await.unwrap();
    assert_eq!(found, Some(approval.clone()), "the first process is named");
    for (tenant, connector, print) in [
        ("acme", "acme-sms", approval.fingerprint.as_str()),
        ("", "other", &approval.fingerprint),
        ("", "acme-sms", "00"),
    ] {
        assert_eq!(releases::approval(&mut tx, tenant, connector, print).await.unwrap(), None);
    }
}

async fn attempts_are_counted_by_version(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    tenants::insert(&mut tx, &sample::tenant("other")).await.unwrap();
    let attempt = |tenant: &str, message: &str, number, digest: &str, took: u64, outcome| {
        let begun = sample::attempt(tenant, message, number);
        let accepted = outcome == AttemptOutcome::Accepted;
        AttemptRow {
            digest: digest.to_owned(),
            finished_at: Some(begun.started_at.plus_millis(took)),
            outcome: Some(outcome),
            failure: (!accepted).then(sample::failure),
            fault: !accepted,
            ..begun
        }
    };
    for tenant in ["acme", "other"] {
        messages::insert(&mut tx, &sample::message(tenant, "m1")).await.unwrap();
    }
    for (number, row) in [
        ("acme", "a", 10, AttemptOutcome::Accepted),
        ("acme", "a", 30, AttemptOutcome::Accepted),
        ("acme", "a", 20, AttemptOutcome::Rejected),
        ("acme", "b", 99, AttemptOutcome::Accepted),
        ("other", "a", 40, AttemptOutcome::Accepted),
    ]
    .into_iter()
    .enumerate()
    {
        let (tenant, digest, took, outcome) = row;
        let row = attempt(tenant, "m1", number as u32 + 1, digest, took, outcome);
        attempts::insert(&mut tx, &row).await.unwrap();
    }
    // In progress: it has not ended yet.
    let open = AttemptRow { digest: "a".to_owned(), ..sample::attempt("acme", "m1", 9) };
    attempts::insert(&mut tx, &open).await.unwrap();
    let ever = (Timestamp(0), Timestamp(i64::MAX));
    let period = |tenant, (since, until)| VersionPeriod { tenant, digest: "a", since, until };
    let mut counts = attempts::counts(&mut tx, &period("acme", ever), 100).await.unwrap();
    counts.sort_by_key(|count| count.attempts);
    let class = sample::failure().class;
    let recorded: Vec<_> =
        counts.iter().map(|count| (count.outcome, count.class, count.fault, count.attempts)).collect();
    assert_eq!(
        recorded,
        [(AttemptOutcome::Rejected, Some(class), true, 1), (AttemptOutcome::Accepted, None, false, 2)]
    );
    let all = attempts::counts(&mut tx, &period("", ever), 100).await.unwrap();
    assert_eq!(all.iter().map(|count| count.attempts).sum::<u64>(), 4);
    assert!(attempts::counts(&mut tx, &period("", (NOW.plus_millis(1), ever.1)), 100).await.unwrap().is_empty());
    assert!(attempts::counts(&mut tx, &period("", (ever.0, NOW)), 100).await.unwrap().is_empty());
    assert!(attempts::counts(&mut tx, &period("no-such", ever), 100).await.unwrap().is_empty());
    let mut durations = attempts::durations(&mut tx, &period("acme", ever), 10).await.unwrap();
    durations.sort_unstable();
    assert_eq!(durations, [10, 20, 30]);
    assert_eq!(attempts::durations(&mut tx, &period("", ever), 10).await.unwrap().len(), 4);
}

/// Whatever the tenant's name is, before or after those of the others.
async fn a_flood_of_one_tenant_does_not_hide_the_others(database: &Database) {
    let store = sample::store(database).await;
    for flooding in ["acme", "bravo", "charlie"] {
        let mut tx = store.begin().await.unwrap();
        for tenant in ["acme", "bravo", "charlie"] {
            tenants::insert(&mut tx, &sample::tenant(tenant)).await.unwrap();
            messages::insert(&mut tx, &sample::message(tenant, flooding)).await.unwrap();
            let count = if tenant == flooding { 200 } else { 1 };
            for number in 0..count {
                // The flood is newer.
                let at = if tenant == flooding { NOW.plus_millis(number) } else { Timestamp(NOW.0 - 1) };
                let attempt = AttemptRow {
                    digest: flooding.to_owned(),
                    started_at: at,
                    finished_at: Some(at.plus_millis(number)),
                    outcome: Some(AttemptOutcome::Rejected),
                    fault: tenant != flooding,
                    ..sample::attempt(tenant, flooding, number as u32 + 1)
                };
                attempts::insert(&mut tx, &attempt).await.unwrap();
            }
        }
        let period = VersionPeriod { tenant: "", digest: flooding, since: Timestamp(0), until: Timestamp(i64::MAX) };
        let mut counts = attempts::counts(&mut tx, &period, 60).await.unwrap();
        counts.sort_by(|a, b| a.tenant.cmp(&b.tenant));
        let found: Vec<_> = counts.iter().map(|count| (count.tenant.as_str(), count.fault, count.attempts)).collect();
        let expected = ["acme", "bravo", "charlie"].map(|tenant| match tenant == flooding {
            true => (tenant, false, 20),
            false => (tenant, true, 1),
        });
        assert_eq!(found, expected);
        let mut durations = attempts::durations(&mut tx, &period, 60).await.unwrap();
        durations.sort_unstable();
        assert_eq!(durations, [0, 0].into_iter().chain(180..200).collect::<Vec<_>>(), "the newest");
        tx.commit().await.unwrap();
    }
}

async fn connections_are_found_by_their_connector(database: &Database) {
    let store = sample::store(database).await;
    let mut tx = store.begin().await.unwrap();
    tenants::insert(&mut tx, &sample::tenant("other")).await.unwrap();
    for (tenant, name) in [("acme", "main"), ("acme", "second"), ("other", "main")] {
        connections::put(&mut tx, &sample::connection(tenant, name)).await.unwrap();
    }
    let connector = sample::connection("acme", "main").connector;
    let found = async |tx: &mut _, tenant, connector, limit| {
        let rows = connections::using(tx, tenant, connector, limit).await.unwrap();
        rows.into_iter().map(|row| format!("{}/{}", row.tenant, row.name)).collect::<Vec<_>>()
    };
    assert_eq!(found(&mut tx, "", &connector, 10).await, ["acme/main", "acme/second", "other/main"]);
    assert_eq!(found(&mut tx, "acme", &connector, 10).await, ["acme/main", "acme/second"]);
    assert_eq!(found(&mut tx, "", &connector, 2).await.len(), 2);
    assert!(found(&mut tx, "", "no-such", 10).await.is_empty());
}
