//! A deterministic simulation of the path of a message: the real rules, the real operations and a real SQLite file, with a simulated
//! clock, network and provider, and faults at every step. Everything runs in one thread, and one generator of random numbers decides
//! every interleaving and every fault, so a run follows from its seed.
//!
//! - `run_state.rs`: what all parts share. `process.rs`: a service with a runtime of its own; two or three of them may share the file.
//! - `scheduler.rs`: what happens next. `client.rs`: requests and responses. `provider.rs`: what takes the sandbox's place.
//! - `faults.rs`: the faults, and how often each has happened. `invariants.rs`: what must hold.
//!
//! A process is a runtime whose tasks run until all of them wait. They wait for the writer of the store, for a statement of a
//! transaction or of a read, for a timer, or for the provider; the scheduler chooses which of these goes on. A crash drops the runtime
//! and the connections.
//!
//! Guarantees: no other thread takes part, nothing depends on the time of this machine, and a seed gives the same history each time.
//!
//! Not covered: PostgreSQL, whose transactions run at the same time, and versions of connectors that are uploaded.

mod client;
mod faults;
mod invariants;
mod process;
mod provider;
mod run_state;
mod scheduler;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use sendbox_domain::model::{Activation, Environment, InDoubt, NewTenant, SpendPolicy};
use sendbox_sandbox::{Connector, Sandbox, SandboxConfig};
use sendbox_service::vault::{MasterKeys, seed_random_bytes};
use sendbox_service::{Caller, Service};
use sendbox_store::Store;
use tempfile::TempDir;

pub use self::faults::{Fault, Tally};
use self::scheduler::Run;
use crate::test_service::{PUBLIC_URL, open_limits, twilio};

/// Messages to one number in an hour, in the policy of both tenants. A run takes less than an hour.
const NUMBER_PER_HOUR: u32 = 3;
/// The price of a message.
const PRICE: u64 = 100;
/// What messages may cost.
const CAP: u64 = 7 * PRICE;
/// How often a code may be checked.
const MAX_TRIES: u32 = 2;
/// The tenants: one prefers silence when a message is in doubt, the other one delivery.
const TENANTS: [&str; 2] = ["quiet", "eager"];

/// What all runs begin with.
pub struct Simulation {
    shelf: Shelf,
}

/// A database with both tenants, and a loaded connector.
struct Shelf {
    sandbox: Arc<Sandbox>,
    connector: Connector,
    component: &'static [u8],
    master_keys: String,
    /// The file of the database.
    template: Vec<u8>,
    /// The paths of the callback URLs, by tenant and connection.
    callbacks: Vec<((&'static str, &'static str), String)>,
    folder: TempDir,
}

/// A run that did not keep a promise.
pub struct Finding {
    /// The seed of the run.
    pub seed: u64,
    /// What did not hold.
    pub violated: String,
    /// What happened, in order.
    pub history: Vec<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.history {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "\nseed {}: {}", self.seed, self.violated)?;
        write!(f, "replay: cargo run -p sendbox-tests --example simulation -- --seed {}", self.seed)
    }
}

/// A run that kept all promises.
pub struct Passed {
    pub tally: Tally,
    /// What happened, in order.
    pub history: Vec<String>,
}

impl Simulation {
    /// Loads a connector, and prepares the database that every run copies.
    pub fn prepare() -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        // In memory, where there is such a file system.
        let folder = match Path::new("/dev/shm") {
            memory if memory.is_dir() => TempDir::new_in(memory),
            _ => TempDir::new(),
        };
        let folder = folder.expect("a folder");
        let file = folder.path().join("template.db");
        let component = sendbox_catalogue::find("twilio").expect("a built-in connector").component;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (sandbox, connector) = runtime.block_on(async {
            let sandbox = Sandbox::new(SandboxConfig {
                in_flight: 8,
                cache: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/compiled-for-tests")),
                ..SandboxConfig::default()
            })
            .expect("a sandbox");
            let connector = sandbox.load(component).await.expect("a connector");
            let store = Store::open(&format!("sqlite://{}", file.display())).await.expect("a database");
            store.close().await;
            (Arc::new(sandbox), connector)
        });
        seed_random_bytes(Some(0));
        let master_keys = MasterKeys::generate().expect("random bytes").to_string();
        let mut shelf =
            Shelf { sandbox, connector, component, master_keys, template: Vec::new(), callbacks: Vec::new(), folder };
        let callbacks = Arc::new(Mutex::new(Vec::new()));
        let made = Arc::clone(&callbacks);
        Run::set_up(&shelf, &file, move |service| async move {
            for tenant in TENANTS {
                let paths = create_tenant(&service, tenant).await;
                made.lock().expect("not poisoned").extend(paths);
            }
        });
        seed_random_bytes(None);
        shelf.callbacks = std::mem::take(&mut *callbacks.lock().expect("not poisoned"));
        shelf.template = std::fs::read(&file).expect("the database");
        Self { shelf }
    }

    /// Runs one seed.
    ///
    /// # Errors
    /// [`Finding`] when a promise was not kept.
    pub fn run(&self, seed: u64) -> Result<Passed, Box<Finding>> {
        let file = self.shelf.folder.path().join(format!("{seed}-{:?}.db", std::thread::current().id()));
        std::fs::write(&file, &self.shelf.template).expect("a copy of the database");
        seed_random_bytes(Some(seed));
        let ended = Run::new(&self.shelf, seed, &file).finish();
        seed_random_bytes(None);
        for suffix in ["", "-wal", "-shm"] {
            let mut path = file.clone().into_os_string();
            path.push(suffix);
            std::fs::remove_file(path).ok();
        }
        ended
    }
}

/// A tenant with two connections, narrow limits, and no pause between messages.
async fn create_tenant(service: &Service, tenant: &'static str) -> Vec<((&'static str, &'static str), String)> {
    let admin = &Caller::Platform;
    let new = NewTenant { id: Some(tenant.to_owned()), name: tenant.to_owned(), environment: Environment::Development };
    service.create_tenant(admin, new).await.expect("a tenant");
    let mut callbacks = Vec::new();
    for name in ["main", "second"] {
        service.save_connection(admin, tenant, name, twilio()).await.expect("a connection");
        let shown = service.connection(admin, tenant, name).await.expect("a connection");
        let url = shown.delivery_reports.callback_url.expect("a URL");
        callbacks.push(((tenant, name), url.strip_prefix(PUBLIC_URL).expect("a path").to_owned()));
    }
    service.activate(admin, tenant, Activation { name: "main".to_owned() }).await.expect("an active connection");
    let mut policy = service.policy(admin, tenant).await.expect("a policy");
    policy.limits = open_limits();
    policy.limits.number_per_hour = NUMBER_PER_HOUR;
    policy.codes.digits = 10;
    policy.codes.lifetime_seconds = 60;
    policy.codes.max_tries = MAX_TRIES;
    policy.spend = Some(SpendPolicy {
        currency: "EUR".to_owned(),
        cap_per_month_micros: CAP,
        price_per_segment_micros: PRICE,
        prices: Default::default(),
    });
    policy.delivery.fallbacks = vec!["second".to_owned()];
    policy.delivery.in_doubt = if tenant == "eager" { InDoubt::PreferDelivery } else { InDoubt::PreferSilence };
    service.set_policy(admin, tenant, policy).await.expect("a policy");
    callbacks
}
