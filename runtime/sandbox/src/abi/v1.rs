//! Major version 1 of the contract. Frozen, like `wit/connector/v1`.
//!
//! This module only translates. The meaning of a call is in [`crate::host`] and [`crate::send`].

use sendbox_contract::inspection::REVEAL;
use sendbox_contract::metadata::{RawHostNeed, RawMetadata, RawPlaces};
use sendbox_contract::{
    Content, ContentKind, DeliveryReport, DeliveryState, FailureClass, LogLevel, Message, Price, Receipt,
    ReportRefusal, TextEncoding, Usage, Variable,
};
use sendbox_policy::{Encoding, Label, Mark, Method, RecipientForm, SecretUse, Step};
use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, HasData, InstancePre, Linker, Resource, TypedFunc};

use super::interface::{Abi, AbiFuture, RawFailure};
use crate::call::CallState;
use crate::egress::{EgressError, EgressErrorKind};
use crate::host::config::{Config, ConfigView};
use crate::host::http_outbound::{GuestRequest, GuestResponse, HttpOutbound, HttpOutboundView};
use crate::host::log::{Log, LogView};
use crate::host::reveal::{Reveal, RevealView};
use crate::host::sealed::{Part, SealedValues, SealedView};
use crate::host::signature::{Signature, SignatureView};
use crate::report::{Callback, CallbackField, StandIns};
use crate::sealed::{ADDRESS_BOUND, CODE_BOUND, Hash, NUMBER_BOUND, Sealed, VARIABLE_BOUND, text_bound};

#[allow(missing_docs, clippy::all, clippy::unwrap_used, clippy::indexing_slicing, unused_qualifications)]
mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package sendbox:host-v1;
            world host {
                include sendbox:connector/revealing-connector@1.0.0;
                import sendbox:connector/signature@1.0.0;
            }
        ",
        path: "../../wit/connector/v1",
        imports: {
            "sendbox:connector/http-outbound.send": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        with: { "sendbox:connector/sealed.sealed": crate::sealed::Sealed },
    });
}

#[allow(missing_docs, clippy::all, clippy::unwrap_used, clippy::indexing_slicing, unused_qualifications)]
mod report_bindings {
    wasmtime::component::bindgen!({
        inline: "
            package sendbox:reports-v1;
            world reports {
                import sendbox:connector/sealed@1.0.0;
                import sendbox:connector/types@1.0.0;
                export sendbox:connector/delivery-reports@1.0.0;
            }
        ",
        path: "../../wit/connector/v1",
        exports: { default: async },
        with: {
            "sendbox:connector/sealed": super::bindings::sendbox::connector::sealed,
            "sendbox:connector/types": super::bindings::sendbox::connector::types,
        },
    });
}

use bindings::sendbox::connector::{config, http_outbound, log, reveal, sealed, signature, types};
use report_bindings::exports::sendbox::connector::delivery_reports as reports;

/// The export of a component of this major version, without its minor version.
pub(crate) const EXPORT: &str = "sendbox:connector/connector";
/// The same with the version of these bindings, with which later minor versions are found as well.
const INTERFACE: &str = "sendbox:connector/connector@1.0.0";
/// What a component of this major version may import, in addition to the minimal WASI.
pub(crate) const IMPORTS: [&str; 7] = [
    "sendbox:connector/types",
    "sendbox:connector/sealed",
    "sendbox:connector/config",
    "sendbox:connector/http-outbound",
    "sendbox:connector/log",
    "sendbox:connector/signature",
    REVEAL,
];

/// `types` has no functions, so its view borrows nothing.
struct Types;

impl HasData for Types {
    type Data<'a> = ();
}

