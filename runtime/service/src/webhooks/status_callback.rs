//! Status callbacks of messages that came in Twilio's format: checked when the message is accepted, and sent like events.
//!
//! Promises
//! - a callback is signed as Twilio signs, with the secret of the ingress that accepted the message;
//! - its URL is judged by the operator's policy, like that of a webhook endpoint, before the message is accepted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sendbox_domain::ingress::twilio::Sid;
use sendbox_domain::ingress::twilio_callback;
use sendbox_store::rows::{EventDeliveryRow, EventRow, IngressRow, MessageRow};
use sendbox_store::{Tx, ingresses, messages};
use sha1::Sha1;
use url::form_urlencoded;

use crate::error::{Error, Result};
use crate::id;
use crate::ingress::secrets::IngressSecrets;
use crate::vault::TenantKey;
use crate::webhooks::outgoing_request::OutgoingRequest;

/// A message with a status callback, and the ingress that accepted it.
pub(crate) struct CallbackTarget {
    message: MessageRow,
    ingress: IngressRow,
}

impl CallbackTarget {
    /// The target of a delivery. `None`: it is no status callback, or the message or the ingress was deleted.
    pub(crate) async fn find(tx: &mut Tx, delivery: &EventDeliveryRow) -> Result<Option<Self>> {
        let Some(message) = messages::get(tx, &delivery.tenant, &delivery.subject).await? else { return Ok(None) };
        if message.status_callback.as_ref().is_none_or(|callback| callback.ingress != delivery.endpoint) {
            return Ok(None);
        }
        let ingress = ingresses::get_by_id(tx, &delivery.tenant, &delivery.endpoint).await?;
        Ok(ingress.map(|ingress| Self { message, ingress }))
    }

    /// The request that tells an event. `None`: there is nothing to tell, or no secret to sign with.
    pub(crate) fn request(&self, key: &TenantKey, event: &EventRow) -> Result<Option<OutgoingRequest>> {
        let Some(callback) = &self.message.status_callback else { return Ok(None) };
        let secrets = IngressSecrets::open(key, &self.ingress)?;
        let Some(secret) = secrets.secrets.first() else { return Ok(None) };
        let bits = id::to_bits(&self.message.id).ok_or_else(|| Error::Internal("an id has another form".to_owned()))?;
        let class = self.message.failure.as_ref().map(|failure| failure.class);
        let fields = twilio_callback::fields(callback, Sid(bits), &self.message.recipient_masked, event.kind, class);
        Ok(fields.map(|fields| request(&callback.url, &fields, secret)))
    }
}

/// The id of the ingress to which the status callback of a message belongs, if it can be sent.
pub(crate) async fn receiver(tx: &mut Tx, event: &EventRow) -> Result<Option<String>> {
    if twilio_callback::status(event.kind).is_none() {
        return Ok(None);
    }
    let message = messages::get(tx, &event.tenant, &event.subject).await?;
    Ok(message.and_then(|message| message.status_callback).map(|callback| callback.ingress))
}

fn request(url: &str, fields: &[(&str, String)], secret: &str) -> OutgoingRequest {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let headers = [
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("x-twilio-signature", signature(url, fields, secret)),
    ];
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    OutgoingRequest { url: url.to_owned(), headers, body: body.into_bytes() }
}

/// The HMAC-SHA-1 of the URL and all fields, which are sorted by name, in base64.
fn signature(url: &str, fields: &[(&str, String)], secret: &str) -> String {
    // Accepts keys of any length.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(url.as_bytes());
    for (name, value) in fields {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The request that the validators of Twilio's SDKs accept: `tests/platforms` asks them.
    const RECORDED: &str = include_str!("../../../../tests/platforms/status-callback.json");

    #[test]
    fn a_callback_is_the_one_that_the_validators_of_twilio_accept() {
        let recorded: serde_json::Value = serde_json::from_str(RECORDED).unwrap();
        let text = |name: &str| recorded[name].as_str().unwrap().to_owned();
        let callback = twilio_callback::StatusCallback {
            ingress: "g1".to_owned(),
            account: "AC00000000000000000000000000000001".to_owned(),
            url: text("url"),
        };
        let event = sendbox_domain::model::EventType::MessageFailed;
        let class = Some(sendbox_sandbox::FailureClass::RecipientUnsubscribed);
        let fields = twilio_callback::fields(&callback, Sid(15), "+45…78", event, class).unwrap();
        let request = request(&callback.url, &fields, &text("authToken"));
        assert_eq!(String::from_utf8(request.body).unwrap(), text("body"));
        let header =
            |name: &str| request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        assert_eq!(header("x-twilio-signature"), Some(text("signature")));
        assert_eq!(header("content-type").as_deref(), Some("application/x-www-form-urlencoded"));
    }
}
