//! SIGTERM: work in progress ends, nothing is lost, and the process exits within 20 s. Promise P9.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sendbox_tests::process::{Deployment, Process};
use serde_json::json;

use crate::load::{Crowd, Dice, audit};

/// The time limit that a supervisor can rely on.
const WITHIN: Duration = Duration::from_secs(20);

async fn stop(process: Process) {
    let asked = Instant::now();
    process.stop().await;
    assert!(asked.elapsed() < WITHIN, "it took {:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_nothing_is_lost() {
    let deployment = Arc::new(Deployment::new().await);
    let crowd = Arc::new(Crowd::default());
    let mut process = deployment.start().await;
    process.client.add_tenant().await;
    process.client.set_delivery(json!({ "fallbacks": ["second"] })).await;
    let mut dice = Dice::new(9);
    for round in 0..3 {
        let client = process.client.clone();
        let stopper = {
            let (crowd, answers) = (Arc::clone(&crowd), 20 + dice.roll(30) as usize);
            tokio::spawn(async move {
                crowd.answers(answers).await;
                stop(process).await;
            })
        };
        let mut book = crowd.storm(&deployment, &client, 8, &mut dice).await;
        stopper.await.unwrap();
        deployment.simulator.clear_faults();
        process = deployment.start().await;
        let tally = audit(&deployment, &process.client, &mut book, 1).await;
        println!("round {round}: {} requests, {tally:?}", book.len());
        assert_eq!(tally.cut, 0, "requests in progress end");
        deployment.simulator.clear_inbox();
    }
    stop(process).await;
}

/// A load balancer that has not noticed yet still gets responses.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_accepted_for_a_while_after_readiness_is_gone() {
    let deployment = Deployment::new().await;
    let process = deployment.start_with(&["--drain-delay", "5"]).await;
    process.client.add_tenant().await;
    let asked = Instant::now();
    process.terminate();
    let lost = loop {
        let ready = process.client.ask("GET", "/readyz", None).await.unwrap();
        if ready.status != 200 {
            break ready;
        }
    };
    assert_eq!((lost.status, lost.text("/type")), (503, "/problems/stopping"), "{lost:?}");
    let body = json!({ "to": "+4520123401", "usage": "sign-in", "code": "123456" });
    let sent = process.client.post("messages", &body, None).await.unwrap();
    assert_eq!((sent.status, sent.text("/status")), (200, "accepted"));
    // A second signal changes nothing.
    stop(process).await;
    assert!(asked.elapsed() >= Duration::from_secs(5), "it was there for the whole time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_callers_get_their_response() {
    let deployment = Deployment::new().await;
    let process = deployment.start().await;
    process.client.add_tenant().await;
    deployment.simulator.inject_spec("twilio=delay:2s".parse().unwrap()).unwrap();
    let mut arrivals = deployment.simulator.subscribe();
    let asks = (0..8).map(|index| {
        let client = process.client.clone();
        let body = json!({ "to": format!("+45201234{index:02}"), "usage": "sign-in", "code": "123456" });
        tokio::spawn(async move { client.post("messages", &body, None).await })
    });
    let asks: Vec<_> = asks.collect();
    for _ in 0..8 {
        arrivals.recv().await.unwrap();
    }
    stop(process).await;
    for answer in join_all(asks).await {
        let answer = answer.unwrap().expect("an answer");
        assert_eq!((answer.status, answer.text("/status")), (200, "accepted"));
    }
}

/// A provider that sends its response byte by byte holds a send for all of its 15 s. The caller gets the true outcome, and no
/// attempt starts that could not end: remaining messages are stored, and continue after the next start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_provider_stalls() {
    let deployment = Deployment::new().await;
    std::fs::write(deployment.beside("few.toml"), "in_flight = 3\n").unwrap();
    let few = deployment.beside("few.toml");
    let process = deployment.start_with(&["--config", few.to_str().unwrap()]).await;
    process.client.add_tenant().await;
    process.client.set_delivery(json!({ "inDoubt": "prefer-delivery", "fallbacks": ["second"] })).await;
    deployment.simulator.inject_spec("twilio=drip".parse().unwrap()).unwrap();
    let mut arrivals = deployment.simulator.subscribe();
    let body = |index: usize, mode: &str| {
        json!({
            "to": format!("+45201234{index:02}"), "usage": "sign-in", "code": "123456", "mode": mode,
        })
    };
    // Two synchronous messages, and more asynchronous ones than there are slots.
    let waiting: Vec<_> = (0..2)
        .map(|index| {
            let (client, body) = (process.client.clone(), body(index, "sync"));
            tokio::spawn(async move { client.post("messages", &body, None).await })
        })
        .collect();
    for _ in 0..2 {
        arrivals.recv().await.unwrap();
    }
    for index in 2..8 {
        let taken = process.client.post("messages", &body(index, "async"), None).await.unwrap();
        assert_eq!(taken.status, 202);
    }
    arrivals.recv().await.unwrap();
    stop(process).await;
    for answer in join_all(waiting).await {
        let answer = answer.unwrap().expect("an answer");
        assert_eq!(answer.status, 202, "in doubt, or retried later: {answer:?}");
        assert_eq!(answer.body["attempts"].as_array().unwrap().len(), 1, "a further attempt could not end: {answer:?}");
        assert_eq!(answer.text("/attempts/0/outcome"), "in-doubt");
    }

    deployment.simulator.clear_faults();
    let process = deployment.start().await;
    process.client.until_all_are_final().await;
    for index in 0..8 {
        let number = format!("+45201234{index:02}");
        let messages = process.client.messages_to(&number).await;
        assert_eq!((messages.len(), messages[0]["status"].as_str().unwrap()), (1, "accepted"), "{messages:?}");
        let in_doubt =
            messages[0]["attempts"].as_array().unwrap().iter().filter(|it| it["outcome"] == "in-doubt").count();
        let arrived = deployment.received_messages().iter().filter(|(to, _)| *to == number).count();
        assert!((1..=2).contains(&arrived) && arrived <= 1 + in_doubt, "{arrived} of {messages:?}");
    }
    stop(process).await;
}
