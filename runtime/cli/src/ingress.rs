//! `sendbox ingress`: manages the addresses at which identity platforms send messages.
//!
//! A client of the REST API and nothing else. The server decides what a platform needs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use sendbox_domain::ingress::kind::API_KEY_HEADER;
use sendbox_domain::model::{Ingress, IngressAuthenticationType, IngressCall, IngressKind};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::exit::{CliError, Exit, InputErrorExt as _};
use crate::remote::{self, Advice, Method, Remote, RemoteArgs, RequestBody};
use crate::render;
use crate::stop_signals::StopSignals;

/// The time between two looks at the calls, with `--follow`.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(1);

/// What to do after errors of the server.
const ADVICE: Advice = Advice {
    not_found: "check --tenant, and list the ingresses with `sendbox ingress list`",
    conflict: "check `sendbox ingress show NAME`, and decide again",
    in_doubt: "check `sendbox ingress show NAME` before you run the command again",
};

/// Let an identity platform or an application send through a running service, in its own format.
///
/// An ingress is an address of a tenant. Enter it in the configuration of the platform, which needs no change.
#[derive(Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  export SENDBOX_SERVER=https://sendbox.example.com SENDBOX_KEY=…
  sendbox ingress create supabase --tenant acme
  sendbox ingress create zitadel --tenant acme --secret-file signing.key
  sendbox ingress create twilio --tenant acme --name shop --region US
  sendbox ingress calls supabase --tenant acme --follow
  sendbox ingress rotate supabase --tenant acme --grace 3600

Exit codes:
  0  success
  2  the command line, a file, the key or a name is invalid; nothing was changed
  3  refused by a rule of the service
  5  in doubt: the response was lost, and the change may have been made
  6  the server could not be reached; nothing was changed
  7  the server or this machine failed"
)]
pub struct IngressArgs {
    #[command(subcommand)]
    action: Action,

    /// The tenant.
    #[arg(long, global = true, value_name = "ID", value_parser = remote::id, env = "SENDBOX_TENANT", help_heading = "Server")]
    tenant: Option<String>,

    /// Print one JSON object or array on stdout and nothing else, including errors.
    #[arg(long, global = true)]
    pub json: bool,

    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Create an ingress, or replace the settings of the one of this name, and print what to paste into the platform's configuration.
    ///
    /// An ingress that exists keeps its address, and its secrets unless --secret-file is given.
    #[command(after_help = "\
Examples:
  sendbox ingress create logto --tenant acme
  sendbox ingress create kratos --tenant acme --without-code ignore
  sendbox ingress create fusionauth --tenant acme --region US --usage '*=sign-in'
  sendbox ingress create authgear --tenant acme --secret-file webhook.key
  sendbox ingress create generic --tenant acme --auth header --header X-Api-Key")]
    Create(Box<CreateArgs>),

    /// List the ingresses of a tenant.
    #[command(after_help = "Example:\n  sendbox ingress list --tenant acme")]
    List,

    /// Show an ingress, its address and secrets, and how to set up the platform. Needs a key with the scope `manage`.
    #[command(after_help = "Example:\n  sendbox ingress show supabase --tenant acme")]
    Show {
        /// The ingress's name.
        #[arg(value_parser = remote::id)]
        name: String,
    },

    /// Show the newest calls of an ingress: what became of each, and why it was refused.
    #[command(after_help = "\
Examples:
  sendbox ingress calls supabase --tenant acme
  sendbox ingress calls supabase --tenant acme --follow")]
    Calls {
        /// The ingress's name.
        #[arg(value_parser = remote::id)]
        name: String,
        /// Wait for further calls, until Ctrl-C.
        #[arg(long, conflicts_with = "json")]
        follow: bool,
    },

    /// Replace the secret of an ingress, and keep everything else: for the secret that ZITADEL, Authgear or Authsignal has made.
    #[command(after_help = "\
Examples:
  sendbox ingress secret zitadel --tenant acme --secret-file signing.key
  sendbox ingress secret supabase --tenant acme --secret-file new-and-previous.txt")]
    Secret {
        /// The ingress's name.
        #[arg(value_parser = remote::id)]
        name: String,
        /// A file with the secret; a second line holds the previous secret, which is accepted, too.
        #[arg(long, value_name = "FILE")]
        secret_file: PathBuf,
    },

