//! Histories of three processes on one PostgreSQL database, one of which is killed, are linearizable: releases, verifications, delivery
//! reports.
//!
//! Clients record when each call began and when its response arrived. A call without a response, or with one that says that the outcome is
//! unknown, may have taken effect or not.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use sendbox_domain::model::VerificationStatus;
use sendbox_model::linearizability::{Call, Object, check};
use sendbox_tests::Database;
use sendbox_tests::process::{ApiResponse, Client, Deployment, Process};
use sendbox_tests::simulator_setup::connection;
use sendbox_tests::test_service::TENANT;
use sendbox_tests::versioned::{digest, version};
use serde_json::json;

use crate::killing::{add_tenant, release_at, upload};

const PUBLIC_URL: &str = "https://sms.example.com";
const PROCESSES: usize = 3;
const CLIENTS: u64 = 6;

/// Random numbers that are reproducible from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

/// `SENDBOX_SEED`, or the time. It determines the calls and the moment of the kill, but not the scheduling.
fn seed() -> u64 {
    let given = std::env::var("SENDBOX_SEED").ok().map(|text| text.parse().expect("SENDBOX_SEED is a number"));
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = given.unwrap_or_else(now);
    println!("SENDBOX_SEED={seed}");
    seed
}

/// Processes that share a database, by name.
struct Cluster {
    deployment: Deployment,
    database: Database,
    processes: Mutex<BTreeMap<String, Process>>,
    started: AtomicU64,
    /// The order of all invocations and responses.
    clock: AtomicU64,
}

impl Cluster {
    async fn new() -> Option<Arc<Self>> {
        let database = Database::postgres().await?;
        let cluster = Arc::new(Self {
            deployment: Deployment::new().await,
            database,
            processes: Mutex::default(),
            started: AtomicU64::new(0),
            clock: AtomicU64::new(0),
        });
        for _ in 0..PROCESSES {
            cluster.start().await;
        }
        Some(cluster)
    }

    async fn start(&self) {
        let keys = self.deployment.beside("master.keys");
        let number = self.started.fetch_add(1, Ordering::SeqCst) + 1;
        let data = self.deployment.beside(&format!("data-{number}"));
        let arguments = [
            "--database-url",
            self.database.url(),
            "--master-key-file",
            keys.to_str().unwrap(),
            "--public-url",
            PUBLIC_URL,
        ];
        let process = self.deployment.start_in(data, &arguments).await;
        self.processes.lock().unwrap().insert(format!("p{number}"), process);
    }

