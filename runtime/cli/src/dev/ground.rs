//! Where a connector is tried: the service and the simulated providers in this process, and a tenant for development.
//!
//! Promises: no byte leaves this machine. Names lead to the simulator, or nowhere.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use sendbox_domain::model::{Environment, LimitPolicy, NewTenant};
use sendbox_sandbox::{Answers, Resolve, ResolveError};
use sendbox_service::{Caller, Error, Service};
use sendbox_simulator::SimulatorConfig;

use super::settings::Settings;
use crate::development::Development;
use crate::exit::{Blame as _, Stop};
use crate::house::{House, Running};
use crate::render;
use crate::serve::Beside;
use crate::stage::Stage;

/// The tenant of the author.
pub const TENANT: &str = "dev";

/// Resolves nothing: what is not led to the simulator by name is not reached.
#[derive(Debug)]
struct Nowhere;

impl Resolve for Nowhere {
    fn resolve<'a>(&'a self, host: &'a str) -> Answers<'a> {
        let reason =
            "it is neither simulated nor has a scripted answer, and nothing leaves this machine here".to_owned();
        Box::pin(async move { Err::<Vec<IpAddr>, _>(ResolveError { host: host.to_owned(), reason }) })
    }
}

/// A running service with its providers.
pub struct Ground {
    stage: Stage,
    running: Running,
    served: Beside,
    api: String,
}

impl Ground {
    /// Starts everything. What stands in the folder from an earlier time goes on.
    pub async fn open(folder: &Path, settings: &Settings, port: Option<u16>) -> Result<Self, Stop> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0)));
        let listener = sendbox_server::listen(address)
            .await
            .with_context(|| format!("cannot listen on {address}; choose a free port with --port"))
            .blame_input()?;
        let api = format!("http://{}", listener.local_addr()?);
        let config = SimulatorConfig { scripted: settings.scripted()?, ..SimulatorConfig::default() };
        let stage = Stage::set(config, None).await?;
        let mut opened = Development::to_simulator(stage.simulator.connect_to(), stage.ca.clone()).open()?;
        opened.resolver = Some(Arc::new(Nowhere));
        let running = House::at(folder.join("data")).open(opened).await?;
        let served = Beside::serve(listener, running.service.clone(), Router::new());
        let ground = Self { stage, running, served, api };
        match ground.tenant().await {
            Ok(()) => Ok(ground),
            Err(error) => {
                ground.close().await?;
                Err(anyhow::Error::from(error).into())
            }
        }
    }

    /// The tenant, with limits for somebody who tries things again and again.
    async fn tenant(&self) -> Result<(), Error> {
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

    /// The service.
    pub fn service(&self) -> &Service {
        &self.running.service
    }

    /// Whether a host is simulated here.
    pub fn answers_for(&self, host: &str) -> bool {
        self.stage.simulator.hosts().iter().any(|known| known == host)
    }

    /// What can be looked at.
    pub fn greeting(&self) -> String {
        format!(
            "\
Sendbox runs on this machine for development. Nothing leaves it.

  the phone      {}   (what the providers took, in clear)
  API            {}/v1/tenants/{TENANT}
  versions       SENDBOX_SERVER={} SENDBOX_KEY={} {} connector list --tenant {TENANT}

",
            self.stage.inbox_url(),
            self.api,
            self.api,
            &*self.running.platform_key,
            render::own_name(),
        )
    }

    /// Ends everything in order.
    pub async fn close(self) -> Result<(), Stop> {
        self.served.stop().await?;
        self.stage.simulator.shutdown().await;
        Ok(())
    }
}
