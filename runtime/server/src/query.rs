//! Query strings, read as strictly as bodies.

use axum::extract::{FromRequestParts, MatchedPath};
use http::Method;
use http::request::Parts;
use sendbox_service::Error;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::decode::{Members, Text};
use crate::document::Document;
use crate::problem::ApiError;

/// The query, as `T`. A parameter that is unknown, repeated or invalid fails the request, and is named.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(read(parts.uri.query().unwrap_or_default())?))
    }
}

/// No parameter.
#[derive(Deserialize)]
struct Nothing {}

/// Refuses a query for an operation without query parameters: ignoring `?dryRun=true` would send a message.
pub(crate) fn refuse_unexpected(parts: &Parts, document: &Document) -> Result<(), Error> {
    let Some(query) = parts.uri.query().filter(|query| !query.is_empty()) else { return Ok(()) };
    let method = if parts.method == Method::HEAD { Method::GET.as_str() } else { parts.method.as_str() };
    let path = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    if document.has_query(method, path) {
        return Ok(());
    }
    read::<Nothing>(query).map(drop)
}

/// Reads a query string.
fn read<T: DeserializeOwned>(query: &str) -> Result<T, Error> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let members = pairs.map(|(name, value)| (name.into_owned(), Text(value.into_owned()))).collect();
    T::deserialize(Members(members)).map_err(|error| error.in_query())
}

#[cfg(test)]
mod tests {
    use sendbox_domain::model::{Deletion, MessageFilter, PageRequest};

    use super::*;

    fn refused<T: DeserializeOwned>(query: &str) -> String {
        read::<T>(query).err().unwrap().to_string()
    }

    #[test]
    fn parameters_are_read() {
        assert_eq!(read::<PageRequest>("limit=20&cursor=a%2Fb").unwrap().limit, Some(20));
        assert!(read::<PageRequest>("").unwrap().cursor.is_none());
        assert!(read::<Deletion>("force=true").unwrap().force);
        assert!(!read::<Deletion>("").unwrap().force);
        let filter: MessageFilter =
            read("status=in-doubt&usage=sign-in&reference=s%2B1&since=2026-11-23T20:21:33Z").unwrap();
        assert_eq!(filter.reference.as_deref(), Some("s+1"));
    }

    #[test]
    fn an_invalid_parameter_is_named_and_not_quoted() {
        for (refusal, field) in [
            (refused::<PageRequest>("limit=12345x"), "limit: "),
            (refused::<PageRequest>("limit=-1"), "limit: "),
            (refused::<PageRequest>("limit="), "limit: "),
            (refused::<PageRequest>("limit=1&limit=2"), "limit: "),
            (refused::<PageRequest>("cursor=a%00b"), "cursor: "),
            (refused::<Deletion>("force=yes"), "force: "),
            (refused::<PageRequest>("page=12345"), "page: "),
            (refused::<PageRequest>("%2B4512345678=1"), "…: "),
            (refused::<MessageFilter>("status=12345"), "status: "),
            (refused::<MessageFilter>("since=12345"), "since: "),
        ] {
            assert!(refusal.starts_with(&format!("invalid input: {field}")), "{refusal}");
            assert!(!refusal.contains("12345"), "{refusal}");
        }
    }
}
