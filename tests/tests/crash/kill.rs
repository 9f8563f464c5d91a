//! `kill -9` at random moments under load, again and again on the same database: promises P1, P3, P4 and P6.
//!
//! The kills come in shards. A shard has a seed, a database and a policy of its own, and ends with an audit of all that its clients, the
//! service and the phones have recorded. `SENDBOX_KILLS` is the number of kills. A shard prints
//! its seed; with that as `SENDBOX_SEED` it is the first one, and has the same requests and faults.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use sendbox_tests::database::connect;
use sendbox_tests::process::{Deployment, Process};
use sendbox_tests::recount::assert_counted;
use serde_json::json;

use crate::load::{Crowd, Dice, Kind, audit};

/// Kills in CI.
const KILLS: usize = 100;
const KILLS_OF_SHARD: usize = 25;
const CLIENTS: usize = 6;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// The sizes of the shards of one test.
fn shards() -> Vec<usize> {
    let kills = number("SENDBOX_KILLS").map_or(KILLS, |kills| kills as usize);
    (0..kills).step_by(KILLS_OF_SHARD).map(|done| (kills - done).min(KILLS_OF_SHARD)).collect()
}

/// `SENDBOX_SEED`, or the time. It determines the faults, the requests and the moments of the kills, but not the scheduling.
fn seed() -> u64 {
    number("SENDBOX_SEED").unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64)
}

/// Kills a process after a random number of responses; or then at the next message that reaches a phone, before its sender knows.
async fn kill(deployment: Arc<Deployment>, crowd: Arc<Crowd>, process: Process, (answers, at_arrival): (usize, bool)) {
    crowd.answers(answers).await;
    if at_arrival {
        deployment.simulator.inject_spec("twilio=delay:2s".parse().unwrap()).unwrap();
        let mut arrivals = deployment.simulator.subscribe();
        // Or after some further responses, in case every connection pauses.
        tokio::select! { _ = arrivals.recv() => {}, () = crowd.answers(10) => {} }
    }
    process.kill().await;
}

/// Kills processes on one database, and audits it. Returns the number of attempts that were in progress.
async fn shard(deployment: &Arc<Deployment>, crowd: &Arc<Crowd>, seed: u64, kills: usize) -> usize {
    let mut dice = Dice::new(seed);
    let data = deployment.beside(&format!("data-{seed}"));
    let start = || deployment.start_in(data.clone(), &[]);
    let mut process = start().await;
    process.client.add_tenant().await;
    // With the first policy no phone ever receives two messages; with the second, some receive two rather than none.
    let (policy, most) = if dice.once_in(2) { ("prefer-silence", 1) } else { ("prefer-delivery", 2) };
    println!("SENDBOX_SEED={seed}: {kills} kills with the policy {policy}");
    process.client.set_delivery(json!({ "maxMessages": 2, "inDoubt": policy, "fallbacks": ["second"] })).await;
    let mut book = Vec::new();
    for number in 0..kills {
        let when = (1 + dice.roll(12) as usize, number % 3 == 0);
        let client = process.client.clone();
        let killer = tokio::spawn(kill(Arc::clone(deployment), Arc::clone(crowd), process, when));
        book.extend(crowd.storm(deployment, &client, CLIENTS, &mut dice).await);
        killer.await.unwrap();
        deployment.simulator.clear_faults();
        process = start().await;
    }
    let tally = audit(deployment, &process.client, &mut book, most).await;
    println!("SENDBOX_SEED={seed}: {} requests, {tally:?}", book.len());
    let url = format!("sqlite://{}", data.join("sendbox.db").display());
    assert_counted(&mut connect(&url).await).await;
    process.stop().await;
    deployment.simulator.clear_inbox();
    deployment.remove_data(&data);
    tally.cut
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_nothing_is_lost_or_doubled() {
    let (deployment, crowd, mut cut) = (Arc::new(Deployment::new().await), Arc::new(Crowd::default()), 0);
    for (kills, seed) in shards().into_iter().zip(seed()..) {
        cut += shard(&deployment, &crowd, seed, kills).await;
    }
    assert!(cut > 0, "no kill hit an attempt");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_was_sent_before_the_kill_verifies_after_it_once() {
    let deployment = Deployment::new().await;
    let process = deployment.start().await;
    process.client.add_tenant().await;
    let crowd = Crowd::default();
    let mut book = Vec::new();
    let mut dice = Dice::new(1);
    while book.len() < 10 {
        let mut ask = crowd.ask(&mut dice);
        if ask.kind == Kind::Verification {
            ask.answer = ask.put(&process.client).await;
            assert_eq!(ask.answer.as_ref().unwrap().status, 201);
            book.push(ask);
        }
    }
    process.kill().await;
    let process = deployment.start().await;
    let tally = audit(&deployment, &process.client, &mut book, 1).await;
    // Including codes that were not sent yet: an accepted message is sent after the crash.
    let in_doubt = tally.statuses.get("in-doubt").copied().unwrap_or_default();
    assert!(tally.verified + in_doubt >= 10, "{tally:?}");
    assert!(tally.verified > 0, "{tally:?}");
}