    fn any(&self, dice: &mut Dice) -> (String, Client) {
        let processes = self.processes.lock().unwrap();
        let (name, process) = processes.iter().nth(dice.roll(processes.len() as u64) as usize).unwrap();
        (name.clone(), process.client.clone())
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// Kills one process after this many invocations and responses, and starts another one.
    async fn kill_one_after(&self, moments: u64) {
        while self.clock.load(Ordering::SeqCst) < moments {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let (name, process) = self.processes.lock().unwrap().pop_first().unwrap();
        process.kill().await;
        println!("{name} was killed after {} invocations and responses", self.clock.load(Ordering::SeqCst));
        self.start().await;
    }

    /// Calls a process, and records it.
    async fn call<O, R>(
        &self,
        process: String,
        operation: O,
        request: impl Future<Output = Result<ApiResponse, reqwest::Error>>,
        output: impl FnOnce(ApiResponse) -> Option<R>,
    ) -> Call<O, R> {
        let invoked_at = self.now();
        let answer = request.await.ok().filter(|answer| answer.status < 500);
        Call { process, operation, invoked_at, result: answer.and_then(output).map(|output| (output, self.now())) }
    }

    async fn end(self: Arc<Self>) {
        let Ok(cluster) = Arc::try_unwrap(self) else { panic!("a client still uses it") };
        for (_, process) in cluster.processes.into_inner().unwrap() {
            process.stop().await;
        }
        cluster.database.remove().await;
    }
}

fn assert_linearizable<O: Object>(object: &O, calls: &[Call<O::Operation, O::Output>]) {
    let unknown = calls.iter().filter(|call| call.result.is_none()).count();
    println!("{} calls, {unknown} without a known result", calls.len());
    if let Err(text) = check(object, calls) {
        panic!("{text}");
    }
}

/// The release of a connector: the active version, and the one before.
struct Releases {
    first: usize,
}

#[derive(Clone, Copy, Debug)]
enum ReleaseOperation {
    Read,
    Activate(usize),
    RollBack,
    /// A message is sent.
    Send,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReleaseOutput {
    /// The version that is active then, or that has sent.
    Version(usize),
    Refused,
}

impl Object for Releases {
    type State = (usize, Option<usize>);
    type Operation = ReleaseOperation;
    type Output = ReleaseOutput;

    fn initial(&self) -> Self::State {
        (self.first, None)
    }

    fn apply(
        &self,
        state: &Self::State,
        operation: &ReleaseOperation,
        output: Option<&ReleaseOutput>,
    ) -> Option<Self::State> {
        let (active, previous) = *state;
        let (after, expected) = match operation {
            ReleaseOperation::Read | ReleaseOperation::Send => (*state, ReleaseOutput::Version(active)),
            ReleaseOperation::Activate(version) if *version == active => (*state, ReleaseOutput::Refused),
            ReleaseOperation::Activate(version) => ((*version, Some(active)), ReleaseOutput::Version(*version)),
            ReleaseOperation::RollBack => match previous {
                Some(previous) => ((previous, None), ReleaseOutput::Version(previous)),
                None => (*state, ReleaseOutput::Refused),
            },
        };
        output.is_none_or(|output| *output == expected).then_some(after)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn activations_and_sends_are_linearizable() {
    const CALLS: u64 = 20;
    let Some(cluster) = Cluster::new().await else { return };
    let mut dice = Dice(seed());
    let files: Vec<Vec<u8>> = (1..4).map(|number| version(number, "honest")).collect();
    let (_, client) = cluster.any(&mut dice);
    add_tenant(&client, &files[0]).await;
    for file in &files[1..] {
        upload(&client, file).await;
    }
    let digests: Arc<Vec<String>> = Arc::new(files.iter().map(|file| digest(file)).collect());
    let clients = (0..CLIENTS).map(|number| {
        let (cluster, digests) = (Arc::clone(&cluster), Arc::clone(&digests));
        let mut dice = Dice(dice.roll(u64::MAX));
        tokio::spawn(async move {
            let mut calls = Vec::new();
            for index in 0..CALLS {
                let (name, client) = cluster.any(&mut dice);
                let known = |digest: &str| digests.iter().position(|known| known == digest).unwrap();
                let active = |answer: ApiResponse, pointer: &str| match answer.status {
                    200 => Some(ReleaseOutput::Version(known(answer.text(pointer)))),
                    409 => Some(ReleaseOutput::Refused),
                    _ => panic!("{answer:?}"),
                };
                let to = format!("+4520{number:02}{index:04}");
                let call = match dice.roll(10) {
                    0..2 => {
                        let path = release_at("");
                        let read = client.ask("GET", &path, None);
                        cluster.call(name, ReleaseOperation::Read, read, |answer| active(answer, "/active")).await
                    }
                    2..5 => {
                        let version = dice.roll(3) as usize;
                        let body = json!({ "digest": digests[version], "autoRollbackSeconds": 0 });
                        let path = release_at("/activations");
                        let activate = client.ask("POST", &path, Some(&body));
                        let operation = ReleaseOperation::Activate(version);
                        cluster.call(name, operation, activate, |answer| active(answer, "/release/active")).await
                    }
                    5 => {
                        let (path, body) = (release_at("/rollbacks"), json!({}));
                        let roll_back = client.ask("POST", &path, Some(&body));
                        let operation = ReleaseOperation::RollBack;
                        cluster.call(name, operation, roll_back, |answer| active(answer, "/active")).await
                    }
                    _ => {
                        let body = json!({ "to": to, "usage": "sign-in", "code": "123456" });
                        let send = client.post("messages", &body, None);
                        let version = |answer: ApiResponse| {
                            let digest = answer.body.pointer("/attempts/0/connectorDigest")?.as_str()?.to_owned();
                            Some(ReleaseOutput::Version(known(&digest)))
                        };
                        cluster.call(name, ReleaseOperation::Send, send, version).await
                    }
                };
                calls.push(call);
            }
            calls
        })
    });
    let clients: Vec<_> = clients.collect();
    let moment = 40 + dice.roll(CLIENTS * CALLS);
    cluster.kill_one_after(cluster.now() + moment).await;
    let calls: Vec<_> = join_all(clients).await.into_iter().flat_map(Result::unwrap).collect();
    assert_linearizable(&Releases { first: 0 }, &calls);
    let with = |output: fn(&ReleaseOperation) -> bool| {
        calls.iter().filter(|call| call.result.is_some() && output(&call.operation)).count()
    };
    let sends = with(|operation| matches!(operation, ReleaseOperation::Send));
    let activations = with(|operation| matches!(operation, ReleaseOperation::Activate(_)));
    assert!(sends > 5 && activations > 5, "{sends} sends, {activations} activations");
    cluster.end().await;
}

/// A verification with more tries than checks.
struct Consumed;

#[derive(Clone, Copy, Debug)]
enum CheckOperation {
    Right,
    Wrong,
    Cancel,
    Read,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CheckOutput {
    Done,
    WrongCode,
    Ended,
    Status(&'static str),
}

impl Object for Consumed {
    type State = &'static str;
    type Operation = CheckOperation;
    type Output = CheckOutput;

    fn initial(&self) -> &'static str {
        VerificationStatus::Pending.as_str()
    }

    fn apply(
        &self,
        state: &&'static str,
        operation: &CheckOperation,
        output: Option<&CheckOutput>,
    ) -> Option<&'static str> {
        let pending = VerificationStatus::Pending.as_str();
        let cancelled = VerificationStatus::Cancelled.as_str();
        let (after, expected) = match operation {
            CheckOperation::Read => (*state, CheckOutput::Status(state)),
            CheckOperation::Cancel if [pending, cancelled].contains(state) => (cancelled, CheckOutput::Done),
            CheckOperation::Right if *state == pending => (VerificationStatus::Approved.as_str(), CheckOutput::Done),
            CheckOperation::Wrong if *state == pending => (pending, CheckOutput::WrongCode),
            _ => (*state, CheckOutput::Ended),
        };
        output.is_none_or(|output| *output == expected).then_some(after)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_of_a_verification_are_linearizable() {
    const VERIFICATIONS: usize = 12;
    let Some(cluster) = Cluster::new().await else { return };
    let mut dice = Dice(seed());
    let (_, client) = cluster.any(&mut dice);
    client.add_tenant().await;
    let mut stories = Vec::new();
    let mut numbers = 0..1000;
    // On a slow machine, some codes do not arrive in time.
    while stories.len() < VERIFICATIONS {
        let to = format!("+4520{:06}", numbers.next().expect("a code arrives"));
        let started = client.post("verifications", &json!({ "to": to, "usage": "sign-in" }), None).await.unwrap();
        let texts = cluster.deployment.received_messages();
        if let (201, Some((_, text))) = (started.status, texts.iter().find(|(number, _)| *number == to)) {
            let code: String = text.chars().take_while(char::is_ascii_digit).collect();
            stories.push((started.text("/id").to_owned(), code));
        }
    }
    let first = cluster.now();
    let mut tasks = Vec::new();
    for (id, code) in stories {
        // At most five tries, so that none is refused because they are used up.
        let mut operations = vec![CheckOperation::Right; 3];
        operations.extend([CheckOperation::Wrong, CheckOperation::Read, CheckOperation::Read]);
        if dice.roll(2) == 0 {
            operations.push(CheckOperation::Cancel);
        }
        let calls = operations.into_iter().map(|operation| {
            let (cluster, id, code) = (Arc::clone(&cluster), id.clone(), code.clone());
            let (name, client) = cluster.any(&mut dice);
            async move {
                let wrong = format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000);
                let path = format!("verifications/{id}");
                let typed = if matches!(operation, CheckOperation::Right) { code } else { wrong };
                let (check, cancel) = (format!("{path}/check"), format!("{path}/cancel"));
                let (body, none) = (json!({ "code": typed }), json!({}));
                let request = async {
                    match operation {
                        CheckOperation::Right | CheckOperation::Wrong => client.post(&check, &body, None).await,
                        CheckOperation::Cancel => client.post(&cancel, &none, None).await,
                        CheckOperation::Read => client.ask("GET", &format!("/v1/tenants/{TENANT}/{path}"), None).await,
                    }
                };
                let output = |answer: ApiResponse| match (answer.status, operation) {
                    (200, CheckOperation::Read) => {
                        use VerificationStatus::{Approved, Cancelled, Pending};
                        let status = answer.text("/status");
                        let known = [Pending, Approved, Cancelled].map(VerificationStatus::as_str);
                        known.into_iter().find(|known| *known == status).map(CheckOutput::Status)
                    }
                    (200, _) => Some(CheckOutput::Done),
                    (422, _) => Some(CheckOutput::WrongCode),
                    (410, _) => Some(CheckOutput::Ended),
                    _ => panic!("{answer:?}"),
                };
                cluster.call(name, operation, request, output).await
            }
        });
        let calls: Vec<_> = calls.collect();
        tasks.push(tokio::spawn(join_all(calls)));
    }
    cluster.kill_one_after(first + 20 + dice.roll(20)).await;
    let mut approved = 0;
    for calls in join_all(tasks).await {
        let calls = calls.unwrap();
        assert_linearizable(&Consumed, &calls);
        let is_approval = |call: &&Call<CheckOperation, CheckOutput>| {
            matches!((call.operation, &call.result), (CheckOperation::Right, Some((CheckOutput::Done, _))))
        };
        approved += calls.iter().filter(is_approval).count();
    }
    assert!(approved > 0, "nothing was approved");
    cluster.end().await;
}

/// The delivery state of a message, as the number of the state in the order in which they can be reached.
struct Delivery;

#[derive(Clone, Copy, Debug)]
enum DeliveryOperation {
    Report(usize),
    Read,
}

/// What Twilio reports, and the state that the API shows, in order.
const STATES: [(&str, &str); 4] =
    [("queued", "queued"), ("sent", "sent"), ("undelivered", "undelivered"), ("delivered", "delivered")];

impl Object for Delivery {
    type State = Option<usize>;
    type Operation = DeliveryOperation;
    /// The state that was read; `None` also for a report, which returns nothing.
    type Output = Option<usize>;

    fn initial(&self) -> Option<usize> {
        None
    }

    fn apply(
        &self,
        state: &Option<usize>,
        operation: &DeliveryOperation,
        output: Option<&Option<usize>>,
    ) -> Option<Option<usize>> {
        match operation {
            DeliveryOperation::Report(reported) => Some((*state).max(Some(*reported))),
            DeliveryOperation::Read => output.is_none_or(|read| read == state).then_some(*state),
        }
    }
}

/// Twilio's signature: over the URL and then the names and values of the form, sorted by name.
fn signature(token: &str, url: &str, fields: &[(&str, &str)]) -> String {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(url.as_bytes());
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delivery_reports_are_linearizable() {
    const MESSAGES: usize = 8;
    let Some(cluster) = Cluster::new().await else { return };
    let mut dice = Dice(seed());
    let (_, client) = cluster.any(&mut dice);
    client.add_tenant().await;
    let shown = client.get("connections/main").await;
    let callback = shown.text("/deliveryReports/callbackUrl").to_owned();
    let (parameters, _) = connection("twilio");
    let account = parameters["accountSID"].as_str().unwrap().to_owned();
    let token = parameters["authToken"].as_str().unwrap().to_owned();
    let mut accepted = Vec::new();
    let mut numbers = 0..1000;
    // On a slow machine, some are not accepted in time.
    while accepted.len() < MESSAGES {
        let to = format!("+4520{:06}", numbers.next().expect("a message is accepted"));
        let body = json!({ "to": to, "usage": "sign-in", "code": "123456" });
        let answer = client.post("messages", &body, None).await.unwrap();
        if let Some(provider_id) = answer.body["providerMessageId"].as_str() {
            accepted.push((answer.text("/id").to_owned(), provider_id.to_owned(), to));
        }
    }
    let first = cluster.now();
    let mut tasks = Vec::new();
    for (id, provider_id, to) in accepted {
        let mut operations: Vec<DeliveryOperation> = (0..STATES.len()).map(DeliveryOperation::Report).collect();
        operations.extend([DeliveryOperation::Read; 4]);
        let mut call = |operation| {
            let (name, client) = cluster.any(&mut dice);
            let (cluster, callback, token) = (Arc::clone(&cluster), callback.clone(), token.clone());
            let (id, provider_id, to, account) = (id.clone(), provider_id.clone(), to.clone(), account.clone());
            async move {
                let request = async {
                    match operation {
                        DeliveryOperation::Read => {
                            client.ask("GET", &format!("/v1/tenants/{TENANT}/messages/{id}"), None).await
                        }
                        DeliveryOperation::Report(state) => {
                            let fields = [
                                ("AccountSid", account.as_str()),
                                ("MessageSid", provider_id.as_str()),
                                ("MessageStatus", STATES[state].0),
                                ("To", to.as_str()),
                            ];
                            let signature = signature(&token, &callback, &fields);
                            let path = callback.strip_prefix(PUBLIC_URL).unwrap();
                            client.post_form(path, &fields, ("x-twilio-signature", &signature)).await
                        }
                    }
                };
                let output = |answer: ApiResponse| match operation {
                    DeliveryOperation::Read => {
                        assert_eq!(answer.status, 200, "{answer:?}");
                        let state = answer.body.pointer("/delivery/state").and_then(|state| state.as_str());
                        Some(state.map(|state| STATES.iter().position(|(_, name)| *name == state).unwrap()))
                    }
                    DeliveryOperation::Report(_) => {
                        assert!(answer.is_success(), "{answer:?}");
                        Some(None)
                    }
                };
                cluster.call(name, operation, request, output).await
            }
        };
        let calls: Vec<_> = operations.into_iter().map(&mut call).collect();
        let last = call(DeliveryOperation::Read);
        tasks.push(tokio::spawn(async move {
            let mut calls = join_all(calls).await;
            calls.push(last.await);
            calls
        }));
    }
    cluster.kill_one_after(first + 15 + dice.roll(15)).await;
    let mut reported = 0;
    for calls in join_all(tasks).await {
        let calls = calls.unwrap();
        assert_linearizable(&Delivery, &calls);
        reported += calls.iter().filter(|call| matches!(call.result, Some((Some(_), _)))).count();
    }
    assert!(reported > 0, "no state was read");
    cluster.end().await;
}
