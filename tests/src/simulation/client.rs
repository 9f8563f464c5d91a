//! What clients of the API do: their requests, the responses that reach them, and repetitions.

use sendbox_domain::LimitName;
use sendbox_domain::model::{
    Activation, Check, MessageStatus, Mode, NewMessage, NewVerification, Resend, Sensitive, VerificationStatus,
};
use sendbox_sandbox::{DeliveryState, Usage};
use sendbox_service::{Caller, Error, ReportCall, Service};

use super::process::Process;
use super::provider::report_body;
use super::run_state::{Received, Shared, lock};

const ADMIN: &Caller = &Caller::Platform;

/// What a client asks for.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Send { to: &'static str, code: String, lifetime: u32, mode: Mode },
    Start { to: &'static str, mode: Mode },
    Check { verification: String, code: String },
    Resend { verification: String, mode: Mode },
    Cancel { verification: String },
    Activate { name: &'static str },
    Report { connection: String, provider_id: String, state: DeliveryState },
}

/// A request, which may be made several times.
pub(super) struct Request {
    pub(super) operation: Operation,
    pub(super) key: Option<String>,
    /// How many tries have no response yet. A process that ended gives none.
    pub(super) tries: u32,
    /// How often it was made.
    pub(super) made: u32,
    /// The processes of these tries.
    pub(super) made_to: Vec<super::run_state::Who>,
}

/// A response, as far as a client compares it with others.
#[derive(Clone, Debug)]
pub(super) enum Response {
    Message {
        id: String,
        status: MessageStatus,
    },
    NotSent {
        id: String,
        status: MessageStatus,
    },
    Verification {
        id: String,
        status: VerificationStatus,
        message: Option<(String, MessageStatus)>,
    },
    WrongCode,
    Limited(LimitName),
    Done,
    /// The service says that nothing was stored.
    NothingStored,
    /// Any other error; the text is for the history.
    Other(#[allow(dead_code, reason = "shown in the history")] String),
}

impl Response {
    fn of_error(error: Error) -> Self {
        match error {
            Error::NotSent { message, .. } => Self::NotSent { id: message.id, status: message.status },
            Error::WrongCode { .. } => Self::WrongCode,
            Error::Limited { limit, .. } => Self::Limited(limit),
            Error::StoreUnavailable | Error::Busy | Error::Stopping => Self::NothingStored,
            Error::VerificationEnded(verification) => Self::Other(format!("ended as {}", verification.status.as_str())),
            other => Self::Other(other.to_string()),
        }
    }

    fn of_verification(verification: sendbox_domain::model::Verification) -> Self {
        Self::Verification {
            id: verification.id,
            status: verification.status,
            message: verification.message.map(|message| (message.id, message.status)),
        }
    }
}

/// Makes a request to a process.
pub(super) fn make(
    run_state: &Shared,
    process: &Process,
    service: Service,
    tenant: &'static str,
    request: (usize, &Request),
    path: &str,
) {
    let (index, Request { operation, key, .. }) = request;
    let (operation, key, who) = (operation.clone(), key.clone(), process.who);
    let (run_state, path) = (std::sync::Arc::clone(run_state), path.to_owned());
    lock(&run_state).record(Some(who), format_args!("request {index}: {operation:?}"));
    process.spawn(async move {
        let response = match perform(&service, tenant, operation, key.as_deref(), &path).await {
            Ok(response) => response,
            Err(error) => Response::of_error(error),
        };
        let mut run_state = lock(&run_state);
        if run_state.dead.contains(&who) {
            return;
        }
        run_state.record(Some(who), format_args!("response to {index}: {response:?}"));
        if let Response::Verification {
            id, status: VerificationStatus::Approved | VerificationStatus::Cancelled, ..
        } = &response
        {
            run_state.ended.insert(id.clone(), who);
        }
        run_state.received.push(Received { request: index, who, response });
    });
}

async fn perform(
    service: &Service,
    tenant: &str,
    operation: Operation,
    key: Option<&str>,
    path: &str,
) -> Result<Response, Error> {
    match operation {
        Operation::Send { to, code, lifetime, mode } => {
            let new = NewMessage {
                reference: None,
                metadata: Default::default(),
                to: Sensitive::from(to),
                usage: Usage::SignIn,
                code: Some(Sensitive::from(code.as_str())),
                text: None,
                locale: None,
                variables: Default::default(),
                client_ip: None,
                lifetime_seconds: Some(lifetime),
                mode,
                wait_ms: None,
            };
            let message = service.send_message(ADMIN, tenant, new, key).await?;
            Ok(Response::Message { id: message.id, status: message.status })
        }
        Operation::Start { to, mode } => {
            let new = NewVerification {
                reference: None,
                metadata: Default::default(),
                to: Sensitive::from(to),
                usage: Usage::Register,
                locale: None,
                client_ip: None,
                variables: Default::default(),
                mode,
            };
            service.start_verification(ADMIN, tenant, new, key).await.map(Response::of_verification)
        }
        Operation::Check { verification, code } => {
            let check = Check { code: Sensitive::from(code.as_str()) };
            service.check_verification(ADMIN, tenant, &verification, check, key).await.map(Response::of_verification)
        }
        Operation::Resend { verification, mode } => {
            let resend = Resend { client_ip: None, mode };
            service.resend_verification(ADMIN, tenant, &verification, resend, key).await.map(Response::of_verification)
        }
        Operation::Cancel { verification } => {
            service.cancel_verification(ADMIN, tenant, &verification).await.map(Response::of_verification)
        }
        Operation::Activate { name } => {
            let activation = Activation { name: name.to_owned() };
            service.activate(ADMIN, tenant, activation).await.map(|_| Response::Done)
        }
        Operation::Report { connection, provider_id, state } => {
            let token = path.rsplit('/').next().unwrap_or_default();
            let receiver = service.report_receiver(tenant, &connection, token).await?;
            let call = ReportCall {
                method: "POST".to_owned(),
                target: path.to_owned(),
                host: None,
                headers: Vec::new(),
                body: report_body(&provider_id, state).into(),
            };
            service.receive_report(receiver, call).await.map(|()| Response::Done)
        }
    }
}
