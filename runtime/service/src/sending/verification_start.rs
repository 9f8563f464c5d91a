//! Verifications: a code is generated, stored as a keyed hash, and sent.

use std::net::IpAddr;
use std::sync::Arc;

use sendbox_domain::model::{Mode, NewVerification, PlatformData, Scope, Verification, VerificationStatus};
use sendbox_domain::{locale, phone};
use sendbox_sandbox::Recipient;
use sendbox_store::rows::VerificationRow;
use sendbox_store::{Done, Tx, verifications};
use zeroize::Zeroizing;

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::id;
use crate::sending::admission::recipient_hash;
use crate::sending::failed_checks;
use crate::sending::idempotency::{IdempotencyClaim, check_idempotency_key, mode_name, platform_fields, request_bytes};
use crate::sending::payload::wiped_variables;
use crate::sending::request_fields::RequestFields;
use crate::sending::routing::check_flow;
use crate::sending::verifications::{AcceptedVerification, ResendPayload, view};
use crate::service::Service;
use crate::tenants::settings;

/// A request to start a verification, validated as far as that takes no settings of a tenant.
struct VerificationRequest {
    tenant: String,
    id: String,
    /// The id of its message.
    message: String,
    new: NewVerification,
    platform_data: PlatformData,
    recipient: Arc<Recipient>,
    client_ip: Option<IpAddr>,
    idempotency_key: Option<String>,
}

impl Service {
    /// Starts a verification: generates a code, sends it, and stores a keyed hash of it. A pending verification of the same number
    /// and usage is superseded as soon as the message may have left.
    ///
    /// # Errors
    /// [`Error::NotSent`] with the message and the verification, which stays pending for a resend; and the errors of
    /// [`Self::send_message`].
    pub async fn start_verification(
        &self,
        caller: &Caller,
        tenant: &str,
        new: NewVerification,
        idempotency_key: Option<&str>,
    ) -> Result<Verification> {
        caller.may(tenant, &[Scope::Verify])?;
        check_idempotency_key(idempotency_key)?;
        self.require_running()?;
        let platform_data = PlatformData { reference: new.reference.clone(), metadata: new.metadata.clone() };
        // Before the request queues for a writer.
        let fields = RequestFields {
            to: &new.to,
            client_ip: new.client_ip.as_ref(),
            code: None,
            text: None,
            lifetime_seconds: None,
            variables: &new.variables,
            platform_data: &platform_data,
        };
        let (recipient, client_ip) = fields.read()?;
        let mode = new.mode;
        self.require_room(tenant, mode)?;
        let request = Arc::new(VerificationRequest {
            tenant: tenant.to_owned(),
            id: id::ordered("v", self.now())?,
            message: id::ordered("m", self.now())?,
            new,
            platform_data,
            recipient: Arc::new(recipient),
            client_ip,
            idempotency_key: idempotency_key.map(str::to_owned),
        });
        let service = self.clone();
        let accepted = self.write(self.store_of(tenant), move |tx| {
            let (service, request) = (service.clone(), Arc::clone(&request));
            Box::pin(async move { service.accept_verification(tx, &request).await })
        });
        match accepted.await? {
            AcceptedVerification::Repeated { first } => self.replay_verification(tenant, &first, mode).await,
            AcceptedVerification::Unsent(verification) => Ok(*verification),
            AcceptedVerification::Admitted { verification, admitted } => {
                if !admitted.is_unsent() {
                    self.inner.sends.revoke_superseded_by(&verification);
                }
                self.send_code(*verification, *admitted).await
            }
        }
    }

