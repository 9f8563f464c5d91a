//! A client of Sendbox's own REST API, for the commands that talk to a running service.
//!
//! Promises
//! - the key goes to the server that was named, over TLS or on this machine alone, unless `--insecure` says otherwise; it stands
//!   in no error, and no redirect takes it elsewhere;
//! - an error says who failed, and whether what was asked for may have been done.
//!
//! Must not know: connectors, and what the answers mean. It is no part of a send.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
pub use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, Url};
use sendbox_service::Problem;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::exit::{Blame as _, Exit, Stop, Told};
use crate::render;

/// How long a server may take to be reached.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may be silent. Above the time that it gives a request itself.
const SILENCE: Duration = Duration::from_secs(60);
/// Bytes of an answer at most. Far above the longest list.
const LARGEST_ANSWER: usize = 64 << 20;

/// Which server, and with which key.
#[derive(Args, Debug)]
#[command(next_help_heading = "Server")]
pub struct RemoteArgs {
    /// Where Sendbox serves.
    #[arg(long, global = true, value_name = "URL", env = "SENDBOX_SERVER", default_value = "http://127.0.0.1:8080")]
    server: String,

    /// The file with the key [default: the key in the environment variable SENDBOX_KEY].
    #[arg(long, global = true, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// Send the key in clear to a server that is not on this machine. Everyone on the way can read it.
    #[arg(long, global = true)]
    insecure: bool,
}

impl RemoteArgs {
    /// What the flags say.
    pub fn open(&self) -> Result<Remote, Stop> {
        let base = self.base()?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", &*self.key()?))
            .map_err(|_| Stop::usage(anyhow!("the key holds characters that no key has; copy it anew")))?;
        bearer.set_sensitive(true);
        let mut client = Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("sendbox/", env!("CARGO_PKG_VERSION")));
        // A proxy would read what is sent in clear, and reaches another machine under the name of this one.
        if base.scheme() == "http" {
            client = client.no_proxy();
        }
        let client = client.build().context("cannot make an HTTP client")?;
        Ok(Remote { client, base, bearer, flags: self.flags() })
    }

    fn base(&self) -> Result<Url, Stop> {
        let shown = render::line(&self.server);
        let url = Url::parse(&self.server)
            .with_context(|| format!("--server {shown} is no URL; give one like https://sendbox.example.com"))
            .blame_input()?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(Stop::usage(anyhow!(
                "--server takes a scheme, a host, a port and a path alone; the key comes from --key-file or SENDBOX_KEY"
            )));
        }
        match url.scheme() {
            "https" => Ok(url),
            "http" if is_this_machine(&url) || self.insecure => Ok(url),
            "http" => Err(Stop::usage(anyhow!(
                "--server {shown} is not encrypted and not on this machine: everyone on the way could read the key. Use https, or say --insecure"
            ))),
            _ => {
                Err(Stop::usage(anyhow!("--server {shown} is not https; give a URL like https://sendbox.example.com")))
            }
        }
    }

    fn key(&self) -> Result<Zeroizing<String>, Stop> {
        let key = match &self.key_file {
            Some(path) => {
                let name = || format!("cannot read the key from {}", path.display());
                Zeroizing::new(std::fs::read_to_string(path).with_context(name).blame_input()?)
            }
            None => Zeroizing::new(std::env::var("SENDBOX_KEY").unwrap_or_default()),
        };
        let key = Zeroizing::new(key.trim().to_owned());
        if key.is_empty() {
            let from = match &self.key_file {
                Some(path) => format!("{} is empty", path.display()),
                None => "SENDBOX_KEY is not set".to_owned(),
            };
            return Err(Stop::usage(anyhow!(
                "there is no key: {from}. Set SENDBOX_KEY, or name a file with --key-file; `sendbox serve` keeps the platform key in platform.key of its folder"
            )));
        }
        Ok(key)
    }

    /// The flags that lead to the same server again, for commands that are printed.
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

/// A server and the key for it.
pub struct Remote {
    client: Client,
    base: Url,
    bearer: HeaderValue,
    /// As they are typed, with a space before each.
    pub flags: String,
}

/// What goes with a request.
pub enum Sent<'a> {
    /// Nothing.
    Nothing,
    /// JSON.
    Json(&'a Value),
    /// The file of a component.
    Component(Vec<u8>),
}

/// A problem document, as far as it is shown.
#[derive(Deserialize)]
struct Document {
    #[serde(rename = "type")]
    kind: String,
    detail: String,
    #[serde(default)]
    instance: String,
    #[serde(default)]
    errors: Vec<Problem>,
}

impl Remote {
    /// Calls an operation: `["v1", "connectors"]`. Gives back the JSON of an answer that is 2xx; null when it has none.
    pub async fn call(&self, method: Method, path: &[&str], sent: Sent<'_>) -> Result<Value, Stop> {
        let changes = method != Method::GET;
        let response =
            self.request(method, path, sent).send().await.map_err(|error| self.unanswered(&error, changes))?;
        let status = response.status();
        let bytes = self.read(response, changes).await?;
        if status.is_success() {
            if bytes.is_empty() {
                return Ok(Value::Null);
            }
            return serde_json::from_slice(&bytes).map_err(|_| self.no_sendbox(status.as_u16()));
        }
        match serde_json::from_slice::<Document>(&bytes) {
            Ok(document) => Err(self.refused(document)),
            Err(_) => Err(self.no_sendbox(status.as_u16())),
        }
    }