    /// Give an ingress a new address.
    #[command(after_help = "Example:\n  sendbox ingress rotate supabase --tenant acme --grace 3600")]
    Rotate {
        /// The ingress's name.
        #[arg(value_parser = remote::id)]
        name: String,
        /// How many seconds the previous address keeps working, at most a week.
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        grace: u64,
    },

    /// Delete an ingress. Calls of its address get 404 from then on.
    #[command(after_help = "Example:\n  sendbox ingress delete supabase --tenant acme")]
    Delete {
        /// The ingress's name.
        #[arg(value_parser = remote::id)]
        name: String,
    },
}

#[derive(Args)]
struct CreateArgs {
    /// The platform: logto, supabase, zitadel, kratos, better-auth, fusionauth, authentik, authgear, authsignal, auth0-gateway, casdoor,
    /// keycloak, generic or twilio.
    #[arg(value_parser = kind)]
    kind: IngressKind,

    /// The name of the ingress [default: the platform].
    #[arg(long, value_parser = remote::id)]
    name: Option<String>,

    /// Answer no calls, until it is created again without this flag.
    #[arg(long)]
    disabled: bool,

    /// The country of numbers that are written without `+` and calling code, like DK.
    #[arg(long, value_name = "COUNTRY")]
    region: Option<String>,

    /// What a word of the platform means, like `mfa=mfa-verification`; `*` stands for all other words. Repeatable.
    #[arg(long, value_name = "WORD=USAGE")]
    usage: Vec<String>,

    /// What is sent when the platform passes a code and a text: `template` or `original`.
    #[arg(long, value_name = "WHICH")]
    text: Option<String>,

    /// What happens to messages without a code: `refuse`, `ignore` or `send`.
    #[arg(long, value_name = "ACTION")]
    without_code: Option<String>,

    /// How many milliseconds a call waits for the outcome of its message.
    #[arg(long, value_name = "MS")]
    wait_ms: Option<u32>,

    /// How many seconds the same number and code count as a repetition; 0 sends each.
    #[arg(long, value_name = "SECONDS")]
    repeat_seconds: Option<u32>,

    /// The name of a field of the request, like `to=phone` or `code=/data/otp`: to, code, text, usage, locale, clientIp, repeatId. For
    /// generic, casdoor and keycloak. Repeatable.
    #[arg(long, value_name = "FIELD=NAME")]
    field: Vec<String>,

    /// How calls are authenticated: bearer, basic, header, standard-webhooks, zitadel-signature, authgear-signature,
    /// authsignal-signature, jwt-hs256 or none [default: what the platform offers].
    #[arg(long, value_name = "METHOD", help_heading = "Authentication")]
    auth: Option<String>,

    /// The header that holds the secret, for `--auth header`.
    #[arg(long, value_name = "NAME", requires = "auth", help_heading = "Authentication")]
    header: Option<String>,

    /// The user name, for `--auth basic`.
    #[arg(long, value_name = "NAME", requires = "auth", help_heading = "Authentication")]
    username: Option<String>,

    /// The audience that tokens must be for, for `--auth jwt-hs256`.
    #[arg(long, value_name = "TEXT", requires = "auth", help_heading = "Authentication")]
    audience: Option<String>,

    /// A file with the secret; a second line holds the previous secret, which is accepted, too [default: a secret is made, unless the
    /// platform makes it].
    #[arg(long, value_name = "FILE", help_heading = "Authentication")]
    secret_file: Option<PathBuf>,
}

fn kind(text: &str) -> Result<IngressKind, String> {
    IngressKind::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
        let names: Vec<&str> = IngressKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

/// A client of the ingresses of one tenant.
struct IngressClient<'a> {
    remote: Remote,
    tenant: &'a str,
    json: bool,
}

impl IngressClient<'_> {
    async fn call(&self, method: Method, path: &[&str], body: RequestBody<'_>) -> Result<Value, CliError> {
        let start = ["v1", "tenants", self.tenant, "ingresses"];
        let whole: Vec<&str> = start.into_iter().chain(path.iter().copied()).collect();
        self.remote.call(method, &whole, body).await
    }

    /// Prints a response: its JSON with `--json`, `text` otherwise.
    fn print<T: DeserializeOwned>(&self, raw: &Value, text: impl FnOnce(T) -> String) -> Result<Exit, CliError> {
        let text = if self.json { format!("{raw}\n") } else { text(remote::parse(raw)?) };
        render::print(&text)?;
        Ok(Exit::Success)
    }
}

