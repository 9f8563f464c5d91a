//! `sendbox send`: one message, through one connector, to one number.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use sendbox_domain::{ConnectionConfig, FieldError, FieldErrors, MessageRequest, Plan, TextSize, plan};
use sendbox_sandbox::policy::{LabelKind, OperatorPolicy, TenantGrant};
use sendbox_sandbox::{
    Attempt, Connector, DryRun, Failure, Metadata, Outcome, Parameters, SendRequest, SendResult, Usage,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::development::DevelopmentArgs;
use crate::exit::{self, CliError, Exit, InputErrorExt as _};
use crate::runner::{self, RunnerArgs};
use crate::{connection, render};

const EXAMPLES: &str = "\
Examples:
  sendbox send --connector twilio --config twilio.json --to +4512345678 --code 123456
  echo 123456 | sendbox send --connector http --config http.json --to +4512345678 --code -
  sendbox send --connector ./mine.wasm --config mine.json --to +4512345678 --code 123456 --dry-run

The configuration:
  {
    \"parameters\": {
      \"accountSID\": \"AC…\", \"authToken\": {\"$env\": \"TWILIO_TOKEN\"}, \"from\": \"+14155550100\"
    },
    \"templates\": [
      {\"usage\": \"generic\", \"content\": \"{{code}} is your code for {{minutes}} minutes\"},
      {\"usage\": \"sign-in\", \"locale\": \"da\", \"content\": \"Din kode er {{code}}\"}
    ]
  }
  `sendbox inspect CONNECTOR` lists the parameters. To keep a secret out of the file, use
  {\"$env\": \"NAME\"} or {\"$file\": \"path\"} instead of the value.
  A template may contain {{code}}, {{minutes}}, {{locale}}, and the names passed with --variable.
";

/// Send one message through one connector.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n{}", exit::HELP))]
pub struct SendArgs {
    /// A built-in connector (`sendbox inspect` lists them), or a file (`./mine.wasm`).
    #[arg(long, value_name = "NAME|FILE.wasm")]
    connector: String,

    /// The configuration of the connection: parameters and templates.
    #[arg(long, value_name = "FILE.json")]
    config: PathBuf,

    /// The recipient's phone number, with `+` and the calling code.
    #[arg(long, value_name = "+NUMBER", allow_hyphen_values = true)]
    to: String,

    /// The purpose of the code. Selects the template.
    #[arg(long, default_value = "generic", value_name = "USAGE")]
    usage: Usage,

    /// The code: 4 to 12 letters and digits. `-` reads it from standard input, which keeps it out of the shell history.
    #[arg(long, env = "SENDBOX_CODE", hide_env_values = true, value_name = "CODE|-", allow_hyphen_values = true)]
    code: Option<String>,

    /// The user's language, like `da` or `pt-BR`.
    #[arg(long, value_name = "TAG")]
    locale: Option<String>,

    /// A variable of the template, like `link=https://example.com`; repeatable.
    #[arg(long, value_name = "NAME=VALUE")]
    variable: Vec<String>,

    /// How long the code is valid, like `10m` or `90s`.
    #[arg(long, default_value = "10m", value_name = "TIME")]
    lifetime: String,

    /// The end user's IP address, for connectors that pass it on.
    #[arg(long, value_name = "ADDRESS")]
    client_ip: Option<String>,

    /// A key that is the same for all attempts of one request [default: random].
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,

    /// Print one JSON object on stdout and nothing else, including errors.
    #[arg(long)]
    pub json: bool,

    /// Print a trace of the send. Numbers, codes, texts and secrets are masked.
    #[arg(long)]
    trace: bool,

    /// Send nothing; print the first request that would be sent, with sealed values masked.
    #[arg(long)]
    dry_run: bool,

    /// In a dry run, print sealed values in clear text: the number, the code and your secrets. For local debugging.
    #[arg(long, requires = "dry_run")]
    show_sealed: bool,

    /// Let the connector read these kinds of sealed values: secret, code, recipient, text, variable, client-ip.
    #[arg(long, value_name = "KIND,…", value_delimiter = ',', value_parser = label_kind, help_heading = "Grant")]
    allow_reveal: Vec<LabelKind>,

    /// The tenant's grant, as JSON: {"entries": [{"origin", "methods", "path_prefix"}], "reveal": [kind]} [default: the
    /// connector may reach what its manifest declares, and read no sealed values].
    #[arg(long, value_name = "FILE.json", help_heading = "Grant")]
    grant: Option<PathBuf>,

    /// The operator's policy, as JSON: allow_http, denied_hosts, allowed_hosts, ports, literals [default: https on port 443
    /// to public addresses].
    #[arg(long, value_name = "FILE.json", help_heading = "Grant")]
    operator_policy: Option<PathBuf>,

    #[command(flatten)]
    runner: RunnerArgs,

    #[command(flatten)]
    development: DevelopmentArgs,
}

fn label_kind(text: &str) -> Result<LabelKind, String> {
    serde_json::from_value(Value::String(text.to_owned()))
        .map_err(|_| "must be one of secret, code, recipient, text, variable, client-ip".to_owned())
}

/// Runs the command.
pub async fn run(args: &SendArgs) -> Result<Exit, CliError> {
    let config = connection::read(&args.config)?;
    let overrides = args.development.open()?;
    args.development.warn(&overrides);
    let (operator, tenant) = args.grants()?;
    let network = overrides.apply(operator);
    let sandbox = args.runner.sandbox(&network)?;
    let connector = runner::load(&sandbox, &args.connector).await?;

    let (plan, parameters) = prepare(&config, args.message()?, &connector)?;
    let grant = connector.grant(&parameters, &network.operator, &tenant).into_input_error()?;
    if !plan.unknown_variables.is_empty() {
        let names = plan.unknown_variables.iter().map(|name| format!("{{{{{name}}}}}")).collect::<Vec<_>>().join(", ");
        render::warn(&format!(
            "warning: the template contains {names} without a value, which is sent unchanged; set it with --variable"
        ));
    }
    let size = plan.size;
    let request = SendRequest {
        owner: "command-line".into(),
        parameters: Arc::new(parameters),
        grant: Arc::new(grant),
        message: plan.message,
        pinned: None,
        dry_run: args.dry_run.then_some(DryRun { show_sealed: args.show_sealed }),
        withdrawn: None,
        revocation: None,
    };
    let report = sandbox.send(&connector, request).await;
    if args.json { print_json(args, &connector, size, &report) } else { print_text(args, size, &report) }
}

/// Plans the message and checks the parameters. Reports the errors of both at once.
fn prepare(
    config: &ConnectionConfig,
    request: MessageRequest,
    connector: &Connector,
) -> Result<(Plan, Parameters), CliError> {
    let planned = plan(config, request, connector.metadata());
    let parameters = connector.parameters(&config.parameters);
    let mut errors = match &parameters {
        Ok(_) => Vec::new(),
        Err(error) => parameter_errors(connector.metadata(), &error.0),
    };
    match (planned, parameters) {
        (Ok(plan), Ok(parameters)) => Ok((plan, parameters)),
        (planned, _) => {
            if let Err(FieldErrors(more)) = planned {
                errors.extend(more.into_iter().map(|error| FieldError::new(flag(&error.field), error.message)));
            }
            Err(CliError::errors(errors))
        }
    }
}

fn parameter_errors(metadata: &Metadata, faults: &[sendbox_sandbox::ParameterFault]) -> Vec<FieldError> {
    let known = || {
        let properties = metadata.parameters_schema.get("properties").and_then(Value::as_object);
        properties.into_iter().flatten().map(|(key, _)| key.as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut errors: Vec<FieldError> = faults
        .iter()
        .map(|fault| FieldError::new(format!("/parameters{}", fault.field), fault.message.clone()))
        .collect();
    if faults.iter().any(|fault| fault.field.is_empty()) {
        errors.push(FieldError::new("/parameters", format!("this connector has the parameters {}", known())));
    }
    errors
}

/// The flag that sets a field of the message. Pointers into the configuration stay as they are.
fn flag(field: &str) -> String {
    match field {
        "/to" => "--to".to_owned(),
        "/code" => "--code".to_owned(),
        "/locale" => "--locale".to_owned(),
        "/usage" => "--usage".to_owned(),
        "/lifetimeSeconds" => "--lifetime".to_owned(),
        "/clientIp" => "--client-ip".to_owned(),
        "Idempotency-Key" => "--idempotency-key".to_owned(),
        other => match other.strip_prefix("/variables") {
            Some(name) => format!("--variable {}", name.trim_start_matches('/')).trim_end().to_owned(),
            None => other.to_owned(),
        },
    }
}

impl SendArgs {
    fn grants(&self) -> Result<(OperatorPolicy, TenantGrant), CliError> {
        let operator: OperatorPolicy = match &self.operator_policy {
            Some(path) => runner::json_file(path)?,
            None => OperatorPolicy::default(),
        };
        let mut tenant: TenantGrant = match &self.grant {
            Some(path) => runner::json_file(path)?,
            None => TenantGrant::default(),
        };
        tenant.reveal.extend(&self.allow_reveal);
        Ok((operator, tenant))
    }

    fn message(&self) -> Result<MessageRequest, CliError> {
        let variables = self
            .variable
            .iter()
            .map(|given| {
                // The value is not printed: it may be a link with a token.
                let invalid =
                    || CliError::usage(anyhow!("--variable must be NAME=VALUE, like link=https://example.com"));
                let (name, value) = given.split_once('=').ok_or_else(invalid)?;
                Ok((name.to_owned(), Zeroizing::new(value.to_owned())))
            })
            .collect::<Result<_, CliError>>()?;
        Ok(MessageRequest {
            notice_templates: Vec::new(),
            to: self.to.clone().into(),
            usage: self.usage,
            locale: self.locale.clone(),
            code: Some(self.code()?),
            text: None,
            variables,
            client_ip: self.client_ip.clone().map(Zeroizing::new),
            lifetime: lifetime(&self.lifetime)?,
            idempotency_key: match &self.idempotency_key {
                Some(key) => key.clone(),
                None => random_key()?,
            },
            attempt: Attempt::first().map_err(anyhow::Error::from)?,
            origin_domain: None,
        })
    }

    fn code(&self) -> Result<Zeroizing<String>, CliError> {
        match self.code.as_deref() {
            Some("-") => {
                let mut text = Zeroizing::new(String::new());
                // Enough for a code and a line break; anything longer is not a code.
                let read = std::io::stdin().lock().take(64).read_to_string(&mut text);
                read.context("cannot read the code from standard input").into_input_error()?;
                Ok(Zeroizing::new(text.trim().to_owned()))
            }
            Some(code) => Ok(Zeroizing::new(code.to_owned())),
            None => Err(CliError::usage(anyhow!(
                "no code: pass --code 123456, pass --code - and write the code to standard input, or set SENDBOX_CODE"
            ))),
        }
    }
}

/// A random idempotency key, as unique as a nonce.
pub fn random_key() -> Result<String, CliError> {
    Ok(Attempt::first().map_err(anyhow::Error::from)?.nonce)
}

/// `10m`, `90s`, `1h`; a bare number is seconds.
fn lifetime(text: &str) -> Result<Duration, CliError> {
    let (number, unit) = text.split_at(text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len()));
    let unit = match unit {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        _ => None,
    };
    number
        .parse::<u64>()
        .ok()
        .zip(unit)
        .and_then(|(number, unit)| number.checked_mul(unit))
        .map(Duration::from_secs)
        .ok_or_else(|| CliError::usage(anyhow!("--lifetime must be a duration like 10m, 90s or 600")))
}

fn print_text(args: &SendArgs, size: Option<TextSize>, report: &SendResult) -> Result<Exit, CliError> {
    let mut text = String::new();
    let exit = match &report.outcome {
        Outcome::Accepted(receipt) => {
            text.push_str(&render::accepted(receipt, size, report));
            Exit::Success
        }
        Outcome::NotSentDryRun => {
            for record in &report.requests {
                text.push_str(&render::request(record));
            }
            let hint = if args.show_sealed { "" } else { "; --show-sealed shows the values in [brackets]" };
            render::warn(&format!("dry run: nothing was sent; the connector was stopped at its first request{hint}"));
            Exit::Success
        }
        Outcome::Failed(failure) => {
            render::warn(&render::failed(failure, report));
            Exit::from(failure)
        }
    };
    if args.trace {
        text.push_str("Trace:\n");
        text.push_str(&render::trace(&report.trace));
    }
    render::print(&text)?;
    Ok(exit)
}

fn print_json(
    args: &SendArgs,
    connector: &Connector,
    size: Option<TextSize>,
    report: &SendResult,
) -> Result<Exit, CliError> {
    let (mut value, exit) = match &report.outcome {
        Outcome::NotSentDryRun => {
            let requests: Vec<Value> = report
                .requests
                .iter()
                .map(|record| match &record.clear {
                    Some(clear) => json!({"method": record.method, "url": clear.url, "headers": clear.headers, "body": clear.body}),
                    None => json!({"method": record.method, "url": record.url, "headers": record.headers, "body": record.body}),
                })
                .collect();
            (json!({ "requests": requests }), Exit::Success)
        }
        Outcome::Accepted(receipt) => {
            let value = json!({
                "outcome": "accepted", "receipt": receipt, "text": size, "used": report.used,
                "hostsReached": report.hosts_reached, "connector": connector_json(connector),
            });
            (value, Exit::Success)
        }
        Outcome::Failed(failure) => {
            let value = json!({
                "error": failure_json(failure), "used": report.used, "hostsReached": report.hosts_reached,
                "connector": connector_json(connector),
            });
            (value, Exit::from(failure))
        }
    };
    if let (true, Some(fields)) = (args.trace, value.as_object_mut()) {
        fields.insert("trace".to_owned(), json!(report.trace));
    }
    render::print(&format!("{value}\n"))?;
    Ok(exit)
}

fn connector_json(connector: &Connector) -> Value {
    let metadata = connector.metadata();
    json!({ "id": metadata.id, "version": metadata.version, "digest": connector.digest().to_string() })
}

fn failure_json(failure: &Failure) -> Value {
    json!({
        "class": failure.class, "party": failure.party, "requestSent": failure.request_sent, "message": failure.text,
        "providerCode": failure.provider_code, "retryAfter": failure.retry_after, "advice": failure.advice(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes() {
        for (text, seconds) in [("10m", 600), ("90s", 90), ("600", 600), ("1h", 3600), ("0", 0)] {
            assert_eq!(lifetime(text).unwrap().as_secs(), seconds, "{text}");
        }
        for text in ["", "m", "10 m", "-5", "1d", "99999999999999999999", "18446744073709551615h"] {
            assert!(lifetime(text).is_err(), "{text}");
        }
    }

    #[test]
    fn fields_are_flags() {
        for (field, want) in [
            ("/to", "--to"),
            ("/lifetimeSeconds", "--lifetime"),
            ("/clientIp", "--client-ip"),
            ("Idempotency-Key", "--idempotency-key"),
            ("/variables/link", "--variable link"),
            ("/variables", "--variable"),
            ("/templates/0", "/templates/0"),
        ] {
            assert_eq!(flag(field), want);
        }
    }
}
