//! Conversions between the contract's types and the SDK's.

use crate::connector::LogLevel;
use crate::failure::{Failure, FailureClass};
use crate::guest::bindings::imports::{http_outbound, log, sealed as wit, types};
use crate::http::{HttpError, HttpErrorKind, Method};
use crate::message::{Receipt, TextEncoding, Usage};
use crate::metadata::{ContentKind, HostNeed, MessagePlaces, Metadata, NumberFormat, SecretUse, Step};
use crate::sealed::{Encoding, Hash};

pub(super) fn encoding(encoding: Encoding) -> wit::Encoding {
    match encoding {
        Encoding::Base64 => wit::Encoding::Base64,
        Encoding::Base64Url => wit::Encoding::Base64url,
        Encoding::Hex => wit::Encoding::Hex,
        Encoding::Percent => wit::Encoding::Percent,
        Encoding::Form => wit::Encoding::Form,
        Encoding::JsonString => wit::Encoding::JsonString,
        Encoding::Xml => wit::Encoding::Xml,
    }
}

pub(super) fn hash(hash: Hash) -> wit::Hash {
    match hash {
        Hash::Md5 => wit::Hash::Md5,
        Hash::Sha1 => wit::Hash::Sha1,
        Hash::Sha256 => wit::Hash::Sha256,
        Hash::Sha512 => wit::Hash::Sha512,
    }
}

pub(super) fn method(method: Method) -> http_outbound::Method {
    match method {
        Method::Get => http_outbound::Method::Get,
        Method::Post => http_outbound::Method::Post,
        Method::Put => http_outbound::Method::Put,
        Method::Patch => http_outbound::Method::Patch,
        Method::Delete => http_outbound::Method::Delete,
    }
}

pub(super) fn http_error(error: http_outbound::Error) -> HttpError {
    use http_outbound::ErrorKind as Kind;
    HttpError {
        kind: match error.kind {
            Kind::Dns => HttpErrorKind::Dns,
            Kind::AddressRefused => HttpErrorKind::AddressRefused,
            Kind::Connect => HttpErrorKind::Connect,
            Kind::Tls => HttpErrorKind::Tls,
            Kind::Timeout => HttpErrorKind::Timeout,
            Kind::Reset => HttpErrorKind::Reset,
            Kind::BadResponse => HttpErrorKind::BadResponse,
        },
        request_may_have_left: matches!(error.request_sent, http_outbound::RequestSent::Maybe),
    }
}

pub(super) fn level(level: LogLevel) -> log::Level {
    match level {
        LogLevel::Debug => log::Level::Debug,
        LogLevel::Info => log::Level::Info,
        LogLevel::Warn => log::Level::Warn,
        LogLevel::Error => log::Level::Error,
    }
}

