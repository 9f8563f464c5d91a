//! What a connector declares to need.
//!
//! The terms are those of `host-need` in the WIT contract. A [`Manifest`] is written by the connector's author; with a tenant's
//! parameters filled in it becomes a [`Reach`], which the grant then narrows.
//!
//! Promises: every existing `Manifest` is valid, even if it was deserialised; a person can review it (few needs, one sentence each,
//! no encoded paths).
//!
//! Must not know: operators, tenants' grants.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::origin::{Origin, OriginPattern};
use crate::pattern::PatternError;
use crate::placement::MessagePlaces;

/// Maximum number of needs of a connector.
pub const NEEDS_MAX: usize = 16;
/// Maximum number of secret bindings of a need.
pub const SECRETS_MAX: usize = 16;
/// Maximum length of a path prefix, in bytes.
pub const PATH_PREFIX_MAX: usize = 256;
/// Maximum length of a purpose, in bytes.
pub const PURPOSE_MAX: usize = 256;

/// Why a manifest is invalid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// There are more than [`NEEDS_MAX`] needs.
    #[error("a connector names at most {NEEDS_MAX} hosts")]
    TooManyNeeds,
    /// A host has more than [`SECRETS_MAX`] secrets.
    #[error("`{origin}` binds more than {SECRETS_MAX} secrets")]
    TooManySecrets {
        /// The origin as written.
        origin: String,
    },
    /// A need has no method.
    #[error("`{origin}` needs at least one method, such as `POST`")]
    NoMethod {
        /// The origin as written.
        origin: String,
    },
    /// Connectors may not use this method.
    #[error("`{0}` is not one of GET, POST, PUT, PATCH, DELETE")]
    Method(String),
    /// A person could misread the path prefix.
    #[error(
        "the path prefix of `{origin}` must be empty or start with `/`, without `..`, `//`, `%`, `?`, `#` or spaces"
    )]
    PathPrefix {
        /// The origin as written.
        origin: String,
    },
    /// A secret is bound to a host twice.
    #[error("`{origin}` binds the secret `{key}` twice")]
    SecretTwice {
        /// The origin as written.
        origin: String,
        /// The secret's key.
        key: String,
    },
    /// The key of a secret is missing or too long.
    #[error("`{origin}` binds a secret whose key is empty or longer than 64 bytes")]
    SecretKey {
        /// The origin as written.
        origin: String,
    },
    /// The purpose is missing or too long.
    #[error("`{origin}` needs a purpose: one sentence of at most {PURPOSE_MAX} bytes, without line breaks")]
    Purpose {
        /// The origin as written.
        origin: String,
    },
    /// The origin does not parse, or the value of a parameter does not fit into it.
    #[error("the origin `{origin}` cannot be used: {reason}")]
    Origin {
        /// The origin as written, with its placeholders.
        origin: String,
        /// What is wrong.
        reason: PatternError,
    },
}

/// The request methods that a connector may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 5] = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// The method in upper case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = ManifestError;
    fn from_str(text: &str) -> Result<Self, ManifestError> {
        Self::ALL
            .into_iter()
            .find(|method| method.name() == text)
            .ok_or_else(|| ManifestError::Method(text.chars().filter(|c| !c.is_control()).take(16).collect()))
    }
}

/// How a secret may be sent. The later case allows more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretUse {
    /// Only in a signature (HMAC) or a digest.
    SigningOnly,
    /// In plain text or encoded.
    Sent,
}

/// A secret that may be sent to a host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretBinding {
    /// The parameter's key.
    pub key: String,
    /// How it may be sent.
    pub usage: SecretUse,
}