pub(super) fn add_to_linker(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, Types>(linker, |_| ())?;
    sealed::add_to_linker::<_, SealedValues>(linker, CallState::sealed)?;
    config::add_to_linker::<_, Config>(linker, CallState::config)?;
    http_outbound::add_to_linker::<_, HttpOutbound>(linker, CallState::http_outbound)?;
    log::add_to_linker::<_, Log>(linker, CallState::log)?;
    signature::add_to_linker::<_, Signature>(linker, CallState::signature)?;
    reveal::add_to_linker::<_, Reveal>(linker, CallState::reveal)
}

/// A loaded component whose exports have been looked up.
pub(super) struct V1 {
    host: bindings::Host_Pre<CallState>,
    /// Where `send` is. Its type is compared with ours at each call, and a call of it should not pay for the type of `metadata`.
    send: ComponentExportIndex,
    reports: Option<report_bindings::ReportsPre<CallState>>,
}

type Send<'m> = TypedFunc<(&'m types::Message,), (Result<types::Receipt, types::Failure>,)>;

impl V1 {
    pub(super) fn new(pre: InstancePre<CallState>) -> wasmtime::Result<Self> {
        let component = pre.component();
        let interface = component.get_export_index(None, INTERFACE);
        let send = interface.and_then(|interface| component.get_export_index(Some(&interface), "send"));
        let send = send.ok_or_else(|| wasmtime::Error::msg("the component does not export `send`"))?;
        Ok(Self {
            send,
            reports: report_bindings::ReportsPre::new(pre.clone()).ok(),
            host: bindings::Host_Pre::new(pre)?,
        })
    }
}

impl Abi for V1 {
    fn metadata<'a>(&'a self, store: &'a mut Store<CallState>) -> AbiFuture<'a, RawMetadata> {
        Box::pin(async move {
            let host = self.host.instantiate_async(&mut *store).await?;
            let metadata = host.sendbox_connector_connector().call_metadata(&mut *store).await?;
            Ok(raw_metadata(metadata))
        })
    }

    fn send<'a>(
        &'a self,
        store: &'a mut Store<CallState>,
        message: &'a Message,
        message_key: &'a str,
    ) -> AbiFuture<'a, Result<Receipt, RawFailure>> {
        Box::pin(async move {
            let instance = self.host.instance_pre().instantiate_async(&mut *store).await?;
            let send: Send<'_> = instance.get_typed_func(&mut *store, self.send)?;
            let message = guest_message(&mut store.data_mut().sealed(), message, message_key)?;
            store.data_mut().trace.push(sendbox_contract::TraceKind::Instantiated);
            let (answer,) = send.call_async(&mut *store, (&message,)).await?;
            Ok(answer.map(receipt).map_err(failure))
        })
    }

    fn reads_reports(&self) -> bool {
        self.reports.is_some()
    }

    fn parse<'a>(
        &'a self,
        store: &'a mut Store<CallState>,
        callback: &'a Callback,
    ) -> AbiFuture<'a, Result<Vec<DeliveryReport>, ReportRefusal>> {
        Box::pin(async move {
            let Some(reports) = &self.reports else { return Ok(Err(ReportRefusal::Malformed)) };
            let instance = reports.instantiate_async(&mut *store).await?;
            let callback = guest_callback(store.data_mut(), callback)?;
            let answer = instance.sendbox_connector_delivery_reports().call_parse(&mut *store, &callback).await?;
            let stand_ins = &store.data().stand_ins;
            Ok(answer
                .map(|reports| reports.into_iter().map(|report| delivery_report(report, stand_ins)).collect())
                .map_err(|error| match error {
                    reports::ReportError::NotAuthentic => ReportRefusal::NotAuthentic,
                    reports::ReportError::Malformed => ReportRefusal::Malformed,
                }))
        })
    }
}

// ---- from the host to the guest ----

fn root(
    values: &mut SealedView<'_>,
    text: &str,
    bound: usize,
    label: Label,
    mark: Mark,
) -> wasmtime::Result<Resource<Sealed>> {
    values.keep(Sealed::root(text.as_bytes().to_vec(), bound, label, mark))
}

