//! Which requests a version was tested to send.
//!
//! A connector cannot see what is sealed, so the literal skeleton of its requests depends on clear values only. [`Sandbox::rehearse`]
//! runs a connector dry with a table of clear values and made-up sealed ones, and keeps the skeletons. A later request with
//! the message whose skeleton is none of them is held back: a connector that waits for its moment has no other way to put
//! words, numbers or hosts of its own into a request.
//!
//! Must not know: who approves a new shape, or where shapes are kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use sendbox_policy::{EffectiveGrant, RequestShape, ShapeChange};

use crate::Sandbox;
use crate::call::DryRun;
use crate::connector::Connector;
use crate::message::{Attempt, Content, Message, NoRandomness, Recipient, TextEncoding, Usage, Variable};
use crate::metadata::ContentKind;
use crate::parameters::Parameters;
use crate::send::SendRequest;

/// Shapes at most that one version may have with one connection. A connector that never repeats itself has no shape.
pub const SHAPES_MAX: usize = 256;

/// The shapes that the request with the message may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinnedShapes {
    /// By digest, so that equal ones are kept once and compared quickly.
    shapes: BTreeMap<[u8; 32], RequestShape>,
}

impl PinnedShapes {
    /// Pins one more.
    pub fn insert(&mut self, shape: RequestShape) {
        if self.shapes.len() < SHAPES_MAX {
            self.shapes.insert(shape.digest(), shape);
        }
    }

    /// Whether nothing is pinned. Then nothing is known of the version, and nothing can be held against it.
    pub fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    /// Every shape, in the order of their digests.
    pub fn iter(&self) -> impl Iterator<Item = &RequestShape> {
        self.shapes.values()
    }

    /// How a shape differs from the nearest pinned one; `None` when it is pinned, or nothing is.
    pub(crate) fn difference(&self, shape: &RequestShape) -> Option<Vec<ShapeChange>> {
        if self.shapes.is_empty() || self.shapes.contains_key(&shape.digest()) {
            return None;
        }
        self.shapes.values().map(|pinned| pinned.diff(shape)).min_by_key(Vec::len)
    }
}

impl FromIterator<RequestShape> for PinnedShapes {
    fn from_iter<I: IntoIterator<Item = RequestShape>>(shapes: I) -> Self {
        let mut pinned = Self::default();
        shapes.into_iter().for_each(|shape| pinned.insert(shape));
        pinned
    }
}

/// With what a connector is rehearsed: one connection.
pub struct Rehearsal {
    /// The connection's parameters.
    pub parameters: Arc<Parameters>,
    /// What the connector may reach.
    pub grant: Arc<EffectiveGrant>,
    /// What the tenant gave for each usage, for content kind `template`.
    pub templates: Vec<(Usage, String)>,
    /// Names of variables that the tenant's messages carry beside the code.
    pub variables: Vec<String>,
}

/// The clear values of one dry run.
#[derive(Clone, Copy)]
struct Case {
    usage: Usage,
    encoding: TextEncoding,
    units: u32,
    segments: u32,
    locale: Option<&'static str>,
    /// Country, calling code, number.
    destination: (Option<&'static str>, &'static str, &'static str),
    lifetime_seconds: u32,
    attempt: u32,
    client_ip: bool,
}

const USUAL: Case = Case {
    usage: Usage::Generic,
    encoding: TextEncoding::Gsm7,
    units: 40,
    segments: 1,
    locale: Some("en"),
    destination: (Some("DK"), "45", "20123456"),
    lifetime_seconds: 600,
    attempt: 1,
    client_ip: false,
};

/// Destinations that providers treat apart: their home markets, and a number of no country.
const DESTINATIONS: [(Option<&str>, &str, &str); 7] = [
    (Some("CN"), "86", "13800138000"),
    (Some("US"), "1", "2015550123"),
    (Some("RU"), "7", "9121234567"),
    (Some("HK"), "852", "51234567"),
    (Some("DE"), "49", "15123456789"),
    (Some("IN"), "91", "8123456789"),
    (None, "882", "1612345678"),
];

/// From the shortest to the longest, with the bounds at which providers clamp.
const LIFETIMES: [u32; 8] = [1, 19, 30, 59, 60, 300, 900, 86_400];

/// Each usage with each encoding, with and without the client's address; and one further value at a time of all else.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for usage in Usage::ALL {
        for (encoding, units) in [(TextEncoding::Gsm7, 40), (TextEncoding::Ucs2, 30)] {
            for client_ip in [false, true] {
                cases.push(Case { usage, encoding, units, client_ip, ..USUAL });
            }
        }
    }
    for destination in DESTINATIONS {
        cases.push(Case { destination, ..USUAL });
    }
    for lifetime_seconds in LIFETIMES {
        cases.push(Case { lifetime_seconds, ..USUAL });
    }
    for locale in [None, Some("de"), Some("zh-CN"), Some("pt-BR")] {
        cases.push(Case { locale, ..USUAL });
    }
    cases.push(Case { units: 300, segments: 2, ..USUAL });
    cases.push(Case { encoding: TextEncoding::Ucs2, units: 100, segments: 2, ..USUAL });
    cases.push(Case { attempt: 2, ..USUAL });
    cases
}

