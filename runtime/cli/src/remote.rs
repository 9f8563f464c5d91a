//! A client of Sendbox's own REST API, for the commands that talk to a running service; and the forwarding of events to a program that is
//! being developed.
//!
//! Promises
//! - the key goes to the named server only, over TLS or to a loopback address, unless `--insecure` is given; it is in no error,
//!   and redirects are not followed;
//! - an error says who failed, and whether the request may have been carried out.
//!
//! Must not know: connectors, and what the responses mean. It is not part of a send.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
pub use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, Url};
use sendbox_domain::FieldError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::exit::{CliError, Effect, Exit, InputErrorExt as _, RemoteError};
use crate::render;

/// Time limit for connecting to the server.
const CONNECT: Duration = Duration::from_secs(10);
/// Time limit for each read. Longer than the server's own time limit for a request.
const SILENCE: Duration = Duration::from_secs(60);
/// Time limit for forwarding an event, as the service has for webhooks.
const FORWARD: Duration = Duration::from_secs(15);
/// Maximum size of a response in bytes. Far above the longest list.
const LARGEST_RESPONSE: usize = 64 << 20;

/// The server and the key for it.
#[derive(Args, Debug)]
#[command(next_help_heading = "Server")]
pub struct RemoteArgs {
    /// The URL of the Sendbox server.
    #[arg(long, global = true, value_name = "URL", env = "SENDBOX_SERVER", default_value = "http://127.0.0.1:8080")]
    server: String,

    /// A file that holds the key [default: the environment variable SENDBOX_KEY].
    #[arg(long, global = true, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// Allow http:// to a server that is not on this machine. Everyone on the network path can read the key.
    #[arg(long, global = true)]
    insecure: bool,
}