pub(super) fn usage(usage: types::Usage) -> Usage {
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

fn usage_out(usage: Usage) -> types::Usage {
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

pub(super) fn text_encoding(encoding: types::TextEncoding) -> TextEncoding {
    match encoding {
        types::TextEncoding::Gsm7 => TextEncoding::Gsm7,
        types::TextEncoding::Ucs2 => TextEncoding::Ucs2,
    }
}

pub(super) fn metadata(metadata: Metadata) -> types::ConnectorMetadata {
    types::ConnectorMetadata {
        id: metadata.id.to_owned(),
        version: metadata.version.to_owned(),
        name: metadata.name.to_owned(),
        description: metadata.description.to_owned(),
        readme: metadata.readme.to_owned(),
        logo: metadata.logo.map(str::to_owned),
        parameters_schema: metadata.parameters_schema.to_owned(),
        content: match metadata.content {
            ContentKind::Text => types::ContentKind::Text,
            ContentKind::Template => types::ContentKind::Template,
            ContentKind::Variables => types::ContentKind::Variables,
        },
        template_schema: metadata.template_schema.map(str::to_owned),
        hosts: metadata.hosts.into_iter().map(host_need).collect(),
        usages: metadata.usages.into_iter().map(usage_out).collect(),
        locales: metadata.locales.into_iter().map(str::to_owned).collect(),
        idempotent: metadata.idempotent,
    }
}

fn host_need(need: HostNeed) -> types::HostNeed {
    types::HostNeed {
        origin: need.origin.to_owned(),
        methods: need.methods.into_iter().map(|method| method.as_str().to_owned()).collect(),
        path_prefix: need.path_prefix.to_owned(),
        message: need.message.map(places),
        secrets: need
            .secrets
            .into_iter()
            .map(|(key, usage)| types::SecretBinding {
                key: key.to_owned(),
                usage: match usage {
                    SecretUse::Sent => types::SecretUse::Sent,
                    SecretUse::SigningOnly => types::SecretUse::SigningOnly,
                },
            })
            .collect(),
        purpose: need.purpose.to_owned(),
    }
}

fn places(places: MessagePlaces) -> types::MessagePlaces {
    let steps = |steps: Vec<Step>| steps.into_iter().map(step).collect();
    types::MessagePlaces {
        recipient_format: match places.recipient_format {
            NumberFormat::E164 => types::NumberFormat::E164,
            NumberFormat::Digits => types::NumberFormat::Digits,
            NumberFormat::National => types::NumberFormat::National,
        },
        recipient: steps(places.recipient),
        content: steps(places.content),
        client_ip: places.client_ip.map(steps),
    }
}

fn step(step: Step) -> types::Step {
    match step {
        Step::Query(name) => types::Step::Query(name.to_owned()),
        Step::PathSegment(position) => types::Step::PathSegment(position),
        Step::Header(name) => types::Step::Header(name.to_owned()),
        Step::Form(name) => types::Step::Form(name.to_owned()),
        Step::Json(pointer) => types::Step::Json(pointer.to_owned()),
        Step::Xml(path) => types::Step::Xml(path.to_owned()),
    }
}

pub(super) fn receipt(receipt: Receipt) -> types::Receipt {
    types::Receipt {
        message_id: receipt.message_id,
        status: receipt.status,
        segments: receipt.segments,
        price: receipt.price.map(|price| types::Price { amount: price.amount, currency: price.currency }),
    }
}

pub(super) fn failure(failure: Failure) -> types::Failure {
    types::Failure {
        class: failure_class(failure.class),
        provider_code: failure.provider_code,
        text: failure.text,
        retry_after_seconds: failure.retry_after_seconds,
    }
}

pub(super) fn failure_class(class: FailureClass) -> types::FailureClass {
    match class {
        FailureClass::NotSent => types::FailureClass::NotSent,
        FailureClass::RateLimited => types::FailureClass::RateLimited,
        FailureClass::QuotaExceeded => types::FailureClass::QuotaExceeded,
        FailureClass::ProviderUnavailable => types::FailureClass::ProviderUnavailable,
        FailureClass::InDoubt => types::FailureClass::InDoubt,
        FailureClass::InvalidRequest => types::FailureClass::InvalidRequest,
        FailureClass::TemplateRejected => types::FailureClass::TemplateRejected,
        FailureClass::ContentRejected => types::FailureClass::ContentRejected,
        FailureClass::SenderRejected => types::FailureClass::SenderRejected,
        FailureClass::AuthenticationFailed => types::FailureClass::AuthenticationFailed,
        FailureClass::ConfigurationInvalid => types::FailureClass::ConfigurationInvalid,
        FailureClass::InsufficientBalance => types::FailureClass::InsufficientBalance,
        FailureClass::AccountSuspended => types::FailureClass::AccountSuspended,
        FailureClass::InvalidRecipient => types::FailureClass::InvalidRecipient,
        FailureClass::RecipientUnsubscribed => types::FailureClass::RecipientUnsubscribed,
        FailureClass::RecipientBlocked => types::FailureClass::RecipientBlocked,
        FailureClass::UnsupportedDestination => types::FailureClass::UnsupportedDestination,
        FailureClass::FraudBlocked => types::FailureClass::FraudBlocked,
        FailureClass::Unknown => types::FailureClass::Unknown,
    }
}