fn guest_message(
    values: &mut SealedView<'_>,
    message: &Message,
    message_key: &str,
) -> wasmtime::Result<types::Message> {
    let recipient = &message.recipient;
    let form = |values: &mut SealedView<'_>, text: &str, form| {
        root(values, text, NUMBER_BOUND, Label::Recipient, Mark::Recipient(form))
    };
    let recipient = types::Recipient {
        e164: form(values, &recipient.e164, RecipientForm::E164)?,
        digits: form(values, recipient.digits(), RecipientForm::Digits)?,
        national: form(values, &recipient.national, RecipientForm::National)?,
        country: recipient.country.clone(),
        calling_code: recipient.calling_code.clone(),
    };
    let content = match &message.content {
        Content::Text { text, encoding, segments, units } => types::Content::Text(types::TextContent {
            text: root(values, text, text_bound(*units), Label::Text, Mark::Text)?,
            encoding: match encoding {
                TextEncoding::Gsm7 => types::TextEncoding::Gsm7,
                TextEncoding::Ucs2 => types::TextEncoding::Ucs2,
            },
            segments: *segments,
            units: *units,
        }),
        Content::Template { template, variables } => types::Content::Template(types::TemplateContent {
            template: template.clone(),
            variables: guest_variables(values, variables)?,
        }),
        Content::Variables(variables) => types::Content::Variables(guest_variables(values, variables)?),
    };
    let client_ip = match &message.client_ip {
        Some(address) => Some(root(values, address, ADDRESS_BOUND, Label::ClientIp, Mark::ClientIp)?),
        None => None,
    };
    Ok(types::Message {
        recipient,
        usage: guest_usage(message.usage),
        locale: message.locale.clone(),
        content,
        lifetime_seconds: message.lifetime_seconds,
        client_ip,
        message_key: message_key.to_owned(),
        attempt: types::Attempt {
            number: message.attempt.number,
            started_at: message.attempt.started_at,
            nonce: message.attempt.nonce.clone(),
        },
    })
}

fn guest_variables(values: &mut SealedView<'_>, variables: &[Variable]) -> wasmtime::Result<Vec<types::Variable>> {
    variables
        .iter()
        .map(|variable| {
            let label = variable.label();
            let (mark, bound) = match &label {
                Label::Variable(name) => (Mark::Variable(name.clone()), VARIABLE_BOUND),
                _ => (Mark::Code, CODE_BOUND),
            };
            let value = root(values, &variable.value, bound, label, mark)?;
            Ok(types::Variable { name: variable.name.clone(), value })
        })
        .collect()
}

fn guest_callback(state: &mut CallState, callback: &Callback) -> wasmtime::Result<reports::Callback> {
    let CallState { handles, meter, stand_ins, .. } = state;
    let headers = callback.headers(stand_ins);
    let query = callback.query(stand_ins);
    let form = callback.form(stand_ins);
    // The sender decides how many values a callback contains, so they do not count towards the connector's handles.
    handles.reserve(headers.len() + query.len() + form.len() + 2);
    let mut received = |bytes: &[u8]| handles.keep(meter, Sealed::received(bytes));
    let mut fields = |fields: Vec<CallbackField>| {
        fields
            .into_iter()
            .map(|field| {
                let sealed = received(field.exact.as_bytes())?;
                Ok(reports::Field { sealed, name: field.name, value: field.clear })
            })
            .collect::<wasmtime::Result<Vec<_>>>()
    };
    Ok(reports::Callback {
        method: callback.method.clone(),
        url: stand_ins.mask(&callback.url),
        headers: fields(headers)?,
        query: fields(query)?,
        form: fields(form)?,
        body: stand_ins.mask(&String::from_utf8_lossy(&callback.body)),
        sealed_url: received(callback.url.as_bytes())?,
        sealed_body: received(&callback.body)?,
    })
}

