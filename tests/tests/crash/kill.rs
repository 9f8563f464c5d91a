//! `kill -9` at random moments under load, again and again on the same folder: promises P1, P3, P4 and P6.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use sendbox_tests::process::Deployment;
use sendbox_tests::recount::assert_counted;
use serde_json::json;

use crate::load::{Crowd, Dice, Kind, audit};

const ROUNDS: usize = 6;
const CLIENTS: usize = 8;

/// `SENDBOX_SEED`, or the time. It determines the faults, the requests and the moment of the kill, but not the scheduling.
fn seed() -> u64 {
    let given = std::env::var("SENDBOX_SEED").ok().map(|text| text.parse().expect("SENDBOX_SEED is a number"));
    let seed = given.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64);
    println!("SENDBOX_SEED={seed}");
    seed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_nothing_is_lost_or_doubled() {
    let mut dice = Dice::new(seed());
    let deployment = Arc::new(Deployment::new().await);
    let crowd = Arc::new(Crowd::default());
    let mut process = deployment.start().await;
    process.client.add_tenant().await;
    let mut cut = 0;
    for round in 0..ROUNDS {
        // With the first policy no phone ever receives two messages; with the second, some receive two rather than none.
        let (policy, most) = if round % 2 == 0 { ("prefer-silence", 1) } else { ("prefer-delivery", 2) };
        let delivery = json!({ "maxMessages": 2, "inDoubt": policy, "fallbacks": ["second"] });
        process.client.set_delivery(delivery).await;

        // After a random number of responses; or then at the next message that reaches a phone, before its sender knows.
        let (answers, at_arrival) = (5 + dice.roll(40) as usize, round % 3 == 0);
        println!("round {round}: kill after {answers} answers, at an arrival: {at_arrival}");
        let client = process.client.clone();
        let killer = {
            let (crowd, deployment) = (Arc::clone(&crowd), Arc::clone(&deployment));
            tokio::spawn(async move {
                crowd.answers(answers).await;
                if at_arrival {
                    deployment.simulator.inject_spec("twilio=delay:2s".parse().unwrap()).unwrap();
                    let mut arrivals = deployment.simulator.subscribe();
                    // Or after some further responses, in case every connection pauses.
                    tokio::select! { _ = arrivals.recv() => {}, () = crowd.answers(40) => {} }
                }
                process.kill().await;
            })
        };
        let mut book = crowd.storm(&deployment, &client, CLIENTS, &mut dice).await;
        killer.await.unwrap();
        deployment.simulator.clear_faults();

        process = deployment.start().await;
        let tally = audit(&deployment, &process.client, &mut book, most).await;
        println!("round {round}: {} requests, {tally:?}", book.len());
        assert_counted(&mut deployment.database().await).await;
        cut += tally.cut;
        deployment.simulator.clear_inbox();
    }
    assert!(cut > 0, "no kill hit an attempt");
    process.stop().await;
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
