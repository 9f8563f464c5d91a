//! Verifications: a code is checked.
//!
//! A try is committed before the code is compared, and the approval is a guarded update.

use std::sync::Arc;

use sendbox_domain::model::{Check, Scope, Timestamp, Verification, VerificationStatus};
use sendbox_domain::rules::code;
use sendbox_domain::rules::subscriptions::Subscriptions;
use sendbox_domain::rules::verification;
use sendbox_store::rows::VerificationRow;
use sendbox_store::{Done, Tx, verifications};
use zeroize::Zeroizing;

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::sending::failed_checks;
use crate::sending::idempotency::{IdempotencyClaim, check_idempotency_key};
use crate::sending::verifications::{status, view};
use crate::service::Service;
use crate::vault::{self, CodeBinding};
use crate::webhooks::outbox;

/// A check of a code.
struct CheckRequest {
    tenant: String,
    id: String,
    typed: Zeroizing<String>,
    idempotency_key: Option<String>,
    now: Timestamp,
}

impl CheckRequest {
    fn claim(&self) -> IdempotencyClaim<'_> {
        let body = vec![self.id.as_bytes().to_vec(), self.typed.as_bytes().to_vec()];
        IdempotencyClaim::new("checks", self.idempotency_key.as_deref(), body)
    }
}

/// The resource of an idempotency key whose check has approved a verification.
fn approved_resource(id: &str) -> String {
    format!("{id}/approved")
}

/// A code that a check is compared with.
struct ComparedCode {
    /// The message with the code; empty for a test number.
    message: String,
    code_mac: Vec<u8>,
    code_key: String,
}

/// The codes of a verification that a try was counted for: the current one, and the one before while that is valid.
fn codes_to_compare(row: &VerificationRow, now: Timestamp) -> Vec<ComparedCode> {
    let current = ComparedCode {
        message: row.message.clone().unwrap_or_default(),
        code_mac: row.code_mac.clone(),
        code_key: row.code_key.clone(),
    };
    let previous = row
        .previous
        .as_ref()
        .filter(|code| verification::is_previous_compared((code.tries, row.max_tries), code.expires_at, now));
    let previous = previous.map(|code| ComparedCode {
        message: code.message.clone().unwrap_or_default(),
        code_mac: code.code_mac.clone(),
        code_key: code.code_key.clone(),
    });
    [current].into_iter().chain(previous).collect()
}

/// The resource of an idempotency key whose check was counted for these codes of a verification.
fn counted_resource(id: &str, codes: &[ComparedCode]) -> String {
    let messages: Vec<&str> = codes.iter().map(|code| code.message.as_str()).collect();
    format!("{id}/{}", messages.join(","))
}

/// Whether a code is among those of [`counted_resource`].
fn is_counted(resource: &str, id: &str, code: &ComparedCode) -> bool {
    let counted = resource.strip_prefix(id).and_then(|rest| rest.strip_prefix('/'));
    counted.is_some_and(|messages| messages.split(',').any(|message| message == code.message))
}

/// A check after its try was counted.
enum CountedCheck {
    /// The typed code is still to be compared with these.
    Counted { row: Box<VerificationRow>, codes: Vec<ComparedCode>, subscriptions: Subscriptions },
    /// The same request has approved the verification before.
    Approved(Box<Verification>),
}

impl Service {
    /// Checks a code. Returns the approved verification, and an error in every other case, so that a caller that only looks at
    /// success is safe. A request that is repeated with its idempotency key gets the same result, and is counted once.
    ///
    /// # Errors
    /// [`Error::WrongCode`] (counted), [`Error::VerificationEnded`], [`Error::Limited`] when the number has failed too often,
    /// [`Error::IdempotencyMismatch`].
    pub async fn check_verification(
        &self,
        caller: &Caller,
        tenant: &str,
        id: &str,
        check: Check,
        idempotency_key: Option<&str>,
    ) -> Result<Verification> {
        caller.may(tenant, &[Scope::Verify])?;
        check_idempotency_key(idempotency_key)?;
        if check.code.expose().chars().count() > 40 {
            return Err(Error::invalid("/code", "must have at most 40 characters"));
        }
        let request = Arc::new(CheckRequest {
            tenant: tenant.to_owned(),
            id: id.to_owned(),
            typed: code::normalise(check.code.expose()),
            idempotency_key: idempotency_key.map(str::to_owned),
            now: self.now(),
        });

        // The try is committed before the code is compared, so that neither a disconnect nor a crash gives a free try.
        let (service, counted) = (self.clone(), Arc::clone(&request));
        let counted = self.write(self.store_of(tenant), move |tx| {
            let (service, request) = (service.clone(), Arc::clone(&counted));
            Box::pin(async move { service.count_check(tx, &request).await.map(Done::Commit) })
        });
        let (row, codes, subscriptions) = match counted.await? {
            CountedCheck::Counted { row, codes, subscriptions } => (*row, codes, subscriptions),
            CountedCheck::Approved(verification) => return Ok(*verification),
        };

        let binding =
            CodeBinding { tenant, verification: id, usage: row.usage.as_str(), recipient: &row.recipient_hash };
        let mut right = None;
        // All are compared, so that the time does not tell which one it was.
        for code in codes {
            let typed_mac = self.inner.keys.code_mac(&code.code_key, &binding, &request.typed)?;
            if vault::constant_time_eq(&typed_mac, &code.code_mac) {
                right = Some(code.code_mac);
            }
        }
        let Some(code_mac) = right else {
            let tries_left = row.max_tries.saturating_sub(row.tries);
            return Err(Error::WrongCode { tries_left });
        };
        let service = self.clone();
        let approved = self.write(self.completion_store_of(tenant), move |tx| {
            let (service, request, code_mac) = (service.clone(), Arc::clone(&request), code_mac.clone());
            let subscriptions = subscriptions.clone();
            Box::pin(
                async move { service.approve_check(tx, &request, &code_mac, &subscriptions).await.map(Done::Commit) },
            )
        });
        let approved = approved.await?;
        self.inner.sends.revoke(tenant, id, None);
        Ok(approved)
    }

