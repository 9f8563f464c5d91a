//! `sendbox serve`: the service, until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use axum::Router;
use clap::Args;
use sendbox_server::{Listener, ServeError};
use sendbox_service::{PublicUrl, Service};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing_subscriber::EnvFilter;
use zeroize::Zeroizing;

use crate::development::Development;
use crate::exit::{Blame as _, Exit, Stop};
use crate::hard_stop;
use crate::house::{self, House, Settings};
use crate::render;
use crate::runner;

/// How long what is under way may take to end after SIGTERM. What is left of [`hard_stop::WITHIN`] is for closing.
pub const GRACE: Duration = Duration::from_secs(17);

/// Run the service: REST API, connections, codes, limits.
///
/// One process and one folder are all it needs. Keys that are not given are made once and kept in the folder, in files
/// that only you can read.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sendbox serve --data /var/lib/sendbox
  sendbox serve --data /var/lib/sendbox --listen 0.0.0.0:8080 --platform-key-file /run/secrets/platform
  sendbox serve --data /var/lib/sendbox --database-url postgres://sendbox@db/sendbox

In front of it, put something that ends TLS. SIGTERM takes nothing new, ends what is under way, and exits with 0; after 19 s it
exits in any case.")]
pub struct ServeArgs {
    /// The folder for the database, keys that are made here, and compiled connectors.
    #[arg(long, value_name = "DIR", default_value = "sendbox-data", env = "SENDBOX_DATA")]
    data: PathBuf,

    /// Where to listen.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", env = "SENDBOX_LISTEN")]
    listen: SocketAddr,

    /// The platform key, at least 32 characters [default: platform.key in the folder, made when missing].
    #[arg(long, value_name = "FILE")]
    platform_key_file: Option<PathBuf>,

    /// The master keys that seal secrets, base64, one on a line, the current one first [default: master.keys in the folder,
    /// made with a new database].
    #[arg(long, value_name = "FILE")]
    master_key_file: Option<PathBuf>,

    /// PostgreSQL instead of the file in the folder; several processes may share it.
    #[arg(long, value_name = "URL", env = "SENDBOX_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,

    /// Where providers reach this service, like https://sms.example.com: connections then have an address for delivery reports.
    #[arg(long, value_name = "URL", env = "SENDBOX_PUBLIC_URL")]
    public_url: Option<PublicUrl>,

    /// Settings, as TOML: `in_flight`, `retention_days`, `[operator]`, `[limits]`, `[compile]`.
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,

    #[command(flatten)]
    development: Development,
}

/// Runs the command.
pub async fn run(args: &ServeArgs) -> Result<Exit, Stop> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    log();
    let started = Arc::new(OnceLock::<Service>::new());
    let seen = Arc::clone(&started);
    hard_stop::arm(move || match seen.get() {
        Some(service) => format!("{} tasks of the service", service.tasks_left()),
        None => "the start".to_owned(),
    })?;
    let mut stop = Box::pin(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: nothing new is taken, what is under way ends");
    });
    let opened = args.development.open()?;
    args.development.warn(&opened);
    let settings = match &args.config {
        Some(path) => {
            let bytes = runner::read(path)?;
            let text =
                std::str::from_utf8(&bytes).map_err(|_| Stop::usage(anyhow!("{} is no text", path.display())))?;
            toml::from_str(text).with_context(|| format!("{} is not what is wanted", path.display())).blame_input()?
        }
        None => Settings::default(),
    };
    if let Some(url) = &args.database_url
        && !url.starts_with("postgres://")
        && !url.starts_with("postgresql://")
    {
        return Err(Stop::usage(anyhow!("--database-url must begin with postgres://; without it a file is used")));
    }
    let secret = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty()).map(Zeroizing::new);
    let house = House {
        data: args.data.clone(),
        database_url: args.database_url.clone(),
        platform_key: if args.platform_key_file.is_some() { None } else { secret("SENDBOX_PLATFORM_KEY") },
        platform_key_file: args.platform_key_file.clone(),
        master_keys: if args.master_key_file.is_some() { None } else { secret("SENDBOX_MASTER_KEYS") },
        master_key_file: args.master_key_file.clone(),
        public_url: args.public_url.clone(),
        settings,
    };
    // A taken port is better known before anything is made.
    let listener = sendbox_server::listen(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}", args.listen))
        .blame_input()?;
    let address = listener.local_addr()?;
    let running = tokio::select! {
        biased;
        () = &mut stop => return Ok(Exit::Success),
        running = house.open(opened) => running?,
    };
    started.set(running.service.clone()).ok();
    house::tell(&running);
    render::print(&format!(
        "listening on http://{address}; the console: http://{address}/console/; the API's reference: http://{address}/docs\n"
    ))?;
    sendbox_server::serve(listener, running.service.clone(), stop, GRACE).await.map_err(anyhow::Error::from)?;
    Ok(Exit::Success)
}

/// A service that is served beside other work of this process.
pub struct Beside {
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl Beside {
    /// Serves from now on, with further pages of the command's own beside the service's.
    pub fn serve(listener: Listener, service: Service, pages: Router) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move {
            stopped.await.ok();
        };
        Self {
            stop,
            serving: tokio::spawn(sendbox_server::serve_with_routes(listener, service, pages, stopped, GRACE)),
        }
    }

    /// Stops it in order, and waits for that.
    pub async fn stop(self) -> Result<(), Stop> {
        self.stop.send(()).ok();
        self.serving.await.map_err(anyhow::Error::from)?.map_err(anyhow::Error::from)?;
        Ok(())
    }
}

/// Structured lines on stderr. What they may hold is decided where they are written; statements of the database are not
/// among them.
fn log() {
    let filter = EnvFilter::try_from_env("SENDBOX_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=off"));
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).try_init().ok();
}
