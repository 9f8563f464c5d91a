use sendbox_domain::model::{Environment, MessageStatus, Mode, Timestamp};
use sendbox_domain::rules::lease::VALID_FOR;
use sendbox_sandbox::Usage;
use sendbox_store::rows::{MessageRow, TenantRow};
use sendbox_store::tenants;
use tempfile::TempDir;

use super::*;
use crate::clock::ManualClock;

#[test]
fn a_membership_ends_unless_it_is_renewed() {
    let membership = Membership::new("p1".to_owned(), Duration::from_secs(10));
    assert!(membership.is_valid(Duration::from_millis(14_999)));
    assert!(!membership.is_valid(Duration::from_secs(15)));
    membership.renew(Duration::from_secs(12));
    // A heartbeat that was begun earlier and stored later changes nothing.
    membership.renew(Duration::from_secs(11));
    assert!(membership.is_valid(Duration::from_millis(16_999)));
    membership.lost.cancel();
    assert!(!membership.is_valid(Duration::from_secs(12)));
}

struct Fixture {
    clock: Arc<ManualClock>,
    leases: Leases,
    store: Store,
    _folder: TempDir,
}

/// A process with a store of its own, which has a message.
async fn fixture() -> Fixture {
    let folder = TempDir::new().unwrap();
    let store = Store::open(&format!("sqlite://{}/store.db", folder.path().display())).await.unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
    let leases = Leases::join(&store, &shared, "p1".to_owned(), true).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    let tenant = TenantRow {
        id: "acme".to_owned(),
        name: String::new(),
        environment: Environment::Development,
        active_connection: None,
        flows: Default::default(),
        policy: Default::default(),
        wrapped_key: Vec::new(),
        master_key: String::new(),
        test_numbers: None,
        created_at: Timestamp(0),
        subscriptions: Default::default(),
    };
    assert!(tenants::insert(&mut tx, &tenant).await.unwrap());
    let message = MessageRow {
        id: "m1".to_owned(),
        tenant: "acme".to_owned(),
        created_at: Timestamp(0),
        expires_at: Timestamp(1),
        usage: Usage::SignIn,
        locale: None,
        recipient_hash: Vec::new(),
        recipient_masked: String::new(),
        country: None,
        payload: None,
        verification: None,
        status: MessageStatus::Queued,
        mode: Mode::Async,
        test: false,
        connection: None,
        segments: None,
        provider_message_id: None,
        failure: None,
        attempts: 0,
        physical_messages: 0,
        price_micros: 0,
        next_attempt_at: None,
        lease: None,
        platform_data: Default::default(),
        status_callback: None,
    };
    messages::insert(&mut tx, &message).await.unwrap();
    tx.commit().await.unwrap();
    Fixture { clock, leases, store, _folder: folder }
}

impl Fixture {
    /// Claims the message, if nobody holds it.
    async fn claim(&self) -> Option<HeldLease> {
        let claim = self.leases.claim();
        let mut tx = self.store.begin().await.unwrap();
        let rows = messages::claim(&mut tx, "acme", Timestamp(0), claim.lease(), 1).await.unwrap();
        tx.commit().await.unwrap();
        rows.first().map(|row| claim.hold(LeasedRow::Message { tenant: row.tenant.clone(), id: row.id.clone() }))
    }
}

#[tokio::test]
async fn a_lease_whose_work_has_ended_unexpectedly_is_released() {
    let fixture = fixture().await;
    let first = fixture.claim().await.unwrap();
    assert!(fixture.claim().await.is_none());
    fixture.leases.maintain().await.unwrap();
    assert!(fixture.claim().await.is_none(), "it is held");
    let name = first.lease().clone();
    drop(first);
    assert!(fixture.claim().await.is_none(), "nobody has cleaned up yet");
    fixture.leases.maintain().await.unwrap();
    let second = fixture.claim().await.unwrap();
    assert_ne!(*second.lease(), name);
    // One that has ended is left alone: the row may have another lease by now.
    second.end();
    fixture.leases.maintain().await.unwrap();
    assert!(fixture.claim().await.is_none());
}

#[tokio::test]
async fn an_overdue_heartbeat_is_made_up_for_before_a_lease_is_used() {
    let fixture = fixture().await;
    let lease = fixture.claim().await.unwrap();
    let may_act = lease.condition();
    assert!(may_act() && fixture.leases.is_valid());
    fixture.clock.advance_monotonic(VALID_FOR);
    assert!(!may_act() && !fixture.leases.is_valid());
    assert!(fixture.leases.is_held(&lease).await.unwrap());
    assert!(may_act());
    // Its row is gone: the lease is lost, and the process joins again.
    fixture.clock.advance_monotonic(VALID_FOR);
    let mut tx = fixture.store.begin().await.unwrap();
    processes::delete(&mut tx, "p1").await.unwrap();
    tx.commit().await.unwrap();
    assert!(!fixture.leases.is_held(&lease).await.unwrap());
    assert!(!may_act() && lease.lost().is_cancelled());
    assert!(fixture.leases.is_valid());
    let next = fixture.claim().await.unwrap();
    assert_ne!(next.lease().process, "p1");
    assert!(next.condition()() && !may_act());
    // Without the store nobody knows.
    fixture.clock.advance_monotonic(VALID_FOR);
    fixture.store.close().await;
    assert!(fixture.leases.is_held(&next).await.is_err());
    assert!(!next.condition()());
}

#[tokio::test]
async fn what_a_process_held_is_free_when_it_leaves() {
    let fixture = fixture().await;
    let lease = fixture.claim().await.unwrap();
    fixture.leases.leave().await.unwrap();
    assert!(!lease.condition()() && lease.lost().is_cancelled());
    // A late heartbeat does not bring it back.
    fixture.leases.maintain().await.unwrap();
    let mut tx = fixture.store.begin_read().await.unwrap();
    assert_eq!(processes::all(&mut tx).await.unwrap(), []);
    assert_eq!(messages::next_due(&mut tx).await.unwrap(), Some(Timestamp(0)));
}
