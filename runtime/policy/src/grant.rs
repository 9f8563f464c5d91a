//! Grants: what the operator and the tenant allow, intersected with what the manifest asks for.
//!
//! effective reach = operator policy ∩ manifest ∩ tenant grant
//!
//! | path prefix | allows | does not allow |
//! |---|---|---|
//! | empty | every path | |
//! | `/a` | `/a`, `/a/b` | `/ab`, `/` |
//! | `/a/` | `/a/`, `/a/b` | `/a` |
//!
//! A tenant's own endpoint allows exactly its origin and its path, with any query.
//!
//! Promises: what is not allowed by all three is denied; a [`Denial`] names the rule in a sentence and contains the line of JSON
//! that would allow the request. It shows scheme, host, port and method, and never a path, query, header or body, because those may
//! contain sealed values.
//!
//! Must not know: how requests are made; the addresses of hosts ([`crate::address`]).

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::host::{CanonicalHost, HostPattern};
use crate::label::{Form, LabelKind, Labels};
use crate::manifest::{Method, Reach, ReachEntry, SecretBinding, SecretUse, path_covers};
use crate::origin::{Origin, Scheme};
use crate::placement::MessagePlaces;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostPort {
    /// The host, or a pattern of hosts.
    pub host: HostPattern,
    /// The port.
    pub port: u16,
}

/// A port other than 443 that may be used with `https`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortRule {
    /// The port.
    pub port: u16,
    /// The hosts that the rule applies to. Absent for every host that is otherwise allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<HostPattern>>,
}

/// What the operator of the machine allows, for all tenants. By default, `https` on port 443 to every public host with a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OperatorPolicy {
    /// The hosts that may be reached over unencrypted `http`.
    pub allow_http: Vec<HostPort>,
    /// Hosts that are never reached, including their subdomains.
    pub denied_hosts: Vec<HostPattern>,
    /// If present, only these hosts are reached.
    pub allowed_hosts: Option<Vec<HostPattern>>,
    /// Additional ports besides 443.
    pub ports: Vec<PortRule>,
    /// Literal addresses that a URL may contain.
    pub literals: Vec<IpAddr>,
}

/// What a tenant allows a connector. By default, everything that the manifest asks for, and no reading of sealed values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantGrant {
    /// If present, only these entries are allowed.
    pub entries: Option<Vec<GrantEntry>>,
    /// The kinds of sealed values that the connector may read.
    pub reveal: BTreeSet<LabelKind>,
}

/// An entry of a tenant's grant. A path prefix matches literally and by whole segments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantEntry {
    /// The origin, like `https://api.example.com`, or with a path for one exact endpoint.
    pub origin: Origin,
    /// The allowed methods.
    pub methods: Vec<Method>,
    /// The allowed paths; empty for any. Ignored if the origin has a path.
    #[serde(default)]
    pub path_prefix: String,
}

/// The rule that denied a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DenialRule {
    /// The manifest names `http`, but the operator does not allow it.
    Scheme,
    /// The URL contains a user name or a password, or has no host.
    Authority,
    /// The origin (scheme, host and port) is not in the manifest.
    NotInManifest,
    /// The origin is in the manifest, but the operator does not allow its port.
    Port,
    /// The operator has not granted this literal address.
    LiteralAddress,
    /// The host is in the manifest, but the path is not, or it is ambiguous.
    Path,
    /// The path is in the manifest, but the method is not.
    Method,
    /// The request is in the manifest, but not in the tenant's grant.
    NotGrantedByTenant,
    /// The operator denies the host, or allows only others.
    RefusedByOperator,
    /// The secret is not bound to this host, or not in this form.
    SecretNotBound {
        /// The secret's key.
        key: String,
    },
    /// The message or its recipient must not be sent to this host.
    MessageNotForHost,
    /// The connector may not read this kind of sealed value.
    RevealNotGranted {
        /// The kind.
        kind: LabelKind,
    },
}

/// A denial: the rule, a sentence, and what would allow the request. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{sentence} To allow it: {allow_line}")]
pub struct Denial {
    /// The rule.
    pub rule: DenialRule,
    /// What happened, as a sentence.
    pub sentence: String,
    /// The line that would allow the request, and where it belongs.
    pub allow_line: String,
}