    /// Counts a try, unless it is a repeated one. Returns the verification as it is then.
    async fn count_check(&self, tx: &mut Tx, request: &CheckRequest) -> Result<CountedCheck> {
        let CheckRequest { tenant, id, now, .. } = request;
        let tenant_row = self.tenant_row(tx, tenant).await?;
        let key = self.tenant_key(&tenant_row)?;
        let subscriptions = tenant_row.subscriptions;
        if let Some(resource) = request.claim().claim(tx, tenant, &key, id, *now).await? {
            let row = verifications::get(tx, tenant, id).await?.ok_or(Error::NotFound("verification"))?;
            // Only the check that has approved it is told so again: a code is right once.
            if resource == approved_resource(id) {
                return Ok(CountedCheck::Approved(Box::new(self.view_of(tx, tenant, id).await?)));
            }
            // It was counted for the codes of that time, and is no guess at a later one.
            let mut codes = codes_to_compare(&row, *now);
            codes.retain(|code| is_counted(&resource, id, code));
            return Ok(CountedCheck::Counted { row: Box::new(row), codes, subscriptions });
        }
        let Some(row) = verifications::count_try(tx, tenant, id, *now).await? else {
            let row = verifications::get(tx, tenant, id).await?.ok_or(Error::NotFound("verification"))?;
            return Err(Error::VerificationEnded(Box::new(view(&row, None, *now))));
        };
        failed_checks::count(tx, tenant, &row.recipient_hash, *now).await?;
        let codes = codes_to_compare(&row, *now);
        request.claim().set_resource(tx, tenant, &key, &counted_resource(id, &codes), *now).await?;
        Ok(CountedCheck::Counted { row: Box::new(row), codes, subscriptions })
    }

    /// Approves a verification whose right code was given.
    async fn approve_check(
        &self,
        tx: &mut Tx,
        request: &CheckRequest,
        code_mac: &[u8],
        subscriptions: &Subscriptions,
    ) -> Result<Verification> {
        let CheckRequest { tenant, id, now, .. } = request;
        // The idempotency key is locked before the verification, as when the try is counted.
        let mut key = None;
        if request.idempotency_key.is_some() {
            let tenant_key = self.tenant_key(&self.tenant_row(tx, tenant).await?)?;
            // Perhaps it was approved by the same request, which was repeated before it had its response.
            if request.claim().claim(tx, tenant, &tenant_key, id, *now).await? == Some(approved_resource(id)) {
                return self.view_of(tx, tenant, id).await;
            }
            key = Some(tenant_key);
        }
        if !verifications::approve(tx, tenant, id, code_mac, *now).await? {
            let row = verifications::get(tx, tenant, id).await?.ok_or(Error::NotFound("verification"))?;
            return Err(match status(&row, *now) {
                // The message with a later code has left since the try was counted.
                VerificationStatus::Pending => Error::WrongCode { tries_left: row.max_tries.saturating_sub(row.tries) },
                _ => Error::VerificationEnded(Box::new(view(&row, None, *now))),
            });
        }
        let row = verifications::get(tx, tenant, id).await?.ok_or(Error::NotFound("verification"))?;
        failed_checks::clear(tx, tenant, &row.recipient_hash).await?;
        outbox::verification_approved(tx, subscriptions, &row, *now).await?;
        if let Some(key) = key {
            request.claim().set_resource(tx, tenant, &key, &approved_resource(id), *now).await?;
        }
        self.view_of(tx, tenant, id).await
    }
}
