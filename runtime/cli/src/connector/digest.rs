//! A version as a person types it: its digest, with or without `sha256:`, or a beginning that no other has.

use std::str::FromStr;

use anyhow::anyhow;

use crate::exit::Stop;

/// Digits of a whole one.
const WHOLE: usize = 64;

/// Lower-case hexadecimal digits, 1 to 64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortened(String);

impl FromStr for Shortened {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
        if digits.is_empty() || digits.len() > WHOLE || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(
                "must be a digest or its beginning: hexadecimal digits, with or without sha256: before them".to_owned()
            );
        }
        Ok(Self(digits))
    }
}

impl Shortened {
    /// The whole digest, if nothing is left out.
    pub fn whole(&self) -> Option<String> {
        (self.0.len() == WHOLE).then(|| format!("sha256:{}", self.0))
    }

    /// The one of `digests` that is meant.
    pub fn pick<'a>(&self, digests: impl IntoIterator<Item = &'a str>, among: &str) -> Result<String, Stop> {
        let mut found: Vec<&str> = digests
            .into_iter()
            .filter(|digest| digest.strip_prefix("sha256:").unwrap_or(digest).starts_with(&self.0))
            .collect();
        found.sort_unstable();
        found.dedup();
        match found.as_slice() {
            [one] => Ok((*one).to_owned()),
            [] => Err(Stop::usage(anyhow!(
                "no version of {among} begins with {}; `sendbox connector versions` lists them",
                self.0
            ))),
            several => Err(Stop::usage(anyhow!(
                "{} versions of {among} begin with {}: {}. Give more digits",
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
    fn what_may_be_typed() {
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
            let read = text.parse::<Shortened>().ok();
            assert_eq!(read, digits.map(|digits| Shortened(digits.to_owned())), "{text}");
        }
        assert_eq!("ab".parse::<Shortened>().unwrap().whole(), None);
        assert_eq!("a".repeat(64).parse::<Shortened>().unwrap().whole(), Some(format!("sha256:{}", "a".repeat(64))));
    }

    #[test]
    fn a_beginning_must_be_of_one_alone() {
        let digests = ["sha256:ab12", "sha256:ab34", "sha256:cd56", "sha256:cd56"];
        let pick =
            |text: &str| text.parse::<Shortened>().unwrap().pick(digests, "acme").map_err(|stop| format!("{stop:?}"));
        assert_eq!(pick("cd").unwrap(), "sha256:cd56");
        assert_eq!(pick("ab1").unwrap(), "sha256:ab12");
        assert!(pick("ab").unwrap_err().contains("2 versions of acme begin with ab: sha256:ab12, sha256:ab34"));
        assert!(pick("ef").unwrap_err().contains("no version of acme begins with ef"));
    }
}