/// An origin that may be reached, and what may be done there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EffectiveEntry {
    /// The host, or an endpoint with its exact path.
    pub origin: Origin,
    /// The methods, sorted.
    pub methods: Vec<Method>,
    /// The path prefix.
    pub path_prefix: String,
    /// The positions of the recipient and the message in a request. `None` if neither may be sent here.
    pub message: Option<MessagePlaces>,
    /// The secrets that may be sent here.
    pub secrets: Vec<SecretBinding>,
    /// The purpose, as a sentence.
    pub purpose: String,
}

/// What a connector may do for one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveGrant {
    entries: Vec<EffectiveEntry>,
    /// Used to explain which of the three denied a request, not to allow anything.
    reach: Reach,
    operator: OperatorPolicy,
    reveal: BTreeSet<LabelKind>,
}

impl EffectiveGrant {
    /// Intersects the three.
    #[must_use]
    pub fn intersect(operator: &OperatorPolicy, reach: &Reach, tenant: &TenantGrant) -> Self {
        let entries = match &tenant.entries {
            None => reach.entries.iter().map(EffectiveEntry::full).collect(),
            Some(grants) => reach
                .entries
                .iter()
                .flat_map(|entry| grants.iter().filter_map(|grant| EffectiveEntry::intersection(entry, grant)))
                .collect(),
        };
        Self { entries, reach: reach.clone(), operator: operator.clone(), reveal: tenant.reveal.clone() }
    }

    /// What manifest and tenant allow and the operator does not refuse outright, for display.
    pub fn entries(&self) -> impl Iterator<Item = &EffectiveEntry> {
        self.entries.iter().filter(|entry| match entry.origin.host.exact() {
            Some(host) => self.operator.judge(entry.origin.scheme, &host, entry.origin.port).is_ok(),
            None => true,
        })
    }

    /// What the connector needs with the parameters of its connection, whether it is allowed or not.
    #[must_use]
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// The kinds of sealed values that the connector may read.
    #[must_use]
    pub fn reveals(&self) -> &BTreeSet<LabelKind> {
        &self.reveal
    }

    /// Checks the target of a request. If several entries allow it, the most specific one is returned: the one with an exact path,
    /// then with the fewest `*`, then with the longest prefix, then the first in the manifest.
    ///
    /// # Errors
    /// A [`Denial`] with the first rule that is violated.
    pub fn check(&self, method: Method, url: &Url) -> Result<&EffectiveEntry, Denial> {
        let target = Target::of(method, url)?;
        if let CanonicalHost::Address(address) = target.host
            && !self.operator.grants_literal(address)
            // A literal address that is not in the manifest is the connector's fault, and not a matter for the operator.
            && self.reach.entries.iter().any(|entry| entry.origin.host.matches(&target.host))
        {
            return Err(target.literal_address(address));
        }
        let mut best: Option<&EffectiveEntry> = None;
        for entry in self.entries.iter().filter(|entry| entry.allows(&target)) {
            if best.is_none_or(|best| entry.specificity() > best.specificity()) {
                best = Some(entry);
            }
        }
        let entry = best.ok_or_else(|| self.explain(&target))?;
        self.operator
            .judge(target.scheme, &target.host, target.port)
            .map_err(|rule| target.refused_by_operator(rule))?;
        Ok(entry)
    }

    /// Checks whether the connector may read a sealed value with these labels.
    ///
    /// # Errors
    /// [`DenialRule::RevealNotGranted`] with the first kind that is not granted.
    pub fn may_reveal(&self, labels: &Labels) -> Result<(), Denial> {
        match labels.kinds().find(|kind| !self.reveal.contains(kind)) {
            None => Ok(()),
            Some(kind) => Err(Denial {
                rule: DenialRule::RevealNotGranted { kind },
                sentence: format!("This connector may not read a sealed value of the kind `{kind}`."),
                allow_line: format!("\"reveal\": [\"{kind}\"] in the tenant's grant"),
            }),
        }
    }

