//! The public zoo: every hostile guest, what it tries, and which rule ends it.
//!
//! A guest is a file in `tests/guests/hostile/src/behaviour`, whose first sentence says what it tries; many have several aims.
//! [`guests`] says how each of them ends. [`run`] runs one on a real sandbox, against a real server, and looks whether
//! anything is where it may not be. `cargo run -p sendbox-tests --example zoo` runs them all and prints the table;
//! `tests/zoo/README.md` is the same table to read.
//!
//! Promises: a guest that ends otherwise than the table says, or from which anything leaks, fails.
//!
//! Must not know: how the sandbox finds out.

mod ending;
mod guests;
mod leaks;
pub mod page;

use std::sync::Arc;

use sendbox_sandbox::policy::{Limits, PinnedShapes};
use sendbox_sandbox::{Callback, CallbackError, ConnectorFault, Outcome, SendResult};
use serde_json::{Value, json};

use crate::guests::Behaviour;
use crate::sandbox_fixture::{self, impatient, text, variables};
use crate::server::answer;
use crate::{SandboxFixture, SandboxFixtureConfig, Script, Step};

pub use ending::Ending;
pub use guests::all;

/// A hostile guest.
#[derive(Clone, Copy, Debug)]
pub struct Guest {
    /// What it does.
    pub behaviour: Behaviour,
    /// What it meets.
    pub setting: Setting,
    /// Each aim, and in which ways it may end. Most have one; where two rules forbid the same, either may be first.
    pub aims: &'static [(&'static str, &'static [Ending])],
}

/// What a guest meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A text, and a provider that takes everything.
    Usual,
    /// A code as the only variable.
    Variables,
    /// A provider that repeats the whole request in its answer.
    Echo,
    /// A provider that answers with a row of codes, ours among them.
    Codes,
    /// A provider that takes the request and never answers.
    Silent,
    /// A code as the only variable; and the version was tested to send the honest requests, whose shapes are pinned.
    Pinned,
    /// A callback of the provider, and no message.
    Callback,
}

/// What became of one guest with one aim.
#[derive(Clone, Debug)]
pub struct Observed {
    /// How it ended.
    pub ending: Ending,
    /// In the host's own words.
    pub words: String,
    /// What is where it may not be, one sentence each. None for a sandbox that keeps its promise.
    pub leaks: Vec<String>,
}

/// A sandbox for each setting that a guest needs.
pub struct Zoo {
    usual: SandboxFixture,
    silent: SandboxFixture,
    honest: Arc<PinnedShapes>,
}

/// The requests that the pinned version was tested to send.
const HONEST: [(Behaviour, &str); 5] = [
    (Behaviour::Honest, ""),
    (Behaviour::HonestPlaces, "json"),
    (Behaviour::HonestPlaces, "list"),
    (Behaviour::HonestPlaces, "xml"),
    (Behaviour::HonestPlaces, "query"),
];

impl Zoo {
    /// Loads the hostile guest, and lets it be honest to learn the shapes of honest requests.
    pub async fn new() -> Self {
        let usual = SandboxFixture::with(SandboxFixtureConfig {
            limits: Limits { send_ms: 5_000, ..Limits::default() },
            ..SandboxFixtureConfig::default()
        })
        .await;
        let silent = SandboxFixture::with(SandboxFixtureConfig {
            limits: Limits { send_ms: 2_500, ..impatient() },
            ..SandboxFixtureConfig::default()
        })
        .await;
        let mut honest = PinnedShapes::default();
        for (behaviour, aim) in HONEST {
            let report = usual.send_with(json!({"behaviour": behaviour.name(), "aim": aim}), variables()).await;
            let shape = report.requests.first().and_then(|request| request.shape.clone());
            honest.insert(shape.unwrap_or_else(|| panic!("{behaviour} {aim} has no shape: {:?}", report.outcome)));
        }
        Self { usual, silent, honest: Arc::new(honest) }
    }

