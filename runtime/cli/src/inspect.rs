//! `sendbox inspect`: describes a connector: what it may do, which parameters it needs, its file.

use std::fmt::Write as _;

use clap::Args;
use sendbox_domain::model::{RequestedHost, VersionInspection};
use sendbox_domain::rules::capability_diff::Description;
use sendbox_sandbox::policy::{Limits, Method, SecretUse};
use sendbox_sandbox::{ContentKind, Inspection};
use serde_json::{Value, json};

use crate::development::Network;
use crate::exit::{CliError, Exit};
use crate::render::{self, line};
use crate::runner::{self, RunnerArgs};

/// Describe a connector: what it may reach, with which secrets, and what it needs from you.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sendbox inspect                 list the built-in connectors
  sendbox inspect twilio
  sendbox inspect ./mine.wasm --json")]
pub struct InspectArgs {
    /// A built-in connector or a file [default: list the built-in connectors].
    #[arg(value_name = "NAME|FILE.wasm", conflicts_with = "list")]
    connector: Option<String>,

    /// List the built-in connectors.
    #[arg(long)]
    list: bool,

    /// Print one JSON object on stdout.
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    runner: RunnerArgs,
}

/// Runs the command.
pub async fn run(args: &InspectArgs) -> Result<Exit, CliError> {
    let sandbox = args.runner.sandbox(&Network::default())?;
    let text = match &args.connector {
        Some(name) => {
            let inspection = runner::load(&sandbox, name).await?.inspect();
            if args.json {
                format!("{}\n", as_json(&inspection, sandbox.limits()))
            } else {
                let digest = inspection.digest.clone();
                let inspection = VersionInspection::from(&Description::of(inspection));
                describe(&inspection, &digest, Some(sandbox.limits()))
            }
        }
        None => {
            let mut connectors = Vec::new();
            for built_in in sendbox_catalogue::all() {
                connectors.push((built_in.name, runner::load(&sandbox, built_in.name).await?.inspect()));
            }
            if args.json { format!("{}\n", list_json(&connectors)) } else { list(&connectors) }
        }
    };
    render::print(&text)?;
    Ok(Exit::Success)
}

fn list(connectors: &[(&str, Inspection)]) -> String {
    let mut text = "Built-in connectors:\n".to_owned();
    for (name, inspection) in connectors {
        writeln!(text, "  {name:<10} {}", line(&inspection.metadata.description)).ok();
    }
    text.push_str("Run `sendbox inspect NAME` for details.\n");
    text
}

fn list_json(connectors: &[(&str, Inspection)]) -> Value {
    let each = connectors.iter().map(|(name, inspection)| {
        let metadata = &inspection.metadata;
        json!({
            "name": name, "id": metadata.id, "version": metadata.version, "digest": inspection.digest,
            "description": metadata.description,
        })
    });
    json!({ "connectors": each.collect::<Vec<_>>() })
}

fn as_json(inspection: &Inspection, limits: &Limits) -> Value {
    let hosts: Vec<RequestedHost> = inspection.metadata.manifest.hosts().iter().map(RequestedHost::of).collect();
    let mut value = json!(inspection);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("summary".to_owned(), json!(capabilities(inspection.reveals, &hosts)));
        fields.insert("hosts".to_owned(), json!(hosts));
        fields.insert("limits".to_owned(), json!(limits));
    }
    value
}

/// Describes a connector, from a file or from a server, as text.
pub fn describe(inspection: &VersionInspection, digest: &str, limits: Option<&Limits>) -> String {
    let mut text = format!(
        "{} ({}, version {})\n{}\n\nWhat it may do\n",
        line(&inspection.name),
        line(&inspection.id),
        line(&inspection.version),
        line(&inspection.description),
    );
    for sentence in capabilities(inspection.reveals, &inspection.hosts) {
        writeln!(text, "  - {sentence}").ok();
    }
    text.push_str("\nWhat it needs from you\n");
    for row in parameters(inspection) {
        writeln!(text, "  - {row}").ok();
    }
    let content = match inspection.content {
        ContentKind::Text => "templates with a text (`content`)",
        ContentKind::Template => "templates that name a template at the provider (`template`)",
        ContentKind::Variables => "no templates: it passes on the code and other variables",
    };
    writeln!(text, "  - {content}").ok();
    let usages = inspection.usages.iter().map(|usage| usage.as_str()).collect::<Vec<_>>().join(", ");
    let locales = inspection.locales.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let locales = if locales.is_empty() { "any".to_owned() } else { locales };
    let retries = if inspection.idempotent {
        "the provider sends one message per idempotency key"
    } else {
        "the provider sends a message for every request"
    };
    let reports = if inspection.reads_reports { "it reads the provider's delivery reports" } else { "not supported" };
    writeln!(
        text,
        "\nHow it sends\n  usages             {usages}\n  languages          {}\n  retries            {retries}\n  delivery reports   {reports}",
        line(&locales),
    )
    .ok();
    if let Some(limits) = limits {
        writeln!(
            text,
            "\nLimits per message\n  memory {}, CPU {} ms, {} requests, {} ms in total, {} of log",
            render::bytes(limits.memory_bytes as u64),
            limits.cpu_ms,
            limits.requests,
            limits.send_ms,
            render::bytes(limits.log_bytes as u64),
        )
        .ok();
    }
    let file = &inspection.file;
    writeln!(
        text,
        "\nThe file\n  digest   {}\n  size     {}, {} functions, {} module(s), {} of initial memory",
        line(digest),
        render::bytes(file.bytes as u64),
        file.functions,
        file.modules,
        render::bytes(file.initial_memory),
    )
    .ok();
    for (label, names) in [("imports", &file.imports), ("exports", &file.exports)] {
        for (index, name) in names.iter().enumerate() {
            writeln!(text, "  {:<8} {}", if index == 0 { label } else { "" }, line(name)).ok();
        }
    }
    text
}

