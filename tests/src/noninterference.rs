//! Tests whether anything that a guest observes depends on a sealed value, with programs that run twice.
//!
//! A program made from bytes runs in the guest `interpreter` twice, with different sealed values
//! and the same clear ones: against a provider whose responses do not depend on them, against one that repeats what it received,
//! and against one that guesses before it received anything. The guest records a digest of everything that it observes. Until
//! the send ends, both records must be equal; and if a budget ends a send, it must end both at the same operation. The bytes
//! come from a seed or from a fuzzer (`tests/fuzz`).

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

/// The guest, which takes texts or variables.
fn interpreter(content: &str) -> Vec<u8> {
    let mut component = std::fs::read(crate::guests::INTERPRETER).unwrap();
    let usual = b"interpreter=text........";
    let at = component.windows(usual.len()).position(|window| window == usual).expect("the marker was not found");
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
    /// The number of owners so far, each of which has a connection of its own.
    owners: AtomicU64,
}

/// Two runs of one program that observed different things.
pub struct Finding {
    /// The seed of the input, if there is one.
    pub seed: Option<u64>,
    /// The program.
    pub program: String,
    /// How the provider responded.
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

/// The counts of one or more programs.
#[derive(Default)]
pub struct Tally {
    /// Compared observations.
    pub observations: usize,
    /// Requests that were sent.
    pub requests: usize,
    /// Runs that a rule or a limit ended.
    pub ended: usize,
    /// Runs that ended with a response of the provider.
    pub answered: usize,
}

impl Tally {
    /// Adds the counts of another program.
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

/// The size of an input from a seed, in bytes. No program reads more.
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

/// The meaning of an input.
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

/// How the provider responds.
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

/// What the guest observed in one run, and how the run ended.
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
    /// A fault that may depend on them.
    Sealed(String),
}

impl Comparison {
    /// Starts the providers.
    pub async fn start() -> Self {
        let server = Server::start(authority(), Script::good()).await;
        let names = ["api.hostile.test", "side.hostile.test"].map(|name| server.connect_to(name));
        // CPU time differs between runs, and is not tested here.
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
            // A connection follows the script that was set when it was opened, and is reused for the same owner.
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
                    revocation: None,
                },
            )
            .await;
        Run { observed: observed(&report), end: end(&report), requests: report.requests.len() }
    }

    /// Reads a callback instead of sending a message. The guest returns its observations as reports.
    async fn parse(&self, connector: &Connector, parameters: Arc<Parameters>, clear: &Clear, secrets: &Secrets) -> Run {
        let (observed, end) = match self.sandbox.parse_report(connector, parameters, &secrets.callback(clear)).await {
            Ok(reports) => (reports.into_iter().filter_map(|report| report.text).collect(), End::Returned),
            Err(CallbackError::Fault(fault)) => (String::new(), classify(&fault)),
            Err(other) => panic!("the callback was not read: {other}"),
        };
        Run { observed, end, requests: 0 }
    }
}

/// The number of letters of one observation.
const LETTERS: usize = 16;

/// The record of the guest.
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

/// Rules that inspect the bytes of a request may end one run and not the other.
fn classify(fault: &ConnectorFault) -> End {
    let ConnectorFault::ManifestViolation(violation) = fault else { return End::Clear(fault.to_string()) };
    match **violation {
        Violation::Malformed(_)
        | Violation::LongParameter { .. }
        | Violation::Composition(_)
        | Violation::Void(_)
        | Violation::Denied(_) => End::Sealed(fault.to_string()),
        _ => End::Clear(fault.to_string()),
    }
}

fn difference(one: &Run, other: &Run) -> Option<String> {
    let same = one.observed.bytes().zip(other.observed.bytes()).take_while(|(one, other)| one == other).count();
    let shorter = one.observed.len().min(other.observed.len());
    if same < shorter {
        return Some(format!("observation {} differs", same / LETTERS));
    }
    // A run that ended earlier observed less. It may have ended because of its bytes, and for no other reason.
    let (early, late) = if one.observed.len() <= other.observed.len() { (one, other) } else { (other, one) };
    // A guest that has used up its log leaves no record, so only the endings can be compared.
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
