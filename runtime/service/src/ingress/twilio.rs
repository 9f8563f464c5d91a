//! Twilio's API on top of messages and verifications.

use sendbox_domain::ingress::answer::{Answer, Refusal};
use sendbox_domain::ingress::fields::Fields;
use sendbox_domain::ingress::request::{self, RequestedMessage};
use sendbox_domain::ingress::request_error::RequestError;
use sendbox_domain::ingress::twilio::{self as api, Account, Operation, Sid, TwilioError};
use sendbox_domain::ingress::twilio_callback::StatusCallback;
use sendbox_domain::locale;
use sendbox_domain::model::{
    Check, IngressOutcome, Message, Mode, NewVerification, Sensitive, Verification, VerificationStatus,
};
use sendbox_sandbox::Recipient;
use sendbox_store::rows::{IngressRow, TenantRow};
use sendbox_store::verifications;

use crate::access::caller::Caller;
use crate::error::{Error, Result};
use crate::id;
use crate::ingress::authentication::IngressRequest;
use crate::ingress::call_log::CallRecord;
use crate::ingress::receiver::{Handled, Refused, read_request};
use crate::sending::admission::recipient_hash;
use crate::service::Service;
use crate::webhooks::endpoints::read_url;

/// Parameters of a message that change what is sent, when, or who is told.
const UNSERVED_OF_MESSAGES: [&str; 4] = ["ScheduleType", "SendAt", "MediaUrl", "ContentVariables"];
/// Parameters of a verification that change what is sent or checked.
const UNSERVED_OF_VERIFICATIONS: [&str; 6] =
    ["CustomCode", "CustomMessage", "Amount", "Payee", "TemplateSid", "SendDigits"];
/// The channel that is served.
const SMS: &str = "sms";

/// Why an operation failed, and what is recorded of it.
struct Failed {
    error: TwilioError,
    detail: String,
}

impl Failed {
    fn new(error: TwilioError, detail: impl Into<String>) -> Self {
        Self { error, detail: detail.into() }
    }
}

impl From<Refused> for Failed {
    fn from(Refused { refusal, detail }: Refused) -> Self {
        Self { error: TwilioError::Refused(refusal), detail }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(_) => Self::new(TwilioError::NotFound, error.to_string()),
            Error::VerificationEnded(ref verification) => {
                let kind = if verification.status == VerificationStatus::Exhausted {
                    TwilioError::NoTriesLeft
                } else {
                    TwilioError::NotFound
                };
                Self::new(kind, error.to_string())
            }
            other => Refused::from(other).into(),
        }
    }
}

impl From<RequestError> for Failed {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::NoContent => Self::new(TwilioError::NoBody, error.to_string()),
            other => Refused::from(other).into(),
        }
    }
}

impl Service {
    /// Handles a call of Twilio's API.
    pub(crate) async fn handle_twilio(
        &self,
        tenant: &TenantRow,
        ingress: &IngressRow,
        caller: &Caller,
        call: &IngressRequest,
    ) -> Result<Handled, Refused> {
        let of_verify = api::is_verify(&call.path);
        let handled = match api::operation(&call.method, &call.path) {
            Some(operation) => self.run_operation(tenant, ingress, caller, call, operation).await,
            None => Err(Failed::new(TwilioError::NotFound, "this part of Twilio's API is not served here")),
        };
        Ok(handled.unwrap_or_else(|Failed { error, detail }| {
            let record = CallRecord { detail: Some(detail), ..CallRecord::default() };
            Handled::new(IngressOutcome::Refused, api::error(error, of_verify), record)
        }))
    }

