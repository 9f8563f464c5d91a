//! The payload of a message, which is sealed at rest until the message is final, and the input for the plan of one attempt.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sendbox_domain::ingress::twilio_callback::StatusCallback;
use sendbox_domain::model::{Mode, PlatformData, Sensitive};
use sendbox_domain::plan::MessageRequest;
use sendbox_domain::template;
use sendbox_sandbox::{Attempt, Recipient, Usage};
use sendbox_store::rows::TenantRow;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::vault::TenantKey;

/// The sensitive data of a message, kept until the message is final. Sealed at rest; has no `Debug`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Payload {
    pub(crate) to: Zeroizing<String>,
    pub(crate) code: Option<Zeroizing<String>>,
    /// The text that is sent as it is.
    #[serde(default)]
    pub(crate) text: Option<Zeroizing<String>>,
    pub(crate) variables: Vec<(String, Zeroizing<String>)>,
    pub(crate) client_ip: Option<Zeroizing<String>>,
    pub(crate) lifetime_seconds: u32,
}

impl Payload {
    pub(crate) fn seal(&self, key: &TenantKey, message: &str) -> Result<Vec<u8>> {
        let plain = serde_json::to_vec(self).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(key.seal(&format!("message/{message}"), &Zeroizing::new(plain))?)
    }

    pub(crate) fn open(key: &TenantKey, message: &str, sealed: &[u8]) -> Result<Self> {
        let plain = key.open(&format!("message/{message}"), sealed)?;
        serde_json::from_slice(&plain).map_err(|_| Error::Internal("a stored message cannot be read".to_owned()))
    }
}

/// A sensitive value, in memory that is wiped.
pub(crate) fn wiped(value: &Sensitive) -> Zeroizing<String> {
    Zeroizing::new(value.expose().to_owned())
}

/// The variables of a request, in memory that is wiped.
pub(crate) fn wiped_variables(variables: &BTreeMap<String, Sensitive>) -> Vec<(String, Zeroizing<String>)> {
    variables.iter().map(|(name, value)| (name.clone(), wiped(value))).collect()
}

/// A message to be sent, from a message request or a verification.
pub(crate) struct OutgoingMessage {
    pub(crate) recipient: Arc<Recipient>,
    pub(crate) usage: Usage,
    pub(crate) locale: Option<String>,
    pub(crate) payload: Payload,
    pub(crate) verification: Option<String>,
    pub(crate) mode: Mode,
    pub(crate) platform_data: PlatformData,
    pub(crate) status_callback: Option<StatusCallback>,
}

/// The input for the plan of one attempt.
pub(crate) fn message_request(
    tenant: &TenantRow,
    id: &str,
    usage: Usage,
    locale: Option<String>,
    payload: &Payload,
    number: u32,
) -> Result<MessageRequest> {
    let first = Attempt::first().map_err(|error| Error::Internal(error.to_string()))?;
    let notice_templates = match payload.code {
        None => template::of_notices(&tenant.policy.notices.templates),
        Some(_) => Vec::new(),
    };
    Ok(MessageRequest {
        notice_templates,
        to: payload.to.clone(),
        usage,
        locale,
        code: payload.code.clone(),
        text: payload.text.clone(),
        variables: payload.variables.clone(),
        client_ip: payload.client_ip.clone(),
        lifetime: Duration::from_secs(u64::from(payload.lifetime_seconds)),
        // The same for all attempts: an idempotent provider sends one message, however often it is called.
        idempotency_key: id.to_owned(),
        attempt: Attempt { number, ..first },
        origin_domain: tenant.policy.origin_domain.clone(),
    })
}