/// A host that a connector needs. Validated by [`HostNeed::new`], even if it is deserialised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "HostNeedRepr", into = "HostNeedRepr")]
pub struct HostNeed {
    origin: OriginPattern,
    methods: Vec<Method>,
    path_prefix: String,
    message: Option<MessagePlaces>,
    secrets: Vec<SecretBinding>,
    purpose: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostNeedRepr {
    origin: OriginPattern,
    methods: Vec<Method>,
    #[serde(default)]
    path_prefix: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<MessagePlaces>,
    #[serde(default)]
    secrets: Vec<SecretBinding>,
    purpose: String,
}

impl HostNeed {
    /// Validates a need. Methods are sorted and deduplicated; the path prefix of a `{parameter}` endpoint is dropped, as the
    /// contract says.
    ///
    /// # Errors
    /// A [`ManifestError`] that names the origin and the rule.
    pub fn new(
        origin: OriginPattern,
        methods: impl IntoIterator<Item = Method>,
        path_prefix: impl Into<String>,
        message: Option<MessagePlaces>,
        secrets: Vec<SecretBinding>,
        purpose: impl Into<String>,
    ) -> Result<Self, ManifestError> {
        let mut methods: Vec<Method> = methods.into_iter().collect();
        methods.sort_unstable();
        methods.dedup();
        let path_prefix = if origin.is_endpoint() { String::new() } else { path_prefix.into() };
        let purpose = purpose.into();
        let name = || origin.to_string();
        if methods.is_empty() {
            return Err(ManifestError::NoMethod { origin: name() });
        }
        if !is_plain_prefix(&path_prefix) {
            return Err(ManifestError::PathPrefix { origin: name() });
        }
        if secrets.len() > SECRETS_MAX {
            return Err(ManifestError::TooManySecrets { origin: name() });
        }
        let mut seen = std::collections::BTreeSet::new();
        for SecretBinding { key, .. } in &secrets {
            if key.is_empty() || key.len() > 64 {
                return Err(ManifestError::SecretKey { origin: name() });
            }
            if !seen.insert(key) {
                return Err(ManifestError::SecretTwice { origin: name(), key: key.clone() });
            }
        }
        if purpose.trim().is_empty() || purpose.len() > PURPOSE_MAX || purpose.contains(char::is_control) {
            return Err(ManifestError::Purpose { origin: name() });
        }
        Ok(Self { origin, methods, path_prefix, message, secrets, purpose })
    }

    /// The origin, with its placeholders.
    #[must_use]
    pub fn origin(&self) -> &OriginPattern {
        &self.origin
    }

    /// The methods, sorted. At least one.
    #[must_use]
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// The path prefix: a path must be equal to it or continue it at a `/`. Empty for any path.
    #[must_use]
    pub fn path_prefix(&self) -> &str {
        &self.path_prefix
    }

    /// The positions of the recipient and the message in a request. `None` if neither may be sent here.
    #[must_use]
    pub fn message(&self) -> Option<&MessagePlaces> {
        self.message.as_ref()
    }

    /// The secrets that may be sent here.
    #[must_use]
    pub fn secrets(&self) -> &[SecretBinding] {
        &self.secrets
    }

    /// The purpose: one sentence for the person who grants it.
    #[must_use]
    pub fn purpose(&self) -> &str {
        &self.purpose
    }
}

impl TryFrom<HostNeedRepr> for HostNeed {
    type Error = ManifestError;
    fn try_from(need: HostNeedRepr) -> Result<Self, ManifestError> {
        Self::new(need.origin, need.methods, need.path_prefix, need.message, need.secrets, need.purpose)
    }
}

impl From<HostNeed> for HostNeedRepr {
    fn from(need: HostNeed) -> Self {
        let HostNeed { origin, methods, path_prefix, message, secrets, purpose } = need;
        Self { origin, methods, path_prefix, message, secrets, purpose }
    }
}

/// Everything that a connector needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ManifestRepr", into = "ManifestRepr")]
pub struct Manifest {
    hosts: Vec<HostNeed>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestRepr {
    hosts: Vec<HostNeed>,
}

impl Manifest {
    /// Validates the whole manifest.
    ///
    /// # Errors
    /// [`ManifestError::TooManyNeeds`].
    pub fn new(hosts: Vec<HostNeed>) -> Result<Self, ManifestError> {
        if hosts.len() > NEEDS_MAX { Err(ManifestError::TooManyNeeds) } else { Ok(Self { hosts }) }
    }

    /// The needs, in the author's order.
    #[must_use]
    pub fn hosts(&self) -> &[HostNeed] {
        &self.hosts
    }

