//! Finds the requests that a version was tested to send.
//!
//! A connector cannot see sealed values, so the literals of its requests depend on plain values only. [`Sandbox::rehearse`] runs a
//! connector dry with a table of plain values and made-up sealed ones, and keeps the shapes. A later request with the message that
//! does not match is held back: a connector that waits for the right moment has no other way to put its own words, numbers or hosts
//! into a request.
//!
//! The rehearsal covers what every platform varies: usages, encodings, lifetimes, languages, variables, and whether there is a
//! client address. It does not cover what a connector does for certain destinations only: that has to be seen before it is sent, in
//! a test, with a canary, or by the person who approves a request that was held back. The caller provides the time of a rehearsal:
//! behaviour that waits for a later time does not show, however often it is rehearsed.
//!
//! Must not know: who approves a new shape, or where shapes are stored.

use std::sync::Arc;

use sendbox_contract::{
    Attempt, Content, ContentKind, Message, Metadata, NoRandomness, Outcome, Party, Recipient, TextEncoding, Usage,
    Variable,
};
use sendbox_policy::{EffectiveGrant, PinnedShapes};
use serde_json::Value;

use crate::call::outbound::DryRun;
use crate::connector::Connector;
use crate::parameters::Parameters;
use crate::sandbox::Sandbox;
use crate::send::SendRequest;

/// Maximum number of templates that are rehearsed, each once.
const TEMPLATES_MAX: usize = 100;
/// A connector that misbehaves this often is not rehearsed further: each time may use up the CPU budget of a send.
const FAULTS_MAX: u32 = 3;
/// Maximum number of the metadata's languages that are rehearsed.
const LOCALES_MAX: usize = 40;

/// A connection to rehearse a connector with.
pub struct Rehearsal {
    /// The owner of the connection, as in [`SendRequest::owner`].
    pub owner: String,
    /// The connection's parameters.
    pub parameters: Arc<Parameters>,
    /// What the connector may reach.
    pub grant: Arc<EffectiveGrant>,
    /// The templates of the connection, for the content kind `template`.
    pub templates: Vec<RehearsedTemplate>,
    /// The time that the connector sees: Unix time in milliseconds.
    pub at_unix_ms: u64,
}

/// A template of a connection.
pub struct RehearsedTemplate {
    /// The usage that the template is for.
    pub usage: Usage,
    /// The language that the template is for (BCP 47).
    pub locale: Option<String>,
    /// A template id, or compact JSON: what the connector gets as `template-content.template`.
    pub template: String,
}

/// The rehearsal could not be completed, so its shapes are incomplete.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The operating system provided no random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// No instance was free for a dry run.
    #[error("a dry run could not be made: {0}")]
    Unavailable(String),
}

/// The plain values of one dry run.
#[derive(Clone)]
struct Case {
    usage: Usage,
    encoding: TextEncoding,
    units: u32,
    segments: u32,
    locale: Option<String>,
    lifetime_seconds: u32,
    attempt: u32,
    client_ip: bool,
    variables: &'static [&'static str],
    /// The index of the template; otherwise, the one for the usage.
    template: Option<usize>,
}