    fn request(&self, method: Method, path: &[&str], sent: Sent<'_>) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let request = self
            .client
            .request(method, url)
            .header(AUTHORIZATION, self.bearer.clone())
            .header(ACCEPT, "application/json");
        match sent {
            Sent::Nothing => request,
            Sent::Json(body) => request.header(CONTENT_TYPE, "application/json").body(body.to_string()),
            Sent::Component(bytes) => request.header(CONTENT_TYPE, "application/wasm").body(bytes),
        }
    }

    async fn read(&self, mut response: Response, changes: bool) -> Result<Vec<u8>, Stop> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unanswered(&error, changes))? {
            if bytes.len() + chunk.len() > LARGEST_ANSWER {
                return Err(self.no_sendbox(response.status().as_u16()));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    fn name(&self) -> String {
        render::line(self.base.as_str().trim_end_matches('/'))
    }

    /// No answer, or half of one.
    fn unanswered(&self, error: &reqwest::Error, changes: bool) -> Stop {
        let mut why = String::new();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            // The last one says it; those before repeat that there was an error.
            why = cause.to_string();
            source = cause.source();
        }
        let is_untrusted = why.contains("certificate");
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        if error.is_connect() {
            let (class, what, advice) = if is_untrusted {
                let advice = "check --server; an authority that this machine does not know is trusted through a file named in SSL_CERT_FILE";
                ("untrusted-server", "the server is not trusted", advice)
            } else {
                let advice = "start one with `sendbox serve`, or name another with --server or SENDBOX_SERVER";
                ("no-server", "no server can be reached", advice)
            };
            let told =
                Told { class: class.to_owned(), party: "network", advice: advice.to_owned(), problems: Vec::new() };
            return Stop::told(Exit::Network, anyhow!("{what} at {}{why}", self.name()), told);
        }
        let (exit, advice) = if changes {
            (Exit::InDoubt, "it may have been done: look at `sendbox connector status` before you do it again")
        } else {
            (Exit::Network, "run the command again")
        };
        let told =
            Told { class: "no-answer".to_owned(), party: "network", advice: advice.to_owned(), problems: Vec::new() };
        Stop::told(exit, anyhow!("{} was asked, and no whole answer came{why}", self.name()), told)
    }

    /// An answer that Sendbox does not give.
    fn no_sendbox(&self, status: u16) -> Stop {
        let told = Told {
            class: "not-sendbox".to_owned(),
            party: "server",
            advice: "check --server: its address, and the path under which Sendbox's /v1 is reached".to_owned(),
            problems: Vec::new(),
        };
        Stop::told(Exit::Internal, anyhow!("what answers at {} with {status} is not Sendbox", self.name()), told)
    }

    /// A problem document, in the command's own voice.
    fn refused(&self, document: Document) -> Stop {
        let class = document.kind.trim_start_matches("/problems/").to_owned();
        let (exit, party, advice) = match class.as_str() {
            "unauthenticated" => {
                (Exit::Usage, "caller", "check the key in SENDBOX_KEY or --key-file, and that it is of this server")
            }
            "insufficient-scope" => (Exit::Refused, "caller", "use a key with the scope `manage`, or the platform key"),
            "platform-only" => (Exit::Refused, "caller", "name your tenant with --tenant, or use the platform key"),
            "not-found" => (
                Exit::Usage,
                "caller",
                "`sendbox connector list` shows connectors, `versions ID` their digests; a tenant's own need --tenant",
            ),
            "approval-required" => (
                Exit::Refused,
                "policy",
                "read it with `sendbox connector show ID DIGEST`, then `sendbox connector approve ID DIGEST`",
            ),
            "diff-changed" => (
                Exit::Refused,
                "policy",
                "read the new difference with `sendbox connector show ID DIGEST`, and approve that",
            ),
            "conflict" => (Exit::Refused, "policy", "look at `sendbox connector status ID`, and decide anew"),
            "limit-reached" => (Exit::Refused, "policy", "wait, and run the command again"),
            "outcome-unknown" => (
                Exit::InDoubt,
                "server",
                "it may have been done: look at `sendbox connector status ID` before you do it again",
            ),
            "store-unavailable" | "stopping" | "request-timeout" => {
                (Exit::Internal, "server", "run the command again in a moment")
            }
            "internal" => {
                (Exit::Internal, "server", "tell the operator the request's name; the server's log has more under it")
            }
            _ => (Exit::Usage, "caller", "correct the input and run the command again"),
        };
        let request = if party == "server" && !document.instance.is_empty() {
            format!(" ({})", document.instance)
        } else {
            String::new()
        };
        let told = Told { class, party, advice: advice.to_owned(), problems: document.errors };
        Stop::told(exit, anyhow!("{}{request}", document.detail), told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(server: &str, insecure: bool) -> RemoteArgs {
        RemoteArgs { server: server.to_owned(), key_file: None, insecure }
    }

    #[test]
    fn the_key_leaves_this_machine_encrypted() {
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
        };
        for (server, url) in [
            ("https://a.example", "https://a.example/v1/connectors/a%2Fb"),
            ("https://a.example/", "https://a.example/v1/connectors/a%2Fb"),
            ("https://a.example/sms", "https://a.example/sms/v1/connectors/a%2Fb"),
            ("https://a.example/sms/", "https://a.example/sms/v1/connectors/a%2Fb"),
        ] {
            let request = remote(server).request(Method::GET, &["v1", "connectors", "a/b"], Sent::Nothing);
            assert_eq!(request.build().unwrap().url().as_str(), url);
        }
    }
}
