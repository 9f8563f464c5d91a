//! `sendbox demo`: the service, a provider and a phone on this machine alone, ready to be tried.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, anyhow};
use clap::Args;
use sendbox_domain::model::{
    Activation, ConnectionInput, Environment, IssuedKey, LimitPolicy, NewKey, NewTenant, Policy, Scope,
};
use sendbox_service::{Caller, PublicUrl, Service};
use sendbox_simulator::{InboxEvent, SimulatorConfig};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use crate::development::Development;
use crate::exit::{Blame as _, Exit, Stop};
use crate::house::House;
use crate::phone::Phone;
use crate::render;
use crate::serve::Beside;
use crate::simulate::arrived;
use crate::stage::{NUMBER, Stage};

/// The tenant of the demonstration.
const TENANT: &str = "demo";
/// Where the simulated providers believe it to be.
const PUBLIC_URL: &str = "https://sendbox.demo";

/// Start the whole service with a simulated provider and a phone, and print what to try.
///
/// Everything runs on this machine, in a folder that is removed at the end. Nothing is sent to anyone.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sendbox demo
  sendbox demo --port 9000")]
pub struct DemoArgs {
    /// The port of the API on 127.0.0.1 [default: 8080, or any free one when that is taken].
    #[arg(long)]
    port: Option<u16>,
}

/// Runs the command.
pub async fn run(args: &DemoArgs) -> Result<Exit, Stop> {
    // Before anything is written, so that nothing stays behind.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = match args.port {
        Some(port) => sendbox_server::listen(local(port)).await,
        None => match sendbox_server::listen(local(8080)).await {
            Ok(listener) => Ok(listener),
            Err(_) => sendbox_server::listen(local(0)).await,
        },
    };
    let listener = listener.context("cannot listen; choose a free port with --port").blame_input()?;
    let address = listener.local_addr()?;
    let api = format!("http://{address}");

    // Twilio reports to https addresses only: the simulator stands for whatever ends TLS in front of a deployment.
    let fronts = [(PUBLIC_URL.to_owned(), address)].into();
    let stage = Stage::set(SimulatorConfig { fronts, ..SimulatorConfig::default() }, None).await?;
    let folder =
        tempfile::Builder::new().prefix("sendbox-demo-").tempdir().context("cannot make a temporary folder")?;
    render::warn("starting; the connectors are compiled, which takes some seconds in a debug build");
    let opened = Development::to_simulator(stage.simulator.connect_to(), stage.ca.clone()).open()?;
    let public_url = Some(PublicUrl::parse(PUBLIC_URL).map_err(anyhow::Error::from)?);
    let running = House { public_url, ..House::at(folder.path().join("data")) }.open(opened).await?;
    let key = set_up(&running.service, &stage).await?;
    let mut events = stage.simulator.subscribe();
    render::print(&greeting(&api, &stage.inbox_url(), &running.platform_key, &key.secret))?;

    let phone = Phone::of(&stage.connections);
    let served = Beside::serve(listener, running.service.clone(), phone.router());
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            event = events.recv() => {
                if let Ok(InboxEvent::Message(message)) = event {
                    phone.arrived(&message);
                    render::print(&format!("phone: {}", arrived(&message)))?;
                }
            }
        }
    }
    served.stop().await?;
    stage.simulator.shutdown().await;
    Ok(Exit::Success)
}

/// What an admin would do: a tenant, a connection, active; and a key for the platform.
async fn set_up(service: &Service, stage: &Stage) -> Result<IssuedKey, Stop> {
    let as_admin = &Caller::Platform;
    let connection = stage.connections.first().ok_or_else(|| anyhow!("no connector is simulated"))?;
    let part = |name: &str| connection.config.get(name).cloned().unwrap_or_default();
    let Value::Object(parameters) = part("parameters") else {
        return Err(anyhow!("the example has no parameters").into());
    };
    let done = async {
        let id = Some(TENANT.to_owned());
        let name = "Demonstration".to_owned();
        service.create_tenant(as_admin, NewTenant { id, name, environment: Environment::Development }).await?;
        let mut policy: Policy = service.policy(as_admin, TENANT).await?;
        // Whoever tries things out tries them twice.
        policy.limits =
            LimitPolicy { cooldown_seconds: 2, number_per_hour: 100, number_per_day: 1000, ..policy.limits };
        service.set_policy(as_admin, TENANT, policy).await?;
        let connector = connection.connector.to_owned();
        let input = ConnectionInput { connector, parameters, templates: part("templates") };
        service.save_connection(as_admin, TENANT, "main", input).await?;
        service.activate(as_admin, TENANT, Activation { name: "main".to_owned() }).await?;
        let scopes = [Scope::Manage, Scope::Send, Scope::Verify, Scope::Read].into_iter().collect();
        service.create_key(as_admin, TENANT, NewKey { name: "demo".to_owned(), scopes, expires_at: None }).await
    };
    done.await.map_err(|error: sendbox_service::Error| anyhow::Error::from(error).into())
}

fn greeting(api: &str, inbox: &str, platform_key: &str, key: &str) -> String {
    let mut text = format!(
        "\
Sendbox runs on this machine, with a simulated provider. Nothing leaves it.

  console        {api}/console/   (open it, and sign in with a key below)
  API            {api}/v1/tenants/{TENANT}
  reference      {api}/docs
  the phone      {inbox}   (open it: messages arrive there)
  key of tenant  {key}
  platform key   {platform_key}

To paste into another terminal:

"
    );
    let call = |path: &str, body: &str| {
        format!(
            "curl -sS {api}/v1/tenants/{TENANT}/{path} \\\n  -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\\n  -d {body}"
        )
    };
    let start = call("verifications", &format!("'{{\"to\": \"{NUMBER}\", \"usage\": \"sign-in\"}}'"));
    let check = call("verifications/$ID/check", "\"{\\\"code\\\": \\\"$CODE\\\"}\"");
    write!(
        text,
        "\
# 1. Start a verification: a code goes out through a connector that cannot read it.
STARTED=$({start}); echo \"$STARTED\"
ID=$(echo \"$STARTED\" | grep -o '\"id\":\"v[a-z0-9]*\"' | cut -d'\"' -f4)

# 2. Read the code on the phone.
CODE=$(curl -sS {inbox}messages | grep -oE '[0-9]{{6}} is your' | tail -1 | cut -c1-6); echo \"the phone shows $CODE\"

# 3. Check it. A second time it is refused: a code verifies once.
{check}

Messages appear below. Ctrl-C ends, and removes everything.
"
    )
    .ok();
    text
}
