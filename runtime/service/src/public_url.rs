//! Where providers and people reach this deployment from outside.

use std::fmt;

use url::Url;

/// Characters at most: providers take an address of limited length, and its own part comes on top.
const LONGEST: usize = 200;

/// `https://sms.example.com`, perhaps with a path, and without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

/// It is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the public URL must be like `https://sms.example.com`: http or https, with a host, perhaps a path, and no user, query or \
     fragment, of at most {LONGEST} characters"
)]
pub struct NotPublic;

impl PublicUrl {
    /// Reads one.
    ///
    /// # Errors
    /// When it is none that an address could begin with.
    pub fn parse(text: &str) -> Result<Self, NotPublic> {
        let url = Url::parse(text.trim()).map_err(|_| NotPublic)?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty());
        let is_bare = url.username().is_empty() && url.password().is_none();
        if !is_web || !is_bare || url.query().is_some() || url.fragment().is_some() {
            return Err(NotPublic);
        }
        let text = url.as_str().trim_end_matches('/');
        if text.len() > LONGEST { Err(NotPublic) } else { Ok(Self(text.to_owned())) }
    }

    /// Without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for PublicUrl {
    type Err = NotPublic;

    fn from_str(text: &str) -> Result<Self, NotPublic> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_urls() {
        for (text, read) in [
            ("https://sms.example.com", Some("https://sms.example.com")),
            ("https://SMS.example.com/", Some("https://sms.example.com")),
            ("http://localhost:8080//", Some("http://localhost:8080")),
            ("https://example.com/sms/", Some("https://example.com/sms")),
            ("https://example.com:443/", Some("https://example.com")),
            ("https://example.com/?a=b", None),
            ("https://example.com/#a", None),
            ("https://user@example.com/", None),
            ("https://:secret@example.com/", None),
            ("ftp://example.com", None),
            ("sms.example.com", None),
            ("https://", None),
            ("", None),
        ] {
            assert_eq!(PublicUrl::parse(text).ok().as_ref().map(PublicUrl::as_str), read, "{text}");
        }
        assert!(PublicUrl::parse(&format!("https://example.com/{}", "a".repeat(LONGEST))).is_err());
    }
}
