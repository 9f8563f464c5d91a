//! `sendbox simulate`: runs the simulated providers until Ctrl-C.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use sendbox_simulator::{FaultSpec, InboxEvent, InboxMessage, ScriptedHost, SimulatorConfig};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::exit::{CliError, Exit};
use crate::render::{self, line};
use crate::runner;
use crate::simulator_setup::SimulatorSetup;
use crate::stop_signals::StopSignals;

/// Run simulated providers on this machine, with an inbox page.
#[derive(Args)]
#[command(after_help = "\
Faults are TARGET=FAULT[,times=N]. TARGET is a provider (`sendbox inspect` lists them), a host, or *
for all of them.
FAULT is one of:
  status:503  code:21211  retry-after:7  redirect:https://…  delay:500ms  stall  drip  echo
  reset-before  reset-after  close-mid-body  lie-length  oversize  garbage  gzip-bomb

Examples:
  sendbox simulate
  sendbox simulate --fault twilio=status:503,times=2
  sendbox simulate --answer api.example.com=answers/accepted.json")]
pub struct SimulateArgs {
    /// The port of the HTTPS servers on 127.0.0.1 [default: any free one].
    #[arg(long)]
    port: Option<u16>,

    /// The port of the inbox page on 127.0.0.1 [default: any free one].
    #[arg(long)]
    inbox_port: Option<u16>,

    /// Write the certificate authority to this file, which is kept [default: a temporary file].
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,

    /// Inject a fault; repeatable.
    #[arg(long, value_name = "TARGET=FAULT")]
    fault: Vec<FaultSpec>,

    /// Respond to every request to HOST with this file, {"status", "headers", "body"}; repeatable.
    #[arg(long, value_name = "HOST=FILE.json")]
    answer: Vec<String>,

    /// Print one JSON object per line on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub async fn run(args: &SimulateArgs) -> Result<Exit, CliError> {
    // Before any file is written, so that all of them are removed.
    let mut signals = StopSignals::new()?;
    let scripted = args.answer.iter().map(|spec| scripted(spec)).collect::<Result<Vec<_>, _>>()?;
    let config =
        SimulatorConfig { tls_port: args.port, inbox_port: args.inbox_port, scripted, ..SimulatorConfig::default() };
    let setup = SimulatorSetup::start(config, args.ca_file.as_deref()).await?;
    for fault in &args.fault {
        setup.simulator.inject_spec(fault.clone()).map_err(CliError::usage)?;
    }
    let mut events = setup.simulator.subscribe();
    let greeting = if args.json { format!("{}\n", started_event(&setup)) } else { greeting(&setup, args) };
    render::print(&greeting)?;
    loop {
        let event = tokio::select! {
            _ = signals.recv() => break,
            event = events.recv() => event,
        };
        match event {
            Ok(InboxEvent::Message(message)) if args.json => {
                render::print(&format!("{}\n", json!({ "event": "message", "message": *message })))?;
            }
            Ok(InboxEvent::Message(message)) => render::print(&message_line(&message))?,
            Ok(InboxEvent::Cleared) if args.json => render::print("{\"event\":\"cleared\"}\n")?,
            Ok(InboxEvent::Cleared) => render::print("The inbox was cleared.\n")?,
            Err(RecvError::Lagged(missed)) => {
                render::warn(&format!("warning: {missed} messages are not printed here; see the inbox"))
            }
            Err(RecvError::Closed) => break,
        }
    }
    setup.simulator.shutdown().await;
    Ok(Exit::Success)
}

fn scripted(spec: &str) -> Result<ScriptedHost, CliError> {
    let (host, path) = spec.split_once('=').ok_or_else(|| {
        CliError::usage(anyhow!("--answer must be HOST=FILE.json, like api.example.com=answers/accepted.json"))
    })?;
    Ok(ScriptedHost { host: host.to_owned(), answer: runner::json_file(Path::new(path))? })
}

fn started_event(setup: &SimulatorSetup) -> Value {
    let examples: Vec<Value> = setup
        .connections
        .iter()
        .map(|one| json!({ "connector": one.connector, "config": one.path, "command": setup.send_command(one) }))
        .collect();
    json!({
        "event": "started", "address": setup.simulator.tls_addr().to_string(), "inbox": setup.inbox_url(),
        "caFile": setup.ca, "connectTo": setup.simulator.connect_to(), "examples": examples,
    })
}

fn greeting(setup: &SimulatorSetup, args: &SimulateArgs) -> String {
    let mut text = format!(
        "Simulated providers listen on {}, on this machine only.\nInbox: {}\n\nFlags for `send`:\n",
        setup.simulator.tls_addr(),
        setup.inbox_url(),
    );
    for connect_to in setup.simulator.connect_to() {
        writeln!(text, "  --connect-to {connect_to}").ok();
    }
    writeln!(text, "  --extra-ca {}", render::quoted(&setup.ca.display().to_string())).ok();
    text.push_str("\nCredentials:\n");
    for connection in &setup.connections {
        let parameters = connection.config.get("parameters").and_then(Value::as_object);
        for (name, value) in parameters.into_iter().flatten() {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            writeln!(text, "  {:<7} {name:<24} {}", connection.connector, line(&shown)).ok();
        }
    }
    text.push_str("\nPaste into another terminal:\n");
    for connection in &setup.connections {
        writeln!(text, "  {}", setup.send_command(connection)).ok();
    }
    for spec in &args.answer {
        let host = spec.split('=').next().unwrap_or_default();
        writeln!(
            text,
            "  {} send --connector ./mine.wasm --config mine.json --to +4512345678 --code 123456 {}",
            render::own_name(),
            setup.flags(host)
        )
        .ok();
    }
    for fault in &args.fault {
        writeln!(text, "\nFault: {fault}").ok();
    }
    text.push_str("\nMessages appear below. Ctrl-C stops the simulator.\n");
    text
}

/// A message that a provider accepted, in one line. It shows the number and the text in clear, like the inbox.
pub fn message_line(message: &InboxMessage) -> String {
    let request = &message.request;
    let (to, content) = if let Some(text) = &message.text {
        (format!("to {}: ", line(&message.to)), format!("\"{}\"", line(text)))
    } else if message.variables.is_empty() {
        // A scripted host does not parse its requests, so the whole request is shown.
        let target = format!("{} https://{}{}", line(&request.method), line(&request.host), line(&request.path));
        (String::new(), format!("{target}  {}", line(&request.body)))
    } else {
        let pairs = message.variables.iter().map(|(name, value)| format!("{}={}", line(name), line(value)));
        (format!("to {}: ", line(&message.to)), pairs.collect::<Vec<_>>().join(", "))
    };
    let fault = message.fault.as_ref().map(|fault| format!("  [fault: {}]", line(fault))).unwrap_or_default();
    format!("#{} {} {to}{content}{fault}\n", message.number, message.provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scripted_response_names_host_and_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer.json");
        std::fs::write(&path, r#"{"status": 201, "body": {"id": "m"}}"#).unwrap();
        let host = scripted(&format!("api.example.com={}", path.display())).unwrap();
        assert_eq!((host.host.as_str(), host.answer.status), ("api.example.com", 201));
        assert!(scripted("api.example.com").is_err());
        assert!(scripted("api.example.com=/no/such/file").is_err());
    }
}