impl RemoteArgs {
    /// A client with these flags. `advice`: what to do after an error, in the words of the command.
    pub fn open(&self, advice: Advice) -> Result<Remote, CliError> {
        let base = self.base()?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", &*self.key()?))
            .map_err(|_| CliError::usage(anyhow!("the key contains invalid characters; copy it again")))?;
        bearer.set_sensitive(true);
        let mut client = Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("sendbox/", env!("CARGO_PKG_VERSION")));
        // A proxy could read the key, and would resolve `localhost` to its own machine.
        if base.scheme() == "http" {
            client = client.no_proxy();
        }
        let client = client.build().context("cannot make an HTTP client")?;
        Ok(Remote { client, base, bearer, flags: self.flags(), advice })
    }

    fn base(&self) -> Result<Url, CliError> {
        let shown = render::line(&self.server);
        let url = Url::parse(&self.server)
            .with_context(|| format!("--server {shown} is not a URL; expected one like https://sendbox.example.com"))
            .into_input_error()?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(CliError::usage(anyhow!(
                "--server may contain a scheme, a host, a port and a path only; set the key with --key-file or SENDBOX_KEY"
            )));
        }
        match url.scheme() {
            "https" => Ok(url),
            "http" if is_this_machine(&url) || self.insecure => Ok(url),
            "http" => Err(CliError::usage(anyhow!(
                "--server {shown} is neither encrypted nor on this machine: everyone on the network path could read the key. Use https, or pass --insecure"
            ))),
            _ => Err(CliError::usage(anyhow!(
                "--server {shown} is not https; expected a URL like https://sendbox.example.com"
            ))),
        }
    }

    fn key(&self) -> Result<Zeroizing<String>, CliError> {
        let key = match &self.key_file {
            Some(path) => {
                let name = || format!("cannot read the key from {}", path.display());
                Zeroizing::new(std::fs::read_to_string(path).with_context(name).into_input_error()?)
            }
            None => Zeroizing::new(std::env::var("SENDBOX_KEY").unwrap_or_default()),
        };
        let key = Zeroizing::new(key.trim().to_owned());
        if key.is_empty() {
            let reason = match &self.key_file {
                Some(path) => format!("{} is empty", path.display()),
                None => "SENDBOX_KEY is not set".to_owned(),
            };
            return Err(CliError::usage(anyhow!(
                "no key: {reason}. Set SENDBOX_KEY, or pass --key-file; `sendbox serve` keeps the platform key in platform.key in its data folder"
            )));
        }
        Ok(key)
    }

    /// The flags with which a printed command reaches the same server.
    fn flags(&self) -> String {
        let mut flags = String::new();
        if self.server != "http://127.0.0.1:8080" && std::env::var("SENDBOX_SERVER").as_deref() != Ok(&self.server) {
            flags.push_str(&format!(" --server {}", render::quoted(&self.server)));
        }
        if let Some(path) = &self.key_file {
            flags.push_str(&format!(" --key-file {}", render::quoted(&path.display().to_string())));
        }
        if self.insecure {
            flags.push_str(" --insecure");
        }
        flags
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A client of one server, with its key.
pub struct Remote {
    client: Client,
    base: Url,
    bearer: HeaderValue,
    /// `--server …` and so on for printed commands, with a leading space, or empty.
    pub flags: String,
    advice: Advice,
}

/// What to do after errors whose advice names commands.
#[derive(Clone, Copy)]
pub struct Advice {
    pub not_found: &'static str,
    pub conflict: &'static str,
    pub in_doubt: &'static str,
}

/// Parses an id that becomes a segment of a path. The server checks it; this only rejects what would change the path.
pub fn id(text: &str) -> Result<String, String> {
    if text.is_empty() || text.chars().all(|character| character == '.') {
        return Err("must be an id".to_owned());
    }
    Ok(text.to_owned())
}

/// The tenant, for commands that need one.
pub fn required_tenant(tenant: Option<&str>) -> Result<&str, CliError> {
    tenant.ok_or_else(|| CliError::usage(anyhow!("no tenant: pass --tenant, or set SENDBOX_TENANT")))
}

/// A response of the server, typed.
pub fn parse<T: DeserializeOwned>(response: &Value) -> Result<T, CliError> {
    let unknown = "the server's response has an unknown format; use a `sendbox` of the server's version";
    Ok(T::deserialize(response).context(unknown)?)
}

/// The body of a request.
pub enum RequestBody<'a> {
    Empty,
    Json(&'a Value),
    /// The bytes of a WebAssembly component.
    Component(Vec<u8>),
}

/// The members of a problem document (RFC 9457) that are printed.
#[derive(Deserialize)]
struct ProblemDocument {
    #[serde(rename = "type")]
    kind: String,
    detail: String,
    #[serde(default)]
    instance: String,
    #[serde(default)]
    errors: Vec<FieldError>,
}

impl Remote {
    /// Calls an operation, `["v1", "connectors"]`, and returns the JSON of a 2xx response, or null if it has no body.
    pub async fn call(&self, method: Method, path: &[&str], body: RequestBody<'_>) -> Result<Value, CliError> {
        let changes = method != Method::GET;
        self.answer(self.request(method, path, &[], body), changes).await
    }

    /// Reads something with parameters of the query.
    pub async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value, CliError> {
        self.answer(self.request(Method::GET, path, query, RequestBody::Empty), false).await
    }

    async fn answer(&self, request: RequestBuilder, changes: bool) -> Result<Value, CliError> {
        let response = request.send().await.map_err(|error| self.unanswered(&error, changes))?;
        let status = response.status();
        let bytes = self.read(response, changes).await?;
        if status.is_success() {
            if bytes.is_empty() {
                return Ok(Value::Null);
            }
            return serde_json::from_slice(&bytes).map_err(|_| self.not_sendbox(status.as_u16(), changes));
        }
        match serde_json::from_slice::<ProblemDocument>(&bytes) {
            Ok(document) => Err(self.refused(document)),
            Err(_) => Err(self.not_sendbox(status.as_u16(), changes)),
        }
    }

    fn request(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: RequestBody<'_>,
    ) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self
            .client
            .request(method, url)
            .header(AUTHORIZATION, self.bearer.clone())
            .header(ACCEPT, "application/json");
        match body {
            RequestBody::Empty => request,
            RequestBody::Json(json) => request.header(CONTENT_TYPE, "application/json").body(json.to_string()),
            RequestBody::Component(bytes) => request.header(CONTENT_TYPE, "application/wasm").body(bytes),
        }
    }

    async fn read(&self, mut response: Response, changes: bool) -> Result<Vec<u8>, CliError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unanswered(&error, changes))? {
            if bytes.len() + chunk.len() > LARGEST_RESPONSE {
                return Err(self.not_sendbox(response.status().as_u16(), changes));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn name(&self) -> String {
        render::line(self.base.as_str().trim_end_matches('/'))
    }

    /// No response, or an incomplete one. `changes` says whether the request would have changed something.
    fn unanswered(&self, error: &reqwest::Error, changes: bool) -> CliError {
        let mut reason = String::new();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            // The innermost cause says it; the others repeat that there was an error.
            reason = cause.to_string();
            source = cause.source();
        }
        let is_untrusted = reason.contains("certificate");
        let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        if error.is_connect() {
            let (class, what, advice) = if is_untrusted {
                let advice =
                    "check --server; to trust another certificate authority, set SSL_CERT_FILE to its PEM file";
                ("untrusted-server", "the server's certificate is not trusted", advice)
            } else {
                let advice = "start a server with `sendbox serve`, or name another one with --server or SENDBOX_SERVER";
                ("no-server", "cannot reach a server", advice)
            };
            let remote = RemoteError::new(class, "network", Effect::None, advice);
            return CliError::remote(Exit::Network, anyhow!("{what} at {}{reason}", self.name()), remote);
        }
        let (exit, effect, advice) = if changes {
            (Exit::InDoubt, Effect::Unknown, self.advice.in_doubt)
        } else {
            (Exit::Network, Effect::None, "run the command again")
        };
        let remote = RemoteError::new("no-answer", "network", effect, advice);
        CliError::remote(exit, anyhow!("no complete response from {}{reason}", self.name()), remote)
    }

    /// A response that Sendbox does not send.
    fn not_sendbox(&self, status: u16, changes: bool) -> CliError {
        let advice = "check --server: its address, and the path under which Sendbox's /v1 is reached";
        // A proxy may have replaced Sendbox's response.
        let effect = if changes { Effect::Unknown } else { Effect::None };
        let remote = RemoteError::new("not-sendbox", "server", effect, advice);
        CliError::remote(
            Exit::Internal,
            anyhow!("{} responded with {status}, but it is not Sendbox", self.name()),
            remote,
        )
    }

    /// The error for a problem document: its class, with advice that names commands instead of API operations.
    fn refused(&self, document: ProblemDocument) -> CliError {
        let class = document.kind.trim_start_matches("/problems/").to_owned();
        let (exit, party, advice) = match class.as_str() {
            "unauthenticated" => (
                Exit::Usage,
                "caller",
                "check the key in SENDBOX_KEY or --key-file, and that it belongs to this server",
            ),
            "insufficient-scope" => (Exit::Refused, "caller", "use a key with the scope `manage`, or the platform key"),
            "platform-only" => (Exit::Refused, "caller", "name your tenant with --tenant, or use the platform key"),
            "not-found" => (Exit::Usage, "caller", self.advice.not_found),
            "approval-required" => (
                Exit::Refused,
                "policy",
                "review the difference with `sendbox connector show ID DIGEST`, then run `sendbox connector approve ID DIGEST`",
            ),
            "diff-changed" => (
                Exit::Refused,
                "policy",
                "review the new difference with `sendbox connector show ID DIGEST`, and approve that one",
            ),
            "conflict" => (Exit::Refused, "policy", self.advice.conflict),
            "limit-reached" => (Exit::Refused, "policy", "wait, and run the command again"),
            "outcome-unknown" => (Exit::InDoubt, "server", self.advice.in_doubt),
            "store-unavailable" | "busy" | "master-key-missing" | "starting" | "stopping" | "request-timeout" => {
                (Exit::Internal, "server", "run the command again in a moment")
            }
            "internal" => {
                (Exit::Internal, "server", "give the operator the request id; the server's log has the details")
            }
            _ => (Exit::Usage, "caller", "correct the input and run the command again"),
        };
        let request = if party == "server" && !document.instance.is_empty() {
            format!(" ({})", document.instance)
        } else {
            String::new()
        };
        let effect = if exit == Exit::InDoubt { Effect::Unknown } else { Effect::None };
        let remote = RemoteError { errors: document.errors, ..RemoteError::new(&class, party, effect, advice) };
        CliError::remote(exit, anyhow!("{}{request}", document.detail), remote)
    }
}

