//! How each platform is set up: what to do, and what to paste into its configuration.

use crate::model::{IngressAuthenticationType as Method, IngressKind, SetupStep, TwilioApiKey};

/// What a platform's configuration needs to know of an ingress.
#[derive(Clone, Copy)]
pub struct SetupFacts<'a> {
    /// The platform.
    pub kind: IngressKind,
    /// The address.
    pub address: &'a str,
    /// How calls are authenticated.
    pub method: Method,
    /// The name of the header.
    pub header: &'a str,
    /// The user name.
    pub username: &'a str,
    /// The audience that a token must be for. Empty for any.
    pub audience: &'a str,
    /// The newest secret. Empty if there is none, or if the platform makes it and the admin has not entered it.
    pub secret: &'a str,
    /// The API key, for Twilio.
    pub api_key: Option<&'a TwilioApiKey>,
}

impl SetupFacts<'_> {
    /// The header that holds the secret, written by `line` from its name and its value; nothing for other methods.
    fn header_line(&self, line: impl Fn(&str, &str) -> String) -> String {
        match self.method {
            Method::Header => line(self.header, self.secret),
            Method::Bearer => line("Authorization", &format!("Bearer {}", self.secret)),
            _ => String::new(),
        }
    }

    /// The step in which the admin enters the secret that the platform has made, until it is done.
    fn enter_secret(&self, name: &str) -> Option<SetupStep> {
        let instruction = format!("Enter {name} as the secret of this ingress. Until then every call is refused.");
        (self.secret.is_empty() && self.method != Method::None).then(|| step(&instruction, None))
    }
}

fn step(instruction: &str, snippet: impl Into<Option<String>>) -> SetupStep {
    SetupStep { instruction: instruction.to_owned(), snippet: snippet.into() }
}

/// The steps that set a platform up.
pub fn steps(facts: SetupFacts<'_>) -> Vec<SetupStep> {
    match facts.kind {
        IngressKind::Logto => vec![logto(facts)],
        IngressKind::Supabase => supabase(facts),
        IngressKind::Zitadel => zitadel(facts),
        IngressKind::Kratos => vec![kratos(facts)],
        IngressKind::BetterAuth => vec![better_auth(facts)],
        IngressKind::Fusionauth => vec![fusionauth(facts)],
        IngressKind::Authentik => vec![authentik(facts)],
        IngressKind::Authgear => authgear(facts),
        IngressKind::Authsignal => authsignal(facts),
        IngressKind::Auth0Gateway => vec![auth0_gateway(facts)],
        IngressKind::Casdoor => vec![casdoor(facts)],
        IngressKind::Keycloak => vec![keycloak(facts)],
        IngressKind::Generic => generic(facts),
        IngressKind::Twilio => twilio(facts),
    }
}

fn logto(facts: SetupFacts<'_>) -> SetupStep {
    let authorization = facts.header_line(|_, value| format!("\nauthorization: {value}"));
    step(
        "In Logto's console, open Connectors > Email and SMS > SMS > HTTP SMS and enter:",
        format!("endpoint: {}{authorization}", facts.address),
    )
}

fn supabase(SetupFacts { address, secret, .. }: SetupFacts<'_>) -> Vec<SetupStep> {
    vec![
        step(
            "Self-hosted: set these variables of Supabase Auth and restart it. The address must be https, or local.",
            format!(
                "GOTRUE_HOOK_SEND_SMS_ENABLED=true\nGOTRUE_HOOK_SEND_SMS_URI={address}\nGOTRUE_HOOK_SEND_SMS_SECRETS={secret}"
            ),
        ),
        step(
            "Hosted: in the dashboard, open Authentication > Hooks > Send SMS hook, choose HTTPS, and enter this address and secret:",
            format!("{address}\n{secret}"),
        ),
    ]
}

fn zitadel(facts: SetupFacts<'_>) -> Vec<SetupStep> {
    let create = step(
        "Create the provider. The response contains its id and `signingKey`:",
        format!(
            "curl -X POST \"$ZITADEL/admin/v1/sms/http\" -H \"Authorization: Bearer $TOKEN\" \\\n  \
             -H 'Content-Type: application/json' \\\n  \
             -d '{{\"endpoint\": \"{}\", \"description\": \"Sendbox\"}}'",
            facts.address
        ),
    );
    let activate = step(
        "Activate the provider:",
        "curl -X POST \"$ZITADEL/admin/v1/sms/$ID/_activate\" -H \"Authorization: Bearer $TOKEN\"".to_owned(),
    );
    [Some(create), facts.enter_secret("the `signingKey`"), Some(activate)].into_iter().flatten().collect()
}