    /// Finds the rule that denied a request: each step asks whether the manifest would have allowed a little more.
    fn explain(&self, target: &Target<'_>) -> Denial {
        let hosts: Vec<_> = self.reach.entries.iter().filter(|entry| entry.origin.host.matches(&target.host)).collect();
        if hosts.is_empty() {
            return target.deny(
                DenialRule::NotInManifest,
                format!("The host `{}` is not in the connector's manifest.", target.host),
                format!("{} in the manifest's `hosts`", target.line("")),
            );
        }
        let schemes: Vec<_> = hosts.into_iter().filter(|entry| entry.origin.scheme == target.scheme).collect();
        if schemes.is_empty() {
            return target.deny(
                DenialRule::NotInManifest,
                format!("The manifest does not name `{}` with the scheme `{}`.", target.host, target.scheme.name()),
                format!("{} in the manifest's `hosts`", target.line("")),
            );
        }
        let ports: Vec<_> = schemes.into_iter().filter(|entry| entry.origin.port == target.port).collect();
        if ports.is_empty() {
            return target.deny(
                DenialRule::NotInManifest,
                format!("The manifest does not name port {} of `{}`.", target.port, target.host),
                format!("{} in the manifest's `hosts`", target.line("")),
            );
        }
        let paths: Vec<_> =
            ports.iter().filter(|entry| path_allowed(&entry.origin, &entry.path_prefix, target.path)).collect();
        if paths.is_empty() {
            return target.path_denied(&ports);
        }
        match paths.iter().find(|entry| entry.methods.contains(&target.method)) {
            None => target.deny(
                DenialRule::Method,
                format!("The manifest does not name the method {} for this path of `{}`.", target.method, target.host),
                format!("\"{}\" in the `methods` of `{}` in the manifest's `hosts`", target.method, target.origin()),
            ),
            Some(entry) => target.deny(
                DenialRule::NotGrantedByTenant,
                format!(
                    "The tenant's grant leaves out this request to `{}`, which the manifest asks for.",
                    target.host
                ),
                format!("{} in the grant's `entries`", target.line(&entry.path_prefix)),
            ),
        }
    }
}

impl EffectiveEntry {
    fn full(entry: &ReachEntry) -> Self {
        Self {
            origin: entry.origin.clone(),
            methods: entry.methods.clone(),
            path_prefix: entry.path_prefix.clone(),
            message: entry.message.clone(),
            secrets: entry.secrets.clone(),
            purpose: entry.purpose.clone(),
        }
    }

    /// What a need and a grant both allow. `None` if that is nothing.
    fn intersection(entry: &ReachEntry, grant: &GrantEntry) -> Option<Self> {
        let (mine, theirs) = (&entry.origin, &grant.origin);
        if mine.scheme != theirs.scheme || mine.port != theirs.port {
            return None;
        }
        let host = mine.host.intersection(&theirs.host)?;
        let methods: Vec<Method> =
            entry.methods.iter().copied().filter(|method| grant.methods.contains(method)).collect();
        if methods.is_empty() {
            return None;
        }
        let (exact, prefix) = match (&mine.exact_path, &theirs.exact_path) {
            (Some(path), Some(granted)) if path == granted => (Some(path), ""),
            (Some(path), None) if path_covers(&grant.path_prefix, path) => (Some(path), ""),
            (None, Some(granted)) if path_covers(&entry.path_prefix, granted) => (Some(granted), ""),
            (None, None) if path_covers(&grant.path_prefix, &entry.path_prefix) => (None, entry.path_prefix.as_str()),
            (None, None) if path_covers(&entry.path_prefix, &grant.path_prefix) => (None, grant.path_prefix.as_str()),
            _ => return None,
        };
        let origin = Origin { scheme: mine.scheme, host, port: mine.port, exact_path: exact.cloned() };
        Some(Self { origin, methods, path_prefix: prefix.to_owned(), ..Self::full(entry) })
    }

