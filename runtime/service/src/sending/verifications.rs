//! Verifications: a code is generated, sent and checked.
//!
//! Promises
//! - a code verifies at most once, whatever the concurrency: the last step is a guarded update;
//! - a try is counted, on disk, before the code is compared; failed tries are also counted for the number, over all its codes;
//! - there is one valid code for a tenant, usage and number: a new one replaces the previous one;
//! - a code is compared in constant time, as a keyed hash that is bound to tenant, usage, number and verification.

use std::net::IpAddr;
use std::sync::Arc;

use sendbox_domain::field_error::FieldErrors;
use sendbox_domain::message_fields::client_ip;
use sendbox_domain::model::{
    Check, MessageStatus, Mode, NewVerification, Resend, Scope, Sensitive, Timestamp, Verification,
    VerificationMessage, VerificationStatus,
};
use sendbox_domain::rules::code;
use sendbox_domain::{LimitName, phone};
use sendbox_sandbox::{Recipient, Usage};
use sendbox_store::rows::{TenantRow, VerificationRow};
use sendbox_store::{Done, Tx, messages, verifications};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::sending::admission::recipient_hash;
use crate::sending::messages::{AdmittedMessage, IdempotencyClaim, check_idempotency_key, mode_name, request_bytes};
use crate::sending::payload::{OutgoingMessage, Payload, wiped_variables};
use crate::sending::request_fields::RequestFields;
use crate::sending::routing::check_flow;
use crate::service::Service;
use crate::tenants::settings;
use crate::vault::{CodeBinding, TenantKey, random};
use crate::{id, vault};

/// Maximum number of failed checks of one number, over all its codes (NIST SP 800-63B-4).
const MAX_FAILURES: u32 = 100;

/// The sensitive data that a resend needs. Sealed at rest; has no `Debug`.
#[derive(Serialize, Deserialize)]
struct ResendPayload {
    to: Zeroizing<String>,
    variables: Vec<(String, Zeroizing<String>)>,
}

impl ResendPayload {
    fn seal(&self, key: &TenantKey, id: &str) -> Result<Vec<u8>> {
        let plain = serde_json::to_vec(self).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(key.seal(&format!("verification/{id}"), &Zeroizing::new(plain))?)
    }

    fn open(key: &TenantKey, id: &str, sealed: &[u8]) -> Result<Self> {
        let plain = key.open(&format!("verification/{id}"), sealed)?;
        serde_json::from_slice(&plain).map_err(|_| Error::Internal("a stored verification cannot be read".to_owned()))
    }
}

/// A request to start a verification, validated as far as that takes no settings of a tenant.
struct VerificationRequest {
    tenant: String,
    id: String,
    /// The id of its message.
    message: String,
    new: NewVerification,
    recipient: Arc<Recipient>,
    client_ip: Option<IpAddr>,
    idempotency_key: Option<String>,
}

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
        IdempotencyClaim { operation: "checks", key: self.idempotency_key.as_deref(), body }
    }
}

/// The resource of an idempotency key whose check has approved a verification.
fn approved_resource(id: &str) -> String {
    format!("{id}/approved")
}

/// The resource of an idempotency key whose check was counted for the present code of a verification.
fn counted_resource(row: &VerificationRow) -> String {
    format!("{}/{}", row.id, row.sends)
}

/// A check after its try was counted.
enum CountedCheck {
    /// The code is still to be compared.
    Counted(Box<VerificationRow>),
    /// The same request has approved the verification before.
    Approved(Box<Verification>),
}

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

/// What became of a request to send a code.
enum AcceptedVerification {
    /// The idempotency key was used before; `first` is the verification of that request.
    Repeated {
        first: String,
    },
    /// Nothing is sent to a test number.
    Unsent(Box<Verification>),
    Admitted {
        verification: Box<VerificationRow>,
        admitted: Box<AdmittedMessage>,
    },
}

/// The current status of a verification. It expires and runs out of tries without a write to its row.
fn status(row: &VerificationRow, now: Timestamp) -> VerificationStatus {
    match row.status {
        VerificationStatus::Pending if now >= row.expires_at => VerificationStatus::Expired,
        VerificationStatus::Pending if row.tries >= row.max_tries => VerificationStatus::Exhausted,
        other => other,
    }
}

