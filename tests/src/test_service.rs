//! A complete service in this process: a store, the sandbox, the simulator, and a manual clock.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sendbox_domain::model::{
    Activation, ConnectionInput, ConnectionTest, Environment, LimitPolicy, Message, Mode, NewMessage, NewTenant,
    NewVerification, Policy, Sensitive, Timestamp,
};
use sendbox_domain::rules::request_rate::RequestRates;
use sendbox_domain::rules::retention::Retention;
use sendbox_sandbox::policy::{Limits, OperatorPolicy};
use sendbox_sandbox::{Sandbox, SandboxConfig, Usage};
use sendbox_service::clock::{Clock, ManualClock};
use sendbox_service::vault::MasterKeys;
use sendbox_service::{BuiltIn, Caller, Error, PublicUrl, Service, ServiceConfig};
use sendbox_simulator::{Simulator, SimulatorConfig};
use sendbox_store::Store;
use serde_json::{Value, json};

use crate::database::Database;
use crate::sandbox_fixture::{NoNames, addresses, authority};
use crate::simulator_setup::connection;

/// The tenant that [`TestService::new`] creates.
pub const TENANT: &str = "acme";
/// The platform key of every test service.
pub const PLATFORM_KEY: &str = "the-platform-key-of-a-test-service";
/// The URL under which providers reach a test service.
pub const PUBLIC_URL: &str = "https://sms.acme.example";
/// The initial time of the clock: 2026-11-23T20:00:00Z.
pub const START: Timestamp = Timestamp(1_795_464_000_000);

/// Rates of requests that no test reaches.
const FAST: RequestRates = RequestRates { key_per_second: 1_000_000, tenant_per_second: 1_000_000 };

/// A running service and its environment.
pub struct TestService {
    /// The providers.
    pub simulator: Simulator,
    /// The service.
    pub service: Service,
    /// The service's clock.
    pub clock: Arc<ManualClock>,
    /// The service's store, to inspect.
    pub store: Store,
    /// The URL of the database.
    pub url: String,
    limits: Limits,
    rates: RequestRates,
    master_keys: String,
    /// Servers beside the simulator, `HOST:PORT=127.0.0.1:PORT`.
    connect_to: Vec<String>,
    /// The database, if it is removed with this.
    own: Option<Database>,
}

impl TestService {
    /// A service on a database, without tenants.
    pub async fn without_tenants(database: &Database) -> Self {
        Self::at(database.url()).await
    }

    /// A service on a database, with a development tenant, [`TENANT`]. See [`TestService::add_tenant`].
    pub async fn new(database: &Database) -> Self {
        let fixture = Self::without_tenants(database).await;
        fixture.add_tenant(TENANT, Environment::Development).await;
        fixture
    }

    /// The same as [`TestService::without_tenants`], on a SQLite database of its own.
    pub async fn standalone_without_tenants() -> Self {
        let database = Database::sqlite();
        let fixture = Self::without_tenants(&database).await;
        Self { own: Some(database), ..fixture }
    }

    /// The same as [`TestService::new`], on a SQLite database of its own.
    pub async fn standalone() -> Self {
        let fixture = Self::standalone_without_tenants().await;
        fixture.add_tenant(TENANT, Environment::Development).await;
        fixture
    }

    /// A service on the database at a URL, without tenants.
    pub async fn at(url: &str) -> Self {
        Self::with_simulator(url, SimulatorConfig::default()).await
    }

    /// The same, with a configured simulator.
    pub async fn with_simulator(url: &str, config: SimulatorConfig) -> Self {
        Self::start(url, config, Limits::default(), FAST).await
    }

    /// The same, with other limits of a send.
    pub async fn with_limits(url: &str, limits: Limits) -> Self {
        Self::start(url, SimulatorConfig::default(), limits, FAST).await
    }

    /// The same as [`TestService::new`], with servers beside the simulator, `HOST:PORT=127.0.0.1:PORT`. Their authority is
    /// [`authority`].
    pub async fn with_servers(database: &Database, connect_to: Vec<String>) -> Self {
        let config = SimulatorConfig::default();
        let fixture = Self::start_with(database.url(), config, Limits::default(), FAST, connect_to).await;
        fixture.add_tenant(TENANT, Environment::Development).await;
        fixture
    }

    /// The same as [`TestService::new`], with limited rates of requests.
    pub async fn with_rates(database: &Database, rates: RequestRates) -> Self {
        let fixture = Self::start(database.url(), SimulatorConfig::default(), Limits::default(), rates).await;
        fixture.add_tenant(TENANT, Environment::Development).await;
        fixture
    }

    async fn start(url: &str, config: SimulatorConfig, limits: Limits, rates: RequestRates) -> Self {
        Self::start_with(url, config, limits, rates, Vec::new()).await
    }

