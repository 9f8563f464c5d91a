use std::collections::BTreeMap;
use std::fmt;

use sendbox_contract::Usage;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{MessageStatus, Sensitive, Timestamp, UsageName};

/// What calls an ingress.
///
/// - `logto`: Logto's HTTP SMS connector.
/// - `supabase`: the Send SMS hook of Supabase Auth.
/// - `zitadel`: ZITADEL's HTTP SMS provider.
/// - `kratos`: the HTTP channel of Ory Kratos' courier.
/// - `better-auth`: the SMS client of `@better-auth/infra`.
/// - `fusionauth`: FusionAuth's generic messenger.
/// - `authentik`: the generic provider of authentik's SMS stage.
/// - `authgear`: Authgear's custom SMS gateway.
/// - `authsignal`: Authsignal's webhook `sms.created`.
/// - `auth0-gateway`: Auth0's SMS gateway, and Descope's generic SMS gateway.
/// - `casdoor`: Casdoor's custom HTTP SMS provider.
/// - `keycloak`: the HTTP API of Keycloak's MFA plugins.
/// - `generic`: JSON or a form whose fields you name.
/// - `twilio`: whatever uses a Twilio SDK, or Twilio's API, for messages and Verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the list above describes them")]
pub enum IngressKind {
    Logto,
    Supabase,
    Zitadel,
    Kratos,
    BetterAuth,
    Fusionauth,
    Authentik,
    Authgear,
    Authsignal,
    #[serde(rename = "auth0-gateway")]
    Auth0Gateway,
    Casdoor,
    Keycloak,
    Generic,
    Twilio,
}

impl IngressKind {
    /// All kinds.
    pub const ALL: [Self; 14] = [
        Self::Logto,
        Self::Supabase,
        Self::Zitadel,
        Self::Kratos,
        Self::BetterAuth,
        Self::Fusionauth,
        Self::Authentik,
        Self::Authgear,
        Self::Authsignal,
        Self::Auth0Gateway,
        Self::Casdoor,
        Self::Keycloak,
        Self::Generic,
        Self::Twilio,
    ];

    /// `auth0-gateway`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logto => "logto",
            Self::Supabase => "supabase",
            Self::Zitadel => "zitadel",
            Self::Kratos => "kratos",
            Self::BetterAuth => "better-auth",
            Self::Fusionauth => "fusionauth",
            Self::Authentik => "authentik",
            Self::Authgear => "authgear",
            Self::Authsignal => "authsignal",
            Self::Auth0Gateway => "auth0-gateway",
            Self::Casdoor => "casdoor",
            Self::Keycloak => "keycloak",
            Self::Generic => "generic",
            Self::Twilio => "twilio",
        }
    }
}

/// How the calls of an ingress are authenticated, beside its unguessable address.
///
/// - `none`: by the address alone.
/// - `bearer`: `Authorization: Bearer <secret>`.
/// - `basic`: HTTP Basic, with `username` and the secret as password.
/// - `header`: the header `header` holds the secret.
/// - `standard-webhooks`: `webhook-id`, `webhook-timestamp` and `webhook-signature`, as specified by Standard Webhooks.
/// - `zitadel-signature`: the header `ZITADEL-Signature`.
/// - `authgear-signature`: the header `x-authgear-body-signature`. It has no time, so a recorded call can be repeated.
/// - `authsignal-signature`: the header `X-Signature-V2`.
/// - `jwt-hs256`: a JSON Web Token, signed with HS256, as bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the list above describes them")]
pub enum IngressAuthenticationType {
    None,
    Bearer,
    Basic,
    Header,
    StandardWebhooks,
    ZitadelSignature,
    AuthgearSignature,
    AuthsignalSignature,
    #[serde(rename = "jwt-hs256")]
    JwtHs256,
}

impl IngressAuthenticationType {
    /// `jwt-hs256`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::Header => "header",
            Self::StandardWebhooks => "standard-webhooks",
            Self::ZitadelSignature => "zitadel-signature",
            Self::AuthgearSignature => "authgear-signature",
            Self::AuthsignalSignature => "authsignal-signature",
            Self::JwtHs256 => "jwt-hs256",
        }
    }
}