fn view(row: &VerificationRow, message: Option<MessageStatus>, now: Timestamp) -> Verification {
    let status = status(row, now);
    // Another code may be sent when the tries are used up.
    let sends_left = match status {
        VerificationStatus::Pending | VerificationStatus::Exhausted if !row.test => {
            row.max_sends.saturating_sub(row.sends)
        }
        _ => 0,
    };
    Verification {
        id: row.id.clone(),
        status,
        to: row.recipient_masked.clone(),
        usage: row.usage,
        locale: row.locale.clone(),
        test: row.test,
        tries_left: if status == VerificationStatus::Pending { row.max_tries.saturating_sub(row.tries) } else { 0 },
        sends_left,
        expires_at: row.expires_at,
        resend_available_at: (sends_left > 0).then_some(row.resend_at),
        created_at: row.created_at,
        approved_at: row.approved_at,
        message: row.message.clone().zip(message).map(|(id, status)| VerificationMessage { id, status }),
    }
}

impl Service {
    /// Generates a code from the operating system's randomness.
    pub(crate) fn generate_code(&self, digits: u8) -> Result<Zeroizing<String>> {
        // One byte in 43 is rejected, so that 64 bytes almost always yield enough digits.
        for _ in 0..8 {
            if let Some(code) = code::digits(random::<64>()?.as_ref(), digits) {
                return Ok(code);
            }
        }
        Err(Error::Internal("the random numbers of the operating system are not usable".to_owned()))
    }

