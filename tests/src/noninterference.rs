//! Whether anything that a guest observes depends on a sealed value: shown by programs that are run twice.
//!
//! A program that follows from bytes runs in the guest `interpreter`, once with one set of sealed values and once with another,
//! under the same clear ones, against a provider whose answers do not depend on them, against one that repeats what it was sent,
//! and against one that guesses before it was sent anything. The guest writes down a digest of everything that it observes. Until
//! the send ends, both runs must read the same; and where a budget ends a send, it must end both at the same operation. The bytes
//! are random, from a seed, or a fuzzer's (`tests/fuzz`).

mod program;
mod values;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arbitrary::Unstructured;
use fastrand::Rng;
use sendbox_sandbox::policy::{Limits, OperatorPolicy, TenantGrant};
use sendbox_sandbox::{
    CallbackError, Connector, ConnectorFault, LogLevel, Outcome, Parameters, Sandbox, SendRequest, SendResult,
    TraceKind, Violation,
};
use serde_json::json;

use self::program::program;
use self::values::{Clear, Secrets};
use crate::sandbox_fixture::{authority, sandbox};
use crate::server::{Script, Server, Step, answer};

/// The guest, taking texts or variables.
fn interpreter(content: &str) -> Vec<u8> {
    let mut component = std::fs::read(crate::guests::INTERPRETER).unwrap();
    let usual = b"interpreter=text........";
    let at = component.windows(usual.len()).position(|window| window == usual).expect("the marker is gone");
    let marker = format!("interpreter={content:.<12}");
    component[at..at + usual.len()].copy_from_slice(marker.as_bytes());
    component
}

/// A sandbox with the guest, and a provider, in which programs are run twice and compared.
pub struct Comparison {
    sandbox: Sandbox,
    texts: Connector,
    variables: Connector,
    server: Server,
    /// Owners that were given a connection of their own.
    owners: AtomicU64,
}

/// Two runs of one program that observed different things.
pub struct Finding {
    /// The seed that its input was made of.
    pub seed: Option<u64>,
    /// What was run.
    pub program: String,
    /// How the provider answered.
    pub provider: &'static str,
    /// What differs.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seed) = self.seed {
            write!(f, "seed {seed}, ")?;
        }
        writeln!(f, "provider {}: {}", self.provider, self.what)?;
        self.program.lines().enumerate().try_for_each(|(number, line)| writeln!(f, "  {number:>3}  {line:.160}"))
    }
}

/// What one program showed.
#[derive(Default)]
pub struct Tally {
    /// Observations that were compared.
    pub observations: usize,
    /// Requests that left.
    pub requests: usize,
    /// Runs that a rule or a limit ended.
    pub ended: usize,
    /// Runs that ended with an answer of the provider.
    pub answered: usize,
}

impl Tally {
    /// Adds what another program showed.
    pub fn add(&mut self, other: &Self) {
        self.observations += other.observations;
        self.requests += other.requests;
        self.ended += other.ended;
        self.answered += other.answered;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { observations, requests, ended, answered } = self;
        write!(
            f,
            "{observations} observations, {requests} requests, {answered} runs answered, {ended} ended by a rule or a limit"
        )
    }
}

/// Bytes of an input that is made of a seed. No program reads more.
const INPUT_BYTES: usize = 1_024;
/// The last bytes of an input are a seed of the sealed values. Those are long, and their kinds and lengths matter more than their
/// bytes: one changed byte is other values, and a change of the program leaves them as they were.
const SEALED_BYTES: usize = 8;

/// The input of a seed.
pub fn input_of(seed: u64) -> Vec<u8> {
    let mut random = Rng::with_seed(seed);
    std::iter::repeat_with(|| random.u8(..)).take(INPUT_BYTES).collect()
}

/// The program of an input.
pub fn program_of(input: &[u8]) -> String {
    Case::read(input).program
}

/// What an input says.
struct Case {
    clear: Clear,
    program: String,
    secrets: [Secrets; 2],
}

