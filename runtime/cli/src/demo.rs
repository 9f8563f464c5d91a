//! `sendbox demo`: the service with a simulated provider and a phone, on this machine only.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;

use anyhow::{Context as _, anyhow};
use clap::Args;
use sendbox_domain::model::{
    Activation, ConnectionInput, Environment, IssuedKey, LimitPolicy, NewKey, NewTenant, Policy, Scope,
};
use sendbox_service::{Caller, PublicUrl, Service};
use sendbox_simulator::{FaultSpec, InboxEvent, SimulatorConfig};
use serde_json::Value;

use crate::development::DevelopmentArgs;
use crate::exit::{CliError, Exit, InputErrorExt as _};
use crate::instance::{InstanceConfig, default_templates};
use crate::phone::Phone;
use crate::render;
use crate::serve::BackgroundServer;
use crate::simulate::message_line;
use crate::simulator_setup::{NUMBER, SimulatorSetup};
use crate::stop_signals::StopSignals;

/// The id of the demo's tenant.
const TENANT: &str = "demo";
/// The public URL that the simulated providers know.
const PUBLIC_URL: &str = "https://sendbox.demo";

/// Start the service with a simulated provider and phone, and print commands to try.
///
/// Everything runs on this machine, in a folder that is removed at the end. No real message is sent.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sendbox demo
  sendbox demo --open
  sendbox demo --port 9000 --phone-port 9001
  sendbox demo --fault twilio=status:500")]
pub struct DemoArgs {
    /// The port of the API on 127.0.0.1 [default: 8080, or any free port if it is in use].
    #[arg(long)]
    port: Option<u16>,

    /// The port of the phone on 127.0.0.1 [default: any free one].
    #[arg(long)]
    phone_port: Option<u16>,

    /// Inject a fault into the simulated provider, as in `sendbox simulate`; repeatable.
    #[arg(long, value_name = "TARGET=FAULT")]
    fault: Vec<FaultSpec>,

    /// Open the console in a browser.
    #[arg(long)]
    open: bool,
}

/// Runs the command.
pub async fn run(args: &DemoArgs) -> Result<Exit, CliError> {
    // Before any file is written, so that all of them are removed.
    let mut signals = StopSignals::new()?;
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = match args.port {
        Some(port) => sendbox_server::listen(local(port)).await,
        None => match sendbox_server::listen(local(8080)).await {
            Ok(listener) => Ok(listener),
            Err(_) => sendbox_server::listen(local(0)).await,
        },
    };
    let listener = listener.context("cannot listen; choose a free port with --port").into_input_error()?;
    let address = listener.local_addr()?;
    let api = format!("http://{address}");

    // Twilio sends callbacks to https URLs only: the simulator acts as the TLS proxy in front of the service.
    let fronts = [(PUBLIC_URL.to_owned(), address)].into();
    let setup = SimulatorSetup::start(
        SimulatorConfig { fronts, inbox_port: args.phone_port, ..SimulatorConfig::default() },
        None,
    )
    .await?;
    for fault in &args.fault {
        setup.simulator.inject_spec(fault.clone()).map_err(CliError::usage)?;
    }
    let folder =
        tempfile::Builder::new().prefix("sendbox-demo-").tempdir().context("cannot create a temporary folder")?;
    let duration = if cfg!(debug_assertions) { ", which takes a few seconds in a debug build" } else { "" };
    render::warn(&format!("starting: compiling the connectors{duration}"));
    let overrides = DevelopmentArgs::to_simulator(setup.simulator.connect_to(), setup.ca.clone()).open()?;
    let public_url = Some(PublicUrl::parse(PUBLIC_URL).map_err(anyhow::Error::from)?);
    // Platforms on this machine reach the service itself.
    let ingress_url = Some(PublicUrl::parse(&api).map_err(anyhow::Error::from)?);
    let config = InstanceConfig { public_url, ingress_url, ..InstanceConfig::in_folder(folder.path().join("data")) };
    let running = config.start(overrides).await?;
    let key = set_up_tenant(&running.service, &setup).await?;
    let mut events = setup.simulator.subscribe();
    render::print(&greeting(&api, &setup.inbox_url(), &running.platform_key, &key.secret))?;

    let phone = Phone::new(&setup.connections);
    let server = BackgroundServer::start(listener, running.service.clone(), phone.router());
    if args.open {
        open_in_browser(&format!("{api}/console/"));
    }
    loop {
        tokio::select! {
            _ = signals.recv() => break,
            event = events.recv() => {
                if let Ok(InboxEvent::Message(message)) = event {
                    phone.add(&message);
                    render::print(&format!("phone: {}", message_line(&message)))?;
                }
            }
        }
    }
    server.stop().await?;
    setup.simulator.shutdown().await;
    Ok(Exit::Success)
}

/// Opens a page in the browser of this machine. Without one, its address is printed already.
fn open_in_browser(url: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = tokio::process::Command::new(program);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if command.spawn().is_err() {
        render::warn(&format!("cannot run {program}: open {url} yourself"));
    }
}

/// Sets up a tenant as an admin would: its policy, an active connection and an API key.
async fn set_up_tenant(service: &Service, setup: &SimulatorSetup) -> Result<IssuedKey, CliError> {
    let as_admin = &Caller::Platform;
    let connection = setup.connections.first().ok_or_else(|| anyhow!("no connector is simulated"))?;
    let part = |name: &str| connection.config.get(name).cloned().unwrap_or_default();
    let Value::Object(parameters) = part("parameters") else {
        return Err(anyhow!("the example has no parameters").into());
    };
    // In every language, so that the demo sends in the language of the request.
    let templates = Value::Array(default_templates()?);
    let done = async {
        let id = Some(TENANT.to_owned());
        let name = "Demonstration".to_owned();
        service.create_tenant(as_admin, NewTenant { id, name, environment: Environment::Development }).await?;
        let mut policy: Policy = service.policy(as_admin, TENANT).await?;
        // People repeat what they try.
        policy.limits =
            LimitPolicy { cooldown_seconds: 2, number_per_hour: 100, number_per_day: 1000, ..policy.limits };
        service.set_policy(as_admin, TENANT, policy).await?;
        let connector = connection.connector.to_owned();
        let input = ConnectionInput { connector, parameters, templates, rotate_callback_url: false };
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

  console        {api}/console/   (sign in with one of the keys below)
  API            {api}/v1/tenants/{TENANT}
  reference      {api}/docs
  phone          {inbox}   (messages arrive there)
  tenant key     {key}
  platform key   {platform_key}

Paste into another terminal:
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
# 1. Start a verification: a code is sent through a connector that cannot read it.
STARTED=$({start}); echo \"$STARTED\"
ID=$(echo \"$STARTED\" | grep -o '\"id\":\"v[a-z0-9]*\"' | cut -d'\"' -f4)

# 2. Read the code on the phone.
CODE=$(curl -sS {inbox}messages | grep -oE '[0-9]{{6}} is your' | tail -1 | cut -c1-6); echo \"the phone shows $CODE\"

# 3. Check the code. A second check is refused: a code verifies only once.
{check}

Messages appear below. Ctrl-C stops the demo and removes everything.
"
    )
    .ok();
    text
}
