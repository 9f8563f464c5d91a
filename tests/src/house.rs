//! A whole service in this process: a store, the sandbox, a simulated provider, and a clock that stands until it is turned.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sendbox_domain::model::{
    Activation, ConnectionInput, Environment, LimitPolicy, Mode, NewMessage, NewTenant, NewVerification, Policy,
    Sensitive, Timestamp,
};
use sendbox_sandbox::policy::{AddressPolicy, Limits, OperatorPolicy};
use sendbox_sandbox::{Sandbox, SandboxConfig, Usage};
use sendbox_service::clock::{Clock, ManualClock};
use sendbox_service::vault::MasterKeys;
use sendbox_service::{BuiltIn, Caller, Error, PublicUrl, Service, ServiceConfig};
use sendbox_simulator::{Simulator, SimulatorConfig};
use sendbox_store::Store;
use serde_json::{Value, json};

use crate::database::Database;
use crate::lab::NoNames;
use crate::stage::connection;

/// The tenant that a house is furnished with.
pub const TENANT: &str = "acme";
/// The platform key of a house.
pub const PLATFORM_KEY: &str = "the-platform-key-of-a-test-house-000";
/// Where providers reach a house.
pub const PUBLIC_URL: &str = "https://sms.acme.example";
/// When its clock stands at first: 2026-11-23T20:00:00Z.
pub const START: Timestamp = Timestamp(1_795_464_000_000);

/// A running service and all that it needs.
pub struct House {
    /// The providers.
    pub simulator: Simulator,
    /// The service.
    pub service: Service,
    /// What it takes for the time.
    pub clock: Arc<ManualClock>,
    /// Its store, to look at.
    pub store: Store,
    /// Its database.
    pub url: String,
    master_keys: String,
    own: Option<Database>,
}

impl House {
    /// On a database, without tenants.
    pub async fn bare(database: &Database) -> Self {
        Self::at(database.url()).await
    }

    /// With a development tenant whose Twilio connection is active, and limits that do not stand in the way.
    pub async fn furnished(database: &Database) -> Self {
        let house = Self::bare(database).await;
        house.furnish(TENANT, Environment::Development).await;
        house
    }

    /// On a file of its own, which goes with it, without tenants.
    pub async fn bare_alone() -> Self {
        let database = Database::sqlite();
        let house = Self::bare(&database).await;
        Self { own: Some(database), ..house }
    }

    /// On a file of its own, which goes with it, furnished.
    pub async fn furnished_alone() -> Self {
        let house = Self::bare_alone().await;
        house.furnish(TENANT, Environment::Development).await;
        house
    }

    /// On a database by its URL.
    pub async fn at(url: &str) -> Self {
        Self::with(url, SimulatorConfig::default()).await
    }

    /// The same, with providers of another kind.
    pub async fn with(url: &str, config: SimulatorConfig) -> Self {
        let url = url.to_owned();
        rustls::crypto::ring::default_provider().install_default().ok();
        let simulator = Simulator::start(config).await.unwrap();
        let master_keys = MasterKeys::generate().unwrap().to_string();
        let clock = Arc::new(ManualClock::at(START));
        let sole = url.starts_with("sqlite");
        let (service, store) = start(&simulator, &url, &master_keys, Arc::clone(&clock), sole).await;
        Self { simulator, service, clock, store, url, master_keys, own: None }
    }

    /// Stops the service and starts another on the same database, as after a restart.
    pub async fn restart(self) -> Self {
        self.service.stop(std::time::Duration::from_secs(20)).await;
        let Self { simulator, clock, url, master_keys, own, .. } = self;
        let sole = url.starts_with("sqlite");
        let (service, store) = start(&simulator, &url, &master_keys, Arc::clone(&clock), sole).await;
        Self { simulator, service, clock, store, url, master_keys, own }
    }

    /// What time it is in the house.
    pub fn now(&self) -> Timestamp {
        Clock::now(&*self.clock)
    }

    /// Another process on the same database, as far as one can be had in this one: it shares the keys, the provider and the
    /// time.
    pub async fn another(&self) -> Service {
        start(&self.simulator, &self.url, &self.master_keys, Arc::clone(&self.clock), false).await.0
    }

    /// A tenant that is ready to send.
    pub async fn furnish(&self, tenant: &str, environment: Environment) {
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

    /// The code of the last message to a number, as the phone shows it.
    pub fn code_on_phone(&self, number: &str) -> String {
        let digits = number.trim_start_matches('+');
        let inbox = self.simulator.inbox();
        let message = inbox.iter().rev().find(|message| message.to.ends_with(digits)).expect("a message arrived");
        let text = message.text.as_deref().expect("it has a text");
        text.chars().take_while(char::is_ascii_digit).collect()
    }

    /// How many messages a number has got.
    pub fn arrived(&self, number: &str) -> usize {
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
        self.service.check_verification(&Caller::Platform, TENANT, id, check).await
    }
}

async fn start(
    simulator: &Simulator,
    url: &str,
    master_keys: &str,
    clock: Arc<ManualClock>,
    sole: bool,
) -> (Service, Store) {
    let mut addresses = AddressPolicy::default();
    for spec in simulator.connect_to() {
        addresses = addresses.with_connect_to(&spec).unwrap();
    }
    let authority = CertificateDer::from_pem_slice(simulator.ca_pem().as_bytes()).unwrap();
    let sandbox = Sandbox::new(SandboxConfig {
        limits: Limits::default(),
        in_flight: 8,
        addresses,
        extra_authorities: vec![authority.to_vec()],
        resolver: Some(Arc::new(NoNames)),
        // One for all tests: what is in it is authenticated, and compiling is what takes long.
        cache: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/compiled-for-tests")),
        ..SandboxConfig::default()
    })
    .unwrap();
    let store = Store::open(url).await.unwrap();
    let connectors = ["twilio", "http", "vonage", "gatewayapi"]
        .map(|id| BuiltIn { id, component: sendbox_catalogue::find(id).unwrap().component });
    let service = Service::start(ServiceConfig {
        store: store.clone(),
        sandbox,
        master_keys: MasterKeys::read(master_keys).unwrap(),
        platform_key: PLATFORM_KEY.to_owned().into(),
        connectors: connectors.to_vec(),
        default_templates: Vec::new(),
        operator: OperatorPolicy::default(),
        clock,
        sole,
        retention_days: 30,
        public_url: Some(PublicUrl::parse(PUBLIC_URL).unwrap()),
    })
    .await
    .unwrap();
    (service, store)
}

/// Templates for all that is mandatory. The code stands first, so that a phone's reader finds it.
pub fn templates() -> Value {
    json!(
        ["register", "sign-in", "forgot-password", "generic"]
            .map(|usage| json!({ "usage": usage, "content": "{{code}} is your code." }))
    )
}

/// A connection to the simulator's Twilio account.
pub fn twilio() -> ConnectionInput {
    let (parameters, _) = connection("twilio");
    let Value::Object(parameters) = parameters else { panic!("parameters are an object") };
    ConnectionInput { connector: "twilio".to_owned(), parameters, templates: templates() }
}

/// Limits as wide as they may be.
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
        code: Sensitive::from(code),
        locale: None,
        variables: Default::default(),
        client_ip: None,
        lifetime_seconds: None,
        mode: Mode::Sync,
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
        mode: Mode::Sync,
    }
}