impl Case {
    fn read(input: &[u8]) -> Self {
        let (clear, sealed) = input.split_at(input.len().saturating_sub(SEALED_BYTES));
        let (clear, program) = read_clear(&mut Unstructured::new(clear)).expect("a program follows from any bytes");
        let seed = sealed.iter().fold(0, |seed, byte| seed << 8 | u64::from(*byte));
        let mut random = Rng::with_seed(seed);
        let secrets = [Secrets::random(&mut random, &clear), Secrets::random(&mut random, &clear)];
        Self { clear, program, secrets }
    }
}

fn read_clear(input: &mut Unstructured<'_>) -> arbitrary::Result<(Clear, String)> {
    let clear = Clear::read(input)?;
    let program = program(input, &clear)?;
    Ok((clear, program))
}

/// How the provider answers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Provider {
    Constant,
    Repeating,
    /// Before anything sealed was sent, with the sealed values of one of the runs: a mask in them would say which one.
    Guessing,
}

const PROVIDERS: [(Provider, &str); 3] =
    [(Provider::Constant, "constant"), (Provider::Repeating, "repeating"), (Provider::Guessing, "guessing")];

/// The path of a request that carries nothing sealed.
const PLAIN: &str = "/plain";

/// What one run let the guest see, and how it ended.
struct Run {
    observed: String,
    end: End,
    requests: usize,
}

#[derive(Debug, PartialEq)]
enum End {
    Returned,
    /// A fault that must not depend on sealed values.
    Clear(String),
    /// A fault that may.
    Sealed(String),
}

impl Comparison {
    /// Starts the providers.
    pub async fn start() -> Self {
        let server = Server::start(authority(), Script::good()).await;
        let names = ["api.hostile.test", "side.hostile.test"].map(|name| server.connect_to(name));
        // CPU is measured, and never the same twice; nothing here is about it.
        let limits = Limits { cpu_ms: 60_000, send_ms: 120_000, first_byte_ms: 60_000, ..Limits::default() };
        let sandbox = sandbox(limits, &names, None);
        let texts = sandbox.load(&interpreter("text")).await.expect("the guest loads");
        let variables = sandbox.load(&interpreter("variables")).await.expect("the guest loads");
        Self { sandbox, texts, variables, server, owners: AtomicU64::new(0) }
    }

    /// Runs the program of a seed.
    ///
    /// # Errors
    /// What two runs observed differently.
    pub async fn check(&self, seed: u64) -> Result<Tally, Finding> {
        self.check_input(&input_of(seed)).await.map_err(|finding| Finding { seed: Some(seed), ..finding })
    }

    /// Runs the program of an input.
    ///
    /// # Errors
    /// What two runs observed differently.
    pub async fn check_input(&self, input: &[u8]) -> Result<Tally, Finding> {
        let Case { clear, program, secrets } = Case::read(input);
        let mut tally = Tally::default();
        for (provider, name) in PROVIDERS {
            if provider == Provider::Guessing && !program.contains(PLAIN) {
                continue;
            }
            self.play(provider, &secrets[0].all());
            // A connection plays the script of its beginning, and is used again for the same owner.
            let owner = match provider {
                Provider::Guessing => format!("{name} {}", self.owners.fetch_add(1, Ordering::Relaxed)),
                Provider::Constant | Provider::Repeating => name.to_owned(),
            };
            let [one, other] = [
                self.run(&program, &clear, &secrets[0], &owner).await,
                self.run(&program, &clear, &secrets[1], &owner).await,
            ];
            if let Some(what) = difference(&one, &other) {
                return Err(Finding { seed: None, program, provider: name, what });
            }
            for run in [one, other] {
                tally.observations += run.observed.len() / LETTERS;
                tally.requests += run.requests;
                tally.ended += usize::from(run.end != End::Returned);
                tally.answered += usize::from(run.end == End::Returned && run.requests > 0);
            }
        }
        Ok(tally)
    }

