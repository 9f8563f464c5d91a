//! Where each platform writes the number, the code and the text.

use sendbox_contract::Usage;

use super::fields::Fields;
use super::request_error::RequestError;
use crate::model::{IngressFields, IngressKind};

/// What a platform has written into a request, as it is there.
#[derive(Default)]
pub(super) struct PlatformRequest<'a> {
    pub(super) to: Option<&'a str>,
    pub(super) code: Option<&'a str>,
    pub(super) text: Option<&'a str>,
    /// A link, for a message without a code.
    pub(super) link: Option<&'a str>,
    /// The purpose, in the platform's words.
    pub(super) purpose: Option<&'a str>,
    pub(super) locale: Option<&'a str>,
    pub(super) client_ip: Option<&'a str>,
    /// The platform's own id of the message, if it is the same when a request is repeated.
    pub(super) repeat_id: Option<&'a str>,
}

/// Reads a request of a platform.
pub(super) fn read<'a>(
    kind: IngressKind,
    fields: &'a Fields,
    names: Option<&IngressFields>,
) -> Result<PlatformRequest<'a>, RequestError> {
    Ok(match kind {
        IngressKind::Logto => PlatformRequest {
            to: fields.text("to"),
            code: fields.text("/payload/code"),
            link: fields.text("/payload/link"),
            purpose: fields.text("type"),
            locale: fields.first(&["/payload/locale", "/payload/uiLocales"]),
            client_ip: fields.text("ip"),
            ..PlatformRequest::default()
        },
        IngressKind::Supabase => PlatformRequest {
            // `sms.phone` came in September 2025. Before, the number of a pending change stood beside the confirmed one.
            to: fields.first(&["/sms/phone", "/user/new_phone", "/user/phone"]),
            code: fields.text("/sms/otp"),
            purpose: fields.text("/sms/sms_type"),
            client_ip: fields.text("/metadata/ip_address"),
            repeat_id: fields.text("/metadata/uuid"),
            ..PlatformRequest::default()
        },
        IngressKind::Zitadel => PlatformRequest {
            to: fields.text("/contextInfo/recipientPhoneNumber"),
            // ZITADEL lowers the first letter of a name only, so `OTP` is written `oTP`.
            code: fields.first(&["/args/code", "/args/oTP", "/args/otp"]),
            text: fields.text("/templateData/text"),
            purpose: fields.text("/contextInfo/eventType"),
            ..PlatformRequest::default()
        },
        IngressKind::Kratos => PlatformRequest {
            to: fields.first(&["recipient", "to", "To", "/template_data/to"]),
            code: fields.first(&[
                "verification_code",
                "recovery_code",
                "login_code",
                "registration_code",
                "/template_data/verification_code",
                "/template_data/recovery_code",
                "/template_data/login_code",
                "/template_data/registration_code",
            ]),
            text: fields.first(&["body", "Body"]),
            purpose: fields.text("template_type"),
            ..PlatformRequest::default()
        },
        IngressKind::BetterAuth => PlatformRequest {
            to: fields.text("to"),
            code: fields.text("code"),
            purpose: fields.text("template"),
            ..PlatformRequest::default()
        },
        IngressKind::Fusionauth => {
            // The same messenger is called for voice messages.
            if fields.text("type").is_some_and(|channel| !channel.eq_ignore_ascii_case("sms")) {
                return Err(RequestError::NotSms);
            }
            PlatformRequest {
                to: fields.text("phoneNumber"),
                code: fields.text("code"),
                text: fields.text("textMessage"),
                ..PlatformRequest::default()
            }
        }
        IngressKind::Authentik => PlatformRequest {
            to: fields.text("To"),
            code: fields.text("Body"),
            text: fields.text("Message"),
            ..PlatformRequest::default()
        },
        IngressKind::Authgear => PlatformRequest {
            to: fields.text("to"),
            code: fields.text("/template_variables/code"),
            text: fields.text("body"),
            link: fields.text("/template_variables/link"),
            purpose: fields.text("template_name"),
            locale: fields.text("language_tag"),
            ..PlatformRequest::default()
        },
        IngressKind::Authsignal => {
            if fields.text("type").is_some_and(|event| event != "sms.created") {
                return Err(RequestError::NotSms);
            }
            PlatformRequest {
                to: fields.text("/data/to"),
                code: fields.text("/data/code"),
                purpose: fields.text("/data/actionCode"),
                locale: fields.text("/data/locale"),
                repeat_id: fields.text("/data/idempotencyKey"),
                ..PlatformRequest::default()
            }
        }
        IngressKind::Auth0Gateway => PlatformRequest {
            to: fields.text("recipient"),
            // Descope adds the code.
            code: fields.text("token"),
            text: fields.text("body"),
            purpose: fields.text("message_type"),
            client_ip: fields.text("/req/ip"),
            ..PlatformRequest::default()
        },
        IngressKind::Casdoor | IngressKind::Keycloak | IngressKind::Generic => named(kind, fields, names),
        IngressKind::Twilio => {
            if fields.text("ContentSid").is_some() {
                return Err(RequestError::ContentSid);
            }
            PlatformRequest { to: fields.text("To"), text: fields.text("Body"), ..PlatformRequest::default() }
        }
    })
}

