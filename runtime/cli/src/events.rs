//! `sendbox events`: lists and follows the events of a tenant, and sends one again.
//!
//! A client of the REST API and nothing else.

pub mod follower;

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use sendbox_domain::model::{Event, EventDelivery, Page};
use serde_json::json;

use self::follower::{Follower, event_line};
use crate::exit::{CliError, Exit};
use crate::remote::{self, Advice, Method, RemoteArgs, RequestBody};
use crate::render;
use crate::stop_signals::StopSignals;

/// What to do after errors.
pub const ADVICE: Advice = Advice {
    not_found: "check --tenant, and list the events with `sendbox events list`",
    conflict: "check the webhook endpoints of the tenant: one must be enabled and have a URL",
    in_doubt: "check `sendbox events list` before you run the command again",
};

/// List and follow the events of a tenant, and send one again.
///
/// Events are recorded while an enabled webhook endpoint of the tenant wants them, and kept for 7 days.
#[derive(Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  export SENDBOX_SERVER=https://sendbox.example.com SENDBOX_KEY=…
  sendbox events list --tenant acme
  sendbox events follow --tenant acme --json
  sendbox events resend e7k3x9q2v5t8w4n6p1r0d --tenant acme

Exit codes:
  0  success
  2  the command line, the key or an id is invalid; nothing was changed
  3  refused by a rule of the service
  5  in doubt: the response was lost, and the event may be sent again
  6  the server could not be reached; nothing was changed
  7  the server or this machine failed"
)]
pub struct EventsArgs {
    #[command(subcommand)]
    action: Action,

    /// The tenant.
    #[arg(long, global = true, value_name = "ID", value_parser = remote::id, env = "SENDBOX_TENANT", help_heading = "Server")]
    tenant: Option<String>,

    /// Print JSON on stdout and nothing else, including errors. `follow` prints one object on a line.
    #[arg(long, global = true)]
    pub json: bool,

    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Subcommand)]
enum Action {
    /// List events, newest first.
    #[command(after_help = "\
Examples:
  sendbox events list --tenant acme
  sendbox events list --tenant acme --type message.undelivered --limit 200
  sendbox events list --tenant acme --subject m7k3x9q2v5t8w4n6p1r0d")]
    List {
        /// List events of this type only, like message.delivered.
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
        /// List events of this message, verification or connector only.
        #[arg(long, value_name = "ID")]
        subject: Option<String>,
        /// The number of events, 1 to 200.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u8).range(1..=200))]
        limit: u8,
    },

    /// Print events as they happen, until Ctrl-C.
    #[command(after_help = "\
Examples:
  sendbox events follow --tenant acme
  sendbox events follow --tenant acme --json | jq .data.id")]
    Follow,

    /// Send an event again, with the same webhook-id.
    #[command(after_help = "\
Examples:
  sendbox events resend e7k3x9q2v5t8w4n6p1r0d --tenant acme
  sendbox events resend e7k3x9q2v5t8w4n6p1r0d --tenant acme --endpoint w7k3x9q2v5t8w4n6p1r0d")]
    Resend {
        /// The id of the event.
        #[arg(value_parser = remote::id)]
        id: String,
        /// Send it to this webhook endpoint only [default: to every one that it was meant for].
        #[arg(long, value_name = "ID")]
        endpoint: Option<String>,
    },
}

/// Runs the command.
pub async fn run(args: &EventsArgs) -> Result<Exit, CliError> {
    let tenant = remote::required_tenant(args.tenant.as_deref())?;
    let client = args.remote.open(ADVICE)?;
    match &args.action {
        Action::List { kind, subject, limit } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(kind.clone().map(|kind| ("type", kind)));
            query.extend(subject.clone().map(|subject| ("subject", subject)));
            let page = client.get(&["v1", "tenants", tenant, "events"], &query).await?;
            render::print(&if args.json { format!("{page}\n") } else { list(&remote::parse(&page)?) })?;
        }
        Action::Follow => {
            let mut signals = StopSignals::new()?;
            let mut follower = Follower::from_now(client, tenant).await?;
            loop {
                let events = tokio::select! {
                    events = follower.next() => events?,
                    _ = signals.recv() => break,
                };
                for event in events {
                    let line = if args.json { json!(event).to_string() } else { event_line(&event) };
                    render::print(&format!("{line}\n"))?;
                }
            }
        }
        Action::Resend { id, endpoint } => {
            let body = endpoint.as_ref().map_or_else(|| json!({}), |endpoint| json!({ "endpoint": endpoint }));
            let path = ["v1", "tenants", tenant, "events", id, "resend"];
            let event = client.call(Method::POST, &path, RequestBody::Json(&body)).await?;
            let text = if args.json {
                format!("{event}\n")
            } else {
                let event: Event = remote::parse(&event)?;
                format!("Sending {} again.\n{}", render::line(&event.id), deliveries(&event.deliveries))
            };
            render::print(&text)?;
        }
    }
    Ok(Exit::Success)
}

/// The output of `list`.
fn list(page: &Page<Event>) -> String {
    if page.items.is_empty() {
        return "No events.\n".to_owned();
    }
    let mut text = String::new();
    for event in &page.items {
        writeln!(text, "{}", event_line(event)).ok();
        text.push_str(&deliveries(&event.deliveries));
    }
    text
}

/// What has become of an event, a line for each endpoint.
fn deliveries(deliveries: &[EventDelivery]) -> String {
    let mut text = String::new();
    for delivery in deliveries {
        let result = match delivery.attempts.last() {
            Some(last) => match (last.status, &last.error) {
                (Some(status), _) => format!(", last {status}"),
                (None, error) => format!(", last: {}", render::line(error.as_deref().unwrap_or_default())),
            },
            None => String::new(),
        };
        let (endpoint, attempts) = (render::line(&delivery.endpoint), delivery.attempts.len());
        writeln!(text, "  {endpoint}  {}, {attempts} attempts{result}", delivery.status.as_str()).ok();
    }
    text
}