    /// Checks whether a value with these labels may be sent here.
    ///
    /// # Errors
    /// [`DenialRule::SecretNotBound`] or [`DenialRule::MessageNotForHost`].
    pub fn may_receive(&self, labels: &Labels) -> Result<(), Denial> {
        for (key, form) in labels.secrets() {
            let bound = self.secrets.iter().find(|binding| binding.key == key).map(|binding| binding.usage);
            let (sentence, usage) = match (bound, form) {
                (Some(SecretUse::Sent), _) | (Some(SecretUse::SigningOnly), Form::Signed) => continue,
                (Some(SecretUse::SigningOnly), Form::Plain) => (
                    format!("The secret `{key}` may only sign requests to `{}`, not be sent there.", self.origin.host),
                    "sent",
                ),
                (None, Form::Signed) => {
                    (format!("The secret `{key}` is not bound to `{}`.", self.origin.host), "signing-only")
                }
                (None, Form::Plain) => (format!("The secret `{key}` is not bound to `{}`.", self.origin.host), "sent"),
            };
            let key_text = json_text(key);
            return Err(Denial {
                rule: DenialRule::SecretNotBound { key: key.to_owned() },
                sentence,
                allow_line: format!(
                    "{{\"key\":{key_text},\"usage\":\"{usage}\"}} in the `secrets` of that host in the manifest's `hosts`"
                ),
            });
        }
        if labels.is_message() && self.message.is_none() {
            return Err(Denial {
                rule: DenialRule::MessageNotForHost,
                sentence: format!("The message and its recipient may not go to `{}`.", self.origin.host),
                allow_line:
                    "`message`, with the places of recipient and content, at that host in the manifest's `hosts`"
                        .to_owned(),
            });
        }
        Ok(())
    }

    fn allows(&self, target: &Target<'_>) -> bool {
        self.origin.matches(target.scheme, &target.host, target.port)
            && self.methods.contains(&target.method)
            && path_allowed(&self.origin, &self.path_prefix, target.path)
    }

    fn specificity(&self) -> (bool, std::cmp::Reverse<usize>, usize) {
        (self.origin.exact_path.is_some(), std::cmp::Reverse(self.origin.host.wildcards()), self.path_prefix.len())
    }
}

impl OperatorPolicy {
    /// Checks the target of a request that no manifest asks for: one of the host itself.
    ///
    /// # Errors
    /// A [`Denial`] with the rule that is violated.
    pub fn check(&self, method: Method, url: &Url) -> Result<Scheme, Denial> {
        let target = Target::of(method, url)?;
        self.judge(target.scheme, &target.host, target.port).map_err(|rule| target.refused_by_operator(rule))?;
        Ok(target.scheme)
    }

    fn judge(&self, scheme: Scheme, host: &CanonicalHost, port: u16) -> Result<(), DenialRule> {
        let listed = |hosts: &[HostPattern]| hosts.iter().any(|pattern| pattern.matches(host));
        if let CanonicalHost::Address(address) = host
            && !self.grants_literal(*address)
        {
            return Err(DenialRule::LiteralAddress);
        }
        if self.denied_hosts.iter().any(|pattern| pattern.matches_with_subdomains(host)) {
            return Err(DenialRule::RefusedByOperator);
        }
        if self.allowed_hosts.as_ref().is_some_and(|allowed| !listed(allowed)) {
            return Err(DenialRule::RefusedByOperator);
        }
        match scheme {
            Scheme::Http if !self.allow_http.iter().any(|rule| rule.port == port && rule.host.matches(host)) => {
                Err(DenialRule::Scheme)
            }
            Scheme::Https
                if port != 443
                    && !self
                        .ports
                        .iter()
                        .any(|rule| rule.port == port && rule.hosts.as_ref().is_none_or(|hosts| listed(hosts))) =>
            {
                Err(DenialRule::Port)
            }
            _ => Ok(()),
        }
    }

    fn grants_literal(&self, address: IpAddr) -> bool {
        self.literals.iter().any(|granted| granted.to_canonical() == address)
    }
}

/// The target of a request. The path is only compared, never shown.
struct Target<'u> {
    method: Method,
    scheme: Scheme,
    host: CanonicalHost,
    port: u16,
    path: &'u str,
}