    /// Stores a verification with its message, and the first attempt of a synchronous one.
    async fn accept_verification(
        &self,
        tx: &mut Tx,
        request: &VerificationRequest,
    ) -> Result<Done<AcceptedVerification>> {
        let VerificationRequest { tenant, id, message, new, platform_data, recipient, client_ip, idempotency_key } =
            request;
        let now = self.now();
        let (tenant_row, active) = self.sending_tenant(tx, tenant).await?;
        let key = self.tenant_key(&tenant_row)?;
        let ip_text = client_ip.map(|ip| ip.to_string()).unwrap_or_default();
        let other_fields = [&[ip_text.as_str(), mode_name(new.mode)], &platform_fields(platform_data)[..]].concat();
        let body = request_bytes(recipient, new.usage, new.locale.as_deref(), &new.variables, &other_fields);
        let claim = IdempotencyClaim::new("verifications", idempotency_key.as_deref(), body);
        if let Some(first) = claim.claim(tx, tenant, &key, id, now).await? {
            return Ok(Done::Rollback(AcceptedVerification::Repeated { first }));
        }
        check_flow(&tenant_row, new.usage)?;

        let policy = &tenant_row.policy.codes;
        let fixed_code = settings::test_numbers(&tenant_row, &key)?
            .into_iter()
            .find(|(number, _)| *number == *recipient.e164)
            .map(|(_, code)| Zeroizing::new(code));
        let test = fixed_code.is_some();
        let code = match fixed_code {
            Some(code) => code,
            None => self.generate_code(policy.digits)?,
        };
        let hash = recipient_hash(&key, recipient);
        let variables = wiped_variables(&new.variables);
        let payload = ResendPayload { to: Zeroizing::new(recipient.e164.to_string()), variables: variables.clone() };
        let mut row = VerificationRow {
            code_mac: self.code_mac(&tenant_row, id, new.usage, &hash, &code)?,
            code_key: self.inner.keys.current_id().to_owned(),
            payload: Some(payload.seal(&key, id)?),
            id: id.clone(),
            tenant: tenant.clone(),
            usage: new.usage,
            locale: new.locale.as_deref().and_then(locale::understood),
            recipient_masked: phone::masked(recipient),
            recipient_hash: hash,
            test,
            status: VerificationStatus::Pending,
            tries: 0,
            max_tries: policy.max_tries,
            sends: 1,
            code_order: 0,
            previous: None,
            max_sends: policy.max_sends,
            created_at: now,
            expires_at: now.plus_seconds(u64::from(policy.lifetime_seconds)),
            resend_at: now,
            approved_at: None,
            message: None,
            platform_data: platform_data.clone(),
        };
        let mut admitted = None;
        if test {
            verifications::supersede(tx, tenant, &row.recipient_hash, row.usage.as_str(), id).await?;
        } else {
            failed_checks::require_unlocked(tx, tenant, &row.recipient_hash, now).await?;
            let recipient = Arc::clone(recipient);
            let outgoing =
                self.outgoing(&row, recipient, variables, code, *client_ip, policy.lifetime_seconds, new.mode);
            let message = self.admit_message(tx, (&tenant_row, active), &key, message, outgoing, *client_ip).await?;
            row.resend_at = message.next_at;
            row.message = Some(request.message.clone());
            if message.is_unsent() {
                row.sends = 0;
            } else {
                // Earlier codes end when its message may have left.
                row.code_order =
                    verifications::next_code_order(tx, tenant, &row.recipient_hash, row.usage.as_str(), now).await?;
            }
            admitted = Some(message);
        }
        verifications::insert(tx, &row).await?;
        Ok(Done::Commit(match admitted {
            Some(admitted) => {
                AcceptedVerification::Admitted { verification: Box::new(row), admitted: Box::new(admitted) }
            }
            None => AcceptedVerification::Unsent(Box::new(view(&row, None, now))),
        }))
    }

    /// The response to a repeated request with the same idempotency key.
    async fn replay_verification(&self, tenant: &str, id: &str, mode: Mode) -> Result<Verification> {
        let mut tx = self.store_of(tenant).begin_read().await?;
        let row = verifications::get(&mut tx, tenant, id).await?.ok_or(Error::NotFound("verification"))?;
        drop(tx);
        if let Some(message) = &row.message {
            self.replay_response(tenant, message, mode, Some(id)).await?;
        }
        self.read_verification(tenant, id).await
    }
}
