//! Receiving calls of an ingress: from a platform's request to a stored message, and to the response that the platform understands.
//!
//! Promises
//! - a call is authenticated by its raw body before anything of it is parsed;
//! - what a platform repeats is one message, unless the message certainly was not sent;
//! - no response and no record contains a number, a code or a text.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use sendbox_contract::FailureClass;
use sendbox_domain::ingress::answer::{Answer, Outcome, Refusal, answer};
use sendbox_domain::ingress::fields::{Fields, FieldsError};
use sendbox_domain::ingress::request::{self, RequestedMessage};
use sendbox_domain::ingress::request_error::RequestError;
use sendbox_domain::ingress::twilio::{self as twilio_api, TwilioError};
use sendbox_domain::ingress::twilio_callback::StatusCallback;
use sendbox_domain::model::{IngressKind, IngressOutcome, Mode, Scope};
use sendbox_domain::phone;
use sendbox_store::ingresses;
use sendbox_store::rows::{IngressRow, TenantRow};

use crate::access::caller::Caller;
use crate::access::request_limits::RequestKind;
use crate::error::{Error, Result};
use crate::id;
use crate::ingress::authentication::{Authentication, IngressRequest};
use crate::ingress::call_log::{CallRecord, call_row};
use crate::ingress::secrets::{IngressSecrets, token_hash};
use crate::sending::message_request::{MessageRequest, Repeats};
use crate::sending::messages::AcceptedMessage;
use crate::service::Service;

/// The path that Better Auth's client appends to its base.
const BETTER_AUTH_PATH: &str = "/sms/send";

/// The ingress that a call is for. It is only returned for a correct token.
pub struct IngressReceiver {
    tenant: TenantRow,
    ingress: IngressRow,
}

impl IngressReceiver {
    /// The tenant of the ingress.
    pub fn tenant(&self) -> &str {
        &self.ingress.tenant
    }
}

/// Why the body of a call was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnreadBody {
    /// It is larger than the bodies of all operations.
    TooLarge,
    /// It ended too early, or took too long.
    Incomplete,
    /// There is no memory for it at the moment.
    NoRoom,
}

/// What became of a call, with what is recorded of it. A message that was stored is recorded with it.
pub(crate) struct Handled {
    pub(crate) answer: Answer,
    pub(crate) outcome: IngressOutcome,
    pub(crate) record: CallRecord,
}

impl Handled {
    pub(crate) fn new(outcome: IngressOutcome, answer: Answer, record: CallRecord) -> Self {
        Self { answer, outcome, record }
    }
}

/// Why a call was refused: for the platform, and for the log of the ingress.
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    pub(crate) detail: String,
}

impl From<FieldsError> for Refused {
    fn from(error: FieldsError) -> Self {
        Self::from(RequestError::Fields(error))
    }
}

impl From<RequestError> for Refused {
    fn from(error: RequestError) -> Self {
        let refusal = match &error {
            RequestError::Fields(FieldsError::ContentType) => Refusal::ContentType,
            RequestError::Number(_) => Refusal::Number,
            RequestError::NoCodeInText
            | RequestError::SeveralCodes
            | RequestError::NoCode
            | RequestError::TextWithoutCode => Refusal::Content,
            RequestError::Fields(_)
            | RequestError::NoNumber
            | RequestError::NoContent
            | RequestError::Code
            | RequestError::NotSms
            | RequestError::ContentSid => Refusal::Malformed,
        };
        Self { refusal, detail: error.to_string() }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let refusal = match &error {
            Error::FlowDisabled(_) | Error::NoticesDisabled | Error::NoActiveConnection => Refusal::SwitchedOff,
            Error::CountryNotAllowed(_) | Error::NumberKindNotAllowed(_) => Refusal::NotAllowed,
            Error::Limited { retry_after, .. } | Error::QuotaReached { retry_after, .. } => {
                Refusal::Limited { retry_after: *retry_after }
            }
            Error::TooManyRequests { retry_after } => Refusal::Limited { retry_after: Some(*retry_after) },
            Error::NotSent { message, .. } => match message.failure.as_ref().map(|failure| failure.class) {
                Some(FailureClass::InvalidRecipient) => Refusal::Number,
                Some(FailureClass::UnsupportedDestination) => Refusal::NotAllowed,
                _ => Refusal::NotSent,
            },
            Error::Invalid(_) => Refusal::Malformed,
            // Also when it is not known whether it was stored: a repetition finds out.
            _ => Refusal::Unavailable,
        };
        Self { refusal, detail: error.to_string() }
    }
}