    fn play(&self, provider: Provider, guess: &[&str]) {
        let headers =
            "date: Sat, 28 Nov 2026 10:00:00 GMT\r\ncontent-type: application/json\r\nx-ratelimit-left: nine\r\n";
        let fixed = answer(201, headers, br#"{"id":"a-message","state":"queued","note":"taken as it is"}"#);
        self.server.play(Script::steps(match provider {
            Provider::Constant => [Step::Read, Step::Write(fixed), Step::Again],
            Provider::Repeating => [Step::Read, Step::Mirror(headers.to_owned()), Step::Again],
            Provider::Guessing => {
                let first = answer(201, headers, json!({ "id": "a-message", "guess": guess }).to_string().as_bytes());
                [Step::Read, Step::WriteUntil { path: PLAIN, first, then: fixed }, Step::Again]
            }
        }));
    }

    async fn run(&self, program: &str, clear: &Clear, secrets: &Secrets, owner: &str) -> Run {
        self.server.forget();
        let connector = if clear.variables.is_empty() { &self.texts } else { &self.variables };
        let parameters = json!({
            "program": program, "plain": "plain value", "token": secrets.token, "signer": secrets.signer,
        });
        let parameters = Arc::new(connector.parameters(&parameters).expect("the parameters fit"));
        if clear.is_callback {
            return self.parse(connector, parameters, clear, secrets).await;
        }
        let grant = connector.grant(&parameters, &OperatorPolicy::default(), &TenantGrant::default());
        let report = self
            .sandbox
            .send(
                connector,
                SendRequest {
                    owner: owner.into(),
                    parameters,
                    grant: Arc::new(grant.expect("the reach resolves")),
                    message: secrets.message(clear),
                    pinned: None,
                    dry_run: None,
                    withdrawn: None,
                },
            )
            .await;
        Run { observed: observed(&report), end: end(&report), requests: report.requests.len() }
    }

    /// A callback is read instead of a message being sent. The guest hands its observations back as reports.
    async fn parse(&self, connector: &Connector, parameters: Arc<Parameters>, clear: &Clear, secrets: &Secrets) -> Run {
        let (observed, end) = match self.sandbox.parse_report(connector, parameters, &secrets.callback(clear)).await {
            Ok(reports) => (reports.into_iter().filter_map(|report| report.text).collect(), End::Returned),
            Err(CallbackError::Fault(fault)) => (String::new(), classify(&fault)),
            Err(other) => panic!("the callback was not read: {other}"),
        };
        Run { observed, end, requests: 0 }
    }
}

/// Letters of one observation.
const LETTERS: usize = 16;

/// What the guest wrote down.
fn observed(report: &SendResult) -> String {
    let lines = report.trace.iter().filter_map(|event| match &event.what {
        TraceKind::Log { level: LogLevel::Stderr, message } => Some(message.as_str()),
        _ => None,
    });
    lines.collect()
}

fn end(report: &SendResult) -> End {
    match &report.outcome {
        Outcome::Failed(failure) => failure.fault.as_ref().map_or(End::Returned, classify),
        Outcome::Accepted(_) | Outcome::NotSentDryRun => End::Returned,
    }
}

/// Rules that look at the bytes of a request may end one run and not the other.
fn classify(fault: &ConnectorFault) -> End {
    let ConnectorFault::ManifestViolation(violation) = fault else { return End::Clear(fault.to_string()) };
    match **violation {
        Violation::Malformed(_) | Violation::Composition(_) | Violation::Void(_) | Violation::Denied(_) => {
            End::Sealed(fault.to_string())
        }
        _ => End::Clear(fault.to_string()),
    }
}

fn difference(one: &Run, other: &Run) -> Option<String> {
    let same = one.observed.bytes().zip(other.observed.bytes()).take_while(|(one, other)| one == other).count();
    let shorter = one.observed.len().min(other.observed.len());
    if same < shorter {
        return Some(format!("observation {} differs", same / LETTERS));
    }
    // One that ended earlier saw less: it may have ended for what its bytes are, and for nothing else.
    let (early, late) = if one.observed.len() <= other.observed.len() { (one, other) } else { (other, one) };
    // A guest that has logged all that it may leaves no record, and then only the ends can be compared.
    if !early.observed.is_empty() && early.observed.len() < late.observed.len() {
        return match &early.end {
            End::Sealed(_) => None,
            end => {
                Some(format!("one run ended after observation {} ({end:?}), and the other went on", shorter / LETTERS))
            }
        };
    }
    match (&one.end, &other.end) {
        (End::Sealed(_), _) | (_, End::Sealed(_)) => None,
        (one, other) if one == other => None,
        (one, other) => Some(format!("one run ended with {one:?}, the other with {other:?}")),
    }
}
