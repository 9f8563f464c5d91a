//! A sandbox, a connector and a server, for one test.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use sendbox_sandbox::policy::{AddressPolicy, Limits, OperatorPolicy, PinnedShapes, TenantGrant};
use sendbox_sandbox::{
    Attempt, Connector, Content, DryRun, Failure, FailureClass, LoadError, Message, Outcome, Receipt, Recipient,
    RequestSent, Resolve, Revocation, Sandbox, SandboxConfig, SendRequest, SendResult, TextEncoding, Usage, Variable,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::authority::Authority;
use crate::guests::{self, Behaviour, MetadataBehaviour};
use crate::server::{Script, Server};

/// The tenant's token. None of these canaries occurs by chance.
pub const TOKEN: &str = "tok-Zq7/Vw+93\"kß-canary";
/// The secret that may only sign.
pub const SIGNER: &str = "sign-8Yp2Lm-canary-key";
/// The code.
pub const CODE: &str = "739164";
/// The recipient.
pub const E164: &str = "+4520918374";
/// The same number in national format.
pub const NATIONAL: &str = "20918374";
/// The text.
pub const TEXT: &str = "Kode 739164 til Søplade & Søn, \"gælder\" 10 min";

/// The hostile guest.
pub fn hostile() -> Vec<u8> {
    std::fs::read(guests::HOSTILE).unwrap()
}

/// The guest that scans its own memory.
pub fn memory_scanner() -> Vec<u8> {
    std::fs::read(guests::MEMORY_SCANNER).unwrap()
}

/// The hostile guest with another behaviour of `metadata`.
pub fn hostile_metadata(behaviour: MetadataBehaviour) -> Vec<u8> {
    let honest = b"metadata-behaviour=honest.......";
    let mut component = hostile();
    let at = component.windows(honest.len()).position(|window| window == honest).expect("the marker was not found");
    let marker = format!("metadata-behaviour={:.<13}", behaviour.name());
    assert_eq!(marker.len(), honest.len());
    component[at..at + honest.len()].copy_from_slice(marker.as_bytes());
    component
}

/// The settings that a test changes.
#[derive(Default)]
pub struct SandboxFixtureConfig {
    /// Limits.
    pub limits: Limits,
    /// Additional overrides, `HOST:PORT=127.0.0.1:PORT`.
    pub connect_to: Vec<String>,
    /// The resolver; by default, no name resolves.
    pub resolver: Option<Arc<dyn Resolve>>,
    /// The tenant's grant.
    pub tenant: TenantGrant,
    /// The operator's policy.
    pub operator: OperatorPolicy,
    /// The connector; the hostile guest by default.
    pub component: Option<Vec<u8>>,
    /// Maximum number of concurrent calls; 4 by default.
    pub in_flight: Option<u32>,
    /// Whether all sends have one owner, so that HTTP connections are reused. Otherwise each send has its own owner, and its
    /// connection plays the current script.
    pub one_owner: bool,
}

/// Limits under which a stalled server does not stall the test. Long enough for a good server on a busy machine.
pub fn impatient() -> Limits {
    Limits { connect_ms: 700, tls_ms: 700, first_byte_ms: 1_500, send_ms: 4_000, cpu_ms: 500, ..Limits::default() }
}

/// A sandbox with a connector, and the server that it reaches under all names of [`crate::server::NAMES`] but
/// `elsewhere.hostile.test`.
pub struct SandboxFixture {
    /// The sandbox.
    pub sandbox: Sandbox,
    /// The connector.
    pub connector: Connector,
    /// Ends all sends when it is cancelled.
    pub withdrawn: CancellationToken,
    /// Until when the messages of all sends may leave.
    pub revocation: Revocation,
    /// The provider.
    pub server: Server,
    /// The server at `elsewhere.hostile.test`, which must never receive anything.
    pub elsewhere: Server,
    tenant: TenantGrant,
    operator: OperatorPolicy,
    one_owner: bool,
    sends: AtomicUsize,
}

/// One authority for all servers of a process: generating keys is slow in a debug build.
pub fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(|| Authority::new("Sendbox tests"))
}

impl SandboxFixture {
    /// A fixture with the defaults.
    pub async fn new() -> Self {
        Self::with(SandboxFixtureConfig::default()).await
    }