/// Sends events to a program that is being developed. It has no key, and follows no redirects.
pub struct Forwarder {
    client: Client,
    url: Url,
}

impl Forwarder {
    /// A forwarder to an `http` or `https` URL.
    pub fn to(url: &str) -> Result<Self, CliError> {
        let shown = render::line(url);
        let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = parsed.ok_or_else(|| {
            CliError::usage(anyhow!(
                "--forward-to {shown} is not a URL; expected one like http://127.0.0.1:3000/webhooks"
            ))
        })?;
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(FORWARD)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("sendbox/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("cannot make an HTTP client")?;
        Ok(Self { client, url })
    }

    /// Posts a body, and returns the status of the response, or why there is none.
    pub async fn post(&self, headers: &[(&str, String)], body: Vec<u8>) -> Result<u16, String> {
        let mut request = self.client.post(self.url.clone()).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        match request.send().await {
            Ok(response) => Ok(response.status().as_u16()),
            Err(error) if error.is_connect() => Err("no connection".to_owned()),
            Err(error) if error.is_timeout() => Err("no response in time".to_owned()),
            Err(_) => Err("no complete response".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(server: &str, insecure: bool) -> RemoteArgs {
        RemoteArgs { server: server.to_owned(), key_file: None, insecure }
    }

    #[test]
    fn the_key_is_sent_encrypted_only() {
        for (server, insecure, fine) in [
            ("https://sendbox.example.com", false, true),
            ("https://sendbox.example.com/under/a/path/", false, true),
            ("http://127.0.0.1:8080", false, true),
            ("http://[::1]:8080", false, true),
            ("http://localhost:8080", false, true),
            ("http://localhost.example.com:8080", false, false),
            ("http://10.0.0.1:8080", false, false),
            ("http://sendbox.example.com", false, false),
            ("http://sendbox.example.com", true, true),
            ("ftp://127.0.0.1", true, false),
            ("https://user:key@sendbox.example.com", false, false),
            ("https://sendbox.example.com/?key=1", false, false),
            ("sendbox.example.com", false, false),
        ] {
            assert_eq!(args(server, insecure).base().is_ok(), fine, "{server}");
        }
    }

    #[test]
    fn paths_are_put_below_the_servers_own() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let remote = |server: &str| Remote {
            client: Client::new(),
            base: Url::parse(server).unwrap(),
            bearer: HeaderValue::from_static("Bearer key"),
            flags: String::new(),
            advice: Advice { not_found: "", conflict: "", in_doubt: "" },
        };
        for (server, url) in [
            ("https://a.example", "https://a.example/v1/connectors/a%2Fb"),
            ("https://a.example/", "https://a.example/v1/connectors/a%2Fb"),
            ("https://a.example/sms", "https://a.example/sms/v1/connectors/a%2Fb"),
            ("https://a.example/sms/", "https://a.example/sms/v1/connectors/a%2Fb"),
        ] {
            let request = remote(server).request(Method::GET, &["v1", "connectors", "a/b"], &[], RequestBody::Empty);
            assert_eq!(request.build().unwrap().url().as_str(), url);
        }
    }
}