/// Reads the fields that the admin has named, or those that the platform has by default.
fn named<'a>(kind: IngressKind, fields: &'a Fields, names: Option<&IngressFields>) -> PlatformRequest<'a> {
    let of = |name: Option<&String>, default: &'static [&'static str]| match name {
        Some(name) => fields.text(name),
        None => fields.first(default),
    };
    let (to, text): (&[&str], &[&str]) = match kind {
        IngressKind::Casdoor => (&["phoneNumber"], &["content", "code"]),
        IngressKind::Keycloak => (&["phone", "to", "receiver"], &["message", "text"]),
        _ => (&["to", "phone", "phoneNumber"], &["text", "message", "body"]),
    };
    let code: &[&str] = if kind == IngressKind::Generic { &["code", "otp"] } else { &[] };
    let default = IngressFields::default();
    let names = names.unwrap_or(&default);
    PlatformRequest {
        to: of(names.to.as_ref(), to),
        code: of(names.code.as_ref(), code),
        text: of(names.text.as_ref(), text),
        link: None,
        purpose: of(names.usage.as_ref(), &["usage"]),
        locale: of(names.locale.as_ref(), &["locale"]),
        client_ip: of(names.client_ip.as_ref(), &["ip"]),
        repeat_id: of(names.repeat_id.as_ref(), &["idempotencyKey"]),
    }
}

/// The usage that a platform's word means, if it is known.
pub(super) fn usage_of(kind: IngressKind, word: &str) -> Option<Usage> {
    Some(match (kind, word) {
        // Logto's words are Sendbox's usages in another spelling.
        (IngressKind::Logto | IngressKind::Generic | IngressKind::Keycloak | IngressKind::Casdoor, word) => {
            return word.parse().ok();
        }
        (IngressKind::Supabase, "mfa") => Usage::MfaVerification,
        (IngressKind::Zitadel, "user.human.phone.code.added") => Usage::BindNewIdentifier,
        (IngressKind::Zitadel, "user.human.mfa.otp.sms.code.added" | "session.otp.sms.challenged") => {
            Usage::MfaVerification
        }
        (IngressKind::Zitadel, "user.human.password.code.added") => Usage::ForgotPassword,
        (IngressKind::Zitadel, "user.human.initialization.code.added") => Usage::Register,
        (IngressKind::Kratos, "login_code_valid") => Usage::SignIn,
        (IngressKind::Kratos, "registration_code_valid") => Usage::Register,
        (IngressKind::Kratos, "recovery_code_valid") => Usage::ForgotPassword,
        (IngressKind::Kratos, "verification_code_valid") => Usage::BindNewIdentifier,
        (IngressKind::BetterAuth, "phone-verification") => Usage::BindNewIdentifier,
        (IngressKind::BetterAuth, "two-factor") => Usage::MfaVerification,
        (IngressKind::BetterAuth, "sign-in-otp") => Usage::SignIn,
        (IngressKind::Authgear, "verification_sms.txt") => Usage::BindNewIdentifier,
        (IngressKind::Authgear, "forgot_password_sms.txt" | "forgot_password_oob_sms.txt") => Usage::ForgotPassword,
        (IngressKind::Authgear, "authenticate_primary_oob_sms.txt") => Usage::SignIn,
        (IngressKind::Authgear, "setup_primary_oob_sms.txt") => Usage::Register,
        (IngressKind::Authgear, "authenticate_secondary_oob_sms.txt") => Usage::MfaVerification,
        (IngressKind::Authgear, "setup_secondary_oob_sms.txt") => Usage::BindMfa,
        (IngressKind::Auth0Gateway, "otp_verify") => Usage::MfaVerification,
        (IngressKind::Auth0Gateway, "otp_enroll") => Usage::BindMfa,
        _ => return None,
    })
}
