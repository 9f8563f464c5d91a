//! Resolves names to addresses: once per connection, without search domains and hosts file.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolveHosts};
use tokio::sync::OnceCell;

/// The name did not resolve. Contains no details of the internal network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name `{host}` did not resolve: {reason}")]
pub struct ResolveError {
    /// The name.
    pub host: String,
    /// What went wrong. Never contains an internal address.
    pub reason: String,
}

/// The future of [`Resolve::resolve`]: all addresses of a name.
pub type Answers<'a> = Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>>;

/// Resolves host names. An embedder may provide its own resolver, whose answers are vetted by the same address rules.
pub trait Resolve: Send + Sync + fmt::Debug {
    /// All addresses of `host`, IPv4 and IPv6.
    fn resolve<'a>(&'a self, host: &'a str) -> Answers<'a>;
}

/// Uses the machine's name servers, without its hosts file and search domains.
///
/// The configuration is read on first use, so that a machine without one can still do what needs no names.
#[derive(Default)]
pub struct SystemResolver {
    resolver: OnceCell<TokioResolver>,
}

impl fmt::Debug for SystemResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemResolver")
    }
}

impl SystemResolver {
    async fn resolver(&self) -> Result<&TokioResolver, String> {
        self.resolver
            .get_or_try_init(|| async {
                let mut builder = TokioResolver::builder_tokio().map_err(|error| error.to_string())?;
                let options = builder.options_mut();
                options.use_hosts_file = ResolveHosts::Never;
                options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
                options.ndots = 0;
                builder.build().map_err(|error| error.to_string())
            })
            .await
    }
}

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> Answers<'a> {
        Box::pin(async move {
            let failed = |reason: String| ResolveError { host: host.to_owned(), reason };
            let resolver = self.resolver().await.map_err(failed)?;
            // The trailing dot makes the name absolute: no search domain is tried.
            let answer = resolver.lookup_ip(format!("{host}.")).await.map_err(|error| failed(error.to_string()))?;
            Ok(answer.iter().collect())
        })
    }
}
