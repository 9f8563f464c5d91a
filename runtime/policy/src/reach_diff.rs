//! What a new version of a connector would reach that the old one did not, as data and as sentences.
//!
//! Promises: whatever the new manifest allows and the old one did not is in [`ReachDiff::wider`], regardless of the order of the
//! needs and how they are split.
//!
//! Must not know: tenants. Patterns are compared with their placeholders, so the result holds for every tenant.

use std::fmt;

use crate::manifest::{HostNeed, Manifest, Method, SecretUse, path_covers};
use crate::placement::MessagePlaces;

/// The difference of two manifests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReachDiff {
    /// What is newly allowed, and must be approved.
    pub wider: Vec<ReachLine>,
    /// What is no longer asked for.
    pub narrower: Vec<ReachLine>,
}

/// Something that one manifest allows and the other does not. [`fmt::Display`] writes it as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachLine {
    /// Whether the new manifest allows it; otherwise the old one did.
    pub newly: bool,
    /// What is allowed.
    pub kind: ReachKind,
    /// The methods, like `GET, POST`.
    pub methods: String,
    /// The target, like `https://api.example.com/v1` or `https://api.example.com, any path`.
    pub target: String,
}

/// What may be done at a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReachKind {
    /// The target is reached, and the other manifest does not reach its host.
    Host {
        /// The purpose according to the author.
        purpose: String,
    },
    /// These methods are used, and the other manifest uses others.
    Method,
    /// These paths are reached, and the other manifest reaches other paths of the host.
    Paths,
    /// The message and the recipient are sent there.
    Message {
        /// Their positions in the request.
        places: MessagePlaces,
    },
    /// Both manifests send the message and the recipient there, but in different positions of the request.
    Places {
        /// Their positions in the request.
        places: MessagePlaces,
    },
    /// A secret is sent there.
    SecretSent {
        /// The secret's key.
        key: String,
    },
    /// A secret signs requests to the target.
    SecretSigns {
        /// The secret's key.
        key: String,
    },
}

/// What may happen at a target, in addition to reaching it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Permission<'m> {
    Reach,
    /// The message, at exactly these positions: another field for the number needs another approval.
    Message(&'m MessagePlaces),
    Secret(&'m str, SecretUse),
}

impl ReachDiff {
    /// Compares two manifests.
    #[must_use]
    pub fn between(old: &Manifest, new: &Manifest) -> Self {
        Self { wider: only_in(new, old, true), narrower: only_in(old, new, false) }
    }

    /// Whether anything is newly allowed.
    #[must_use]
    pub fn is_wider(&self) -> bool {
        !self.wider.is_empty()
    }
}

impl fmt::Display for ReachDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.wider {
            writeln!(f, "+ {line}")?;
        }
        for line in &self.narrower {
            writeln!(f, "- {line}")?;
        }
        Ok(())
    }
}

