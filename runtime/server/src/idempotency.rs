//! `Idempotency-Key`: with it a request can be repeated, and is done once.

use axum::extract::FromRequestParts;
use http::request::Parts;
use sendbox_service::Error;
use utoipa::IntoParams;

use crate::problem::Refusal;

/// The header's name.
pub(crate) const NAME: &str = "Idempotency-Key";

/// The header, where it is there.
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let mut headers = parts.headers.get_all(NAME).iter();
        let Some(header) = headers.next() else { return Ok(Self(None)) };
        let bytes = header.as_bytes();
        let fits =
            (1..=255).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic) && headers.next().is_none();
        match header.to_str() {
            Ok(key) if fits => Ok(Self(Some(key.to_owned()))),
            _ => Err(Error::invalid(NAME, "must stand once, with 1 to 255 visible ASCII characters").into()),
        }
    }
}

/// How the document describes it.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only described, never built")]
pub(crate) struct IdempotencyHeader {
    /// The same key with the same body has the same answer, and the message is sent once. With another body it is refused.
    #[param(rename = "Idempotency-Key", value_type = String, required = false, min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
    key: Option<String>,
}
