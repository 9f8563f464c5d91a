//! `sendbox demo`: one real send on this machine alone, and what happened on the way.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use sendbox_sandbox::policy::{OperatorPolicy, TenantGrant};
use sendbox_sandbox::{Attempt, Connector, Outcome, SendReport, SendRequest, Usage};
use sendbox_service::{ConnectionConfig, MessageRequest, TextSize, plan};
use sendbox_simulator::SimulatorConfig;

use crate::development::Development;
use crate::exit::{Exit, Stop};
use crate::render::{self, line};
use crate::runner::{self, RunnerArgs};
use crate::send;
use crate::simulate::arrived;
use crate::stage::{CODE, NUMBER, Stage};

/// Start a simulated provider, send one code through a sandboxed connector, and show what happened.
#[derive(Args)]
pub struct DemoArgs {
    #[command(flatten)]
    runner: RunnerArgs,
}

/// Runs the command.
pub async fn run(args: &DemoArgs) -> Result<Exit, Stop> {
    let stage = Stage::set(SimulatorConfig::default(), None).await?;
    let connection = stage.connections.first().ok_or_else(|| anyhow!("no connector is simulated"))?;
    let opened = Development::to_simulator(stage.simulator.connect_to(), stage.ca.clone()).open()?;
    let sandbox = args.runner.sandbox(opened)?;
    let connector = runner::load(&sandbox, connection.connector).await?;
    render::print(&before(&stage, &connector))?;

    let config = ConnectionConfig::read(connection.config.clone()).map_err(anyhow::Error::from)?;
    let request = MessageRequest {
        to: NUMBER.to_owned().into(),
        usage: Usage::SignIn,
        locale: None,
        code: CODE.to_owned().into(),
        variables: Vec::new(),
        client_ip: None,
        lifetime: Duration::from_secs(600),
        idempotency_key: send::fresh_key()?,
        attempt: Attempt::first().map_err(anyhow::Error::from)?,
    };
    let plan = plan(&config, request, connector.metadata()).map_err(anyhow::Error::from)?;
    let parameters = connector.parameters(&config.parameters).map_err(anyhow::Error::from)?;
    let grant = connector
        .grant(&parameters, &OperatorPolicy::default(), &TenantGrant::default())
        .map_err(anyhow::Error::from)?;
    let size = plan.size;
    let report = sandbox
        .send(
            &connector,
            SendRequest {
                owner: "demo".into(),
                parameters: Arc::new(parameters),
                grant: Arc::new(grant),
                message: plan.message,
                dry_run: None,
            },
        )
        .await;
    render::print(&way(size, &report))?;
    match &report.outcome {
        Outcome::Accepted(receipt) => {
            let mut text = format!("\n4. {}", render::accepted(receipt, size, &report));
            text.push_str("\n5. In the provider's inbox\n");
            for message in stage.simulator.inbox() {
                write!(text, "   {}", arrived(&message)).ok();
            }
            text.push_str(&next());
            render::print(&text)?;
            stage.simulator.shutdown().await;
            Ok(Exit::Success)
        }
        Outcome::Failed(failure) => {
            render::warn(&render::failed(failure, &report));
            Ok(Exit::from(failure))
        }
        Outcome::NotSentDryRun => Err(anyhow!("the demonstration ended as a dry run").into()),
    }
}

fn before(stage: &Stage, connector: &Connector) -> String {
    let inspection = connector.inspect();
    let reads = if inspection.reveals { "It asks to read secrets." } else { "It cannot read what it sends." };
    format!(
        "Sendbox demo: a code goes out through a connector that cannot read it.\n\n\
         1. A provider: a simulated Twilio on {}, with a certificate for api.twilio.com.\n   \
         Nothing leaves this machine.\n\n\
         2. A connector: {} {}, {} of WebAssembly. {reads}\n   {}\n",
        stage.simulator.tls_addr(),
        line(&inspection.metadata.name),
        line(&inspection.metadata.version),
        render::bytes(inspection.shape.bytes as u64),
        inspection.digest,
    )
}

fn way(size: Option<TextSize>, report: &SendReport) -> String {
    let segments = size.map(|size| format!(", segments: {}", render::in_words(size))).unwrap_or_default();
    let mut text = format!("\n3. A send: a sign-in code to {NUMBER}{segments}. What the sandbox saw:\n");
    text.push_str(&render::trace(&report.trace));
    for record in &report.requests {
        text.push_str(
            "\n   The request, as the connector made it: it sees [brackets], the provider gets the values.\n",
        );
        for row in render::request(record).trim_end().lines() {
            writeln!(text, "   | {row}").ok();
        }
    }
    text
}

fn next() -> String {
    let sendbox = render::own_name();
    format!(
        "\nNext, to paste:\n  \
         {sendbox} inspect twilio         # what a connector may do, in words\n  \
         {sendbox} simulate               # providers that stay, an inbox to watch, a ready `send`\n  \
         {sendbox} new my-connector       # a connector of your own\n"
    )
}