pub async fn run(args: &IngressArgs) -> Result<Exit, CliError> {
    let tenant = remote::required_tenant(args.tenant.as_deref())?;
    // Before the server is asked for anything.
    let body = match &args.action {
        Action::Create(create) => Some(create.body()?),
        _ => None,
    };
    let client = IngressClient { remote: args.remote.open(ADVICE)?, tenant, json: args.json };
    match &args.action {
        Action::Create(create) => {
            let name = create.name.as_deref().unwrap_or(create.kind.as_str());
            let saved = client.call(Method::PUT, &[name], RequestBody::Json(&body.unwrap_or_default())).await?;
            client.print(&saved, |ingress| described(&ingress))
        }
        Action::List => {
            let list = client.call(Method::GET, &[], RequestBody::Empty).await?;
            client.print(&list, |ingresses: Vec<Ingress>| listed(&ingresses))
        }
        Action::Show { name } => {
            let ingress = client.call(Method::GET, &[name], RequestBody::Empty).await?;
            client.print(&ingress, |ingress| described(&ingress))
        }
        Action::Calls { name, follow: false } => {
            let calls = client.call(Method::GET, &[name, "calls"], RequestBody::Empty).await?;
            client.print(&calls, |calls: Vec<IngressCall>| match calls.as_slice() {
                [] => "No calls yet.\n".to_owned(),
                calls => calls.iter().rev().map(call_line).collect(),
            })
        }
        Action::Calls { name, follow: true } => follow(&client, name).await,
        Action::Secret { name, secret_file } => {
            let secrets = secrets_of(secret_file)?;
            let current = client.call(Method::GET, &[name], RequestBody::Empty).await?;
            let part = |pointer: &str| current.pointer(pointer).cloned().unwrap_or_default();
            let authentication = json!({
                "type": part("/authentication/type"),
                "header": part("/authentication/header"),
                "username": part("/authentication/username"),
                "audience": part("/authentication/audience"),
                "secrets": secrets,
            });
            let body = json!({
                "kind": part("/kind"),
                "enabled": part("/enabled"),
                "settings": part("/settings"),
                "authentication": authentication,
            });
            let saved = client.call(Method::PUT, &[name], RequestBody::Json(&body)).await?;
            client.print(&saved, |ingress| described(&ingress))
        }
        Action::Rotate { name, grace } => {
            let body = json!({ "graceSeconds": grace });
            let path = [name.as_str(), "rotate-address"];
            let rotated = client.call(Method::POST, &path, RequestBody::Json(&body)).await?;
            client.print(&rotated, |ingress| described(&ingress))
        }
        Action::Delete { name } => {
            client.call(Method::DELETE, &[name], RequestBody::Empty).await?;
            let text =
                if args.json { "{}\n".to_owned() } else { format!("Deleted the ingress {}.\n", render::line(name)) };
            render::print(&text)?;
            Ok(Exit::Success)
        }
    }
}

/// Prints calls as they arrive, until Ctrl-C.
async fn follow(client: &IngressClient<'_>, name: &str) -> Result<Exit, CliError> {
    let mut signals = StopSignals::new()?;
    let mut printed: Vec<IngressCall> = Vec::new();
    let mut is_first = true;
    loop {
        let raw = client.call(Method::GET, &[name, "calls"], RequestBody::Empty).await?;
        let calls: Vec<IngressCall> = remote::parse(&raw)?;
        let new: String = calls.iter().rev().filter(|call| !printed.contains(call)).map(call_line).collect();
        render::print(&new)?;
        if is_first && calls.is_empty() {
            render::warn("Waiting for the first call. Press Ctrl-C to end.");
        }
        (printed, is_first) = (calls, false);
        tokio::select! {
            () = tokio::time::sleep(FOLLOW_INTERVAL) => {}
            _ = signals.recv() => return Ok(Exit::Success),
        }
    }
}

