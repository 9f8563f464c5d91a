//! Idempotency keys: the same key with the same request is the same resource.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sendbox_domain::field_error::FieldErrors;
use sendbox_domain::message_fields;
use sendbox_domain::model::{Mode, PlatformData, Sensitive, Timestamp};
use sendbox_sandbox::{Recipient, Usage};
use sendbox_store::rows::IdempotencyRow;
use sendbox_store::{Tx, idempotency};

use crate::error::{Error, Result};
use crate::vault::TenantKey;

/// How long a key that a caller chose is stored.
pub(crate) const IDEMPOTENCY_SECONDS: u64 = 24 * 3600;

/// An idempotency key, and the request that it is used for.
pub(crate) struct IdempotencyClaim<'a> {
    pub(crate) operation: Cow<'static, str>,
    pub(crate) key: Option<Cow<'a, str>>,
    /// What must be equal in every request with the key.
    pub(crate) body: Vec<Vec<u8>>,
    /// How long the key is stored.
    pub(crate) seconds: u64,
}

impl<'a> IdempotencyClaim<'a> {
    /// The claim of a key that a caller chose, if there is one.
    pub(crate) fn new(operation: &'static str, key: Option<&'a str>, body: Vec<Vec<u8>>) -> Self {
        Self { operation: Cow::Borrowed(operation), key: key.map(Cow::Borrowed), body, seconds: IDEMPOTENCY_SECONDS }
    }

    /// Claims the key for a new resource. Returns the resource of the first request when the key was used before.
    ///
    /// # Errors
    /// [`Error::IdempotencyMismatch`].
    pub(crate) async fn claim(
        &self,
        tx: &mut Tx,
        tenant: &str,
        key: &TenantKey,
        resource: &str,
        now: Timestamp,
    ) -> Result<Option<String>> {
        let Some(row) = self.row(tenant, key, resource, now) else { return Ok(None) };
        match idempotency::claim(tx, &row, now).await? {
            None => Ok(None),
            Some(first) if first.body_hash == row.body_hash => Ok(Some(first.resource)),
            Some(_) => Err(Error::IdempotencyMismatch),
        }
    }

    /// Changes the resource that a repeated request gets.
    pub(crate) async fn set_resource(
        &self,
        tx: &mut Tx,
        tenant: &str,
        key: &TenantKey,
        resource: &str,
        now: Timestamp,
    ) -> Result<()> {
        if let Some(row) = self.row(tenant, key, resource, now) {
            idempotency::set_resource(tx, &row, resource).await?;
        }
        Ok(())
    }

    fn row(&self, tenant: &str, key: &TenantKey, resource: &str, now: Timestamp) -> Option<IdempotencyRow> {
        let parts: Vec<&[u8]> = self.body.iter().map(Vec::as_slice).collect();
        Some(IdempotencyRow {
            tenant: tenant.to_owned(),
            operation: self.operation.clone().into_owned(),
            key_hash: key.hash("idempotency-key", &[self.key.as_deref()?.as_bytes()]),
            body_hash: key.hash("idempotency-body", &parts),
            resource: resource.to_owned(),
            expires_at: now.plus_seconds(self.seconds),
        })
    }
}

/// The content of a request as bytes that are equal for equal requests. Only a keyed hash of them is stored.
pub(crate) fn request_bytes(
    to: &Recipient,
    usage: Usage,
    locale: Option<&str>,
    variables: &BTreeMap<String, Sensitive>,
    other_fields: &[&str],
) -> Vec<Vec<u8>> {
    let mut parts: Vec<Vec<u8>> = [to.e164.as_str(), usage.as_str(), locale.unwrap_or_default()]
        .iter()
        .chain(other_fields)
        .map(|part| part.as_bytes().to_vec())
        .collect();
    for (name, value) in variables {
        parts.push(name.as_bytes().to_vec());
        parts.push(value.expose().as_bytes().to_vec());
    }
    parts
}

/// What the platform keeps with a message, as part of a request's content.
pub(crate) fn platform_fields(data: &PlatformData) -> Vec<&str> {
    let metadata = data.metadata.iter().flat_map(|(name, value)| [name.as_str(), value]);
    // Nothing, where nothing is given: keys that were used before these fields existed are still known.
    let reference = (data != &PlatformData::default()).then(|| data.reference.as_deref().unwrap_or_default());
    reference.into_iter().chain(metadata).collect()
}

/// A mode, as part of a request's content.
pub(crate) fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Sync => "sync",
        Mode::Async => "async",
    }
}

/// Validates an idempotency key.
pub(crate) fn check_idempotency_key(key: Option<&str>) -> Result<()> {
    // Without the conversion of `From<FieldErrors>`: the error names a header, not a field of the body.
    key.map_or(Ok(()), message_fields::check_idempotency_key).map_err(|error| Error::Invalid(FieldErrors(vec![error])))
}