/// Country, calling code, number.
type Destination = (Option<&'static str>, &'static str, &'static str);

/// The first destination for which a connector makes a request is rehearsed: some providers serve only one market.
const DESTINATIONS: [Destination; 8] = [
    (Some("DK"), "45", "20123456"),
    (Some("US"), "1", "2015550123"),
    (Some("CN"), "86", "13800138000"),
    (Some("RU"), "7", "9121234567"),
    (Some("IN"), "91", "8123456789"),
    (Some("GB"), "44", "7400123456"),
    (Some("DE"), "49", "15123456789"),
    (None, "882", "1612345678"),
];

/// From the shortest to the longest, including the bounds to which providers clamp.
const LIFETIMES: [u32; 10] = [1, 19, 30, 59, 60, 300, 900, 3600, 36_001, 86_400];

/// Names that platforms give to variables. A connector's shape does not contain them if it passes all of them on.
const VARIABLES: [&str; 3] = ["link", "applicationName", "userName"];

/// Maximum number of variables that are made up because a template may name them.
const NAMED_MAX: usize = 32;

/// A code that does not occur in a number of [`DESTINATIONS`].
const CODE: &str = "407193";

fn usual() -> Case {
    Case {
        usage: Usage::Generic,
        encoding: TextEncoding::Gsm7,
        units: 40,
        segments: 1,
        locale: Some("en".to_owned()),
        lifetime_seconds: 600,
        attempt: 1,
        client_ip: false,
        variables: &[],
        template: None,
    }
}

/// Each usage with each encoding, with and without the client's address; and one other value at a time for everything else.
fn cases(metadata: &Metadata, rehearsal: &Rehearsal) -> Vec<Case> {
    let mut cases = Vec::new();
    for usage in Usage::ALL.into_iter().filter(|usage| metadata.usages.contains(usage)) {
        for (encoding, units) in [(TextEncoding::Gsm7, 40), (TextEncoding::Ucs2, 30)] {
            for client_ip in [false, true] {
                cases.push(Case { usage, encoding, units, client_ip, ..usual() });
            }
        }
    }
    cases.extend(LIFETIMES.map(|lifetime_seconds| Case { lifetime_seconds, ..usual() }));
    let known = metadata.locales.iter().take(LOCALES_MAX).cloned().map(Some);
    let any = ["de", "fr", "zh-CN", "pt-BR"].map(|tag| Some(tag.to_owned()));
    let locales: Vec<Option<String>> = if metadata.locales.is_empty() { any.into() } else { known.collect() };
    cases.extend(locales.into_iter().chain([None]).map(|locale| Case { locale, ..usual() }));
    cases.push(Case { units: 300, segments: 2, ..usual() });
    cases.push(Case { encoding: TextEncoding::Ucs2, units: 100, segments: 2, ..usual() });
    cases.push(Case { attempt: 2, ..usual() });
    cases.push(Case { attempt: 3, ..usual() });
    cases.push(Case { variables: &VARIABLES, ..usual() });
    for (index, template) in rehearsal.templates.iter().enumerate().take(TEMPLATES_MAX) {
        let (usage, locale) = (template.usage, template.locale.clone());
        cases.push(Case { usage, locale, template: Some(index), ..usual() });
    }
    cases
}

impl Sandbox {
    /// The shapes of the requests with the message that a connector makes with one connection, found by dry runs that send nothing.
    ///
    /// Empty for a connector whose first request does not contain the message: a dry run has no response to continue with.
    ///
    /// # Errors
    /// [`RehearsalError`] if a dry run failed.
    pub async fn rehearse(&self, connector: &Connector, rehearsal: &Rehearsal) -> Result<PinnedShapes, RehearsalError> {
        let mut pinned = PinnedShapes::default();
        let mut faults = 0;
        let cases = cases(connector.metadata(), rehearsal);
        for destination in DESTINATIONS {
            for case in &cases {
                faults += u32::from(self.rehearse_one(connector, rehearsal, case, destination, &mut pinned).await?);
                if faults >= FAULTS_MAX {
                    return Ok(pinned);
                }
                if pinned.is_empty() {
                    break;
                }
            }
            if !pinned.is_empty() {
                break;
            }
        }
        Ok(pinned)
    }

    /// Returns whether the connector misbehaved.
    async fn rehearse_one(
        &self,
        connector: &Connector,
        rehearsal: &Rehearsal,
        case: &Case,
        destination: Destination,
        pinned: &mut PinnedShapes,
    ) -> Result<bool, RehearsalError> {
        let Some(content) = content(connector.metadata().content, case, rehearsal) else { return Ok(false) };
        let request = SendRequest {
            owner: rehearsal.owner.clone(),
            parameters: Arc::clone(&rehearsal.parameters),
            grant: Arc::clone(&rehearsal.grant),
            message: message(case, destination, content, rehearsal.at_unix_ms)?,
            pinned: None,
            dry_run: Some(DryRun { show_sealed: false }),
            withdrawn: None,
            revocation: None,
        };
        let result = self.send(connector, request).await;
        let is_fault = match &result.outcome {
            Outcome::Failed(failure) if failure.party == Party::Host => {
                return Err(RehearsalError::Unavailable(failure.text.clone()));
            }
            Outcome::Failed(failure) => failure.is_misbehaviour(),
            Outcome::Accepted(_) | Outcome::NotSentDryRun => false,
        };
        for request in result.requests.into_iter().filter(|request| request.carries_message) {
            if let (Some(shape), Some(readings)) = (request.shape, &request.readings) {
                pinned.insert_read(shape, readings);
            }
        }
        Ok(is_fault)
    }
}

fn content(kind: ContentKind, case: &Case, rehearsal: &Rehearsal) -> Option<Content> {
    let variables = |named: Vec<String>| {
        let code = Variable { name: sendbox_contract::message::CODE.to_owned(), value: CODE.to_owned().into() };
        let others = case.variables.iter().map(|name| (*name).to_owned());
        let mut names: Vec<String> = others.chain(named).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| *name != code.name);
        let made_up = |name| Variable { name, value: "made up".to_owned().into() };
        std::iter::once(code).chain(names.into_iter().map(made_up)).collect::<Vec<_>>()
    };
    Some(match kind {
        ContentKind::Text => Content::Text {
            text: format!("Your code is {CODE}").into(),
            encoding: case.encoding,
            segments: case.segments,
            units: case.units,
        },
        ContentKind::Template => {
            let templates = &rehearsal.templates;
            let of = |usage| templates.iter().find(|template| template.usage == usage);
            let template = match case.template {
                Some(index) => templates.get(index),
                None => of(case.usage).or_else(|| of(Usage::Generic)),
            };
            let template = &template?.template;
            Content::Template { template: template.clone(), variables: variables(named_in(template)) }
        }
        ContentKind::Variables => Content::Variables(variables(Vec::new())),
    })
}