impl Service {
    /// The ingress whose address has this token.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::StoreUnavailable`].
    pub async fn ingress_receiver(&self, token: &str) -> Result<IngressReceiver> {
        let hash = token_hash(token).ok_or(Error::NotFound("ingress"))?;
        let mut tx = self.inner.store.begin_lookup().await?;
        let ingress = ingresses::find(&mut tx, &hash, self.now()).await?.ok_or(Error::NotFound("ingress"))?;
        let tenant = self.tenant_row(&mut tx, &ingress.tenant).await?;
        Ok(IngressReceiver { tenant, ingress })
    }

    /// Answers a call whose body could not be read.
    pub async fn refuse_ingress_call(&self, receiver: IngressReceiver, body: UnreadBody, path: &str) -> Answer {
        let (refusal, detail) = match body {
            UnreadBody::TooLarge => (Refusal::TooLarge, "the body is too large"),
            UnreadBody::Incomplete => (Refusal::Malformed, "the body did not arrive in full"),
            UnreadBody::NoRoom => {
                (Refusal::Unavailable, "too many requests are in progress; the platform may repeat this one")
            }
        };
        let refused = Refused { refusal, detail: detail.to_owned() };
        self.record_handled(&receiver.ingress, handled_refusal(&receiver.ingress, path, refused)).await
    }

    /// Handles a call.
    pub async fn receive_ingress_call(&self, receiver: IngressReceiver, call: IngressRequest) -> Answer {
        let IngressReceiver { tenant, ingress } = &receiver;
        let handled = match self.handle_call(tenant, ingress, &call).await {
            Ok(handled) => handled,
            Err(refused) => handled_refusal(ingress, &call.path, refused),
        };
        self.record_handled(ingress, handled).await
    }

    async fn record_handled(&self, ingress: &IngressRow, handled: Handled) -> Answer {
        let Handled { answer, outcome, record } = handled;
        if outcome != IngressOutcome::Stored {
            self.record_call(ingress, outcome, answer.status, record).await;
        }
        answer
    }

    async fn handle_call(
        &self,
        tenant: &TenantRow,
        ingress: &IngressRow,
        call: &IngressRequest,
    ) -> Result<Handled, Refused> {
        let caller = Caller::Key {
            tenant: ingress.tenant.clone(),
            key: ingress.id.clone(),
            scopes: BTreeSet::from([Scope::Send, Scope::Verify]),
            expires_at: None,
            has_old_secret: false,
        };
        let _admitted = self.admit_request(&caller, RequestKind::Messaging)?;
        self.require_running()?;
        self.authenticate_call(tenant, ingress, call)?;
        if !ingress.enabled {
            let detail = "the ingress is disabled; enable it to send messages".to_owned();
            return Err(Refused { refusal: Refusal::SwitchedOff, detail });
        }
        match ingress.kind {
            IngressKind::Twilio => self.handle_twilio(tenant, ingress, &caller, call).await,
            _ => self.handle_message(tenant, ingress, call).await,
        }
    }

    fn authenticate_call(
        &self,
        tenant: &TenantRow,
        ingress: &IngressRow,
        call: &IngressRequest,
    ) -> Result<(), Refused> {
        let secrets = IngressSecrets::open(&self.tenant_key(tenant)?, ingress)?;
        let authentication = Authentication {
            method: ingress.method,
            name: ingress.method_name.as_deref(),
            secrets: &secrets.secrets,
            api_key: secrets.api_key.as_ref(),
        };
        authentication
            .check(call, self.now())
            .map_err(|error| Refused { refusal: Refusal::NotAuthentic, detail: error.to_string() })
    }

    async fn handle_message(
        &self,
        tenant: &TenantRow,
        ingress: &IngressRow,
        call: &IngressRequest,
    ) -> Result<Handled, Refused> {
        let kind = ingress.kind;
        if kind == IngressKind::BetterAuth && !call.path.ends_with(BETTER_AUTH_PATH) {
            let detail = format!("only `{BETTER_AUTH_PATH}` is served here");
            return Err(Refused { refusal: Refusal::Malformed, detail });
        }
        let fields = Fields::read(call.header("content-type").unwrap_or_default(), &call.query, &call.body)?;
        let requested = match read_request(tenant, ingress, &fields)? {
            RequestedMessage::Send(requested) => *requested,
            RequestedMessage::Ignore { to, usage } => {
                let record = CallRecord { recipient_masked: Some(to), usage: Some(usage), ..CallRecord::default() };
                return Ok(Handled::new(IngressOutcome::Ignored, answer(kind, Outcome::Ignored), record));
            }
        };
        let record = CallRecord::of(&requested);
        let sent = self.send_requested(ingress, requested, None).await;
        Ok(match sent {
            Ok(SentMessage { id, outcome }) => {
                let answer = answer(kind, Outcome::Accepted { message: &id });
                Handled::new(outcome, answer, CallRecord { message: Some(id), ..record })
            }
            Err(failed) => {
                let Refused { refusal, detail } = failed.refused;
                let answer = answer(kind, Outcome::Refused(refusal));
                Handled::new(failed.outcome, answer, CallRecord { detail: Some(detail), ..record })
            }
        })
    }