fn kratos(facts: SetupFacts<'_>) -> SetupStep {
    let auth = match facts.method {
        Method::Basic => format!(
            "      auth:\n        type: basic_auth\n        config:\n          user: {}\n          password: {}\n",
            facts.username, facts.secret
        ),
        _ => facts.header_line(|name, value| {
            format!(
                "      auth:\n        type: api_key\n        config:\n          in: header\n          name: {name}\n          \
                 value: {value}\n"
            )
        }),
    };
    // `function(ctx) ctx`
    step(
        "Add the channel to the configuration of Kratos. The body passes everything that Kratos knows; the default body works, too.",
        format!(
            "courier:\n  channels:\n  - id: sms\n    type: http\n    request_config:\n      url: {}\n      method: POST\n      \
             body: base64://ZnVuY3Rpb24oY3R4KSBjdHg=\n      headers:\n        Content-Type: application/json\n{auth}",
            facts.address
        ),
    )
}

fn better_auth(SetupFacts { address, secret, .. }: SetupFacts<'_>) -> SetupStep {
    step(
        "Set these variables of the application that uses `@better-auth/infra`:",
        format!("BETTER_AUTH_API_URL={address}\nBETTER_AUTH_API_KEY={secret}"),
    )
}

fn fusionauth(facts: SetupFacts<'_>) -> SetupStep {
    let auth = match facts.method {
        Method::Basic => {
            format!("\nHTTP Basic username: {}\nHTTP Basic password: {}", facts.username, facts.secret)
        }
        _ => facts.header_line(|name, value| format!("\nHeader: {name}: {value}")),
    };
    step(
        "In FusionAuth, open Settings > Messengers, add a Generic messenger, and enter. Give it a read timeout of at least 1,000 ms:",
        format!("URL: {}{auth}", facts.address),
    )
}

fn authentik(facts: SetupFacts<'_>) -> SetupStep {
    let SetupFacts { address, username, secret, .. } = facts;
    let auth = match facts.method {
        Method::Basic => {
            format!("\nAPI Auth Type: Basic\nAPI Auth Username: {username}\nAPI Auth password: {secret}")
        }
        Method::Bearer => format!("\nAPI Auth Type: Bearer\nAPI Auth token: {secret}"),
        _ => String::new(),
    };
    step(
        "In authentik, edit the SMS Authenticator Setup stage, choose the provider Generic, and enter:",
        format!("External API URL: {address}{auth}"),
    )
}

fn authgear(facts: SetupFacts<'_>) -> Vec<SetupStep> {
    let enter = step(
        "In Authgear's portal, open Advanced > Custom SMS gateway, choose Webhook, and enter this address:",
        facts.address.to_owned(),
    );
    [Some(enter), facts.enter_secret("the webhook's signature key")].into_iter().flatten().collect()
}

fn authsignal(facts: SetupFacts<'_>) -> Vec<SetupStep> {
    let enter = step(
        "In Authsignal's portal, open Authenticators > SMS, choose the webhook provider, and enter this address:",
        facts.address.to_owned(),
    );
    [Some(enter), facts.enter_secret("your tenant's API secret key")].into_iter().flatten().collect()
}

fn auth0_gateway(facts: SetupFacts<'_>) -> SetupStep {
    let SetupFacts { address, audience, secret, .. } = facts;
    if facts.method != Method::JwtHs256 {
        let token = facts.header_line(|_, _| format!("\nToken: {secret}"));
        return step(
            "In Descope, add a generic SMS gateway connector, and enter. Auth0 signs a token instead: see `jwt-hs256`.",
            format!("URL: {address}{token}"),
        );
    }
    let audience = if audience.is_empty() { "sendbox" } else { audience };
    step(
        "Update the passwordless SMS connection with Auth0's Management API. For Descope, choose `bearer` as the authentication.",
        format!(
            "{{\"options\": {{\"provider\": \"sms_gateway\", \"gateway_url\": \"{address}\", \"gateway_authentication\": \
             {{\"method\": \"bearer\", \"subject\": \"auth0\", \"audience\": \"{audience}\", \"secret\": \"{secret}\"}}}}}}"
        ),
    )
}

fn casdoor(facts: SetupFacts<'_>) -> SetupStep {
    let header = facts.header_line(|name, value| format!("\nHTTP header: {name}: {value}"));
    step(
        "In Casdoor, add a provider of the category SMS and the type Custom HTTP SMS, and enter:",
        format!("Method: POST\nParameter: content\nEndpoint: {}{header}", facts.address),
    )
}