    /// Runs one guest with one of its aims.
    pub async fn run(&self, guest: &Guest, aim: &str) -> Observed {
        let fixture = if guest.setting == Setting::Silent { &self.silent } else { &self.usual };
        fixture.server.play(script(guest.setting));
        let before = fixture.server.seen().len();
        let parameters = json!({"behaviour": guest.behaviour.name(), "aim": aim});
        let (ending, words, visible) = match guest.setting {
            Setting::Callback => read_callback(fixture, parameters).await,
            setting => {
                let only_a_code = matches!(setting, Setting::Variables | Setting::Pinned);
                let content = if only_a_code { variables() } else { text() };
                let pinned = (setting == Setting::Pinned).then(|| Arc::clone(&self.honest));
                let report = fixture.run_pinned(parameters, content, pinned).await;
                (Ending::of(&report), words(&report), visible(&report))
            }
        };
        let seen = fixture.server.seen();
        let mut leaks = leaks::of(&visible, &seen[before..]);
        if fixture.elsewhere.connections() > 0 {
            leaks.push("a host that nobody granted was reached".to_owned());
        }
        Observed { ending, words, leaks }
    }
}

fn script(setting: Setting) -> Script {
    let again = |step: Step| Script::steps([Step::Read, step, Step::Again]);
    match setting {
        Setting::Usual | Setting::Variables | Setting::Pinned | Setting::Callback => Script::good(),
        Setting::Echo => again(Step::Echo(200)),
        Setting::Codes => {
            let codes: String = (739_000..740_000).map(|code: u32| format!("{code:06}")).collect();
            again(Step::Write(answer(200, "", codes.as_bytes())))
        }
        Setting::Silent => Script::steps([Step::Read, Step::Silence]),
    }
}

async fn read_callback(fixture: &SandboxFixture, mut parameters: Value) -> (Ending, String, String) {
    parameters["token"] = sandbox_fixture::TOKEN.into();
    parameters["signer"] = sandbox_fixture::SIGNER.into();
    let parameters = Arc::new(fixture.connector.parameters(&parameters).expect("the parameters fit"));
    let callback = Callback {
        method: "POST".into(),
        url: format!("https://platform.example/reports/7?to={}", &sandbox_fixture::E164[1..]),
        headers: vec![("Content-Type".into(), "text/plain".into())],
        body: format!("delivered to {}", sandbox_fixture::E164).into_bytes().into(),
    };
    let read = fixture.sandbox.parse_report(&fixture.connector, parameters, &callback).await;
    let visible = format!("{read:?}");
    let (ending, words) = match read {
        Ok(_) => (Ending::Accepted, "it was believed".to_owned()),
        Err(CallbackError::Fault(fault)) => (Ending::of_fault(&fault), fault.to_string()),
        Err(error) => (Ending::OwnFailure, error.to_string()),
    };
    (ending, words, visible)
}

fn words(report: &SendResult) -> String {
    match &report.outcome {
        Outcome::Accepted(_) => "the provider took the message".to_owned(),
        Outcome::Failed(failure) => {
            failure.fault.as_ref().map_or_else(|| failure.text.clone(), ConnectorFault::to_string)
        }
        Outcome::NotSentDryRun => "a dry run".to_owned(),
    }
}

/// Everything that people and logs get of a send.
fn visible(report: &SendResult) -> String {
    let trace = serde_json::to_string(&report.trace).expect("a trace is JSON");
    let requests = report.requests.iter().chain(&report.held_back);
    let requests: Vec<String> = requests
        .map(|request| {
            let shape = serde_json::to_string(&request.shape).expect("a shape is JSON");
            format!("{} {:?} {} {shape}", request.url, request.headers, request.body)
        })
        .collect();
    format!("{:?}\n{trace}\n{}\n{:?}", report.outcome, requests.join("\n"), report.hosts_reached)
}