    /// Sends what a platform asks for, or finds that it was asked for before.
    pub(crate) async fn send_requested(
        &self,
        ingress: &IngressRow,
        requested: request::IngressRequest,
        status_callback: Option<StatusCallback>,
    ) -> Result<SentMessage, FailedMessage> {
        let settings = &ingress.settings;
        let wait = Duration::from_millis(settings.wait_ms.unwrap_or(ingress.kind.facts().wait_ms).into());
        let mode = if wait.is_zero() { Mode::Async } else { Mode::Sync };
        let id = id::ordered("m", self.now()).map_err(Error::from)?;
        let record = CallRecord { message: Some(id.clone()), ..CallRecord::of(&requested) };
        let request = MessageRequest {
            tenant: ingress.tenant.clone(),
            id: id.clone(),
            recipient: Arc::new(requested.recipient),
            client_ip: requested.client_ip,
            usage: requested.usage,
            locale: requested.locale,
            code: requested.code,
            text: requested.text,
            variables: requested.link.map(|link| ("link".to_owned(), link)).into_iter().collect::<BTreeMap<_, _>>(),
            lifetime_seconds: None,
            mode,
            repeats: repeats(ingress, requested.repeat_id),
            call: Some(call_row(ingress, self.now(), IngressOutcome::Stored, None, record)?),
            platform_data: Default::default(),
            status_callback,
        };
        match self.accept_request(request).await? {
            AcceptedMessage::Repeated { first } => Ok(SentMessage { id: first, outcome: IngressOutcome::Repeated }),
            AcceptedMessage::Test(_) => Ok(SentMessage { id, outcome: IngressOutcome::Stored }),
            AcceptedMessage::Admitted(admitted) => match self.dispatch(*admitted, None, wait).await {
                Ok(_) => Ok(SentMessage { id, outcome: IngressOutcome::Stored }),
                Err(error) => Err(FailedMessage { refused: error.into(), outcome: IngressOutcome::Stored }),
            },
        }
    }
}

/// What a platform asks for, as far as the tenant sends it.
pub(crate) fn read_request(
    tenant: &TenantRow,
    ingress: &IngressRow,
    fields: &Fields,
) -> Result<RequestedMessage, RequestError> {
    let requested = request::read(ingress.kind, &ingress.settings, fields)?;
    Ok(match requested {
        // The tenant sends no notices: as if the ingress ignored them, because no platform can do anything about it.
        RequestedMessage::Send(request) if request.code.is_none() && !tenant.policy.notices.enabled => {
            RequestedMessage::Ignore { to: phone::masked(&request.recipient), usage: request.usage }
        }
        requested => requested,
    })
}

/// A message that a provider accepted, or whose outcome is open.
pub(crate) struct SentMessage {
    pub(crate) id: String,
    /// Whether the call stored it, or repeated one.
    pub(crate) outcome: IngressOutcome,
}

/// A message that was not sent.
pub(crate) struct FailedMessage {
    pub(crate) refused: Refused,
    /// Whether the call stored it.
    pub(crate) outcome: IngressOutcome,
}

impl From<Error> for FailedMessage {
    fn from(error: Error) -> Self {
        Self { refused: error.into(), outcome: IngressOutcome::Refused }
    }
}

/// How repetitions of a call are recognized.
fn repeats(ingress: &IngressRow, repeat_id: Option<String>) -> Repeats {
    let (seconds, ingress_id) = (ingress.settings.repeat_seconds, ingress.id.clone());
    match repeat_id {
        Some(id) => Repeats::ById { ingress: ingress_id, id },
        None if seconds == Some(0) || (seconds.is_none() && !ingress.kind.facts().repeats) => Repeats::Never,
        None => Repeats::ByContent { ingress: ingress_id, seconds },
    }
}

/// The response to a call that was refused.
pub(crate) fn handled_refusal(ingress: &IngressRow, path: &str, refused: Refused) -> Handled {
    let Refused { refusal, detail } = refused;
    let answer = match ingress.kind {
        IngressKind::Twilio => twilio_api::error(TwilioError::Refused(refusal), twilio_api::is_verify(path)),
        kind => answer(kind, Outcome::Refused(refusal)),
    };
    Handled::new(IngressOutcome::Refused, answer, CallRecord { detail: Some(detail), ..CallRecord::default() })
}