/// How an ingress is authenticated, and with which secrets.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IngressAuthenticationInput {
    /// The method.
    #[serde(rename = "type")]
    pub method: IngressAuthenticationType,
    /// The name of the header, for `header`.
    #[schema(max_length = 64, example = "X-Api-Key")]
    pub header: Option<String>,
    /// The user name, for `basic`. Defaults to `sendbox`. For Twilio, the account SID.
    #[schema(max_length = 64, example = "sendbox")]
    pub username: Option<String>,
    /// The audience that a token must be for, for `jwt-hs256`. Without it, any.
    #[schema(max_length = 200, example = "urn:sendbox")]
    pub audience: Option<String>,
    /// One secret, or two while you replace one: both are accepted. Without it, the stored secrets are kept; if there are none, one is made,
    /// unless the platform makes it (`zitadel-signature`, `authgear-signature`, `authsignal-signature`). Until you have entered that one,
    /// every call is refused.
    #[schema(value_type = Option<Vec<String>>, max_items = 2)]
    pub secrets: Option<Vec<Sensitive>>,
    /// Whether the API key is replaced, for `twilio` only. The previous one is refused from then on. Defaults to `false`.
    pub rotate_api_key: Option<bool>,
}

/// An API key of Twilio, which a caller may use in place of the account SID and the auth token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TwilioApiKey {
    /// The key's SID, which is the user name.
    #[schema(example = "SK0123456789abcdef0123456789abcdef")]
    pub sid: String,
    /// The key's secret, which is the password.
    #[schema(value_type = String, example = "q3Jx0Zr8mV5tYc1uWkLbA7N4hGd9sPfe")]
    pub secret: Zeroizing<String>,
}

impl fmt::Debug for TwilioApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioApiKey").field("sid", &self.sid).finish_non_exhaustive()
    }
}

/// How an ingress is authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IngressAuthentication {
    /// The method.
    #[serde(rename = "type")]
    pub method: IngressAuthenticationType,
    /// The name of the header, for `header`.
    #[schema(example = "X-Api-Key")]
    pub header: Option<String>,
    /// The user name, for `basic`.
    #[schema(example = "sendbox")]
    pub username: Option<String>,
    /// The audience that a token must be for, for `jwt-hs256`. `null` accepts any.
    #[schema(example = "urn:sendbox")]
    pub audience: Option<String>,
    /// The secrets, as the platform's configuration takes them. `null` unless your key has the scope `manage`.
    #[schema(example = json!(["v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]))]
    pub secrets: Option<Vec<String>>,
    /// The API key, for `twilio`. `null` for all other kinds, and unless your key has the scope `manage`.
    #[serde(default)]
    pub api_key: Option<TwilioApiKey>,
}

/// What is sent when the platform passes a code and a text.
///
/// - `template`: the connection's template with the code.
/// - `original`: the platform's text. Connectors that take no texts get the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the list above describes them")]
pub enum IngressText {
    Template,
    Original,
}

/// What happens to a message without a code: an invitation with a link, a notice, or a text that holds no run of 4 to 10 digits or more
/// than one.
///
/// - `refuse`: the platform gets an error.
/// - `ignore`: the platform gets a success, and nothing is sent.
/// - `send`: the platform's text is sent as it is; without a text, a template of the policy's `notices`, or the connection's template for the
///   usage, which must not contain `{{code}}`. If `notices.enabled` is off, it is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the list above describes them")]
pub enum MessagesWithoutCode {
    #[default]
    Refuse,
    Ignore,
    Send,
}

/// The names of the fields of a request, for the kinds `generic`, `casdoor` and `keycloak`. In JSON a name that begins with `/` is a JSON
/// pointer (RFC 6901).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IngressFields {
    /// The phone number.
    #[schema(max_length = 128, example = "to")]
    pub to: Option<String>,
    /// The code. Without it, the code is found in the text.
    #[schema(max_length = 128, example = "code")]
    pub code: Option<String>,
    /// The text.
    #[schema(max_length = 128, example = "text")]
    pub text: Option<String>,
    /// The purpose of the message, in the platform's words.
    #[schema(max_length = 128, example = "type")]
    pub usage: Option<String>,
    /// The language.
    #[schema(max_length = 128, example = "locale")]
    pub locale: Option<String>,
    /// The end user's IP address.
    #[schema(max_length = 128, example = "ip")]
    pub client_ip: Option<String>,
    /// An id that is the same when the platform repeats a request.
    #[schema(max_length = 128, example = "idempotencyKey")]
    pub repeat_id: Option<String>,
}

/// The settings of an ingress. What is left out has the default of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IngressSettings {
    /// The country (ISO 3166-1 alpha-2) of numbers that are written without `+` and calling code.
    #[schema(pattern = "^[A-Z]{2}$", example = "DK")]
    pub default_region: Option<String>,
    /// The usages of the platform's words. `*` stands for all others.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, UsageName>, example = json!({"mfa": "mfa-verification", "*": "sign-in"}))]
    pub usages: BTreeMap<String, Usage>,
    /// What is sent when there is a code and a text.
    pub text: Option<IngressText>,
    /// What happens to a message without a code.
    #[serde(default)]
    pub messages_without_code: MessagesWithoutCode,
    /// How many milliseconds the response waits for the outcome. Afterwards the platform gets a success, because the message is stored. 0
    /// does not wait.
    #[schema(minimum = 0, maximum = 25000, example = 3000)]
    pub wait_ms: Option<u32>,
    /// How many seconds a request with the same number and code counts as a repetition of the first one. 0 sends each. Defaults to the
    /// policy's `lifetimeSeconds`.
    #[schema(minimum = 0, maximum = 3600, example = 600)]
    pub repeat_seconds: Option<u32>,
    /// The names of the request's fields.
    pub fields: Option<IngressFields>,
}