fn guest_usage(usage: Usage) -> types::Usage {
    match usage {
        Usage::Register => types::Usage::Register,
        Usage::SignIn => types::Usage::SignIn,
        Usage::ForgotPassword => types::Usage::ForgotPassword,
        Usage::Generic => types::Usage::Generic,
        Usage::OrganizationInvitation => types::Usage::OrganizationInvitation,
        Usage::UserPermissionValidation => types::Usage::UserPermissionValidation,
        Usage::BindNewIdentifier => types::Usage::BindNewIdentifier,
        Usage::MfaVerification => types::Usage::MfaVerification,
        Usage::BindMfa => types::Usage::BindMfa,
    }
}

fn host_usage(usage: types::Usage) -> Usage {
    match usage {
        types::Usage::Register => Usage::Register,
        types::Usage::SignIn => Usage::SignIn,
        types::Usage::ForgotPassword => Usage::ForgotPassword,
        types::Usage::Generic => Usage::Generic,
        types::Usage::OrganizationInvitation => Usage::OrganizationInvitation,
        types::Usage::UserPermissionValidation => Usage::UserPermissionValidation,
        types::Usage::BindNewIdentifier => Usage::BindNewIdentifier,
        types::Usage::MfaVerification => Usage::MfaVerification,
        types::Usage::BindMfa => Usage::BindMfa,
    }
}

// ---- from the guest to the host ----

fn raw_metadata(metadata: types::ConnectorMetadata) -> RawMetadata {
    RawMetadata {
        id: metadata.id,
        version: metadata.version,
        name: metadata.name,
        description: metadata.description,
        readme: metadata.readme,
        logo: metadata.logo,
        parameters_schema: metadata.parameters_schema,
        content: match metadata.content {
            types::ContentKind::Text => ContentKind::Text,
            types::ContentKind::Template => ContentKind::Template,
            types::ContentKind::Variables => ContentKind::Variables,
        },
        template_schema: metadata.template_schema,
        hosts: metadata
            .hosts
            .into_iter()
            .map(|need| RawHostNeed {
                origin: need.origin,
                methods: need.methods,
                path_prefix: need.path_prefix,
                message: need.message.map(raw_places),
                secrets: need
                    .secrets
                    .into_iter()
                    .map(|binding| {
                        let usage = match binding.usage {
                            types::SecretUse::Sent => SecretUse::Sent,
                            types::SecretUse::SigningOnly => SecretUse::SigningOnly,
                        };
                        (binding.key, usage)
                    })
                    .collect(),
                purpose: need.purpose,
            })
            .collect(),
        usages: metadata.usages.into_iter().map(host_usage).collect(),
        locales: metadata.locales,
        idempotent: metadata.idempotent,
    }
}

fn raw_places(places: types::MessagePlaces) -> RawPlaces {
    RawPlaces {
        recipient_format: match places.recipient_format {
            types::NumberFormat::E164 => RecipientForm::E164,
            types::NumberFormat::Digits => RecipientForm::Digits,
            types::NumberFormat::National => RecipientForm::National,
        },
        recipient: steps(places.recipient),
        content: steps(places.content),
        client_ip: places.client_ip.map(steps),
    }
}

fn steps(steps: Vec<types::Step>) -> Vec<Step> {
    steps
        .into_iter()
        .map(|step| match step {
            types::Step::Query(name) => Step::Query(name),
            types::Step::PathSegment(index) => Step::PathSegment(index),
            types::Step::Header(name) => Step::Header(name),
            types::Step::Form(name) => Step::Form(name),
            types::Step::Json(pointer) => Step::Json(pointer),
            types::Step::Xml(path) => Step::Xml(path),
        })
        .collect()
}

fn receipt(receipt: types::Receipt) -> Receipt {
    Receipt {
        message_id: receipt.message_id,
        status: receipt.status,
        segments: receipt.segments,
        price: receipt.price.map(|price| Price { amount: price.amount, currency: price.currency }),
    }
}

