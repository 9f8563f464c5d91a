//! `sendbox listen`: forwards the events of a tenant to a program that is being developed.
//!
//! It creates a webhook endpoint without a URL, follows the events, signs each with the secret of that endpoint, posts it to a local URL,
//! and deletes the endpoint when it ends. The program sees what it would see of a webhook.

use anyhow::Context as _;
use clap::Args;
use sendbox_domain::model::{Event, EventType, IssuedWebhookEndpoint};
use sendbox_service::webhook_signature;
use serde_json::json;

use crate::events::ADVICE;
use crate::events::follower::{Follower, event_line};
use crate::exit::{CliError, Exit};
use crate::remote::{self, Forwarder, Method, RemoteArgs, RequestBody};
use crate::render;
use crate::stop_signals::StopSignals;

/// Forward the events of a tenant to a program on this machine, signed like webhooks.
///
/// Until Ctrl-C, each event is posted once to the URL, with the headers of a webhook. The secret is printed at the start. The command
/// creates a webhook endpoint for this, and deletes it when it ends, so the key needs the scope `manage`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  export SENDBOX_KEY=…
  sendbox listen --tenant acme --forward-to http://127.0.0.1:3000/webhooks
  sendbox listen --tenant acme --forward-to http://127.0.0.1:3000/webhooks --events message.delivered,message.undelivered

Exit codes:
  0  ended by Ctrl-C
  2  the command line, the key or the tenant is invalid
  3  refused by a rule of the service
  6  the server could not be reached
  7  the server or this machine failed")]
pub struct ListenArgs {
    /// The URL to which each event is posted.
    #[arg(long, value_name = "URL")]
    forward_to: String,

    /// The events to forward, separated by commas [default: all].
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = event_type)]
    events: Vec<EventType>,

    /// The tenant.
    #[arg(long, value_name = "ID", value_parser = remote::id, env = "SENDBOX_TENANT", help_heading = "Server")]
    tenant: Option<String>,

    /// Print one JSON object on a line of stdout for each event and nothing else, including errors.
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    remote: RemoteArgs,
}

fn event_type(text: &str) -> Result<EventType, String> {
    let names = || EventType::ALL.map(EventType::as_str).join(", ");
    EventType::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| format!("expected one of {}", names()))
}

/// Runs the command.
pub async fn run(args: &ListenArgs) -> Result<Exit, CliError> {
    let tenant = remote::required_tenant(args.tenant.as_deref())?;
    let forwarder = Forwarder::to(&args.forward_to)?;
    let client = args.remote.open(ADVICE)?;
    let mut signals = StopSignals::new()?;
    let events = if args.events.is_empty() { EventType::ALL.to_vec() } else { args.events.clone() };
    let new = json!({ "name": "sendbox listen", "events": events });
    let endpoints = ["v1", "tenants", tenant, "webhook-endpoints"];
    let issued = client.call(Method::POST, &endpoints, RequestBody::Json(&new)).await?;
    let IssuedWebhookEndpoint { endpoint, secret } = remote::parse(&issued)?;
    if !args.json {
        let text = format!(
            "Forwarding events of {tenant} to {}, signed with the secret {}\nCtrl-C ends it.\n",
            render::line(&args.forward_to),
            render::line(&secret)
        );
        render::print(&text)?;
    }
    let mut follower = Follower::since(client, tenant, endpoint.created_at);
    let result = tokio::select! {
        result = forward_all(&mut follower, &forwarder, &events, &secret, args.json) => result,
        _ = signals.recv() => Ok(()),
    };
    let path = ["v1", "tenants", tenant, "webhook-endpoints", endpoint.id.as_str()];
    let deleted = follower.remote.call(Method::DELETE, &path, RequestBody::Empty).await;
    result?;
    deleted?;
    Ok(Exit::Success)
}

/// Forwards events until the server fails.
async fn forward_all(
    follower: &mut Follower,
    forwarder: &Forwarder,
    events: &[EventType],
    secret: &str,
    json: bool,
) -> Result<(), CliError> {
    loop {
        for event in follower.next().await? {
            if !events.contains(&event.kind) {
                continue;
            }
            let result = forward(forwarder, &event, secret).await?;
            let line = if json {
                let (status, error) = match &result {
                    Ok(status) => (Some(*status), None),
                    Err(error) => (None, Some(error)),
                };
                json!({ "event": event, "status": status, "error": error }).to_string()
            } else {
                let result = result.map_or_else(|error| error, |status| status.to_string());
                format!("{}  -> {result}", event_line(&event))
            };
            render::print(&format!("{line}\n"))?;
        }
    }
}

/// Forwards one event, as a webhook would be sent.
async fn forward(forwarder: &Forwarder, event: &Event, secret: &str) -> Result<Result<u16, String>, CliError> {
    let body = json!({ "type": event.kind, "timestamp": event.timestamp, "data": event.data }).to_string();
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let signature = webhook_signature(secret, &event.id, seconds, body.as_bytes())
        .context("the server's response has an unknown format; use a `sendbox` of the server's version")?;
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("webhook-id", event.id.clone()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signature),
    ];
    Ok(forwarder.post(&headers, body.into_bytes()).await)
}