impl<'u> Target<'u> {
    fn of(method: Method, url: &'u Url) -> Result<Self, Denial> {
        let denial = |rule, sentence: &str, allow_line: &str| Denial {
            rule,
            sentence: sentence.to_owned(),
            allow_line: allow_line.to_owned(),
        };
        let scheme = Scheme::of(url).ok_or_else(|| {
            denial(
                DenialRule::NotInManifest,
                "Only `https` URLs can be requested.",
                "use an `https://` URL; no grant opens others",
            )
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(denial(
                DenialRule::Authority,
                "The URL carries a user or a password.",
                "send them in an `Authorization` header; no grant opens this",
            ));
        }
        match (CanonicalHost::of(url), url.port_or_known_default()) {
            (Some(host), Some(port)) => Ok(Self { method, scheme, host, port, path: url.path() }),
            _ => Err(denial(
                DenialRule::Authority,
                "The URL has no host, or one with an empty label.",
                "use an absolute `https://` URL; no grant opens this",
            )),
        }
    }

    /// The origin without the path: `https://host[:port]`.
    fn origin(&self) -> Origin {
        Origin { scheme: self.scheme, host: self.host.clone().into(), port: self.port, exact_path: None }
    }

    fn line(&self, path_prefix: &str) -> String {
        format!(
            "{{\"origin\":{},\"methods\":[\"{}\"],\"path_prefix\":{}}}",
            json_text(&self.origin().to_string()),
            self.method,
            json_text(path_prefix)
        )
    }

    fn deny(&self, rule: DenialRule, sentence: String, allow_line: String) -> Denial {
        Denial { rule, sentence, allow_line }
    }

    fn literal_address(&self, address: IpAddr) -> Denial {
        self.deny(
            DenialRule::LiteralAddress,
            format!("The URL holds the literal address {address}, which the operator did not grant."),
            format!("\"literals\": [\"{address}\"] in the operator's policy"),
        )
    }

    fn path_denied(&self, entries: &[&ReachEntry]) -> Denial {
        if !is_unambiguous(self.path) {
            return self.deny(
                DenialRule::Path,
                format!(
                    "The path of this request to `{}` holds an encoded dot or slash, a backslash or a dot segment.",
                    self.host
                ),
                "write the path plainly; no grant opens this".to_owned(),
            );
        }
        let allowed =
            entries
                .iter()
                .map(|entry| {
                    if entry.origin.exact_path.is_some() {
                        "the endpoint's own path"
                    } else {
                        entry.path_prefix.as_str()
                    }
                })
                .map(json_text)
                .collect::<Vec<_>>()
                .join(", ");
        self.deny(
            DenialRule::Path,
            format!("The manifest does not name this path of `{}`; it names {allowed}.", self.host),
            format!("{} (or a longer prefix) in the manifest's `hosts`", self.line("")),
        )
    }

    fn refused_by_operator(&self, rule: DenialRule) -> Denial {
        let (host, port) = (&self.host, self.port);
        let host_port = format!("{{\"host\":{},\"port\":{port}}}", json_text(&host.to_string()));
        let (sentence, line) = match (&rule, host) {
            (DenialRule::LiteralAddress, CanonicalHost::Address(address)) => return self.literal_address(*address),
            (DenialRule::Scheme, _) => (
                format!("The operator does not allow `http` in clear to `{host}` on port {port}."),
                format!("\"allow_http\": [{host_port}]"),
            ),
            (DenialRule::Port, _) => (
                format!("The operator does not allow port {port} of `{host}`."),
                format!("\"ports\": [{{\"port\":{port},\"hosts\":[{}]}}]", json_text(&host.to_string())),
            ),
            _ => (
                format!("The operator does not allow `{host}`."),
                format!("\"allowed_hosts\": [{}], and no `denied_hosts` that covers it,", json_text(&host.to_string())),
            ),
        };
        self.deny(rule, sentence, format!("{line} in the operator's policy"))
    }
}

fn path_allowed(origin: &Origin, prefix: &str, path: &str) -> bool {
    match &origin.exact_path {
        Some(exact) => exact == path,
        None => is_unambiguous(path) && path_covers(prefix, path),
    }
}

/// Whether every server interprets this path in the same way: it has no dot segment, no backslash, and no dot, slash, backslash or
/// NUL that is encoded once or several times. Some servers treat `..;` as a dot segment.
fn is_unambiguous(path: &str) -> bool {
    let mut lower = path.to_ascii_lowercase();
    while lower.contains("%25") {
        lower = lower.replace("%25", "%");
    }
    !lower.contains('\\')
        && !["%2e", "%2f", "%5c", "%00"].iter().any(|hidden| lower.contains(hidden))
        && lower.split('/').all(|segment| !matches!(segment.split(';').next(), Some("." | "..")))
}

/// A string as a JSON literal, so that a line can be pasted.
fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
