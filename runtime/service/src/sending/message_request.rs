//! A request to send a message, from the REST API or from an ingress, and how its repetitions are recognized.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use sendbox_domain::ingress::twilio_callback::StatusCallback;
use sendbox_domain::model::{Mode, PlatformData, Sensitive};
use sendbox_domain::phone;
use sendbox_sandbox::{Recipient, Usage};
use sendbox_store::rows::IngressCallRow;

use crate::sending::idempotency::{IDEMPOTENCY_SECONDS, IdempotencyClaim, mode_name, platform_fields, request_bytes};
use crate::vault::TenantKey;

/// A request to send a message, validated as far as that takes no settings of a tenant.
pub(crate) struct MessageRequest {
    pub(crate) tenant: String,
    pub(crate) id: String,
    pub(crate) recipient: Arc<Recipient>,
    pub(crate) client_ip: Option<IpAddr>,
    pub(crate) usage: Usage,
    pub(crate) locale: Option<String>,
    pub(crate) code: Option<Sensitive>,
    pub(crate) text: Option<Sensitive>,
    pub(crate) variables: BTreeMap<String, Sensitive>,
    pub(crate) lifetime_seconds: Option<u32>,
    pub(crate) mode: Mode,
    pub(crate) repeats: Repeats,
    /// The call of an ingress that asks for the message, recorded with it.
    pub(crate) call: Option<IngressCallRow>,
    pub(crate) platform_data: PlatformData,
    /// Where its statuses are reported in Twilio's format.
    pub(crate) status_callback: Option<StatusCallback>,
}

/// How repetitions of a request to send a message are recognized.
pub(crate) enum Repeats {
    /// By the key of the caller, if there is one. The same key with another request is an error.
    ByKey(Option<String>),
    /// Each request is sent.
    Never,
    /// By the platform's own id of the message.
    ById {
        /// The id of the ingress.
        ingress: String,
        id: String,
    },
    /// By the number and the code or text. The code is random, so the same code is the same message.
    ByContent {
        /// The id of the ingress.
        ingress: String,
        /// For how long. `None`: as long as the code lives.
        seconds: Option<u32>,
    },
}

impl Repeats {
    /// Whether a repetition of a request whose message failed is sent. A platform that was told of the failure means it so; a caller with a
    /// key gets the first response again.
    pub(crate) fn sends_again_what_failed(&self) -> bool {
        matches!(self, Self::ById { .. } | Self::ByContent { .. })
    }

    /// The claim of a request.
    pub(crate) fn claim<'a>(
        &'a self,
        key: &TenantKey,
        request: &MessageRequest,
        lifetime_seconds: u32,
    ) -> IdempotencyClaim<'a> {
        let of_ingress = |ingress: &str, key: String, seconds: u64| IdempotencyClaim {
            operation: Cow::Owned(format!("ingress/{ingress}")),
            key: Some(Cow::Owned(key)),
            body: Vec::new(),
            seconds,
        };
        match self {
            Self::Never => IdempotencyClaim::new("messages", None, Vec::new()),
            Self::ByKey(key) => {
                let ip = request.client_ip.map(|ip| ip.to_string()).unwrap_or_default();
                let lifetime = lifetime_seconds.to_string();
                let other_fields = [
                    exposed(request.code.as_ref()),
                    exposed(request.text.as_ref()),
                    &ip,
                    &lifetime,
                    mode_name(request.mode),
                ];
                let other_fields = [&other_fields[..], &platform_fields(&request.platform_data)].concat();
                let MessageRequest { recipient, usage, locale, variables, .. } = request;
                let body = request_bytes(recipient, *usage, locale.as_deref(), variables, &other_fields);
                IdempotencyClaim::new("messages", key.as_deref(), body)
            }
            Self::ById { ingress, id } => of_ingress(ingress, format!("id/{id}"), IDEMPOTENCY_SECONDS),
            Self::ByContent { ingress, seconds } => {
                let handset = phone::handset(&request.recipient);
                // The text may tell the time, or how long the code lives.
                let (code, text) = (exposed(request.code.as_ref()), exposed(request.text.as_ref()));
                let link = exposed(request.variables.get("link"));
                let content = if code.is_empty() { [text, link] } else { [code, ""] };
                let [first, second] = content.map(str::as_bytes);
                let hash = key.hash("ingress-content", &[handset.as_bytes(), first, second]);
                of_ingress(
                    ingress,
                    format!("content/{}", hex::encode(hash)),
                    seconds.unwrap_or(lifetime_seconds).into(),
                )
            }
        }
    }
}

fn exposed(value: Option<&Sensitive>) -> &str {
    value.map_or("", Sensitive::expose)
}
