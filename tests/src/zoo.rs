//! The zoo of hostile guests: what each of them tries, and which rule stops it.
//!
//! A guest is a file in `tests/guests/hostile/src/behaviour`, whose first sentence says what it tries; many have several aims.
//! [`guests`] lists how each of them ends. [`Zoo::run`] runs one on a real sandbox, against a real server, and checks whether
//! anything leaked. `cargo run -p sendbox-tests --example zoo` runs them all and prints the table;
//! `tests/zoo/README.md` is the same table as a page.
//!
//! Promises: a guest that ends differently from the table, or that leaks anything, fails.
//!
//! Must not know: how the sandbox enforces its rules.

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
    /// Its behaviour.
    pub behaviour: Behaviour,
    /// The environment that it runs in.
    pub setting: Setting,
    /// Each aim, with the endings that are allowed. Most have one; where two rules forbid the same thing, either may apply first.
    pub aims: &'static [(&'static str, &'static [Ending])],
}

/// The environment that a guest runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A text, and a provider that accepts everything.
    Usual,
    /// A code as the only variable.
    Variables,
    /// A provider that repeats the whole request in its response.
    Echo,
    /// A provider that responds with a sequence of codes, ours among them.
    Codes,
    /// A provider that reads the request and never responds.
    Silent,
    /// A code as the only variable, and a version that was tested with the honest requests, whose shapes are pinned.
    Pinned,
    /// A callback of the provider instead of a message.
    Callback,
}

/// What happened with one guest and one aim.
#[derive(Clone, Debug)]
pub struct Observed {
    /// How it ended.
    pub ending: Ending,
    /// The host's description of the ending.
    pub description: String,
    /// What leaked, a sentence each. Empty for a sandbox that keeps its promises.
    pub leaks: Vec<String>,
}

/// The sandboxes that the guests run in.
pub struct Zoo {
    usual: SandboxFixture,
    silent: SandboxFixture,
    honest: Arc<PinnedShapes>,
}

/// The requests that the pinned version was tested with.
const HONEST: [(Behaviour, &str); 5] = [
    (Behaviour::Honest, ""),
    (Behaviour::HonestPlaces, "json"),
    (Behaviour::HonestPlaces, "list"),
    (Behaviour::HonestPlaces, "xml"),
    (Behaviour::HonestPlaces, "query"),
];

impl Zoo {
    /// Loads the hostile guest, and runs its honest behaviours to record the shapes of their requests.
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
        let (ending, description, visible) = match guest.setting {
            Setting::Callback => read_callback(fixture, parameters).await,
            setting => {
                let only_a_code = matches!(setting, Setting::Variables | Setting::Pinned);
                let content = if only_a_code { variables() } else { text() };
                let pinned = (setting == Setting::Pinned).then(|| Arc::clone(&self.honest));
                let report = fixture.run_pinned(parameters, content, pinned).await;
                (Ending::of(&report), describe(&report), visible(&report))
            }
        };
        let seen = fixture.server.seen();
        let mut leaks = leaks::of(&visible, &seen[before..]);
        if fixture.elsewhere.connections() > 0 {
            leaks.push("a host that is not granted was reached".to_owned());
        }
        Observed { ending, description, leaks }
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
    let (ending, description) = match read {
        Ok(_) => (Ending::Accepted, "the callback was accepted".to_owned()),
        Err(CallbackError::Fault(fault)) => (Ending::of_fault(&fault), fault.to_string()),
        Err(error) => (Ending::OwnFailure, error.to_string()),
    };
    (ending, description, visible)
}

fn describe(report: &SendResult) -> String {
    match &report.outcome {
        Outcome::Accepted(_) => "the provider accepted the message".to_owned(),
        Outcome::Failed(failure) => {
            failure.fault.as_ref().map_or_else(|| failure.text.clone(), ConnectorFault::to_string)
        }
        Outcome::NotSentDryRun => "a dry run".to_owned(),
    }
}

/// Everything about a send that people see or logs contain.
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