impl CreateArgs {
    fn body(&self) -> Result<Value, CliError> {
        let mut settings = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                settings.insert(name.to_owned(), value);
            }
        };
        set("defaultRegion", self.region.as_ref().map(|region| json!(region)));
        set("usages", pairs(&self.usage, "--usage")?);
        set("text", self.text.as_ref().map(|text| json!(text)));
        set("messagesWithoutCode", self.without_code.as_ref().map(|action| json!(action)));
        set("waitMs", self.wait_ms.map(|wait| json!(wait)));
        set("repeatSeconds", self.repeat_seconds.map(|seconds| json!(seconds)));
        set("fields", pairs(&self.field, "--field")?);
        let mut body = json!({ "kind": self.kind, "enabled": !self.disabled, "settings": settings });
        if let (Some(authentication), Some(fields)) = (self.authentication()?, body.as_object_mut()) {
            fields.insert("authentication".to_owned(), authentication);
        }
        Ok(body)
    }

    fn authentication(&self) -> Result<Option<Value>, CliError> {
        let secrets = self.secrets()?;
        // The default method of the platform has the default audience, too.
        let facts = self.kind.facts();
        let (method, audience) = match (self.auth.as_deref(), &secrets) {
            (Some(method), _) => (method, self.audience.as_deref()),
            (None, Some(_)) => (facts.methods.first().map_or("none", |method| method.as_str()), facts.audience),
            (None, None) => return Ok(None),
        };
        let header =
            self.header.as_deref().or((method == IngressAuthenticationType::Header.as_str()).then_some(API_KEY_HEADER));
        Ok(Some(json!({
            "type": method,
            "header": header,
            "username": self.username,
            "audience": audience,
            "secrets": secrets,
        })))
    }

    fn secrets(&self) -> Result<Option<Vec<String>>, CliError> {
        self.secret_file.as_deref().map(secrets_of).transpose()
    }
}

/// The secrets in a file, one on each line.
fn secrets_of(path: &Path) -> Result<Vec<String>, CliError> {
    let name = || format!("cannot read the secret from {}", path.display());
    let text = std::fs::read_to_string(path).with_context(name).into_input_error()?;
    let secrets: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if secrets.is_empty() {
        return Err(CliError::usage(anyhow!("{} holds no secret", path.display())));
    }
    Ok(secrets)
}

/// `NAME=VALUE` flags as an object; `None` if there are none.
fn pairs(given: &[String], flag: &str) -> Result<Option<Value>, CliError> {
    let mut object = Map::new();
    for pair in given {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| CliError::usage(anyhow!("{flag} must be NAME=VALUE; see --help")))?;
        object.insert(name.to_owned(), json!(value));
    }
    Ok((!object.is_empty()).then_some(Value::Object(object)))
}

fn listed(ingresses: &[Ingress]) -> String {
    if ingresses.is_empty() {
        return "No ingresses. Create one with `sendbox ingress create`.\n".to_owned();
    }
    let line = |ingress: &Ingress| {
        let state = if ingress.enabled { "enabled" } else { "disabled" };
        format!("{:<24} {:<14} {state}\n", render::line(&ingress.name), ingress.kind.as_str())
    };
    ingresses.iter().map(line).collect()
}

fn described(ingress: &Ingress) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        writeln!(text, "  {name:<14} {}", render::line(value)).ok();
    };
    row("name", &ingress.name);
    row("platform", ingress.kind.as_str());
    row("state", if ingress.enabled { "enabled" } else { "disabled: every call is refused" });
    row("address", ingress.address.as_deref().unwrap_or("shown to keys with the scope `manage`"));
    if let Some(until) = ingress.previous_address_expires_at {
        row("previous one", &format!("works until {until}"));
    }
    for step in &ingress.setup {
        write!(text, "\n{}\n", render::line(&step.instruction)).ok();
        for line in step.snippet.iter().flat_map(|snippet| snippet.lines()) {
            writeln!(text, "    {}", render::line(line)).ok();
        }
    }
    text
}

/// `2026-11-23T20:21:33Z  stored    200  +45…78  sign-in  m7k3… accepted`
fn call_line(call: &IngressCall) -> String {
    let status = call.status.map_or_else(|| "–".to_owned(), |status| status.to_string());
    let to = call.to.as_deref().unwrap_or("–");
    let usage = call.usage.map_or("–", |usage| usage.as_str());
    let mut line = format!("{}  {:<8}  {status:>3}  {to:<10}  {usage}", call.received_at, call.outcome.as_str());
    if let Some(message) = &call.message {
        let state = call.message_status.map_or("deleted", |status| status.as_str());
        write!(line, "  {message} {state}").ok();
    }
    if let Some(detail) = &call.detail {
        write!(line, "\n    {}", render::line(detail)).ok();
    }
    line.push('\n');
    line
}
