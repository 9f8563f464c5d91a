//! Authentication with an API key: the platform key, or a key of a tenant. Sessions of the console are in `sessions.rs`.

use sendbox_store::keys;
use sha2::{Digest as _, Sha256};

use crate::access::caller::{Caller, valid_secret};
use crate::access::keys::id_of;
use crate::access::request_limits::{AdmittedRequest, RequestKind};
use crate::error::{Error, Result};
use crate::service::Service;
use crate::vault;

impl Service {
    /// Identifies the caller by an API key. `bearer` is the value after `Bearer ` in the `Authorization` header.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when the key is unknown, expired or revoked; [`Error::StoreUnavailable`].
    pub async fn authenticate(&self, bearer: &str) -> Result<Caller> {
        let given = Sha256::digest(bearer.as_bytes());
        if vault::constant_time_eq(&given, self.platform_hash()) {
            return Ok(Caller::Platform);
        }
        let id = id_of(bearer).ok_or(Error::Unauthenticated)?;
        let mut tx = self.inner.store.begin_lookup().await?;
        let row = keys::find(&mut tx, id).await?.ok_or(Error::Unauthenticated)?;
        let is_given = |hash: &[u8]| Ok::<_, Error>(vault::constant_time_eq(&given, hash));
        let secret = valid_secret(&row, self.now(), is_given)?.ok_or(Error::Unauthenticated)?;
        Ok(Caller::of_key(row, secret))
    }

    /// Admits a request, until what is returned is dropped. `None` for the platform key, which is not limited.
    ///
    /// # Errors
    /// [`Error::TooManyRequests`].
    pub fn admit_request(&self, caller: &Caller, kind: RequestKind) -> Result<Option<AdmittedRequest>> {
        let Caller::Key { tenant, key, .. } = caller else { return Ok(None) };
        self.inner.request_limits.admit(tenant, key, kind, self.inner.clock.monotonic()).map(Some)
    }
}
