//! Version arguments: a digest, with or without `sha256:`, or a prefix of one that is unique.

use std::str::FromStr;

use anyhow::anyhow;

use crate::exit::CliError;

/// Hexadecimal digits of a SHA-256 digest.
const FULL: usize = 64;

/// Lower-case hexadecimal digits, 1 to 64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestPrefix(String);

impl FromStr for DigestPrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
        if digits.is_empty() || digits.len() > FULL || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(
                "must be a digest or a prefix of one: hexadecimal digits, with or without a leading sha256:".to_owned()
            );
        }
        Ok(Self(digits))
    }
}

impl DigestPrefix {
    /// `sha256:…`, if it is a full digest.
    pub fn as_full_digest(&self) -> Option<String> {
        (self.0.len() == FULL).then(|| format!("sha256:{}", self.0))
    }

    /// The only one of `digests` that begins with this prefix. `of` names their owner in errors.
    pub fn resolve<'a>(&self, digests: impl IntoIterator<Item = &'a str>, of: &str) -> Result<String, CliError> {
        let mut found: Vec<&str> = digests
            .into_iter()
            .filter(|digest| digest.strip_prefix("sha256:").unwrap_or(digest).starts_with(&self.0))
            .collect();
        found.sort_unstable();
        found.dedup();
        match found.as_slice() {
            [one] => Ok((*one).to_owned()),
            [] => Err(CliError::usage(anyhow!(
                "no version of {of} begins with {}; `sendbox connector versions` lists them",
                self.0
            ))),
            several => Err(CliError::usage(anyhow!(
                "{} versions of {of} begin with {}: {}. Give more digits",
                several.len(),
                self.0,
                several.join(", ")
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_hexadecimal_digits() {
        for (text, digits) in [
            ("3F9a", Some("3f9a")),
            ("sha256:3f9a", Some("3f9a")),
            (&"a".repeat(64), Some(&*"a".repeat(64))),
            ("", None),
            ("sha256:", None),
            ("xyz", None),
            ("../a", None),
            (&"a".repeat(65), None),
        ] {
            let read = text.parse::<DigestPrefix>().ok();
            assert_eq!(read, digits.map(|digits| DigestPrefix(digits.to_owned())), "{text}");
        }
        assert_eq!("ab".parse::<DigestPrefix>().unwrap().as_full_digest(), None);
        assert_eq!(
            "a".repeat(64).parse::<DigestPrefix>().unwrap().as_full_digest(),
            Some(format!("sha256:{}", "a".repeat(64)))
        );
    }

    #[test]
    fn a_prefix_must_be_unique() {
        let digests = ["sha256:ab12", "sha256:ab34", "sha256:cd56", "sha256:cd56"];
        let resolve = |text: &str| {
            text.parse::<DigestPrefix>().unwrap().resolve(digests, "acme").map_err(|error| format!("{error:?}"))
        };
        assert_eq!(resolve("cd").unwrap(), "sha256:cd56");
        assert_eq!(resolve("ab1").unwrap(), "sha256:ab12");
        assert!(resolve("ab").unwrap_err().contains("2 versions of acme begin with ab: sha256:ab12, sha256:ab34"));
        assert!(resolve("ef").unwrap_err().contains("no version of acme begins with ef"));
    }
}