/// An ingress to create or replace.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IngressInput {
    /// The platform that calls it. It cannot be changed.
    pub kind: IngressKind,
    /// Whether calls are answered. Defaults to `true`.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub enabled: bool,
    /// How calls are authenticated. Defaults to what the platform offers.
    pub authentication: Option<IngressAuthenticationInput>,
    /// The settings.
    #[serde(default)]
    pub settings: IngressSettings,
}

fn yes() -> bool {
    true
}

/// A step that sets up the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetupStep {
    /// What to do.
    #[schema(example = "Set these variables of Supabase Auth and restart it:")]
    pub instruction: String,
    /// What to paste. `null` if there is nothing to paste.
    #[schema(example = "GOTRUE_HOOK_SEND_SMS_ENABLED=true")]
    pub snippet: Option<String>,
}

/// An ingress: an address of a tenant at which an identity platform or an application sends messages, in the platform's own format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ingress {
    /// The name of the ingress.
    #[schema(example = "supabase")]
    pub name: String,
    /// The platform that calls it.
    pub kind: IngressKind,
    /// Whether calls are answered.
    pub enabled: bool,
    /// The address, for the platform's configuration. Whoever knows it can call the ingress, as far as `authentication` lets them. It is a
    /// path if the server has neither `--ingress-url` nor `--public-url`. `null` unless your key has the scope `manage`.
    #[schema(example = "https://sms.example.com/v1/ingress/8rXcZ0n5tQ3yV1uWkLmB7A4hJd9sPq2e")]
    pub address: Option<String>,
    /// When the previous address stops working. `null` if there is none.
    pub previous_address_expires_at: Option<Timestamp>,
    /// How calls are authenticated.
    pub authentication: IngressAuthentication,
    /// The settings, as they were given.
    pub settings: IngressSettings,
    /// How to set up the platform. Empty unless your key has the scope `manage`.
    pub setup: Vec<SetupStep>,
    /// When the ingress was created.
    #[schema(example = "2026-11-23T20:21:33Z")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(example = "2026-11-23T20:21:33Z")]
    pub updated_at: Timestamp,
}

/// How an address is rotated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddressRotation {
    /// How many seconds the previous address keeps working: at most a week. Defaults to 0.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 604_800, example = 3600)]
    pub grace_seconds: u64,
}

/// What became of a call of an ingress.
///
/// - `stored`: it caused the message `message`.
/// - `repeated`: it repeated the call that caused the message `message`.
/// - `ignored`: it asked for a message without a code, and the ingress or the policy ignores those.
/// - `refused`: nothing was stored and nothing was sent; `detail` says why.
/// - `answered`: it asked for something and changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the list above describes them")]
pub enum IngressOutcome {
    Stored,
    Repeated,
    Ignored,
    Refused,
    Answered,
}

impl IngressOutcome {
    /// `stored`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Repeated => "repeated",
            Self::Ignored => "ignored",
            Self::Refused => "refused",
            Self::Answered => "answered",
        }
    }
}

/// A call of an ingress, without the number, the code and the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IngressCall {
    /// When it arrived.
    #[schema(example = "2026-11-23T20:21:33Z")]
    pub received_at: Timestamp,
    /// What became of it.
    pub outcome: IngressOutcome,
    /// The HTTP status of the response. `null` if the outcome was awaited when the call was recorded.
    #[schema(example = 200)]
    pub status: Option<u16>,
    /// The phone number, masked. `null` if none was read.
    #[schema(example = "+45…78")]
    pub to: Option<String>,
    /// The purpose of the message. `null` if none was read.
    #[schema(value_type = Option<UsageName>, example = "sign-in")]
    pub usage: Option<Usage>,
    /// The message that it caused or repeated.
    #[schema(example = "m7k3x9q2v5t8w4n6p1r0d")]
    pub message: Option<String>,
    /// The current status of that message. `null` without a message, or when it was deleted.
    pub message_status: Option<MessageStatus>,
    /// Why it was refused, and what to do. `null` for every other outcome.
    #[schema(example = "the signature does not match: compare the secret with the platform's configuration")]
    pub detail: Option<String>,
}