/// What a connector may do, in sentences, the most important one first.
fn capabilities(reveals: bool, hosts: &[RequestedHost]) -> Vec<String> {
    let mut sentences = vec![if reveals {
        "THIS CONNECTOR READS SECRETS: it imports `reveal`, and reads what you grant (secret, code, recipient, text, variable, client-ip). Grant nothing that its author must not see.".to_owned()
    } else {
        "It cannot read secrets, codes, numbers or texts: it receives them sealed, and does not import `reveal`."
            .to_owned()
    }];
    sentences.extend(hosts.iter().map(host));
    sentences.push(if hosts.is_empty() {
        "It cannot reach any host: it declares none.".to_owned()
    } else {
        "It cannot reach anything else. It has no files, no environment and no sockets.".to_owned()
    });
    sentences
}

fn host(host: &RequestedHost) -> String {
    let methods = host.methods.iter().map(|method| Method::name(*method)).collect::<Vec<_>>().join(", ");
    let target = if host.origin.is_endpoint() {
        format!("your own URL, in the parameter `{}`", line(&host.origin.parameters().join(", ")))
    } else if host.path_prefix.is_empty() {
        line(&host.origin.to_string())
    } else {
        format!("{}{}", line(&host.origin.to_string()), line(&host.path_prefix))
    };
    let condition = match host.origin.parameters().as_slice() {
        [] => String::new(),
        _ if host.origin.is_endpoint() => String::new(),
        names => format!(", if {} set", names_with_verb(names)),
    };
    let message = match &host.message {
        None => "without the message".to_owned(),
        Some(placement) => format!(
            "with the message: the number ({}) in {}, the content in {}",
            line(&placement.recipient_format.to_string()),
            line(&placement.recipient),
            line(&placement.content),
        ),
    };
    let secrets = match host.secrets.as_slice() {
        [] => "No secret is used there.".to_owned(),
        secrets => secrets
            .iter()
            .map(|secret| match secret.secret_use {
                SecretUse::Sent => format!("The secret `{}` is sent there.", line(&secret.key)),
                SecretUse::SigningOnly => {
                    format!("The secret `{}` signs requests to it, and is never sent.", line(&secret.key))
                }
            })
            .collect::<Vec<_>>()
            .join(" "),
    };
    format!(
        "It may reach {target} ({methods}){condition}, {message}. {secrets} Purpose, according to its author: {}",
        line(&host.purpose)
    )
}

/// `` `a` is `` or `` `a` and `b` are ``.
fn names_with_verb(names: &[&str]) -> String {
    let list = names.iter().map(|name| format!("`{}`", line(name))).collect::<Vec<_>>().join(" and ");
    if names.len() == 1 { format!("{list} is") } else { format!("{list} are") }
}

/// One row for each parameter of the schema, required parameters first.
fn parameters(inspection: &VersionInspection) -> Vec<String> {
    let schema = &inspection.parameters_schema;
    let required = |key: &str| {
        let list = schema.get("required").and_then(Value::as_array);
        list.into_iter().flatten().any(|one| one.as_str() == Some(key))
    };
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut rows: Vec<(bool, u64, String)> = properties
        .into_iter()
        .flatten()
        .map(|(key, property)| {
            let secret = if inspection.secrets.contains(key) { ", secret" } else { "" };
            let need = if required(key) { "required" } else { "optional" };
            let title = [text(property, "title"), text(property, "description")].join(": ");
            let order = property.pointer("/x-form/order").and_then(Value::as_u64).unwrap_or(u64::MAX);
            (
                !required(key),
                order,
                format!("{:<24} {:<17} {}", line(key), format!("{need}{secret}"), line(title.trim_matches([':', ' ']))),
            )
        })
        .collect();
    rows.sort();
    rows.into_iter().map(|(_, _, row)| row).collect()
}