fn keycloak(facts: SetupFacts<'_>) -> SetupStep {
    let header = facts.header_line(|name, value| format!("\nAPI Token Header: {name}\nAPI Token: {value}"));
    step(
        "In the SMS authenticator of the MFA plugin, enter:",
        format!(
            "API URL: {}\nURL encode data: off{header}\nMessage attribute: message\nReceiver attribute: phone",
            facts.address
        ),
    )
}

fn generic(facts: SetupFacts<'_>) -> Vec<SetupStep> {
    let SetupFacts { address, username, secret, .. } = facts;
    let auth = match facts.method {
        Method::Basic => format!(" -u '{username}:{secret}'"),
        _ => facts.header_line(|name, value| format!(" -H '{name}: {value}'")),
    };
    let signing = match facts.method {
        Method::StandardWebhooks => Some("Sign each request as Standard Webhooks specifies, with this secret:"),
        Method::JwtHs256 => Some(
            "Add `Authorization: Bearer` and a token that is signed with HS256 under this secret, and has `exp` or `iat`:",
        ),
        _ => None,
    };
    let request = step(
        "Send requests like this one:",
        format!(
            "curl -X POST '{address}'{auth} -H 'Content-Type: application/json' \\\n  \
             -d '{{\"to\": \"+4512345678\", \"code\": \"123456\"}}'"
        ),
    );
    let signing = signing.map(|instruction| step(instruction, secret.to_owned()));
    std::iter::once(request).chain(signing).collect()
}

fn twilio(SetupFacts { address, username, secret, api_key, .. }: SetupFacts<'_>) -> Vec<SetupStep> {
    let api_key = api_key.map(|key| {
        step(
            "An application that uses an API key takes this one, beside the account:",
            format!("TWILIO_API_KEY={}\nTWILIO_API_SECRET={}", key.sid, key.secret.as_str()),
        )
    });
    let steps = [
        step(
            "Use this account and token in place of Twilio's:",
            format!("TWILIO_ACCOUNT_SID={username}\nTWILIO_AUTH_TOKEN={secret}"),
        ),
        step(
            "Point the SDK here. In Node.js:",
            format!(
                "const client = require(\"twilio\")(process.env.TWILIO_ACCOUNT_SID, process.env.TWILIO_AUTH_TOKEN);\n\
                 client.api.baseUrl = \"{address}\";\nclient.verify.baseUrl = \"{address}\";"
            ),
        ),
        step(
            "In Python:",
            format!(
                "client = Client(os.environ[\"TWILIO_ACCOUNT_SID\"], os.environ[\"TWILIO_AUTH_TOKEN\"])\n\
                 client.api.base_url = \"{address}\"\nclient.verify.base_url = \"{address}\""
            ),
        ),
        step("Any SID of a Verify service is accepted, like this one:", username.replacen("AC", "VA", 1)),
    ];
    steps.into_iter().chain(api_key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef";

    fn facts(kind: IngressKind, method: Method) -> SetupFacts<'static> {
        SetupFacts {
            kind,
            method,
            address: "https://sms.example.com/v1/ingress/TOKEN",
            header: "X-Key",
            username: "AC00000000000000000000000000000001",
            audience: "",
            secret: SECRET,
            api_key: None,
        }
    }

    fn pasted(facts: SetupFacts<'_>) -> String {
        steps(facts).into_iter().filter_map(|step| step.snippet).collect()
    }

    #[test]
    fn every_platform_gets_the_address_and_the_secret_as_it_sends_it() {
        for kind in IngressKind::ALL {
            for method in kind.facts().methods {
                let text = pasted(facts(kind, *method));
                assert!(text.contains("https://sms.example.com/v1/ingress/TOKEN"), "{kind:?} {method:?}");
                let is_told = *method != Method::None && !kind.facts().makes_secret;
                assert_eq!(text.contains(SECRET), is_told, "{kind:?} {method:?}: {text}");
                assert_eq!(text.contains("X-Key"), *method == Method::Header, "{kind:?} {method:?}: {text}");
                // A key that signs, and a password, are in no header.
                let has_bearer = text.contains(&format!("Bearer {SECRET}"));
                assert!(!has_bearer || *method == Method::Bearer, "{kind:?} {method:?}: {text}");
            }
        }
    }

    #[test]
    fn a_secret_of_the_platform_is_asked_for_until_it_is_there() {
        for kind in IngressKind::ALL.into_iter().filter(|kind| kind.facts().makes_secret) {
            let method = kind.facts().methods[0];
            let asks = |secret| {
                let steps = steps(SetupFacts { secret, ..facts(kind, method) });
                steps.iter().any(|step| step.instruction.contains("Until then every call is refused"))
            };
            assert!(asks("") && !asks(SECRET), "{kind:?}");
        }
    }
}