    async fn start_with(
        url: &str,
        config: SimulatorConfig,
        limits: Limits,
        rates: RequestRates,
        connect_to: Vec<String>,
    ) -> Self {
        let url = url.to_owned();
        rustls::crypto::ring::default_provider().install_default().ok();
        let simulator = Simulator::start(config).await.unwrap();
        let master_keys = MasterKeys::generate().unwrap().to_string();
        let clock = Arc::new(ManualClock::at(START));
        let exclusive = url.starts_with("sqlite");
        let (service, store) =
            start((&simulator, &connect_to), &url, &master_keys, (&limits, rates), Arc::clone(&clock), exclusive).await;
        Self { simulator, service, clock, store, url, limits, rates, master_keys, connect_to, own: None }
    }

    /// Stops the service, and starts another one on the same database.
    pub async fn restart(self) -> Self {
        self.service.stop(Duration::from_secs(20)).await;
        let Self { simulator, clock, url, limits, rates, master_keys, connect_to, own, .. } = self;
        let exclusive = url.starts_with("sqlite");
        let (service, store) =
            start((&simulator, &connect_to), &url, &master_keys, (&limits, rates), Arc::clone(&clock), exclusive).await;
        Self { simulator, service, clock, store, url, limits, rates, master_keys, connect_to, own }
    }

    /// The time of the clock.
    pub fn now(&self) -> Timestamp {
        Clock::now(&*self.clock)
    }

    /// A second service on the same database, like another process: it shares the keys, the simulator and the clock.
    pub async fn second_instance(&self) -> Service {
        self.second_instance_with(&self.clock).await
    }

    /// The same, with a clock of its own.
    pub async fn second_instance_with(&self, clock: &Arc<ManualClock>) -> Service {
        let servers = (&self.simulator, self.connect_to.as_slice());
        let limits = (&self.limits, self.rates);
        start(servers, &self.url, &self.master_keys, limits, Arc::clone(clock), false).await.0
    }

    /// Adds a tenant with an active Twilio connection and the widest limits.
    pub async fn add_tenant(&self, tenant: &str, environment: Environment) {
        let admin = &Caller::Platform;
        let new = NewTenant { id: Some(tenant.to_owned()), name: "Acme".to_owned(), environment };
        self.service.create_tenant(admin, new).await.unwrap();
        self.service.save_connection(admin, tenant, "main", twilio()).await.unwrap();
        self.service.activate(admin, tenant, Activation { name: "main".to_owned() }).await.unwrap();
        self.set_policy(tenant, |policy| policy.limits = open_limits()).await;
    }

    /// Changes a tenant's policy.
    pub async fn set_policy(&self, tenant: &str, change: impl FnOnce(&mut Policy)) {
        let mut policy = self.service.policy(&Caller::Platform, tenant).await.unwrap();
        change(&mut policy);
        self.service.set_policy(&Caller::Platform, tenant, policy).await.unwrap();
    }

    /// Lets so much time pass for this service alone that it notices which processes are dead.
    pub async fn notice_the_dead(&self) {
        notice_the_dead(&self.service, &self.clock).await;
    }

