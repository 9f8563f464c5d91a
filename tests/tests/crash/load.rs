//! Clients that record their requests and the responses, and an audit of that record.
//!
//! The audit compares three independent records: the clients' record, the service's messages, and what
//! arrived at the simulated provider.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use futures_util::future::join_all;
use sendbox_tests::process::{ApiResponse, Client, Deployment};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// Random numbers that are reproducible from a seed (SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `below` - 1.
    pub fn roll(&mut self, below: u64) -> u64 {
        self.next() % below
    }

    /// `true` once in so many calls.
    pub fn once_in(&mut self, many: u64) -> bool {
        self.roll(many) == 0
    }
}

/// The kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With the platform's own code.
    Message,
    /// With a code that Sendbox generates.
    Verification,
}

/// A request of a client, to a number of its own, and its result.
#[derive(Debug)]
pub struct Ask {
    pub kind: Kind,
    pub number: String,
    pub body: Value,
    pub key: Option<String>,
    /// `None` if there was no complete response, so that the client cannot know.
    pub answer: Option<ApiResponse>,
    /// Checks of the right code that were answered with 2xx.
    pub approved: usize,
    /// Whether a check of the right code got no response.
    pub check_unknown: bool,
}

/// Faults of the provider under load, besides none.
const FAULTS: [&str; 5] = ["reset-after", "reset-before", "delay:300ms", "status:503", "code:21211"];

/// The failure text of an attempt whose process ended.
const CUT: &str = "the process ended while the attempt was in progress";

/// Numbers, one for each request, and a count of responses.
#[derive(Default)]
pub struct Crowd {
    numbers: AtomicU32,
    answers: AtomicUsize,
    answered: Notify,
}