    /// Fills in a tenant's plain parameters. A need with a parameter that is not set is left out.
    ///
    /// # Errors
    /// [`ManifestError::Origin`] if a value does not fit. It names the parameter and does not quote the value.
    pub fn resolve(&self, parameters: &BTreeMap<String, String>) -> Result<Reach, ManifestError> {
        let mut entries = Vec::with_capacity(self.hosts.len());
        for need in &self.hosts {
            let filled = need
                .origin
                .fill(parameters)
                .map_err(|reason| ManifestError::Origin { origin: need.origin.to_string(), reason })?;
            if let Some(origin) = filled {
                entries.push(ReachEntry {
                    origin,
                    methods: need.methods.clone(),
                    path_prefix: need.path_prefix.clone(),
                    message: need.message.clone(),
                    secrets: need.secrets.clone(),
                    purpose: need.purpose.clone(),
                });
            }
        }
        Ok(Reach { entries })
    }
}

impl TryFrom<ManifestRepr> for Manifest {
    type Error = ManifestError;
    fn try_from(manifest: ManifestRepr) -> Result<Self, ManifestError> {
        Self::new(manifest.hosts)
    }
}

impl From<Manifest> for ManifestRepr {
    fn from(manifest: Manifest) -> Self {
        Self { hosts: manifest.hosts }
    }
}

/// What a manifest asks for with one tenant's parameters filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reach {
    /// The entries: one for each need whose parameters are set.
    pub entries: Vec<ReachEntry>,
}

/// A host that may be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReachEntry {
    /// The host, or the tenant's endpoint with its exact path.
    pub origin: Origin,
    /// The methods, sorted.
    pub methods: Vec<Method>,
    /// The path prefix; see [`HostNeed::path_prefix`].
    pub path_prefix: String,
    /// The positions of the recipient and the message in a request. `None` if neither may be sent here.
    pub message: Option<MessagePlaces>,
    /// The secrets that may be sent here.
    pub secrets: Vec<SecretBinding>,
    /// The purpose, as a sentence.
    pub purpose: String,
}

/// Whether a path prefix has only one interpretation, so that a person is not misled.
pub(crate) fn is_plain_prefix(prefix: &str) -> bool {
    prefix.is_empty()
        || (prefix.starts_with('/')
            && prefix.len() <= PATH_PREFIX_MAX
            && prefix.bytes().all(|byte| byte.is_ascii_graphic())
            && !prefix.contains(['%', '?', '#', '\\', '"', '<', '>', '{', '}', '`', '|', '^'])
            && !prefix.contains("//")
            && prefix.split('/').all(|segment| segment != "." && segment != ".."))
}

