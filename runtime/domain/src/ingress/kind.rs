//! What is known of each platform.

use sendbox_contract::Usage;

use crate::model::{IngressAuthenticationType as Method, IngressKind, IngressText};

/// How a platform writes numbers that do not begin with `+`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFormat {
    /// The calling code first: `4512345678`.
    International,
    /// As in the country of the number: `12345678`, if the ingress has a default region; otherwise they are refused.
    National,
}

/// What is known of a platform.
#[derive(Clone, Copy, Debug)]
pub struct KindFacts {
    /// How it can authenticate its calls. The first one is the default.
    pub methods: &'static [Method],
    /// The audience of the default method, if that is a token.
    pub audience: Option<&'static str>,
    /// Whether it makes the secret of its signature itself, so that the admin has to enter it.
    pub makes_secret: bool,
    /// How long the response may take, in milliseconds: somewhat less than the platform waits. 0 answers as soon as the message is stored.
    pub wait_ms: u32,
    /// How it writes numbers without `+`.
    pub numbers: NumberFormat,
    /// What is sent when it passes a code and a text.
    pub text: IngressText,
    /// Whether a request with the same number and code is a repetition. Not for a platform that never repeats a request by itself, where
    /// the same message twice is meant.
    pub repeats: bool,
    /// The usage of requests that do not tell theirs.
    pub usage: Usage,
    /// What belongs to the end of the address. Empty for a platform that takes any address.
    pub path: &'static str,
    /// Whether the admin names the fields.
    pub has_fields: bool,
}

/// The header of a secret, unless the admin names another one.
pub const API_KEY_HEADER: &str = "X-Api-Key";

const BEARER: &[Method] = &[Method::Bearer, Method::None];
const PASSWORD: &[Method] = &[Method::Basic, Method::Bearer, Method::Header, Method::None];
const ANY_HEADER: &[Method] = &[Method::Header, Method::Bearer, Method::None];

impl IngressKind {
    /// What is known of the platform.
    pub fn facts(self) -> KindFacts {
        let facts = KindFacts {
            methods: BEARER,
            audience: None,
            makes_secret: false,
            wait_ms: 10_000,
            numbers: NumberFormat::National,
            text: IngressText::Template,
            repeats: true,
            usage: Usage::Generic,
            path: "",
            has_fields: false,
        };
        match self {
            // Logto sets no time limit; its user waits.
            Self::Logto => KindFacts { wait_ms: 15_000, numbers: NumberFormat::International, ..facts },
            // 5 s for all tries, inside a transaction of its database.
            Self::Supabase => KindFacts {
                methods: &[Method::StandardWebhooks],
                wait_ms: 3_000,
                numbers: NumberFormat::International,
                ..facts
            },
            // 5 s for each try.
            Self::Zitadel => KindFacts {
                methods: &[Method::ZitadelSignature, Method::None],
                makes_secret: true,
                wait_ms: 4_000,
                ..facts
            },
            // 10 s for each try.
            Self::Kratos => KindFacts {
                methods: &[Method::Header, Method::Basic, Method::Bearer, Method::None],
                wait_ms: 8_000,
                ..facts
            },
            // 3 s.
            Self::BetterAuth => KindFacts { methods: &[Method::Bearer], wait_ms: 2_400, usage: Usage::SignIn, ..facts },
            // As configured; the example of its documentation is 1 s.
            Self::Fusionauth => KindFacts { methods: PASSWORD, wait_ms: 800, usage: Usage::MfaVerification, ..facts },
            Self::Authentik => KindFacts {
                methods: &[Method::Basic, Method::Bearer, Method::None],
                usage: Usage::MfaVerification,
                ..facts
            },
            // 60 s.
            Self::Authgear => KindFacts {
                methods: &[Method::AuthgearSignature, Method::None],
                makes_secret: true,
                wait_ms: 20_000,
                ..facts
            },
            Self::Authsignal => KindFacts {
                methods: &[Method::AuthsignalSignature, Method::None],
                makes_secret: true,
                usage: Usage::MfaVerification,
                ..facts
            },
            // 30 s.
            Self::Auth0Gateway => KindFacts {
                methods: &[Method::JwtHs256, Method::Bearer, Method::None],
                audience: Some("sendbox"),
                wait_ms: 20_000,
                usage: Usage::SignIn,
                text: IngressText::Original,
                ..facts
            },
            Self::Casdoor => KindFacts { methods: ANY_HEADER, has_fields: true, text: IngressText::Original, ..facts },
            Self::Keycloak => KindFacts {
                methods: ANY_HEADER,
                has_fields: true,
                usage: Usage::MfaVerification,
                text: IngressText::Original,
                ..facts
            },
            Self::Generic => KindFacts {
                has_fields: true,
                methods: &[
                    Method::Bearer,
                    Method::Basic,
                    Method::Header,
                    Method::StandardWebhooks,
                    Method::JwtHs256,
                    Method::None,
                ],
                ..facts
            },
            // Twilio answers at once, and an application asks later.
            Self::Twilio => KindFacts {
                methods: &[Method::Basic],
                wait_ms: 0,
                text: IngressText::Original,
                repeats: false,
                ..facts
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_authenticates_by_default() {
        for kind in IngressKind::ALL {
            let facts = kind.facts();
            assert!(facts.methods.first().is_some_and(|method| *method != Method::None), "{kind:?}");
            let default = facts.methods.first();
            assert_eq!(facts.audience.is_some(), default == Some(&Method::JwtHs256), "{kind:?}");
            assert!(facts.wait_ms <= 25_000, "{kind:?}");
        }
    }

    #[test]
    fn names_are_those_of_json() {
        for kind in IngressKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            for method in kind.facts().methods {
                assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
            }
        }
    }
}