    /// A configured fixture.
    pub async fn with(config: SandboxFixtureConfig) -> Self {
        let server = Server::start(authority(), Script::good()).await;
        let elsewhere = Server::start(authority(), Script::good()).await;
        let mut specs: Vec<String> = ["api.hostile.test", "side.hostile.test", "tenant.hostile.test", "api.twilio.com"]
            .map(|name| server.connect_to(name))
            .into();
        specs.push(elsewhere.connect_to("elsewhere.hostile.test"));
        specs.extend(config.connect_to);
        let sandbox = sandbox_for(config.in_flight.unwrap_or(IN_FLIGHT), config.limits, &specs, config.resolver);
        let component = config.component.unwrap_or_else(hostile);
        let connector = sandbox.load(&component).await.expect("the connector loads");
        Self {
            sandbox,
            connector,
            withdrawn: CancellationToken::new(),
            revocation: Revocation::default(),
            server,
            elsewhere,
            tenant: config.tenant,
            operator: config.operator,
            one_owner: config.one_owner,
            sends: AtomicUsize::new(0),
        }
    }

    /// Sends with the hostile guest.
    pub async fn send(&self, behaviour: Behaviour, aim: &str) -> SendResult {
        self.send_with(json!({"behaviour": behaviour.name(), "aim": aim}), text()).await
    }

    /// Sends with the hostile guest, as long as the message may leave.
    pub async fn send_until(&self, behaviour: Behaviour, revocation: Revocation) -> SendResult {
        let request = self.request(json!({"behaviour": behaviour.name(), "aim": ""}), text());
        self.sandbox.send(&self.connector, SendRequest { revocation: Some(revocation), ..request }).await
    }

    /// Sends with the hostile guest, for this owner.
    pub async fn send_as(&self, owner: &str, behaviour: Behaviour) -> SendResult {
        let request = self.request(json!({"behaviour": behaviour.name(), "aim": ""}), text());
        self.sandbox.send(&self.connector, SendRequest { owner: owner.to_owned(), ..request }).await
    }

    /// Sends with the hostile guest, as a given attempt.
    pub async fn send_attempt(&self, behaviour: Behaviour, attempt: Attempt) -> SendResult {
        let request = self.request(json!({"behaviour": behaviour.name(), "aim": ""}), text());
        let message = Message { attempt, ..request.message };
        self.sandbox.send(&self.connector, SendRequest { message, ..request }).await
    }

    /// Sends with other parameters or another content.
    pub async fn send_with(&self, parameters: Value, content: Content) -> SendResult {
        self.run(parameters, content, None).await
    }

    /// Sends, or dry-runs. The secrets are filled in.
    pub async fn run(&self, parameters: Value, content: Content, dry_run: Option<DryRun>) -> SendResult {
        let request = self.request(parameters, content);
        self.sandbox.send(&self.connector, SendRequest { dry_run, ..request }).await
    }

    /// Sends with a version whose shapes may be pinned.
    pub async fn run_pinned(
        &self,
        parameters: Value,
        content: Content,
        pinned: Option<Arc<PinnedShapes>>,
    ) -> SendResult {
        let request = self.request(parameters, content);
        self.sandbox.send(&self.connector, SendRequest { pinned, ..request }).await
    }

    fn request(&self, mut parameters: Value, content: Content) -> SendRequest {
        if self.connector.metadata().id == "hostile" {
            parameters["token"] = TOKEN.into();
            parameters["signer"] = SIGNER.into();
        }
        let parameters = self.connector.parameters(&parameters).expect("the parameters fit");
        let grant = self.connector.grant(&parameters, &self.operator, &self.tenant).expect("the reach resolves");
        let number = if self.one_owner { 0 } else { self.sends.fetch_add(1, Ordering::Relaxed) };
        SendRequest {
            owner: format!("tenant-{number}"),
            parameters: Arc::new(parameters),
            grant: Arc::new(grant),
            message: message(content),
            pinned: None,
            dry_run: None,
            withdrawn: Some(self.withdrawn.clone()),
            revocation: Some(self.revocation.clone()),
        }
    }