    /// Waits until the worker is done with a message of [`TENANT`], without a guess at how long that takes.
    pub async fn until_final(&self, id: &str) -> Message {
        loop {
            // The clock is manual; a retry is due a little later.
            self.clock.advance_millis(100);
            let message = self.service.message(&Caller::Platform, TENANT, id).await.unwrap();
            if message.status.is_final() {
                return message;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The code in the last message to a number.
    pub fn received_code(&self, number: &str) -> String {
        let digits = number.trim_start_matches('+');
        let inbox = self.simulator.inbox();
        let message = inbox.iter().rev().find(|message| message.to.ends_with(digits)).expect("a message arrived");
        let text = message.text.as_deref().expect("it has a text");
        text.chars().take_while(char::is_ascii_digit).collect()
    }

    /// The number of messages that a number has received.
    pub fn received_count(&self, number: &str) -> usize {
        let digits = number.trim_start_matches('+');
        self.simulator.inbox().iter().filter(|message| message.to.ends_with(digits)).count()
    }

    /// Starts a verification for sign-in.
    pub async fn start_verification(&self, number: &str) -> Result<sendbox_domain::model::Verification, Error> {
        self.service.start_verification(&Caller::Platform, TENANT, verification(number), None).await
    }

    /// Checks a code.
    pub async fn check(&self, id: &str, code: &str) -> Result<sendbox_domain::model::Verification, Error> {
        let check = sendbox_domain::model::Check { code: Sensitive::from(code) };
        self.service.check_verification(&Caller::Platform, TENANT, id, check, None).await
    }
}

/// Lets so much time pass for a service alone that it notices which processes are dead.
pub async fn notice_the_dead(service: &Service, clock: &ManualClock) {
    // More than it takes: time that passes during a heartbeat of the service's own task does not count.
    for _ in 0..20 {
        clock.advance_monotonic(Duration::from_secs(1));
        service.heartbeat().await.unwrap();
    }
}

async fn start(
    (simulator, connect_to): (&Simulator, &[String]),
    url: &str,
    master_keys: &str,
    (limits, rates): (&Limits, RequestRates),
    clock: Arc<ManualClock>,
    exclusive: bool,
) -> (Service, Store) {
    let mut authorities = vec![CertificateDer::from_pem_slice(simulator.ca_pem().as_bytes()).unwrap().to_vec()];
    if !connect_to.is_empty() {
        authorities.push(authority().der());
    }
    let connect_to: Vec<String> = simulator.connect_to().into_iter().chain(connect_to.iter().cloned()).collect();
    let sandbox = Sandbox::new(SandboxConfig {
        limits: limits.clone(),
        in_flight: 8,
        addresses: addresses(connect_to),
        extra_authorities: authorities,
        resolver: Some(Arc::new(NoNames)),
        // One for all tests: compiling takes long, and the cache authenticates its entries.
        cache: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/compiled-for-tests")),
        ..SandboxConfig::default()
    })
    .unwrap();
    let store = Store::open(url).await.unwrap();
    let connectors = ["twilio", "http", "vonage", "gatewayapi"]
        .map(|id| BuiltIn { id, component: sendbox_catalogue::find(id).unwrap().component });
    let service = Service::start(ServiceConfig {
        store: store.clone(),
        sandbox: Arc::new(sandbox),
        calls: None,
        master_keys: MasterKeys::parse(master_keys).unwrap(),
        platform_key: PLATFORM_KEY.to_owned().into(),
        connectors: connectors.to_vec(),
        default_templates: Vec::new(),
        operator: OperatorPolicy::default(),
        clock,
        exclusive,
        retention: Retention::default(),
        public_url: Some(PublicUrl::parse(PUBLIC_URL).unwrap()),
        ingress_url: None,
        request_rates: rates,
    })
    .await
    .unwrap();
    (service, store)
}

/// Templates for all mandatory usages. The code comes first, where [`TestService::received_code`] reads it.
pub fn templates() -> Value {
    json!(
        ["register", "sign-in", "forgot-password", "generic"]
            .map(|usage| json!({ "usage": usage, "content": "{{code}} is your code." }))
    )
}

/// A test of the connection `main` with a message to a number.
pub fn test_of_main(number: &str) -> ConnectionTest {
    ConnectionTest {
        connection: Some("main".to_owned()),
        connector: None,
        version: None,
        parameters: None,
        templates: None,
        to: Sensitive::from(number),
        usage: None,
        locale: None,
        dry_run: false,
    }
}

/// A connection to the simulator's Twilio account.
pub fn twilio() -> ConnectionInput {
    let (parameters, _) = connection("twilio");
    let Value::Object(parameters) = parameters else { panic!("parameters are an object") };
    ConnectionInput { connector: "twilio".to_owned(), parameters, templates: templates(), rotate_callback_url: false }
}

/// The host of [`twilio`].
pub const TWILIO_HOST: &str = "api.twilio.com";

/// The same account, over another host.
pub fn twilio_in_dublin() -> ConnectionInput {
    let mut input = twilio();
    input.parameters.insert("edge".to_owned(), "dublin".into());
    input.parameters.insert("region".to_owned(), "ie1".into());
    input
}

/// The widest limits.
pub fn open_limits() -> LimitPolicy {
    LimitPolicy {
        number_per_hour: 100,
        number_per_day: 1000,
        prefix_per_hour: 1_000_000,
        ip_per_hour: 1_000_000,
        connection_per_minute: 1_000_000,
        tenant_per_minute: 1_000_000,
        tenant_per_day: 100_000_000,
        cooldown_seconds: 0,
    }
}

/// A message for sign-in.
pub fn message(number: &str, code: &str) -> NewMessage {
    NewMessage {
        to: Sensitive::from(number),
        usage: Usage::SignIn,
        code: Some(Sensitive::from(code)),
        text: None,
        locale: None,
        variables: Default::default(),
        client_ip: None,
        lifetime_seconds: None,
        reference: None,
        metadata: Default::default(),
        mode: Mode::Sync,
        wait_ms: None,
    }
}

/// A verification for sign-in.
pub fn verification(number: &str) -> NewVerification {
    NewVerification {
        to: Sensitive::from(number),
        usage: Usage::SignIn,
        locale: None,
        client_ip: None,
        variables: Default::default(),
        reference: None,
        metadata: Default::default(),
        mode: Mode::Sync,
    }
}
