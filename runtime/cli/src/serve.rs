//! `sendbox serve`: runs the service until it is told to stop.

use std::io::IsTerminal as _;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use axum::Router;
use clap::Args;
use ipnet::IpNet;
use sendbox_server::{Listener, Listeners, ServeError, TrustedProxies};
use sendbox_service::{PublicUrl, Service};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing_subscriber::EnvFilter;
use zeroize::Zeroizing;

use crate::development::DevelopmentArgs;
use crate::exit::{CliError, Exit, InputErrorExt as _};
use crate::hard_stop;
use crate::instance::{InstanceConfig, RunningInstance, Settings};
use crate::memory_protection;
use crate::render;
use crate::runner;
use crate::stop_signals::{StopSignal, StopSignals};

/// Time limit for running requests and sends after SIGTERM. The rest of [`hard_stop::WITHIN`] is for closing the database.
pub const GRACE: Duration = Duration::from_secs(17);
/// How long requests are accepted after SIGTERM, in seconds. A send takes at most 15 s, so that one that begins last ends in time.
const DRAIN_DELAY: u64 = 2;
/// The longest delay that can be set: it leaves time for the sends of most providers.
const MAX_DRAIN_DELAY: u64 = 10;

/// Run the service: REST API, console and delivery.
///
/// The service is one process and needs only a data folder. Keys that you do not pass are generated on the first start, and
/// kept in the folder in files that only you can read.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sendbox serve --data /var/lib/sendbox
  sendbox serve --data /var/lib/sendbox --listen 0.0.0.0:8080 --platform-key-file /run/secrets/platform
  sendbox serve --data /var/lib/sendbox --database-url postgres://sendbox@db/sendbox
  sendbox serve --listen 0.0.0.0:8080 --health-listen 0.0.0.0:8081 --trusted-proxies 10.0.0.0/8

Put a TLS proxy in front of it. On SIGTERM `/readyz` responds with 503; after `--drain-delay` the
service accepts no new requests, finishes running ones, and exits with 0; the same when its
terminal is closed (SIGHUP). On SIGINT (Ctrl-C) it does so without the delay. After 19 s it exits
in any case.")]
pub struct ServeArgs {
    /// The data folder: database, generated keys and compiled connectors.
    #[arg(long, value_name = "DIR", default_value = "sendbox-data", env = "SENDBOX_DATA")]
    data: PathBuf,

    /// The address to listen on, like `localhost:8080` or `0.0.0.0:8080`.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", env = "SENDBOX_LISTEN", value_parser = address)]
    listen: SocketAddr,

    /// A second address, which answers only `/healthz` and `/readyz`, also while the first one has no connection left.
    #[arg(long, value_name = "ADDR", env = "SENDBOX_HEALTH_LISTEN", value_parser = address)]
    health_listen: Option<SocketAddr>,

    /// The proxies in front of the service besides those on this machine, as addresses or networks: their `X-Forwarded-For` is believed,
    /// and limits apply to the clients that it names.
    #[arg(long, value_name = "NETWORK", env = "SENDBOX_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    trusted_proxies: Vec<IpNet>,

    /// A file with the platform key, at least 32 characters [default: platform.key in the data folder, generated if missing].
    #[arg(long, value_name = "FILE")]
    platform_key_file: Option<PathBuf>,

    /// A file with the master keys that seal secrets: base64, one per line, the current one first [default: master.keys in the
    /// data folder, generated with a new database].
    #[arg(long, value_name = "FILE")]
    master_key_file: Option<PathBuf>,

    /// A PostgreSQL database, which several processes may share [default: a file in the data folder].
    #[arg(long, value_name = "URL", env = "SENDBOX_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,

    /// The public URL of this service, like https://sms.example.com. Providers send delivery reports there.
    #[arg(long, value_name = "URL", env = "SENDBOX_PUBLIC_URL")]
    public_url: Option<PublicUrl>,

    /// The URL at which identity platforms reach this service, for the addresses of ingresses [default: --public-url].
    #[arg(long, value_name = "URL", env = "SENDBOX_INGRESS_URL")]
    ingress_url: Option<PublicUrl>,

    /// Settings, as TOML: `in_flight`, `retention_days`, `audit_retention_days`, `[requests]`, `[operator]`, `[limits]`, `[compile]`.
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,

    /// Seconds for which requests are still accepted after SIGTERM, so that a load balancer notices that the service is not ready,
    /// at most 10 [default: 2, and 0 with development flags].
    #[arg(long, value_name = "SECONDS", env = "SENDBOX_DRAIN_DELAY",
        value_parser = clap::value_parser!(u64).range(..=MAX_DRAIN_DELAY))]
    drain_delay: Option<u64>,

    #[command(flatten)]
    development: DevelopmentArgs,
}

impl ServeArgs {
    fn drain_delay(&self) -> Duration {
        let default = if self.development.is_used() { 0 } else { DRAIN_DELAY };
        Duration::from_secs(self.drain_delay.unwrap_or(default))
    }
}