impl Sandbox {
    /// The shapes of the requests with the message that a connector makes with one connection, by dry runs: no byte leaves.
    ///
    /// Empty for a connector whose first request does not carry the message: a dry run has no answer to go on with.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub async fn rehearse(&self, connector: &Connector, rehearsal: &Rehearsal) -> Result<PinnedShapes, NoRandomness> {
        let mut pinned = PinnedShapes::default();
        for case in cases() {
            let Some(content) = content(connector.metadata().content, case, rehearsal) else { continue };
            let report = self
                .send(
                    connector,
                    SendRequest {
                        owner: "rehearsal".to_owned(),
                        parameters: Arc::clone(&rehearsal.parameters),
                        grant: Arc::clone(&rehearsal.grant),
                        message: message(case, content)?,
                        pinned: None,
                        dry_run: Some(DryRun { show_sealed: false }),
                        withdrawn: None,
                    },
                )
                .await;
            let shapes = report.requests.into_iter().filter(|request| request.carries_message);
            shapes.filter_map(|request| request.shape).for_each(|shape| pinned.insert(shape));
        }
        Ok(pinned)
    }
}

/// A code that no number of [`DESTINATIONS`] holds.
const CODE: &str = "407193";

fn content(kind: ContentKind, case: Case, rehearsal: &Rehearsal) -> Option<Content> {
    let variables = || {
        let code = Variable { name: crate::message::CODE.to_owned(), value: CODE.to_owned().into() };
        let others = rehearsal.variables.iter().filter(|name| *name != crate::message::CODE);
        std::iter::once(code)
            .chain(others.map(|name| Variable { name: name.clone(), value: "made up".to_owned().into() }))
            .collect::<Vec<_>>()
    };
    Some(match kind {
        ContentKind::Text => Content::Text {
            text: format!("Your code is {CODE}").into(),
            encoding: case.encoding,
            segments: case.segments,
            units: case.units,
        },
        ContentKind::Template => {
            let given = |usage| rehearsal.templates.iter().find(|(of, _)| *of == usage);
            let (_, template) = given(case.usage).or_else(|| given(Usage::Generic))?;
            Content::Template { template: template.clone(), variables: variables() }
        }
        ContentKind::Variables => Content::Variables(variables()),
    })
}

fn message(case: Case, content: Content) -> Result<Message, NoRandomness> {
    let (country, calling_code, national) = case.destination;
    Ok(Message {
        recipient: Recipient {
            e164: format!("+{calling_code}{national}").into(),
            national: national.to_owned().into(),
            country: country.map(str::to_owned),
            calling_code: calling_code.to_owned(),
        },
        usage: case.usage,
        locale: case.locale.map(str::to_owned),
        content,
        code: CODE.to_owned().into(),
        lifetime_seconds: case.lifetime_seconds,
        client_ip: case.client_ip.then(|| "192.0.2.1".to_owned().into()),
        idempotency_key: "rehearsal".to_owned(),
        attempt: Attempt { number: case.attempt, ..Attempt::first()? },
    })
}