/// A line for each permission that `this` gives and `that` does not.
fn only_in(this: &Manifest, that: &Manifest, newly: bool) -> Vec<ReachLine> {
    let mut lines = Vec::new();
    for need in this.hosts() {
        let permissions = [Permission::Reach]
            .into_iter()
            .chain(need.message().map(Permission::Message))
            .chain(need.secrets().iter().map(|binding| Permission::Secret(&binding.key, binding.usage)));
        for permission in permissions {
            let missing: Vec<Method> =
                need.methods().iter().copied().filter(|method| !gives(that, need, *method, permission)).collect();
            if !missing.is_empty() {
                let line = line(that, need, &missing, permission, newly);
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
        }
    }
    lines
}

fn gives(manifest: &Manifest, need: &HostNeed, method: Method, permission: Permission<'_>) -> bool {
    manifest.hosts().iter().any(|other| {
        other.origin().covers(need.origin())
            && other.methods().contains(&method)
            && path_covers(other.path_prefix(), need.path_prefix())
            && match permission {
                Permission::Reach => true,
                Permission::Message(places) => other.message() == Some(places),
                Permission::Secret(key, usage) => {
                    other.secrets().iter().any(|have| have.key == key && have.usage >= usage)
                }
            }
    })
}

fn line(that: &Manifest, need: &HostNeed, methods: &[Method], permission: Permission<'_>, newly: bool) -> ReachLine {
    let methods = methods.iter().map(|method| method.name()).collect::<Vec<_>>().join(", ");
    let target = match need.path_prefix() {
        "" => format!("{}, any path", need.origin()),
        prefix => format!("{}{prefix}", need.origin()),
    };
    let kind = match permission {
        Permission::Reach => {
            let mut known = that.hosts().iter().filter(|other| other.origin().covers(need.origin())).peekable();
            if known.peek().is_none() {
                ReachKind::Host { purpose: need.purpose().to_owned() }
            } else if known.any(|other| path_covers(other.path_prefix(), need.path_prefix())) {
                ReachKind::Method
            } else {
                ReachKind::Paths
            }
        }
        Permission::Message(places) => {
            let elsewhere = that.hosts().iter().any(|other| {
                other.origin().covers(need.origin()) && other.message().is_some_and(|have| have != places)
            });
            let places = places.clone();
            if elsewhere { ReachKind::Places { places } } else { ReachKind::Message { places } }
        }
        Permission::Secret(key, SecretUse::Sent) => ReachKind::SecretSent { key: key.to_owned() },
        Permission::Secret(key, SecretUse::SigningOnly) => ReachKind::SecretSigns { key: key.to_owned() },
    };
    ReachLine { newly, kind, methods, target }
}

impl fmt::Display for ReachLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { newly, kind, methods, target } = self;
        let word = if *newly { "new" } else { "no longer" };
        match kind {
            ReachKind::Host { purpose } => write!(f, "{word} host: {methods} {target} ({purpose})"),
            ReachKind::Method => write!(f, "{word} method: {methods} at {target}"),
            ReachKind::Paths => write!(f, "{word} paths: {methods} {target}"),
            ReachKind::Message { places } => {
                write!(f, "{word}: the message and the recipient go to {target} ({methods}): {places}")
            }
            ReachKind::Places { places } => write!(f, "{word} places: at {target} ({methods}), {places}"),
            ReachKind::SecretSent { key } => write!(f, "{word}: the secret `{key}` is sent to {target} ({methods})"),
            ReachKind::SecretSigns { key } => {
                write!(f, "{word}: the secret `{key}` signs requests to {target} ({methods})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(needs: &[(&str, &str, &str, &str, &str)]) -> Manifest {
        let hosts: Vec<String> = needs
            .iter()
            .map(|(origin, methods, prefix, message, secrets)| {
                let methods = methods.split(' ').map(|m| format!("\"{m}\"")).collect::<Vec<_>>().join(",");
                let secrets = secrets
                    .split_whitespace()
                    .map(|s| s.split_once(':').unwrap())
                    .map(|(key, usage)| format!(r#"{{"key":"{key}","usage":"{usage}"}}"#))
                    .collect::<Vec<_>>()
                    .join(",");
                let message = match message.split_once(' ') {
                    Some((to, body)) => format!(
                        r#""message":{{"recipient_format":"e164","recipient":[{{"form":"{to}"}}],"content":[{{"form":"{body}"}}]}},"#
                    ),
                    None => String::new(),
                };
                format!(
                    r#"{{"origin":"{origin}","methods":[{methods}],"path_prefix":"{prefix}",{message}
                        "secrets":[{secrets}],"purpose":"Sends."}}"#
                )
            })
            .collect();
        serde_json::from_str(&format!("{{\"hosts\":[{}]}}", hosts.join(","))).unwrap()
    }

    const A: &str = "https://a.example.com";
    /// Where the number and the text are placed, as the names of two form fields.
    const PLACES: &str = "To Body";

    #[test]
    fn what_is_wider() {
        let base = (A, "POST", "/v1", "", "k:signing-only");
        for (new, words) in [
            (vec![base, ("https://b.example.com", "GET", "", "", "")], "new host: GET https://b.example.com, any path"),
            (vec![("https://*.example.com", "POST", "/v1", "", "")], "new host: POST https://*.example.com/v1"),
            (vec![("http://a.example.com", "POST", "/v1", "", "")], "new host: POST http://a.example.com/v1"),
            (vec![("{endpoint}", "POST", "", "", "")], "new host: POST {endpoint}"),
            (vec![(A, "POST DELETE", "/v1", "", "")], "new method: DELETE at https://a.example.com/v1"),
            (vec![(A, "POST", "/", "", "")], "new paths: POST https://a.example.com/"),
            (vec![(A, "POST", "/v2", "", "")], "new paths: POST https://a.example.com/v2"),
            (vec![(A, "POST", "/v1", PLACES, "")], "new: the message and the recipient go to https://a.example.com/v1"),
            (vec![(A, "POST", "/v1", "", "j:sent")], "new: the secret `j` is sent to"),
            (vec![(A, "POST", "/v1", "", "k:sent")], "new: the secret `k` is sent to"),
        ] {
            let diff = ReachDiff::between(&manifest(&[base]), &manifest(&new));
            assert!(
                diff.is_wider() && diff.wider.iter().any(|line| line.to_string().starts_with(words)),
                "{words}: {diff:?}"
            );
            let back = ReachDiff::between(&manifest(&new), &manifest(&[base]));
            assert!(!back.narrower.is_empty(), "{words}: {back:?}");
        }
    }

    #[test]
    fn what_is_not_wider() {
        let old = [("https://*.example.com", "GET POST", "/v1", PLACES, "k:sent"), (A, "DELETE", "", "", "")];
        for new in [
            vec![],
            old.to_vec(),
            vec![old[1], old[0]],
            vec![(A, "POST", "/v1/messages", PLACES, "k:signing-only")],
            vec![(A, "GET", "/v1", "", ""), (A, "POST", "/v1", PLACES, "k:sent"), (A, "DELETE", "/v1", "", "")],
            vec![("https://{region}.example.com", "POST", "/v1", PLACES, "")],
        ] {
            let diff = ReachDiff::between(&manifest(&old), &manifest(&new));
            assert!(!diff.is_wider(), "{new:?}: {diff:?}");
        }
    }

    #[test]
    fn places_that_move_are_wider() {
        let old = manifest(&[(A, "GET POST", "/v1", PLACES, "")]);
        let moved = manifest(&[(A, "GET POST", "/v1", "To Text", "")]);
        let diff = ReachDiff::between(&old, &moved);
        let lines = |lines: &[ReachLine]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            lines(&diff.wider),
            [
                "new places: at https://a.example.com/v1 (GET, POST), the number (e164) goes into the form field `To`, the \
                 message into the form field `Text`"
            ]
        );
        assert_eq!(diff.narrower.len(), 1);
        assert!(
            matches!(&diff.wider[0].kind, ReachKind::Places { places } if places.content().to_string() == "the form field `Text`")
        );
        assert!(!ReachDiff::between(&old, &old).is_wider());
        // A host that gets the message for the first time is another thing than one whose places move.
        let first = ReachDiff::between(&manifest(&[(A, "GET POST", "/v1", "", "")]), &moved);
        assert!(matches!(&first.wider[0].kind, ReachKind::Message { .. }));
    }

    /// Two needs that are harmless apart must not be joined into one that is not: `GET` with the secret, `POST` without.
    #[test]
    fn rights_are_compared_together() {
        let old = manifest(&[(A, "GET", "", "", "k:sent"), (A, "POST", "", "", "")]);
        let new = manifest(&[(A, "GET POST", "", "", "k:sent")]);
        let diff = ReachDiff::between(&old, &new);
        let wider: Vec<String> = diff.wider.iter().map(ToString::to_string).collect();
        assert_eq!(wider, ["new: the secret `k` is sent to https://a.example.com, any path (POST)"]);
        assert!(diff.narrower.is_empty());
    }
}