/// Runs the command.
pub async fn run(args: &ServeArgs) -> Result<Exit, CliError> {
    let mut signals = StopSignals::new()?;
    log();
    memory_protection::forbid_core_dumps()?;
    // Holds the lock on the data folder until the process ends.
    let started = Arc::new(OnceLock::<RunningInstance>::new());
    let instance = Arc::clone(&started);
    hard_stop::arm(move || match instance.get() {
        Some(instance) => format!("{} tasks of the service", instance.service.running_tasks()),
        None => "the start".to_owned(),
    })?;
    let drain_delay = args.drain_delay();
    let stop = async move {
        let drain = match signals.recv().await {
            StopSignal::Terminate => drain_delay,
            StopSignal::Interrupt => Duration::ZERO,
        };
        let seconds = drain.as_secs();
        tracing::info!(seconds, "stopping: new requests are refused after this time, running ones are finished");
        drain
    };
    let overrides = args.development.open()?;
    args.development.warn(&overrides);
    let settings = match &args.config {
        Some(path) => {
            let bytes = runner::read(path)?;
            let text =
                std::str::from_utf8(&bytes).map_err(|_| CliError::usage(anyhow!("{} is not UTF-8", path.display())))?;
            toml::from_str(text).with_context(|| format!("{} is invalid", path.display())).into_input_error()?
        }
        None => Settings::default(),
    };
    if let Some(url) = &args.database_url
        && !url.starts_with("postgres://")
        && !url.starts_with("postgresql://")
    {
        return Err(CliError::usage(anyhow!(
            "--database-url must begin with postgres://; omit it to use a file in the data folder"
        )));
    }
    let secret = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty()).map(Zeroizing::new);
    let config = InstanceConfig {
        data: args.data.clone(),
        database_url: args.database_url.clone(),
        platform_key: if args.platform_key_file.is_some() { None } else { secret("SENDBOX_PLATFORM_KEY") },
        platform_key_file: args.platform_key_file.clone(),
        master_keys: if args.master_key_file.is_some() { None } else { secret("SENDBOX_MASTER_KEYS") },
        master_key_file: args.master_key_file.clone(),
        public_url: args.public_url.clone(),
        ingress_url: args.ingress_url.clone(),
        settings,
    };
    // Before anything is written: the port may be in use.
    let listener = listen(args.listen).await?;
    let address = listener.local_addr()?;
    let health = match args.health_listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let health_address = health.as_ref().map(Listener::local_addr).transpose()?;
    let listeners = Listeners { api: listener, health, proxies: TrustedProxies::new(args.trusted_proxies.clone()) };
    let start = async move {
        let running = config.start(overrides).await?;
        let service = running.service.clone();
        // The pool of instances has opened what it reads of this process.
        memory_protection::forbid_attaching()?;
        running.print_notes();
        started.set(running).ok();
        if let Some(address) = health_address {
            render::print(&format!("health checks on http://{address}/healthz and http://{address}/readyz\n"))?;
        }
        render::print(&format!(
            "listening on http://{address}; console: http://{address}/console/; API reference: http://{address}/docs\n"
        ))?;
        Ok::<_, CliError>(service)
    };
    sendbox_server::serve_from_start(listeners, start, stop, GRACE).await?;
    Ok(Exit::Success)
}

async fn listen(address: SocketAddr) -> Result<Listener, CliError> {
    sendbox_server::listen(address).await.with_context(|| format!("cannot listen on {address}")).into_input_error()
}

/// An address to listen on. Of the addresses of a name, the first one.
fn address(text: &str) -> Result<SocketAddr, String> {
    let known = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    known.ok_or_else(|| "give an address and a port, like 127.0.0.1:8080 or localhost:8080".to_owned())
}

/// A network like `10.0.0.0/8`, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| "give an address, or a network like 10.0.0.0/8".to_owned())
}

impl From<ServeError> for CliError {
    fn from(error: ServeError) -> Self {
        anyhow::Error::from(error).into()
    }
}

/// A server that runs in the background of a command.
pub struct BackgroundServer {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
}

impl BackgroundServer {
    /// Starts the server. `pages` are the command's own routes beside those of the service.
    pub fn start(listener: Listener, service: Service, pages: Router) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move {
            stopped.await.ok();
            Duration::ZERO
        };
        Self { stop, task: tokio::spawn(sendbox_server::serve_with_routes(listener, service, pages, stopped, GRACE)) }
    }

    /// Stops the server gracefully, and waits for its end.
    pub async fn stop(self) -> Result<(), CliError> {
        self.stop.send(()).ok();
        self.task.await.map_err(anyhow::Error::from)?.map_err(anyhow::Error::from)?;
        Ok(())
    }
}

/// Logs to stderr: readable lines on a terminal, and JSON elsewhere. SQL statements are left out: they could contain personal data.
fn log() {
    let filter = EnvFilter::try_from_env("SENDBOX_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=off"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if std::io::stderr().is_terminal() { log.compact().try_init() } else { log.json().try_init() };
    started.ok();
}