    async fn run_operation(
        &self,
        tenant_row: &TenantRow,
        ingress: &IngressRow,
        caller: &Caller,
        call: &IngressRequest,
        operation: Operation<'_>,
    ) -> Result<Handled, Failed> {
        let tenant = ingress.tenant.as_str();
        let fields = || {
            Fields::read(call.header("content-type").unwrap_or_default(), &call.query, &call.body)
                .map_err(|error| Failed::from(Refused::from(error)))
        };
        match operation {
            Operation::CreateMessage(account) => {
                self.create_twilio_message(tenant_row, ingress, account, &fields()?).await
            }
            Operation::FetchMessage(account, sid) => {
                let message = self.message(caller, tenant, &id::of_bits("m", sid.0)?).await?;
                Ok(answered(200, &api::message(account, sid, &message)))
            }
            Operation::StartVerification(service) => {
                let verification = self.start_twilio_verification(ingress, caller, &fields()?).await?;
                let body = api::verification(service, sid_of(&verification.id)?, &verification);
                let record = CallRecord {
                    recipient_masked: Some(verification.to),
                    usage: Some(verification.usage),
                    message: verification.message.map(|message| message.id),
                    detail: None,
                };
                Ok(Handled::new(IngressOutcome::Answered, Answer::json(201, &body), record))
            }
            Operation::CheckVerification(service) => {
                let verification = self.check_twilio_verification(tenant_row, ingress, caller, &fields()?).await?;
                let body = api::verification(service, sid_of(&verification.id)?, &verification);
                Ok(answered(200, &body))
            }
            Operation::FetchVerification(service, sid) => {
                let verification = self.verification(caller, tenant, &id::of_bits("v", sid.0)?).await?;
                Ok(answered(200, &api::verification(service, sid, &verification)))
            }
            Operation::CancelVerification(service, sid) => {
                if fields()?.text("Status") != Some("canceled") {
                    return Err(parameter("Status"));
                }
                let verification = self.cancel_verification(caller, tenant, &id::of_bits("v", sid.0)?).await?;
                Ok(answered(200, &api::verification(service, sid, &verification)))
            }
        }
    }

    async fn create_twilio_message(
        &self,
        tenant: &TenantRow,
        ingress: &IngressRow,
        account: Account<'_>,
        fields: &Fields,
    ) -> Result<Handled, Failed> {
        // What would be left out without a word.
        if let Some(name) = UNSERVED_OF_MESSAGES.into_iter().find(|name| fields.text(name).is_some()) {
            let detail = format!("`{name}` is not served here; leave it out");
            return Err(Failed::new(TwilioError::Refused(Refusal::Malformed), detail));
        }
        let requested = match read_request(tenant, ingress, fields)? {
            RequestedMessage::Send(requested) => *requested,
            RequestedMessage::Ignore { to, usage } => {
                let record = CallRecord { recipient_masked: Some(to), usage: Some(usage), ..CallRecord::default() };
                let error = TwilioError::Refused(Refusal::Content);
                return Ok(Handled::new(IngressOutcome::Ignored, api::error(error, false), record));
            }
        };
        let status_callback = self.status_callback(ingress, account, fields)?;
        let record = CallRecord::of(&requested);
        match self.send_requested(ingress, requested, status_callback).await {
            Ok(sent) => {
                let message: Message = self.read_message(&ingress.tenant, &sent.id).await?;
                let body = api::message(account, sid_of(&message.id)?, &message);
                let record = CallRecord { message: Some(message.id), ..record };
                Ok(Handled::new(sent.outcome, Answer::json(201, &body), record))
            }
            Err(failed) => {
                let Refused { refusal, detail } = failed.refused;
                let answer = api::error(TwilioError::Refused(refusal), false);
                Ok(Handled::new(failed.outcome, answer, CallRecord { detail: Some(detail), ..record }))
            }
        }
    }

    /// Where the statuses of a message are to be reported.
    fn status_callback(
        &self,
        ingress: &IngressRow,
        account: Account<'_>,
        fields: &Fields,
    ) -> Result<Option<StatusCallback>, Failed> {
        let Some(url) = fields.text("StatusCallback") else { return Ok(None) };
        // The error names no part of the URL, which may hold a token.
        let url = read_url(url, &self.inner.operator)
            .map_err(|error| Failed::new(TwilioError::Callback, format!("`StatusCallback`: {}", error.message)))?;
        Ok(Some(StatusCallback { ingress: ingress.id.clone(), account: account.0.to_owned(), url }))
    }