    /// Starts a verification: generates a code, sends it, and stores a keyed hash of it. A pending verification of the same number
    /// and usage is superseded.
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
        // Before the request queues for a writer.
        let fields = RequestFields {
            to: &new.to,
            client_ip: new.client_ip.as_ref(),
            locale: new.locale.as_deref(),
            code: None,
            lifetime_seconds: None,
            variables: &new.variables,
        };
        let (recipient, client_ip) = fields.read()?;
        let mode = new.mode;
        self.require_room(tenant, mode)?;
        let request = Arc::new(VerificationRequest {
            tenant: tenant.to_owned(),
            id: id::new("v")?,
            message: id::new("m")?,
            new,
            recipient: Arc::new(recipient),
            client_ip,
            idempotency_key: idempotency_key.map(str::to_owned),
        });
        let service = self.clone();
        let accepted = self.write(move |tx| {
            let (service, request) = (service.clone(), Arc::clone(&request));
            Box::pin(async move { service.accept_verification(tx, &request).await })
        });
        match accepted.await? {
            AcceptedVerification::Repeated { first } => self.replay_verification(tenant, &first, mode).await,
            AcceptedVerification::Unsent(verification) => Ok(*verification),
            AcceptedVerification::Admitted { verification, admitted } => {
                self.inner.sends.revoke_superseded_by(&verification);
                self.send_code(*verification, *admitted).await
            }
        }
    }

    /// Sends the code of a verification, and returns the verification.
    async fn send_code(&self, row: VerificationRow, admitted: AdmittedMessage) -> Result<Verification> {
        let message = self.dispatch(admitted, Some(&row.id)).await?;
        Ok(view(&row, Some(message.status), self.now()))
    }

    /// Stores a verification with its message, and the first attempt of a synchronous one.
    async fn accept_verification(
        &self,
        tx: &mut Tx,
        request: &VerificationRequest,
    ) -> Result<Done<AcceptedVerification>> {
        let VerificationRequest { tenant, id, message, new, recipient, client_ip, idempotency_key } = request;
        let now = self.now();
        let (tenant_row, active) = self.sending_tenant(tx, tenant).await?;
        let key = self.tenant_key(&tenant_row)?;
        let ip_text = client_ip.map(|ip| ip.to_string()).unwrap_or_default();
        let other_fields = [ip_text.as_str(), mode_name(new.mode)];
        let body = request_bytes(recipient, new.usage, new.locale.as_deref(), &new.variables, &other_fields);
        let claim = IdempotencyClaim { operation: "verifications", key: idempotency_key.as_deref(), body };
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
            locale: new.locale.clone(),
            recipient_masked: phone::masked(recipient),
            recipient_hash: hash,
            test,
            status: VerificationStatus::Pending,
            tries: 0,
            max_tries: policy.max_tries,
            sends: 1,
            max_sends: policy.max_sends,
            created_at: now,
            expires_at: now.plus_seconds(u64::from(policy.lifetime_seconds)),
            resend_at: now,
            approved_at: None,
            message: None,
        };
        let mut admitted = None;
        if !test {
            let recipient = Arc::clone(recipient);
            let outgoing =
                self.outgoing(&row, recipient, variables, code, *client_ip, policy.lifetime_seconds, new.mode);
            let message = self.admit_message(tx, (&tenant_row, active), &key, message, outgoing, *client_ip).await?;
            row.resend_at = message.next_at;
            row.message = Some(request.message.clone());
            admitted = Some(message);
        }
        verifications::supersede(tx, tenant, &row.recipient_hash, row.usage.as_str(), id).await?;
        verifications::insert(tx, &row).await?;
        Ok(Done::Commit(match admitted {
            Some(admitted) => {
                AcceptedVerification::Admitted { verification: Box::new(row), admitted: Box::new(admitted) }
            }
            None => AcceptedVerification::Unsent(Box::new(view(&row, None, now))),
        }))
    }

    #[allow(clippy::too_many_arguments, reason = "all parts of a message")]
    fn outgoing(
        &self,
        row: &VerificationRow,
        recipient: Arc<Recipient>,
        variables: Vec<(String, Zeroizing<String>)>,
        code: Zeroizing<String>,
        client_ip: Option<IpAddr>,
        lifetime_seconds: u32,
        mode: Mode,
    ) -> OutgoingMessage {
        OutgoingMessage {
            payload: Payload {
                to: Zeroizing::new(recipient.e164.to_string()),
                code,
                variables,
                client_ip: client_ip.map(|ip| Zeroizing::new(ip.to_string())),
                lifetime_seconds,
            },
            recipient,
            usage: row.usage,
            locale: row.locale.clone(),
            verification: Some(row.id.clone()),
            mode,
        }
    }

    fn code_mac(&self, tenant: &TenantRow, id: &str, usage: Usage, recipient: &[u8], code: &str) -> Result<Vec<u8>> {
        let binding = CodeBinding { tenant: &tenant.id, verification: id, usage: usage.as_str(), recipient };
        Ok(self.inner.keys.code_mac(self.inner.keys.current_id(), &binding, code)?)
    }

    /// The response to a repeated request with the same idempotency key.
    async fn replay_verification(&self, tenant: &str, id: &str, mode: Mode) -> Result<Verification> {
        let mut tx = self.inner.store.begin_read().await?;
        let row = verifications::get(&mut tx, tenant, id).await?.ok_or(Error::NotFound("verification"))?;
        drop(tx);
        if let Some(message) = &row.message {
            self.replay_response(tenant, message, mode, Some(id)).await?;
        }
        self.read_verification(tenant, id).await
    }

    pub(crate) async fn read_verification(&self, tenant: &str, id: &str) -> Result<Verification> {
        let mut tx = self.inner.store.begin_read().await?;
        self.view_of(&mut tx, tenant, id).await
    }

    async fn view_of(&self, tx: &mut Tx, tenant: &str, id: &str) -> Result<Verification> {
        let row = verifications::get(tx, tenant, id).await?.ok_or(Error::NotFound("verification"))?;
        let message = match &row.message {
            Some(message) => messages::get(tx, tenant, message).await?.map(|message| message.status),
            None => None,
        };
        Ok(view(&row, message, self.now()))
    }

    /// One verification.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn verification(&self, caller: &Caller, tenant: &str, id: &str) -> Result<Verification> {
        caller.may(tenant, &[Scope::Read, Scope::Verify])?;
        let mut tx = self.inner.store.begin_read().await?;
        self.tenant_row(&mut tx, tenant).await?;
        self.view_of(&mut tx, tenant, id).await
    }

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
        let counted = self.write(move |tx| {
            let (service, request) = (service.clone(), Arc::clone(&counted));
            Box::pin(async move { service.count_check(tx, &request).await.map(Done::Commit) })
        });
        let row = match counted.await? {
            CountedCheck::Counted(row) => *row,
            CountedCheck::Approved(verification) => return Ok(*verification),
        };

        let binding =
            CodeBinding { tenant, verification: id, usage: row.usage.as_str(), recipient: &row.recipient_hash };
        let typed_mac = self.inner.keys.code_mac(&row.code_key, &binding, &request.typed)?;
        if !vault::constant_time_eq(&typed_mac, &row.code_mac) {
            let tries_left = row.max_tries.saturating_sub(row.tries);
            return Err(Error::WrongCode { tries_left });
        }
        let service = self.clone();
        let approved = self.write(move |tx| {
            let (service, row, request) = (service.clone(), row.clone(), Arc::clone(&request));
            Box::pin(async move { service.approve_check(tx, &request, &row).await.map(Done::Commit) })
        });
        let approved = approved.await?;
        self.inner.sends.revoke(tenant, id, None);
        Ok(approved)
    }

    /// Counts a try, unless it is a repeated one. Returns the verification as it is then.
    async fn count_check(&self, tx: &mut Tx, request: &CheckRequest) -> Result<CountedCheck> {
        let CheckRequest { tenant, id, now, .. } = request;
        let key = self.tenant_key(&self.tenant_row(tx, tenant).await?)?;
        if let Some(resource) = request.claim().claim(tx, tenant, &key, id, *now).await? {
            let row = verifications::get(tx, tenant, id).await?.ok_or(Error::NotFound("verification"))?;
            // Only the check that has approved it is told so again: a code is right once.
            if resource == approved_resource(id) {
                return Ok(CountedCheck::Approved(Box::new(self.view_of(tx, tenant, id).await?)));
            }
            // It was counted for the code of that time, and is no guess at a later one.
            if resource != counted_resource(&row) {
                return Err(Error::WrongCode { tries_left: row.max_tries.saturating_sub(row.tries) });
            }
            return Ok(CountedCheck::Counted(Box::new(row)));
        }
        let Some(row) = verifications::count_try(tx, tenant, id, *now).await? else {
            let row = verifications::get(tx, tenant, id).await?.ok_or(Error::NotFound("verification"))?;
            return Err(Error::VerificationEnded(Box::new(view(&row, None, *now))));
        };
        if !verifications::add_failure(tx, tenant, &row.recipient_hash, MAX_FAILURES, *now).await? {
            return Err(Error::Limited { limit: LimitName::RecipientFailures, retry_after: None });
        }
        request.claim().set_resource(tx, tenant, &key, &counted_resource(&row), *now).await?;
        Ok(CountedCheck::Counted(Box::new(row)))
    }

    /// Approves a verification whose right code was given.
    async fn approve_check(&self, tx: &mut Tx, request: &CheckRequest, row: &VerificationRow) -> Result<Verification> {
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
        if !verifications::approve(tx, tenant, id, &row.code_mac, *now).await? {
            let row = verifications::get(tx, tenant, id).await?.ok_or(Error::NotFound("verification"))?;
            return Err(Error::VerificationEnded(Box::new(view(&row, None, *now))));
        }
        verifications::clear_failures(tx, tenant, &row.recipient_hash).await?;
        if let Some(key) = key {
            request.claim().set_resource(tx, tenant, &key, &approved_resource(id), *now).await?;
        }
        self.view_of(tx, tenant, id).await
    }

    /// Sends a new code for the same verification. The previous code becomes invalid.
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
            message: id::new("m")?,
            client_ip,
            mode: resend.mode,
            idempotency_key: idempotency_key.map(str::to_owned),
        });
        let service = self.clone();
        let renewed = self.write(move |tx| {
            let (service, request) = (service.clone(), Arc::clone(&request));
            Box::pin(async move { service.renew_verification(tx, &request).await })
        });
        match renewed.await? {
            AcceptedVerification::Admitted { verification, admitted } => {
                // What is being sent is the code before.
                self.inner.sends.revoke(&verification.tenant, &verification.id, verification.message.as_deref());
                self.send_code(*verification, *admitted).await
            }
            AcceptedVerification::Unsent(verification) => Ok(*verification),
            AcceptedVerification::Repeated { first } => {
                self.replay_response(tenant, &first, resend.mode, Some(id)).await?;
                self.read_verification(tenant, id).await
            }
        }
    }

    /// Replaces the code of a verification, and stores the message with the new one.
    async fn renew_verification(&self, tx: &mut Tx, request: &ResendRequest) -> Result<Done<AcceptedVerification>> {
        let ResendRequest { tenant, id, message, client_ip, mode, idempotency_key } = request;
        let (client_ip, mode) = (*client_ip, *mode);
        let now = self.now();
        let (tenant_row, active) = self.sending_tenant(tx, tenant).await?;
        let key = self.tenant_key(&tenant_row)?;
        let body = [id.as_str(), &client_ip.map(|ip| ip.to_string()).unwrap_or_default(), mode_name(mode)];
        let body = body.iter().map(|part| part.as_bytes().to_vec()).collect();
        let claim = IdempotencyClaim { operation: "resends", key: idempotency_key.as_deref(), body };
        if let Some(first) = claim.claim(tx, tenant, &key, message, now).await? {
            return Ok(Done::Rollback(AcceptedVerification::Repeated { first }));
        }
        // Not locked: the limits are locked before a verification, as when one is started. `renew` notices a change.
        let mut row = verifications::get(tx, tenant, id).await?.ok_or(Error::NotFound("verification"))?;
        // Also when the tries are used up: failures are counted for the number as well.
        if !matches!(status(&row, now), VerificationStatus::Pending | VerificationStatus::Exhausted) {
            return Err(Error::VerificationEnded(Box::new(view(&row, None, now))));
        }
        if row.test {
            // Its code is fixed, and was never sent.
            return Ok(Done::Rollback(AcceptedVerification::Unsent(Box::new(view(&row, None, now)))));
        }
        if row.sends >= row.max_sends {
            return Err(Error::Limited { limit: LimitName::SendsOfVerification, retry_after: None });
        }
        check_flow(&tenant_row, row.usage)?;
        let sealed =
            row.payload.as_deref().ok_or_else(|| Error::Internal("a verification has lost its number".to_owned()))?;
        let payload = ResendPayload::open(&key, id, sealed)?;
        let recipient = phone::recipient(&payload.to).map_err(|error| Error::Internal(error.to_string()))?;
        let policy = &tenant_row.policy.codes;
        let code = self.generate_code(policy.digits)?;
        row.code_mac = self.code_mac(&tenant_row, id, row.usage, &row.recipient_hash, &code)?;
        row.code_key = self.inner.keys.current_id().to_owned();
        let outgoing =
            self.outgoing(&row, Arc::new(recipient), payload.variables, code, client_ip, policy.lifetime_seconds, mode);
        let admitted = self.admit_message(tx, (&tenant_row, active), &key, message, outgoing, client_ip).await?;
        row.tries = 0;
        row.sends += 1;
        row.expires_at = now.plus_seconds(u64::from(policy.lifetime_seconds));
        row.resend_at = admitted.next_at;
        row.message = Some(message.clone());
        if !verifications::renew(tx, &row).await? {
            // It was changed in the meantime, and is judged again.
            return Err(Error::StoreConflict);
        }
        Ok(Done::Commit(AcceptedVerification::Admitted { verification: Box::new(row), admitted: Box::new(admitted) }))
    }

    /// Cancels a verification: its code becomes invalid, and nothing more is sent.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::VerificationEnded`] when it has already ended with another status.
    pub async fn cancel_verification(&self, caller: &Caller, tenant: &str, id: &str) -> Result<Verification> {
        caller.may(tenant, &[Scope::Verify])?;
        // It locks nothing but the verification, so it is in nobody's way.
        let mut tx = self.inner.store.begin().await?;
        self.tenant_row(&mut tx, tenant).await?;
        let was_pending = verifications::end(&mut tx, tenant, id, VerificationStatus::Cancelled).await?;
        let verification = self.view_of(&mut tx, tenant, id).await?;
        if !was_pending && verification.status != VerificationStatus::Cancelled {
            return Err(Error::VerificationEnded(Box::new(verification)));
        }
        tx.commit().await?;
        self.inner.sends.revoke(tenant, id, None);
        Ok(verification)
    }

    /// Resets the count of failed checks of a number.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub async fn unlock_number(&self, caller: &Caller, tenant: &str, number: Sensitive) -> Result<()> {
        caller.may(tenant, &[Scope::Manage])?;
        let recipient =
            phone::recipient(number.expose()).map_err(|error| Error::invalid("/number", error.to_string()))?;
        let mut tx = self.inner.store.begin().await?;
        let row = self.tenant_row(&mut tx, tenant).await?;
        let hash = recipient_hash(&self.tenant_key(&row)?, &recipient);
        let failures = verifications::failures(&mut tx, tenant, &hash).await?;
        verifications::clear_failures(&mut tx, tenant, &hash).await?;
        let what = ("number.unlock", format!("number:{}", phone::masked(&recipient)));
        let change = (Some(json!({ "failedChecks": failures })), Some(json!({ "failedChecks": 0 })));
        self.record_audit(&mut tx, caller, Some(tenant), what, change).await?;
        Ok(tx.commit().await?)
    }
}
