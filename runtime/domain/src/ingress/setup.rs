//! How each platform is set up: what to do, and what to paste into its configuration.

use crate::model::{IngressAuthenticationType as Method, IngressKind, SetupStep};

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
    /// The newest secret. Empty if there is none, or if the platform makes it and the admin has not entered it.
    pub secret: &'a str,
}

impl SetupFacts<'_> {
    /// The value of `Authorization`, for platforms that take it as one text.
    fn authorization(&self) -> String {
        match self.method {
            Method::Bearer | Method::JwtHs256 => format!("Bearer {}", self.secret),
            _ => self.secret.to_owned(),
        }
    }

    /// The header with the secret, for platforms that take a name and a value.
    fn header_line(&self) -> (String, String) {
        match self.method {
            Method::Header => (self.header.to_owned(), self.secret.to_owned()),
            _ => ("Authorization".to_owned(), self.authorization()),
        }
    }
}

fn step(instruction: &str, snippet: impl Into<Option<String>>) -> SetupStep {
    SetupStep { instruction: instruction.to_owned(), snippet: snippet.into() }
}

/// The steps that set a platform up.
pub fn steps(facts: SetupFacts<'_>) -> Vec<SetupStep> {
    let SetupFacts { kind, address, secret, username, method, .. } = facts;
    let (header, value) = facts.header_line();
    match kind {
        IngressKind::Logto => vec![step(
            "In Logto's console, open Connectors > Email and SMS > SMS > HTTP SMS and enter:",
            format!("endpoint: {address}\nauthorization: {}", facts.authorization()),
        )],
        IngressKind::Supabase => vec![
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
        ],
        IngressKind::Zitadel => {
            let mut steps = vec![step(
                "Create the provider. The response contains its id and `signingKey`:",
                format!(
                    "curl -X POST \"$ZITADEL/admin/v1/sms/http\" -H \"Authorization: Bearer $TOKEN\" \\\n  -H 'Content-Type: application/json' \\\n  -d '{{\"endpoint\": \"{address}\", \"description\": \"Sendbox\"}}'"
                ),
            )];
            if secret.is_empty() && method != Method::None {
                steps.push(step(
                    "Enter the `signingKey` as the secret of this ingress. Until then every call is refused.",
                    None,
                ));
            }
            steps.push(step(
                "Activate the provider:",
                "curl -X POST \"$ZITADEL/admin/v1/sms/$ID/_activate\" -H \"Authorization: Bearer $TOKEN\"".to_owned(),
            ));
            steps
        }
        IngressKind::Kratos => {
            let auth = match method {
                Method::Basic => format!(
                    "      auth:\n        type: basic_auth\n        config:\n          user: {username}\n          password: {secret}\n"
                ),
                Method::None => String::new(),
                _ => format!(
                    "      auth:\n        type: api_key\n        config:\n          in: header\n          name: {header}\n          value: {value}\n"
                ),
            };
            vec![step(
                "Add the channel to the configuration of Kratos. The body passes everything that Kratos knows; the default body works, too.",
                format!(
                    "courier:\n  channels:\n  - id: sms\n    type: http\n    request_config:\n      url: {address}\n      method: POST\n      body: base64://ZnVuY3Rpb24oY3R4KSBjdHg=\n      headers:\n        Content-Type: application/json\n{auth}"
                ),
            )]
        }
        IngressKind::BetterAuth => vec![step(
            "Set these variables of the application that uses `@better-auth/infra`:",
            format!("BETTER_AUTH_API_URL={address}\nBETTER_AUTH_API_KEY={secret}"),
        )],
        IngressKind::Fusionauth => {
            let auth = match method {
                Method::Basic => format!("HTTP Basic username: {username}\nHTTP Basic password: {secret}"),
                _ => format!("Header: {header}: {value}"),
            };
            vec![step(
                "In FusionAuth, open Settings > Messengers, add a Generic messenger, and enter. Give it a read timeout of at least 1,000 ms:",
                format!("URL: {address}\n{auth}"),
            )]
        }
        IngressKind::Authentik => vec![step(
            "In authentik, edit the SMS Authenticator Setup stage, choose the provider Generic, and enter:",
            match method {
                Method::Basic => format!(
                    "External API URL: {address}\nAPI Auth Type: Basic\nAPI Auth Username: {username}\nAPI Auth password: {secret}"
                ),
                _ => format!("External API URL: {address}\nAPI Auth Type: Bearer\nAPI Auth token: {secret}"),
            },
        )],
        IngressKind::Authgear => vec![
            step(
                "In Authgear's portal, open Advanced > Custom SMS gateway, choose Webhook, and enter this address:",
                address.to_owned(),
            ),
            step(
                "Enter the webhook's signature key as the secret of this ingress. Until then every call is refused.",
                None,
            ),
        ],
        IngressKind::Authsignal => vec![
            step(
                "In Authsignal's portal, open Authenticators > SMS, choose the webhook provider, and enter this address:",
                address.to_owned(),
            ),
            step(
                "Enter your tenant's API secret key as the secret of this ingress. Until then every call is refused.",
                None,
            ),
        ],
        IngressKind::Auth0Gateway => vec![step(
            "Update the passwordless SMS connection with Auth0's Management API. For Descope, enter the address as the gateway's URL:",
            format!(
                "{{\"options\": {{\"provider\": \"sms_gateway\", \"gateway_url\": \"{address}\", \"gateway_authentication\": \
                 {{\"method\": \"bearer\", \"subject\": \"auth0\", \"audience\": \"sendbox\", \"secret\": \"{secret}\"}}}}}}"
            ),
        )],
        IngressKind::Casdoor => vec![step(
            "In Casdoor, add a provider of the category SMS and the type Custom HTTP SMS, and enter:",
            format!("Method: POST\nParameter: content\nEndpoint: {address}\nHTTP header: {header}: {value}"),
        )],
        IngressKind::Keycloak => vec![step(
            "In the SMS authenticator of the MFA plugin, enter:",
            format!(
                "API URL: {address}\nURL encode data: off\nAPI Token Header: {header}\nAPI Token: {value}\nMessage attribute: message\nReceiver attribute: phone"
            ),
        )],
        IngressKind::Generic => vec![step(
            "Send requests like this one:",
            format!(
                "curl -X POST '{address}' -H '{header}: {value}' -H 'Content-Type: application/json' \\\n  -d '{{\"to\": \"+4512345678\", \"code\": \"123456\"}}'"
            ),
        )],
        IngressKind::Twilio => vec![
            step(
                "Use this account and token in place of Twilio's:",
                format!("TWILIO_ACCOUNT_SID={username}\nTWILIO_AUTH_TOKEN={secret}"),
            ),
            step(
                "Point the SDK here. In Node.js:",
                format!(
                    "const client = require(\"twilio\")(process.env.TWILIO_ACCOUNT_SID, process.env.TWILIO_AUTH_TOKEN);\nclient.api.baseUrl = \"{address}\";\nclient.verify.baseUrl = \"{address}\";"
                ),
            ),
            step(
                "In Python:",
                format!(
                    "client = Client(os.environ[\"TWILIO_ACCOUNT_SID\"], os.environ[\"TWILIO_AUTH_TOKEN\"])\nclient.api.base_url = \"{address}\"\nclient.verify.base_url = \"{address}\""
                ),
            ),
            step("Any SID of a Verify service is accepted, like this one:", username.replacen("AC", "VA", 1)),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_gets_the_address_and_the_secret() {
        for kind in IngressKind::ALL {
            let facts = kind.facts();
            let method = facts.methods.first().copied().unwrap_or(Method::None);
            let secret = "0123456789abcdef";
            let (address, username) =
                ("https://sms.example.com/v1/ingress/TOKEN", "AC00000000000000000000000000000001");
            let steps = steps(SetupFacts { kind, address, method, header: "Authorization", username, secret });
            let pasted: String = steps.iter().filter_map(|step| step.snippet.clone()).collect();
            assert!(pasted.contains(address), "{kind:?}");
            assert!(facts.makes_secret || pasted.contains(secret), "{kind:?}");
        }
    }
}