    async fn start_twilio_verification(
        &self,
        ingress: &IngressRow,
        caller: &Caller,
        fields: &Fields,
    ) -> Result<Verification, Failed> {
        if fields.text("Channel").is_some_and(|channel| channel != SMS) {
            return Err(parameter("Channel"));
        }
        if let Some(name) = UNSERVED_OF_VERIFICATIONS.into_iter().find(|name| fields.text(name).is_some()) {
            return Err(parameter(name));
        }
        let settings = &ingress.settings;
        let recipient = self.twilio_recipient(ingress, fields)?;
        let waits = settings.wait_ms.unwrap_or(ingress.kind.facts().wait_ms) > 0;
        let new = NewVerification {
            to: Sensitive::from(recipient.e164.as_str()),
            usage: request::usage(ingress.kind, settings, None),
            locale: fields.text("Locale").and_then(locale::understood),
            client_ip: None,
            variables: Default::default(),
            reference: None,
            metadata: Default::default(),
            mode: if waits { Mode::Sync } else { Mode::Async },
        };
        Ok(self.start_verification(caller, &ingress.tenant, new, None).await?)
    }

    async fn check_twilio_verification(
        &self,
        tenant_row: &TenantRow,
        ingress: &IngressRow,
        caller: &Caller,
        fields: &Fields,
    ) -> Result<Verification, Failed> {
        let tenant = &ingress.tenant;
        let code = fields.text("Code").ok_or_else(|| parameter("Code"))?;
        let id = match fields.text("VerificationSid") {
            Some(sid) => id::of_bits("v", Sid::read(sid, "VE").ok_or_else(|| parameter("VerificationSid"))?.0)?,
            None => self.newest_verification(tenant_row, ingress, fields).await?,
        };
        let check = Check { code: Sensitive::from(code) };
        match self.check_verification(caller, tenant, &id, check, None).await {
            Err(Error::WrongCode { .. }) => {
                let verification = self.verification(caller, tenant, &id).await?;
                // Twilio tells that there are no tries left with the next check.
                Ok(Verification { status: VerificationStatus::Pending, ..verification })
            }
            Err(Error::Limited { .. }) => {
                Err(Failed::new(TwilioError::NoTriesLeft, "the number has failed too often; see its limits"))
            }
            checked => Ok(checked?),
        }
    }

    /// The verification of a number that can be checked.
    async fn newest_verification(
        &self,
        tenant: &TenantRow,
        ingress: &IngressRow,
        fields: &Fields,
    ) -> Result<String, Failed> {
        let recipient = self.twilio_recipient(ingress, fields)?;
        let mut tx = self.store_of(&ingress.tenant).begin_read().await.map_err(Error::from)?;
        let hash = recipient_hash(&self.tenant_key(tenant)?, &recipient);
        let usage = request::usage(ingress.kind, &ingress.settings, None);
        let found = verifications::newest_pending(&mut tx, &ingress.tenant, &hash, usage).await.map_err(Error::from)?;
        found.ok_or_else(|| Failed::new(TwilioError::NotFound, "no code is valid for this number"))
    }

    fn twilio_recipient(&self, ingress: &IngressRow, fields: &Fields) -> Result<Recipient, Failed> {
        let to = fields.text("To").ok_or_else(|| parameter("To"))?;
        Ok(request::number(ingress.kind, &ingress.settings, to)?)
    }
}

fn parameter(name: &'static str) -> Failed {
    Failed::new(TwilioError::Parameter(name), format!("the parameter `{name}` is missing or not served here"))
}

fn sid_of(id: &str) -> Result<Sid, Failed> {
    let bits = id::to_bits(id).ok_or_else(|| Error::Internal("an id has another form".to_owned()))?;
    Ok(Sid(bits))
}

/// The response to a call that changed nothing but a verification.
fn answered(status: u16, body: &serde_json::Value) -> Handled {
    Handled::new(IngressOutcome::Answered, Answer::json(status, body), CallRecord::default())
}
