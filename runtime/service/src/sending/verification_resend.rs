//! Verifications: a further code is sent.

use std::net::IpAddr;
use std::sync::Arc;

use sendbox_domain::field_error::FieldErrors;
use sendbox_domain::message_fields::client_ip;
use sendbox_domain::model::{Mode, Resend, Scope, Sensitive, Timestamp, Verification};
use sendbox_domain::rules::verification as rules;
use sendbox_domain::{LimitName, phone};
use sendbox_store::rows::{PreviousCode, VerificationRow};
use sendbox_store::{Done, Tx, messages, verifications};

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::id;
use crate::sending::failed_checks;
use crate::sending::idempotency::{IdempotencyClaim, check_idempotency_key, mode_name};
use crate::sending::routing::check_flow;
use crate::sending::verifications::{AcceptedVerification, ResendPayload, status, view};
use crate::service::Service;

/// A request for a new code.
struct ResendRequest {
    tenant: String,
    id: String,
    /// The id of its message.
    message: String,
    client_ip: Option<IpAddr>,
    mode: Mode,
    idempotency_key: Option<String>,
}

/// Refuses to resend a verification that has ended, or has no send left.
fn require_resendable(row: &VerificationRow, now: Timestamp) -> Result<()> {
    if !rules::may_resend(status(row, now)) {
        return Err(Error::VerificationEnded(Box::new(view(row, None, now))));
    }
    if !row.test && row.sends >= row.max_sends {
        return Err(Error::Limited { limit: LimitName::SendsOfVerification, retry_after: None });
    }
    Ok(())
}

impl Service {
    /// Sends a new code for the same verification. The previous code ends as soon as the message may have left.
    ///
    /// # Errors
    /// [`Error::VerificationEnded`], [`Error::Limited`], [`Error::NotSent`]; and the errors of
    /// [`Self::send_message`].
    pub async fn resend_verification(
        &self,
        caller: &Caller,
        tenant: &str,
        id: &str,
        resend: Resend,
        idempotency_key: Option<&str>,
    ) -> Result<Verification> {
        caller.may(tenant, &[Scope::Verify])?;
        check_idempotency_key(idempotency_key)?;
        self.require_running()?;
        let client_ip =
            client_ip(resend.client_ip.as_ref().map(Sensitive::expose)).map_err(|error| FieldErrors(vec![error]))?;
        self.require_room(tenant, resend.mode)?;
        let request = Arc::new(ResendRequest {
            tenant: tenant.to_owned(),
            id: id.to_owned(),
            message: id::ordered("m", self.now())?,
            client_ip,
            mode: resend.mode,
            idempotency_key: idempotency_key.map(str::to_owned),
        });
        let service = self.clone();
        let renewed = self.write(self.store_of(tenant), move |tx| {
            let (service, request) = (service.clone(), Arc::clone(&request));
            Box::pin(async move { service.renew_verification(tx, &request).await })
        });
        match renewed.await? {
            AcceptedVerification::Admitted { verification, admitted } => {
                // What is being sent is the code before, unless nothing of the new one will leave.
                if !admitted.is_unsent() {
                    self.inner.sends.revoke(&verification.tenant, &verification.id, verification.message.as_deref());
                }
                self.send_code(*verification, *admitted).await
            }
            AcceptedVerification::Unsent(verification) => Ok(*verification),
            AcceptedVerification::Repeated { first } => {
                self.replay_response(tenant, &first, resend.mode, Some(id)).await?;
                self.read_verification(tenant, id).await
            }
        }
    }

    /// Gives a verification a new code beside the one that was sent, and stores the message with it.
    async fn renew_verification(&self, tx: &mut Tx, request: &ResendRequest) -> Result<Done<AcceptedVerification>> {
        let ResendRequest { tenant, id, message, client_ip, mode, idempotency_key } = request;
        let (client_ip, mode) = (*client_ip, *mode);
        let now = self.now();
        let (tenant_row, active) = self.sending_tenant(tx, tenant).await?;
        let key = self.tenant_key(&tenant_row)?;
        let body = [id.as_str(), &client_ip.map(|ip| ip.to_string()).unwrap_or_default(), mode_name(mode)];
        let body = body.iter().map(|part| part.as_bytes().to_vec()).collect();
        let claim = IdempotencyClaim::new("resends", idempotency_key.as_deref(), body);
        if let Some(first) = claim.claim(tx, tenant, &key, message, now).await? {
            return Ok(Done::Rollback(AcceptedVerification::Repeated { first }));
        }
        let row = verifications::get(tx, tenant, id).await?.ok_or(Error::NotFound("verification"))?;
        require_resendable(&row, now)?;
        if row.test {
            // Its code is fixed, and was never sent.
            return Ok(Done::Rollback(AcceptedVerification::Unsent(Box::new(view(&row, None, now)))));
        }
        failed_checks::require_unlocked(tx, tenant, &row.recipient_hash, now).await?;
        check_flow(&tenant_row, row.usage)?;
        let sealed =
            row.payload.as_deref().ok_or_else(|| Error::Internal("a verification has lost its number".to_owned()))?;
        let payload = ResendPayload::open(&key, id, sealed)?;
        let recipient = phone::recipient(&payload.to).map_err(|error| Error::Internal(error.to_string()))?;
        let policy = &tenant_row.policy.codes;
        let code = self.generate_code(policy.digits)?;
        let code_mac = self.code_mac(&tenant_row, id, row.usage, &row.recipient_hash, &code)?;
        let outgoing =
            self.outgoing(&row, Arc::new(recipient), payload.variables, code, client_ip, policy.lifetime_seconds, mode);
        let admitted = self.admit_message(tx, (&tenant_row, active), &key, message, outgoing, client_ip).await?;
        // Read again, now that the limits are locked: somebody else may have resent in the meantime.
        let mut row = verifications::lock(tx, tenant, id).await?.ok_or(Error::NotFound("verification"))?;
        require_resendable(&row, now)?;
        if !admitted.is_unsent() {
            let current = match &row.message {
                Some(message) => messages::get(tx, tenant, message).await?,
                None => None,
            };
            // Otherwise the code on the phone is still the one before, if there is one.
            if current.is_none_or(|message| message.physical_messages > 0) {
                row.previous = Some(PreviousCode {
                    code_mac: row.code_mac,
                    code_key: row.code_key,
                    tries: row.tries,
                    expires_at: row.expires_at,
                    message: row.message,
                    code_order: row.code_order,
                });
            }
            row.code_mac = code_mac;
            row.code_key = self.inner.keys.current_id().to_owned();
            row.tries = 0;
            row.sends += 1;
            row.expires_at = now.plus_seconds(u64::from(policy.lifetime_seconds));
            row.resend_at = admitted.next_at;
            row.message = Some(message.clone());
            row.code_order =
                verifications::next_code_order(tx, tenant, &row.recipient_hash, row.usage.as_str(), now).await?;
            if let Some(previous) = &mut row.previous {
                // A shorter lifetime in the policy applies to both.
                previous.expires_at = previous.expires_at.min(row.expires_at);
            }
            verifications::update_codes(tx, &row).await?;
        }
        Ok(Done::Commit(AcceptedVerification::Admitted { verification: Box::new(row), admitted: Box::new(admitted) }))
    }
}