fn failure(failure: types::Failure) -> RawFailure {
    RawFailure {
        class: failure_class(failure.class),
        provider_code: failure.provider_code,
        text: failure.text,
        retry_after: failure.retry_after_seconds,
    }
}

fn failure_class(class: types::FailureClass) -> FailureClass {
    use types::FailureClass as Guest;
    match class {
        Guest::NotSent => FailureClass::NotSent,
        Guest::RateLimited => FailureClass::RateLimited,
        Guest::QuotaExceeded => FailureClass::QuotaExceeded,
        Guest::ProviderUnavailable => FailureClass::ProviderUnavailable,
        Guest::InDoubt => FailureClass::InDoubt,
        Guest::InvalidRequest => FailureClass::InvalidRequest,
        Guest::TemplateRejected => FailureClass::TemplateRejected,
        Guest::ContentRejected => FailureClass::ContentRejected,
        Guest::SenderRejected => FailureClass::SenderRejected,
        Guest::AuthenticationFailed => FailureClass::AuthenticationFailed,
        Guest::ConfigurationInvalid => FailureClass::ConfigurationInvalid,
        Guest::InsufficientBalance => FailureClass::InsufficientBalance,
        Guest::AccountSuspended => FailureClass::AccountSuspended,
        Guest::InvalidRecipient => FailureClass::InvalidRecipient,
        Guest::RecipientUnsubscribed => FailureClass::RecipientUnsubscribed,
        Guest::RecipientBlocked => FailureClass::RecipientBlocked,
        Guest::UnsupportedDestination => FailureClass::UnsupportedDestination,
        Guest::FraudBlocked => FailureClass::FraudBlocked,
        Guest::Unknown => FailureClass::Unknown,
    }
}

fn delivery_report(report: reports::Report, stand_ins: &StandIns) -> DeliveryReport {
    DeliveryReport {
        message_id: stand_ins.restore(&report.message_id),
        state: match report.state {
            reports::State::Queued => DeliveryState::Queued,
            reports::State::Sent => DeliveryState::Sent,
            reports::State::Delivered => DeliveryState::Delivered,
            reports::State::Undelivered => DeliveryState::Undelivered,
            reports::State::Expired => DeliveryState::Expired,
            reports::State::Rejected => DeliveryState::Rejected,
            reports::State::Unknown => DeliveryState::Unknown,
        },
        class: report.class.map(failure_class),
        provider_code: report.provider_code,
        text: report.text,
        at: report.at.map(|at| stand_ins.restore(&at)),
        // Not for the guest to say.
        signed: false,
    }
}

// ---- imports: forwarded to `crate::host` ----

fn parts(parts: Vec<sealed::Part>) -> Vec<Part> {
    parts
        .into_iter()
        .map(|part| match part {
            sealed::Part::Text(text) => Part::Text(text),
            sealed::Part::Sealed(handle) => Part::Sealed(handle),
        })
        .collect()
}

fn encoding(encoding: sealed::Encoding) -> Encoding {
    match encoding {
        sealed::Encoding::Base64 => Encoding::Base64,
        sealed::Encoding::Base64url => Encoding::Base64Url,
        sealed::Encoding::Hex => Encoding::Hex,
        sealed::Encoding::Percent => Encoding::Percent,
        sealed::Encoding::Form => Encoding::Form,
        sealed::Encoding::JsonString => Encoding::JsonString,
        sealed::Encoding::Xml => Encoding::Xml,
    }
}

fn hash(hash: sealed::Hash) -> Hash {
    match hash {
        sealed::Hash::Md5 => Hash::Md5,
        sealed::Hash::Sha1 => Hash::Sha1,
        sealed::Hash::Sha256 => Hash::Sha256,
        sealed::Hash::Sha512 => Hash::Sha512,
    }
}

impl types::Host for () {}

impl sealed::Host for SealedView<'_> {
    fn concat(&mut self, given: Vec<sealed::Part>) -> wasmtime::Result<Resource<Sealed>> {
        SealedView::concat(self, &parts(given))
    }
}