/// Whether `path` is equal to `prefix` or continues it at a `/`. `/a` allows `/a` and `/a/b`, never `/ab`.
pub(crate) fn path_covers(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || prefix.is_empty() || prefix.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: &str = r#"{"recipient_format":"e164","recipient":[{"form":"To"}],"content":[{"form":"Body"}]}"#;

    fn places() -> MessagePlaces {
        serde_json::from_str(PLACES).unwrap()
    }

    fn need(path_prefix: &str) -> Result<HostNeed, ManifestError> {
        let origin = OriginPattern::parse("https://api.example.com").unwrap();
        HostNeed::new(
            origin,
            [Method::Post, Method::Get, Method::Post],
            path_prefix,
            Some(places()),
            Vec::new(),
            "Sends messages.",
        )
    }

    #[test]
    fn path_prefixes() {
        for good in ["", "/", "/a", "/a/", "/2010-04-01/Accounts", "/a.b/c~d"] {
            assert_eq!(need(good).unwrap().path_prefix(), good);
        }
        for bad in [
            "a", "/..", "/a/../b", "/a/..", "//", "/a//b", "/%2e", "/a?b", "/a#b", "/a b", "/ä", "/a\\b", "/./a",
            "/{a}",
        ] {
            assert!(matches!(need(bad), Err(ManifestError::PathPrefix { .. })), "{bad}");
        }
        assert!(need(&format!("/{}", "a".repeat(256))).is_err());
    }

    #[test]
    fn prefixes_match_whole_segments() {
        for (prefix, path, covers) in [
            ("", "/", true),
            ("/", "/x", true),
            ("/a", "/a", true),
            ("/a", "/a/b", true),
            ("/a", "/a/", true),
            ("/a", "/ab", false),
            ("/a", "/", false),
            ("/a/", "/a/b", true),
            ("/a/", "/a", false),
            ("/a/b", "/a", false),
            ("/a", "/A", false),
        ] {
            assert_eq!(path_covers(prefix, path), covers, "{prefix} {path}");
        }
    }

    #[test]
    fn methods_are_sorted_and_each_kept_once() {
        assert_eq!(need("").unwrap().methods(), [Method::Get, Method::Post]);
        for bad in ["get", "HEAD", "CONNECT", "TRACE", "OPTIONS", "", "GET "] {
            assert!(bad.parse::<Method>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_json_holds_is_judged_too() {
        let read = |json: &str| serde_json::from_str::<Manifest>(json).map_err(|error| error.to_string());
        let good = format!(
            r#"{{"hosts":[{{"origin":"https://api.example.com","methods":["POST"],"path_prefix":"/v1","message":{PLACES},"secrets":[{{"key":"token","usage":"signing-only"}}],"purpose":"Sends."}}]}}"#
        );
        let manifest = read(&good).unwrap();
        assert_eq!(manifest.hosts()[0].message(), Some(&places()));
        assert_eq!(serde_json::to_string(&manifest).unwrap(), good);
        for (json, complaint) in [
            (good.replace("\"POST\"", ""), "at least one method"),
            (good.replace("\"POST\"", "\"TRACE\""), "TRACE"),
            (good.replace("/v1", "/../v1"), "path prefix"),
            (good.replace("Sends.", " "), "needs a purpose"),
            (good.replace("https://api.example.com", "https://*.com"), "two literal labels"),
            (good.replace("purpose", "reason"), "unknown field `reason`"),
            (good.replace("\"token\"", "\"\""), "binds a secret whose key"),
            (good.replace("\"message\"", "\"receives_message\""), "unknown field `receives_message`"),
            (good.replace("\"Body\"", "\"To\""), "places of their own"),
        ] {
            let error = read(&json).unwrap_err();
            assert!(error.contains(complaint), "{error}");
        }
        assert_eq!(Manifest::new(vec![need("").unwrap(); 17]), Err(ManifestError::TooManyNeeds));
    }

    #[test]
    fn a_secret_is_bound_once() {
        let origin = OriginPattern::parse("{endpoint}").unwrap();
        let binding = |usage| SecretBinding { key: "k".to_owned(), usage };
        let secrets = vec![binding(SecretUse::Sent), binding(SecretUse::SigningOnly)];
        let error = HostNeed::new(origin, [Method::Post], "", Some(places()), secrets, "Sends.").unwrap_err();
        assert!(matches!(error, ManifestError::SecretTwice { .. }), "{error}");
    }

    #[test]
    fn a_need_whose_parameter_is_not_set_is_left_out() {
        let endpoint = OriginPattern::parse("{endpoint}").unwrap();
        let endpoint =
            HostNeed::new(endpoint, [Method::Post], "/ignored", Some(places()), Vec::new(), "Sends.").unwrap();
        let manifest = Manifest::new(vec![need("/a").unwrap(), endpoint]).unwrap();
        let origins = |value: Option<&str>| {
            let parameters = value.map(|value| ("endpoint".to_owned(), value.to_owned())).into_iter().collect();
            manifest.resolve(&parameters).map(|reach| {
                reach
                    .entries
                    .iter()
                    .map(|entry| (entry.origin.to_string(), entry.path_prefix.clone()))
                    .collect::<Vec<_>>()
            })
        };
        let fixed = ("https://api.example.com".to_owned(), "/a".to_owned());
        assert_eq!(origins(None), Ok(vec![fixed.clone()]));
        assert_eq!(origins(Some("")), Ok(vec![fixed.clone()]));
        assert_eq!(
            origins(Some("https://x.example/h")),
            Ok(vec![fixed, ("https://x.example/h".to_owned(), String::new())])
        );
        let error = origins(Some("nonsense-7")).unwrap_err().to_string();
        assert!(error.contains("`endpoint`") && !error.contains("nonsense-7"), "{error}");
    }
}
