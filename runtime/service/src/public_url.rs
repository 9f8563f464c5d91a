//! The URL at which providers reach this deployment from outside.

use std::fmt;

use url::Url;

/// Maximum length in characters. Providers limit the length of a callback URL, and its path is appended to this.
const MAX_LENGTH: usize = 200;

/// `https://sms.example.com`, optionally with a path, and without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

/// The text is not a usable public URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the public URL must look like `https://sms.example.com`: http or https, a host, optionally a path, no user, query or \
     fragment, and at most {MAX_LENGTH} characters"
)]
pub struct PublicUrlError;

impl PublicUrl {
    /// Parses and normalizes a URL.
    ///
    /// # Errors
    /// [`PublicUrlError`] when it has another scheme, a user, a query or a fragment, or is too long.
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| PublicUrlError)?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty());
        let is_bare = url.username().is_empty() && url.password().is_none();
        if !is_web || !is_bare || url.query().is_some() || url.fragment().is_some() {
            return Err(PublicUrlError);
        }
        let text = url.as_str().trim_end_matches('/');
        if text.len() > MAX_LENGTH { Err(PublicUrlError) } else { Ok(Self(text.to_owned())) }
    }

    /// Without a trailing slash.
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
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
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
        assert!(PublicUrl::parse(&format!("https://example.com/{}", "a".repeat(MAX_LENGTH))).is_err());
    }
}