impl sealed::HostSealed for SealedView<'_> {
    fn encode(&mut self, handle: Resource<Sealed>, to: sealed::Encoding) -> wasmtime::Result<Resource<Sealed>> {
        SealedView::encode(self, &handle, encoding(to))
    }

    fn decode(&mut self, handle: Resource<Sealed>, from: sealed::Encoding) -> wasmtime::Result<Resource<Sealed>> {
        SealedView::decode(self, &handle, encoding(from))
    }

    fn digest(&mut self, handle: Resource<Sealed>, with: sealed::Hash) -> wasmtime::Result<Resource<Sealed>> {
        SealedView::digest(self, &handle, hash(with))
    }

    fn hmac(
        &mut self,
        handle: Resource<Sealed>,
        with: sealed::Hash,
        key: Resource<Sealed>,
    ) -> wasmtime::Result<Resource<Sealed>> {
        SealedView::hmac(self, &handle, hash(with), &key)
    }

    fn drop(&mut self, handle: Resource<Sealed>) -> wasmtime::Result<()> {
        self.forget(handle)
    }
}

impl config::Host for ConfigView<'_> {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        self.plain(&key)
    }

    fn secret(&mut self, key: String) -> wasmtime::Result<Option<Resource<Sealed>>> {
        ConfigView::secret(self, &key)
    }
}

impl http_outbound::Host for HttpOutboundView<'_> {
    async fn send(
        &mut self,
        request: http_outbound::Request,
    ) -> wasmtime::Result<Result<http_outbound::Response, http_outbound::Error>> {
        let request = GuestRequest {
            method: match request.method {
                http_outbound::Method::Get => Method::Get,
                http_outbound::Method::Post => Method::Post,
                http_outbound::Method::Put => Method::Put,
                http_outbound::Method::Patch => Method::Patch,
                http_outbound::Method::Delete => Method::Delete,
            },
            url: parts(request.url),
            headers: request.headers.into_iter().map(|header| (header.name, parts(header.value))).collect(),
            body: parts(request.body),
        };
        Ok(HttpOutboundView::send(self, request).await?.map(response).map_err(error))
    }
}

fn response(response: GuestResponse) -> http_outbound::Response {
    http_outbound::Response { status: response.status, headers: response.headers, body: response.body }
}

fn error(error: EgressError) -> http_outbound::Error {
    use http_outbound::ErrorKind as Kind;
    http_outbound::Error {
        kind: match error.kind {
            EgressErrorKind::Dns => Kind::Dns,
            EgressErrorKind::AddressRefused => Kind::AddressRefused,
            EgressErrorKind::Connect => Kind::Connect,
            EgressErrorKind::Tls => Kind::Tls,
            EgressErrorKind::Timeout => Kind::Timeout,
            EgressErrorKind::Reset => Kind::Reset,
            EgressErrorKind::BadResponse => Kind::BadResponse,
        },
        request_sent: if error.maybe_sent { http_outbound::RequestSent::Maybe } else { http_outbound::RequestSent::No },
    }
}

impl log::Host for LogView<'_> {
    fn log(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        self.line(level, &message)
    }
}

impl signature::Host for SignatureView<'_> {
    fn matches(&mut self, computed: Resource<Sealed>, received: Resource<Sealed>) -> wasmtime::Result<bool> {
        SignatureView::matches(self, &computed, &received)
    }

    fn jwt(&mut self, token: Resource<Sealed>, key: Resource<Sealed>) -> wasmtime::Result<Option<String>> {
        SignatureView::jwt(self, &token, &key)
    }
}

impl reveal::Host for RevealView<'_> {
    fn reveal(&mut self, value: Resource<Sealed>) -> wasmtime::Result<Result<Vec<u8>, reveal::RevealError>> {
        Ok(RevealView::reveal(self, &value)?.map_err(|_| reveal::RevealError::Denied))
    }
}
