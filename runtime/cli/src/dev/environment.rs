//! The service and the simulated providers in this process, with a development tenant.
//!
//! Guarantees that no byte leaves this machine: host names lead to the simulator, or are not resolved.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use sendbox_sandbox::{Answers, Resolve, ResolveError};
use sendbox_service::model::{Environment, LimitPolicy, NewTenant};
use sendbox_service::{Caller, Error, Service};
use sendbox_simulator::SimulatorConfig;

use super::settings::Settings;
use crate::development::DevelopmentArgs;
use crate::exit::{CliError, InputErrorExt as _};
use crate::instance::{InstanceConfig, RunningInstance};
use crate::render;
use crate::serve::BackgroundServer;
use crate::simulator_setup::SimulatorSetup;

/// The id of the development tenant.
pub const TENANT: &str = "dev";

/// Resolves no host name. Simulated hosts are reached without a resolver.
#[derive(Debug)]
struct OfflineResolver;

impl Resolve for OfflineResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> Answers<'a> {
        let reason = "it is neither simulated nor has a scripted response, and nothing leaves this machine".to_owned();
        Box::pin(async move { Err::<Vec<IpAddr>, _>(ResolveError { host: host.to_owned(), reason }) })
    }
}

/// A running service and the simulator.
pub struct DevEnvironment {
    setup: SimulatorSetup,
    running: RunningInstance,
    server: BackgroundServer,
    /// The URL of the API.
    api: String,
}

impl DevEnvironment {
    /// Starts everything, with the data that an earlier start left in the folder.
    pub async fn start(folder: &Path, settings: &Settings, port: Option<u16>) -> Result<Self, CliError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0)));
        let listener = sendbox_server::listen(address)
            .await
            .with_context(|| format!("cannot listen on {address}; choose a free port with --port"))
            .into_input_error()?;
        let api = format!("http://{}", listener.local_addr()?);
        let config = SimulatorConfig { scripted: settings.scripted()?, ..SimulatorConfig::default() };
        let setup = SimulatorSetup::start(config, None).await?;
        let mut overrides = DevelopmentArgs::to_simulator(setup.simulator.connect_to(), setup.ca.clone()).open()?;
        overrides.resolver = Some(Arc::new(OfflineResolver));
        let running = InstanceConfig::in_folder(folder.join("data")).start(overrides).await?;
        let server = BackgroundServer::start(listener, running.service.clone(), Router::new());
        let environment = Self { setup, running, server, api };
        match environment.set_up_tenant().await {
            Ok(()) => Ok(environment),
            Err(error) => {
                environment.stop().await?;
                Err(anyhow::Error::from(error).into())
            }
        }
    }

    /// Creates the tenant if it is missing, and sets limits that allow many test messages.
    async fn set_up_tenant(&self) -> Result<(), Error> {
        let service = self.service();
        let admin = &Caller::Platform;
        let mut policy = match service.policy(admin, TENANT).await {
            Err(Error::NotFound(_)) => {
                let (id, name) = (Some(TENANT.to_owned()), "Development".to_owned());
                service.create_tenant(admin, NewTenant { id, name, environment: Environment::Development }).await?;
                service.policy(admin, TENANT).await?
            }
            found => found?,
        };
        policy.limits = LimitPolicy {
            cooldown_seconds: 0,
            number_per_hour: 100,
            number_per_day: 1000,
            prefix_per_hour: 1000,
            ..policy.limits
        };
        service.set_policy(admin, TENANT, policy).await?;
        Ok(())
    }

    pub fn service(&self) -> &Service {
        &self.running.service
    }

    /// Whether the simulator serves a host.
    pub fn simulates(&self, host: &str) -> bool {
        self.setup.simulator.hosts().iter().any(|known| known == host)
    }

    /// The URLs to open, and a command to try.
    pub fn greeting(&self) -> String {
        format!(
            "\
Sendbox runs on this machine for development. Nothing leaves it.

  phone          {}   (the messages that the providers accepted, in clear text)
  API            {}/v1/tenants/{TENANT}
  versions       SENDBOX_SERVER={} SENDBOX_KEY={} {} connector list --tenant {TENANT}

",
            self.setup.inbox_url(),
            self.api,
            self.api,
            &*self.running.platform_key,
            render::own_name(),
        )
    }

    /// Stops everything gracefully.
    pub async fn stop(self) -> Result<(), CliError> {
        self.server.stop().await?;
        self.setup.simulator.shutdown().await;
        Ok(())
    }
}