impl Crowd {
    pub fn number(&self) -> String {
        format!("+4520{:06}", self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    /// Waits until this many more responses have arrived.
    pub async fn answers(&self, more: usize) {
        let wanted = self.answers.load(Ordering::Relaxed) + more;
        loop {
            let answered = self.answered.notified();
            if self.answers.load(Ordering::Relaxed) >= wanted {
                return;
            }
            answered.await;
        }
    }

    /// Counts a response.
    pub fn answered_once(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.answered.notify_waiters();
    }

    pub fn ask(&self, dice: &mut Dice) -> Ask {
        let number = self.number();
        let mode = if dice.once_in(2) { "sync" } else { "async" };
        let kind = if dice.once_in(3) { Kind::Verification } else { Kind::Message };
        let mut body = json!({ "to": number, "usage": "sign-in", "mode": mode });
        if kind == Kind::Message {
            body["code"] = format!("{:06}", dice.roll(1_000_000)).into();
        }
        let key = (!dice.once_in(4)).then(|| format!("key-of-{number}"));
        Ask { kind, number, body, key, answer: None, approved: 0, check_unknown: false }
    }

    /// Runs a client that sends one request after another until the server no longer responds.
    async fn client(self: Arc<Self>, deployment: Arc<Deployment>, client: Client, mut dice: Dice) -> Vec<Ask> {
        let mut book = Vec::new();
        loop {
            if dice.once_in(8) {
                let fault = FAULTS[dice.roll(FAULTS.len() as u64) as usize];
                deployment.simulator.inject_spec(format!("twilio={fault},times=1").parse().unwrap()).unwrap();
            }
            let mut ask = self.ask(&mut dice);
            let answer = ask.put(&client).await;
            let over = answer.as_ref().is_none_or(|answer| answer.status == 503);
            if let Some(answer) = answer {
                self.answered_once();
                let checks = ask.kind == Kind::Verification && answer.status == 201 && dice.once_in(2);
                let code = received_code(&deployment, &ask.number);
                ask.answer = Some(answer);
                if let (true, Some(code)) = (checks, code) {
                    // The same code from two windows at once.
                    let path = ask.check_path();
                    let check = || check(&client, &path, &code);
                    for checked in join_all([check(), check()]).await {
                        match checked {
                            Some(answer) => ask.approved += usize::from(answer.is_success()),
                            None => ask.check_unknown = true,
                        }
                    }
                }
            }
            book.push(ask);
            if over {
                return book;
            }
        }
    }

    /// Runs this many clients at once. Returns when the server has ended.
    pub async fn storm(
        self: &Arc<Self>,
        deployment: &Arc<Deployment>,
        client: &Client,
        clients: usize,
        dice: &mut Dice,
    ) -> Vec<Ask> {
        let tasks: Vec<_> = (0..clients)
            .map(|_| {
                let own = Dice::new(dice.next());
                tokio::spawn(Arc::clone(self).client(Arc::clone(deployment), client.clone(), own))
            })
            .collect();
        join_all(tasks).await.into_iter().flat_map(|book| book.unwrap()).collect()
    }
}

async fn check(client: &Client, path: &str, code: &str) -> Option<ApiResponse> {
    client.post(path, &json!({ "code": code }), None).await.ok()
}

/// The code that a phone shows last.
pub fn received_code(deployment: &Deployment, number: &str) -> Option<String> {
    let (_, text) = deployment.received_messages().into_iter().rev().find(|(to, _)| to == number)?;
    Some(code_in(&text))
}

fn code_in(text: &str) -> String {
    text.chars().take_while(char::is_ascii_digit).collect()
}

impl Ask {
    /// Sends the request, also repeatedly.
    pub async fn put(&self, client: &Client) -> Option<ApiResponse> {
        let path = if self.kind == Kind::Message { "messages" } else { "verifications" };
        client.post(path, &self.body, self.key.as_deref()).await.ok()
    }

    fn check_path(&self) -> String {
        let answer = self.answer.as_ref().unwrap();
        let pointer = if answer.is_success() { "/id" } else { "/verification/id" };
        format!("verifications/{}/check", answer.text(pointer))
    }

    /// The id of the message in the response.
    fn message_id(&self) -> Option<&str> {
        let answer = self.answer.as_ref()?;
        match (answer.status, self.kind) {
            (200 | 202, _) => Some(answer.text("/id")),
            (201, _) => Some(answer.text("/message/id")),
            (424, _) => Some(answer.text("/message/id")),
            _ => None,
        }
    }

    /// Repeats the request with the same key until the first one is no longer in progress. The response names the same message.
    async fn repeat(&mut self, client: &Client) {
        loop {
            let again = self.put(client).await.expect("the server is running");
            if again.status == 409 {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
            assert!(matches!(again.status, 200 | 201 | 202 | 424), "{self:?}: {again:?}");
            let before = self.message_id().map(str::to_owned);
            self.answer = Some(again);
            assert!(before.is_none() || before.as_deref() == self.message_id(), "{before:?}, and now {self:?}");
            return;
        }
    }
}

/// The result of the audit.
#[derive(Debug, Default)]
pub struct Tally {
    /// Messages by status.
    pub statuses: BTreeMap<String, usize>,
    /// Requests that ended without a response.
    pub unanswered: usize,
    /// Attempts that were in progress when their process ended.
    pub cut: usize,
    /// Codes that verified at the end.
    pub verified: usize,
}

/// Checks that every response was true, and that nothing happened that no client recorded. First repeats every request
/// that has a key, as a platform would. `most` is the number of physical messages that one request may cause.
pub async fn audit(deployment: &Deployment, client: &Client, book: &mut [Ask], most: usize) -> Tally {
    let mut tally = Tally::default();
    for ask in &mut *book {
        tally.unanswered += usize::from(ask.answer.is_none());
        if ask.key.is_some() {
            ask.repeat(client).await;
        }
    }
    client.until_all_are_final().await;
    let mut phones: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (number, text) in deployment.received_messages() {
        phones.entry(number).or_default().push(code_in(&text));
    }
    for ask in &mut *book {
        let codes = phones.remove(&ask.number).unwrap_or_default();
        let messages = client.messages_to(&ask.number).await;
        let id = ask.message_id();
        match (&ask.key, id, &ask.answer) {
            (_, Some(id), _) => {
                assert_eq!(messages.len(), 1, "one message has this id: {ask:?}: {messages:?}");
                assert_eq!(messages[0]["id"], id, "{ask:?}");
            }
            (_, None, Some(answer)) => {
                assert_eq!(answer.status, 503, "{ask:?}");
                assert_eq!((messages.len(), codes.len()), (0, 0), "refused, but accepted: {ask:?}");
            }
            (None, None, None) => assert!(messages.len() <= 1, "{ask:?}: {messages:?}"),
            (Some(_), None, None) => panic!("it was repeated: {ask:?}"),
        }
        let Some(message) = messages.first() else {
            assert_eq!(codes.len(), 0, "a phone got what is on no record: {ask:?}");
            continue;
        };
        tally.cut += judge(message, &codes, most);
        *tally.statuses.entry(message["status"].as_str().unwrap().to_owned()).or_default() += 1;
        if let Some(code) = ask.body["code"].as_str() {
            assert!(codes.iter().all(|on_phone| on_phone == code), "{ask:?}: {codes:?}");
        }
        if let (Kind::Verification, Some(code), true) = (ask.kind, codes.first(), id.is_some()) {
            assert!(codes.iter().all(|other| other == code), "one code, however often it was sent: {ask:?}: {codes:?}");
            verify(client, ask, code, &mut tally).await;
        }
    }
    assert!(phones.is_empty(), "phones received messages that nobody requested: {phones:?}");
    tally
}

/// Compares a message with what its phone received. Returns the number of interrupted attempts.
fn judge(message: &Value, codes: &[String], most: usize) -> usize {
    let attempts = message["attempts"].as_array().unwrap();
    let with = |outcome: &str| attempts.iter().filter(|attempt| attempt["outcome"] == outcome).count();
    let (accepted, in_doubt) = (with("accepted"), with("in-doubt"));
    let arrived = codes.len();
    let all = format!("{arrived} arrived of {message:#}");
    assert!(attempts.iter().all(|attempt| !attempt["finishedAt"].is_null()), "{all}");
    assert!(arrived <= most && accepted + in_doubt <= most, "more than {most}: {all}");
    assert!((accepted..=accepted + in_doubt).contains(&arrived), "{all}");
    match message["status"].as_str().unwrap() {
        "accepted" => assert_eq!(accepted, 1, "{all}"),
        "in-doubt" => assert!(accepted == 0 && in_doubt > 0, "{all}"),
        "failed" | "expired" | "cancelled" => assert_eq!(arrived + in_doubt, 0, "reported as not sent: {all}"),
        other => panic!("{other} is not final: {all}"),
    }
    let cut = |attempt: &&Value| attempt.pointer("/failure/message") == Some(&CUT.into());
    attempts.iter().filter(cut).count()
}

/// The code on the phone verifies exactly once.
async fn verify(client: &Client, ask: &mut Ask, code: &str, tally: &mut Tally) {
    let path = ask.check_path();
    let before = ask.approved;
    for _ in 0..2 {
        let checked = check(client, &path, code).await.expect("the server is running");
        assert!(checked.status == 200 || checked.status == 410, "{ask:?}: {checked:?}");
        ask.approved += usize::from(checked.status == 200);
    }
    assert!(ask.approved <= 1, "a code verified twice: {ask:?}");
    assert!(ask.approved == 1 || ask.check_unknown, "a code that was sent does not verify: {ask:?}");
    tally.verified += ask.approved - before;
    let read = client.get(path.trim_end_matches("/check")).await;
    assert_eq!(read.text("/status"), "approved", "{ask:?}");
}
