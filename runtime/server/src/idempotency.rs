//! `Idempotency-Key`: a request that is repeated with the same key is executed once.

use axum::extract::FromRequestParts;
use http::request::Parts;
use sendbox_domain::{FieldCode, FieldError, FieldErrors, message_fields};
use sendbox_service::Error;
use utoipa::IntoParams;

use crate::problem::ApiError;

/// The name of the header.
pub(crate) const NAME: &str = "Idempotency-Key";

/// The value of the header, if it is given.
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut headers = parts.headers.get_all(NAME).iter();
        let Some(header) = headers.next() else { return Ok(Self(None)) };
        if headers.next().is_some() {
            return Err(invalid(FieldError::new(NAME, "must be given once").coded(FieldCode::Duplicate, &[])));
        }
        // A value that is not ASCII is checked as an empty key, which is invalid too.
        let key = header.to_str().unwrap_or_default();
        message_fields::check_idempotency_key(key).map_err(invalid)?;
        Ok(Self(Some(key.to_owned())))
    }
}

fn invalid(error: FieldError) -> ApiError {
    Error::Invalid(FieldErrors(vec![error])).into()
}

/// Describes the header in the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only described, never built")]
pub(crate) struct IdempotencyHeader {
    /// Makes the request safe to repeat: the same key with the same body returns the first result, and the message is sent once.
    /// The same key with another body fails with 422 (`idempotency-mismatch`). Keys are kept for 24 hours.
    #[param(rename = "Idempotency-Key", value_type = String, required = false, min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
    key: Option<String>,
}