/// The names that a template may give to variables of the message, for instance in `{"template": "1", "variables": ["code", "link"]}`:
/// every text in it that could be one. Without these variables, the connector would make no request that could be pinned.
fn named_in(template: &str) -> Vec<String> {
    let (mut names, mut left) = (Vec::new(), Vec::new());
    if template.starts_with(['{', '[']) {
        left.extend(serde_json::from_str::<Value>(template));
    }
    while let Some(next) = left.pop() {
        match next {
            Value::String(name) if is_variable_name(&name) => names.push(name),
            Value::Array(items) => left.extend(items),
            Value::Object(members) => left.extend(members.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    names.truncate(NAMED_MAX);
    names
}

fn is_variable_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.')
}

fn message(
    case: &Case,
    (country, calling_code, national): Destination,
    content: Content,
    at_unix_ms: u64,
) -> Result<Message, NoRandomness> {
    let attempt = Attempt { number: case.attempt, started_at: at_unix_ms, ..Attempt::first()? };
    Ok(Message {
        recipient: Recipient {
            e164: format!("+{calling_code}{national}").into(),
            national: national.to_owned().into(),
            country: country.map(str::to_owned),
            calling_code: calling_code.to_owned(),
        },
        usage: case.usage,
        locale: case.locale.clone(),
        content,
        code: Some(CODE.to_owned().into()),
        lifetime_seconds: case.lifetime_seconds,
        client_ip: case.client_ip.then(|| "192.0.2.1".to_owned().into()),
        idempotency_key: attempt.nonce.clone(),
        attempt,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_names_variables_in_json_only() {
        for (template, names) in [
            ("SMS_1", &[][..]),
            ("{", &[]),
            (r#"{"template":"1","variables":["code","user.name"]}"#, &["1", "code", "user.name"]),
            (r#"{"a":{"b":[7,"not a name","ø",""]},"c":"x_1"}"#, &["x_1"]),
        ] {
            let mut found = named_in(template);
            found.sort_unstable();
            assert_eq!(found, names, "{template}");
        }
        let many: Vec<String> = (0..100).map(|number| format!("v{number}")).collect();
        assert_eq!(named_in(&serde_json::to_string(&many).unwrap()).len(), NAMED_MAX);
    }
}