    /// Asserts that the next send on the same sandbox works, and that exactly its request arrives.
    pub async fn expect_next_send_works(&self, after: &str) {
        self.server.play(Script::good());
        let before = self.server.seen().len();
        let report = self.send(Behaviour::Honest, "").await;
        let Outcome::Accepted(_) = report.outcome else { panic!("after {after}: {:?}", report.outcome) };
        assert_eq!(self.server.seen().len(), before + 1, "after {after}");
    }

    /// Asserts that the servers received nothing but `requests` requests at the right one.
    pub fn expect_seen(&self, requests: usize, what: &str) {
        assert_eq!(self.server.seen().len(), requests, "{what}: requests at the provider");
        assert_eq!(self.elsewhere.connections(), 0, "{what}: connections elsewhere");
    }
}

/// The maximum number of concurrent calls, unless a test sets another one.
const IN_FLIGHT: u32 = 4;

/// A sandbox that reaches only the hosts in `connect_to`.
pub fn sandbox(limits: Limits, connect_to: &[String], resolver: Option<Arc<dyn Resolve>>) -> Sandbox {
    sandbox_for(IN_FLIGHT, limits, connect_to, resolver)
}

fn sandbox_for(in_flight: u32, limits: Limits, connect_to: &[String], resolver: Option<Arc<dyn Resolve>>) -> Sandbox {
    Sandbox::new(SandboxConfig {
        limits,
        in_flight,
        addresses: addresses(connect_to),
        extra_authorities: vec![authority().der()],
        resolver: Some(resolver.unwrap_or_else(|| Arc::new(NoNames))),
        ..SandboxConfig::default()
    })
    .expect("the sandbox starts")
}

/// The default address policy with `--connect-to` overrides.
pub fn addresses(connect_to: impl IntoIterator<Item: AsRef<str>>) -> AddressPolicy {
    connect_to
        .into_iter()
        .fold(AddressPolicy::default(), |addresses, spec| addresses.with_connect_to(spec.as_ref()).unwrap())
}

/// The error for a `component` that does not load in a sandbox with these limits.
pub async fn refusal(component: &[u8], limits: Limits) -> LoadError {
    match sandbox(limits, &[], None).load(component).await {
        Ok(_) => panic!("it loaded"),
        Err(error) => error,
    }
}

/// Resolves no name, so that no test queries a name server.
#[derive(Debug)]
pub struct NoNames;

impl Resolve for NoNames {
    fn resolve<'a>(&'a self, host: &'a str) -> sendbox_sandbox::Answers<'a> {
        let error = sendbox_sandbox::ResolveError { host: host.to_owned(), reason: "no such name".into() };
        Box::pin(async move { Err(error) })
    }
}

/// The canonical text.
pub fn text() -> Content {
    Content::Text { text: TEXT.to_owned().into(), encoding: TextEncoding::Gsm7, segments: 1, units: 47 }
}

/// The code as the only variable.
pub fn variables() -> Content {
    Content::Variables(vec![Variable { name: "code".into(), value: CODE.to_owned().into() }])
}

/// The canonical message.
pub fn message(content: Content) -> Message {
    Message {
        recipient: Recipient {
            e164: E164.to_owned().into(),
            national: NATIONAL.to_owned().into(),
            country: Some("DK".into()),
            calling_code: "45".into(),
        },
        usage: Usage::SignIn,
        locale: Some("da".into()),
        content,
        code: Some(CODE.to_owned().into()),
        lifetime_seconds: 600,
        client_ip: Some("192.0.2.77".to_owned().into()),
        idempotency_key: "one-of-a-kind".into(),
        attempt: Attempt::first().unwrap(),
    }
}

/// The receipt. Fails unless the message was accepted.
pub fn expect_accepted(what: &str, report: SendResult) -> Receipt {
    match report.outcome {
        Outcome::Accepted(receipt) => receipt,
        other => panic!("{what}: {other:?}"),
    }
}

/// The failure. Fails unless it has this class and says this about sent bytes.
pub fn expect_failure(what: &str, report: SendResult, class: FailureClass, sent: RequestSent) -> Failure {
    let Outcome::Failed(failure) = report.outcome else { panic!("{what}: {:?}", report.outcome) };
    assert_eq!((failure.class, failure.request_sent), (class, sent), "{what}: {failure:?}");
    failure
}
