//! One message, one configuration, and a script of answers.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::cleartext::{EvaluationError, Values};
use super::host::{ScriptedHost, TestVerifier};
use crate::config::{Config, Parameters};
use crate::connector::{Connector, DeliveryReports, LogLevel};
use crate::failure::Failure;
use crate::http::{HttpError, Request, Response};
use crate::message::{Attempt, Content, Message, Receipt, Recipient, TextContent, TextEncoding, Usage, Variable};
use crate::report::{Callback, CallbackError, Field, Report};
use crate::sealed::{Parts, Sealed, Source};

/// A request as the provider would get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClearRequest {
    /// `POST`
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// In order; without those that only the host sets.
    pub headers: Vec<(String, String)>,
    /// The body; bytes that are not UTF-8 show as replacement characters.
    pub body: String,
}

impl ClearRequest {
    pub(super) fn of(request: &Request, values: &Values) -> Result<Self, EvaluationError> {
        let clear = |parts: &Parts| Ok(String::from_utf8_lossy(&values.join(parts)?).into_owned());
        Ok(Self {
            method: request.method.as_str().to_owned(),
            url: clear(&request.url)?,
            headers: request
                .headers
                .iter()
                .map(|(name, value)| Ok((name.clone(), clear(value)?)))
                .collect::<Result<_, EvaluationError>>()?,
            body: clear(&request.body)?,
        })
    }

    /// The first header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What a run of a connector did.
#[derive(Debug)]
pub struct Run {
    /// Each request that it made, in order.
    pub requests: Vec<ClearRequest>,
    /// What it returned.
    pub result: Result<Receipt, Failure>,
    /// What it logged.
    pub log: Vec<(LogLevel, String)>,
}

/// One message and one configuration of connector `C`.
pub struct Harness<C> {
    values: Values,
    plain: BTreeMap<String, String>,
    usage: Usage,
    locale: Option<String>,
    country: Option<String>,
    template: Option<String>,
    lifetime_seconds: u32,
    message_key: String,
    started_at: u64,
    nonce: String,
    reveals: bool,
    connector: std::marker::PhantomData<C>,
}

impl<C: Connector> Harness<C> {
    /// A message to `+4512345678` with no text yet, and these parameters, secrets among them. As with the host, the
    /// schema says which are secret and which have defaults (top level only); unlike the host, it validates nothing.
    #[must_use]
    pub fn new(parameters: Value) -> Self {
        let schema: Value = serde_json::from_str(C::metadata().parameters_schema).unwrap_or_default();
        let mut given = match parameters {
            Value::Object(given) => given,
            _ => serde_json::Map::new(),
        };
        let mut values = Values { e164: "+4512345678".into(), calling_code: "45".into(), ..Values::default() };
        for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if let (false, Some(default)) = (given.contains_key(key), property.get("default")) {
                given.insert(key.clone(), default.clone());
            }
            if property.get("writeOnly") == Some(&Value::Bool(true)) {
                values.secrets.extend(given.remove(key).map(|value| (key.clone(), as_text(value))));
            }
        }
        Self {
            values,
            plain: given.into_iter().map(|(key, value)| (key, as_text(value))).collect(),
            usage: Usage::SignIn,
            locale: None,
            country: None,
            template: None,
            lifetime_seconds: 600,
            message_key: "0123456789abcdef0123456789abcdef".into(),
            started_at: 1_700_000_000_000,
            nonce: "00112233445566778899aabbccddeeff".into(),
            reveals: false,
            connector: std::marker::PhantomData,
        }
    }

    /// To this E.164 number, of which `calling_code` is the first digits.
    #[must_use]
    pub fn to(mut self, e164: &str, calling_code: &str) -> Self {
        self.values.e164 = e164.into();
        self.values.calling_code = calling_code.into();
        self
    }

    /// In this country, ISO 3166-1 alpha-2 (else: none).
    #[must_use]
    pub fn country(mut self, country: &str) -> Self {
        self.country = Some(country.into());
        self
    }

    /// With what the tenant gave as template, for content kind `Template`: an id, or compact JSON.
    #[must_use]
    pub fn template(mut self, template: &str) -> Self {
        self.template = Some(template.into());
        self
    }

    /// With this text, for content kind `Text`.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.values.text = Some(text.into());
        self
    }

    /// With these variables, for content kinds `Variables` and `Template`.
    #[must_use]
    pub fn variables<'v>(mut self, variables: impl IntoIterator<Item = (&'v str, &'v str)>) -> Self {
        self.values.variables =
            variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        self
    }

    /// For this usage (else: sign-in).
    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// In this language (else: none).
    #[must_use]
    pub fn locale(mut self, locale: &str) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// For an end user at this address (else: none).
    #[must_use]
    pub fn client_ip(mut self, address: &str) -> Self {
        self.values.client_ip = Some(address.into());
        self
    }

    /// With a code that lives this long (else: 600).
    #[must_use]
    pub fn lifetime_seconds(mut self, seconds: u32) -> Self {
        self.lifetime_seconds = seconds;
        self
    }

    /// With this key of the message (the host gives 32 hexadecimal digits).
    #[must_use]
    pub fn message_key(mut self, key: &str) -> Self {
        self.message_key = key.into();
        self
    }

    /// At this Unix time in milliseconds.
    #[must_use]
    pub fn started_at(mut self, milliseconds: u64) -> Self {
        self.started_at = milliseconds;
        self
    }

    /// With this nonce of the attempt.
    #[must_use]
    pub fn nonce(mut self, nonce: &str) -> Self {
        self.nonce = nonce.into();
        self
    }

    /// With a grant to reveal.
    #[must_use]
    pub fn revealing(mut self) -> Self {
        self.reveals = true;
        self
    }

    /// Runs the connector; its requests get these answers in turn. After the last, a request finds the connection reset.
    ///
    /// Panics, with the rule, when a request breaks one for which the host would end the send.
    pub fn send(&self, answers: impl IntoIterator<Item = Response>) -> Run {
        self.run(answers.into_iter().map(Ok).collect())
    }

    /// Runs the connector; its first request gets this error.
    pub fn send_into(&self, error: HttpError) -> Run {
        self.run(VecDeque::from([Err(error)]))
    }

    /// The first request that the connector makes. Panics, with the connector's failure, when it makes none.
    #[must_use]
    #[allow(clippy::panic, reason = "for tests, where a panic is how a test fails")]
    pub fn request(&self) -> ClearRequest {
        let run = self.send([]);
        match run.requests.into_iter().next() {
            Some(request) => request,
            None => panic!("the connector made no request: {:?}", run.result),
        }
    }

    fn run(&self, answers: VecDeque<Result<Response, HttpError>>) -> Run {
        let mut script = ScriptedHost::new(C::metadata(), &self.values, &self.plain, self.reveals, answers);
        let result = C::send(&self.message(), &Config::new(self), &mut script);
        Run { requests: script.requests, result, log: script.log }
    }

    fn message(&self) -> Message {
        let variables = || {
            let named = self.values.variables.iter().enumerate();
            named
                .map(|(index, (name, _))| Variable { name: name.clone(), value: Sealed::of(Source::Variable(index)) })
                .collect()
        };
        let content = match (&self.values.text, &self.template) {
            (Some(text), _) => Content::Text(text_content(text)),
            (None, Some(template)) => Content::Template { template: template.clone(), variables: variables() },
            (None, None) => Content::Variables(variables()),
        };
        Message {
            recipient: Recipient {
                e164: Sealed::of(Source::RecipientE164),
                digits: Sealed::of(Source::RecipientDigits),
                national: Sealed::of(Source::RecipientNational),
                country: self.country.clone(),
                calling_code: self.values.calling_code.clone(),
            },
            usage: self.usage,
            locale: self.locale.clone(),
            content,
            lifetime_seconds: self.lifetime_seconds,
            client_ip: self.values.client_ip.is_some().then(|| Sealed::of(Source::ClientIp)),
            message_key: self.message_key.clone(),
            attempt: Attempt { number: 1, started_at: self.started_at, nonce: self.nonce.clone() },
        }
    }
}

impl<C: DeliveryReports> Harness<C> {
    /// Lets the connector read one callback.
    pub fn parse(&self, incoming: &Incoming) -> Result<Vec<Report>, CallbackError> {
        let mut values = self.values.clone();
        values.headers.clone_from(&incoming.headers);
        values.query.clone_from(&incoming.query);
        values.form.clone_from(&incoming.form);
        values.url.clone_from(&incoming.url);
        values.body.clone_from(&incoming.body);
        let callback = Callback {
            method: "POST".into(),
            url: incoming.url.clone(),
            headers: fields(&incoming.headers, Source::CallbackHeader),
            query: fields(&incoming.query, Source::CallbackQuery),
            form: fields(&incoming.form, Source::CallbackForm),
            body: incoming.body.clone(),
            sealed_url: Sealed::of(Source::CallbackUrl),
            sealed_body: Sealed::of(Source::CallbackBody),
        };
        C::parse(&callback, &Config::new(self), &mut TestVerifier::new(&values))
    }
}

fn fields(received: &[(String, String)], source: fn(usize) -> Source) -> Vec<Field> {
    let numbered = received.iter().enumerate();
    numbered
        .map(|(index, (name, value))| Field {
            name: name.clone(),
            value: value.clone(),
            sealed: Sealed::of(source(index)),
        })
        .collect()
}

/// A callback that a provider makes: a `POST`. Numbers and tokens stay as they are here; the host puts stand-ins in.
#[derive(Clone, Debug, Default)]
pub struct Incoming {
    url: String,
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
    body: String,
}

impl Incoming {
    /// To this URL, with these form fields. The body is the form, as a provider would write it.
    #[must_use]
    pub fn form(url: &str, fields: &[(&str, &str)]) -> Self {
        let pairs =
            fields.iter().map(|(name, value)| [crate::form::encode(name), crate::form::encode(value)].join("="));
        Self { form: owned(fields), ..Self::body(url, &pairs.collect::<Vec<_>>().join("&")) }
    }

    /// To this URL, with this body that is no form.
    #[must_use]
    pub fn body(url: &str, body: &str) -> Self {
        Self { url: url.into(), body: body.into(), ..Self::default() }
    }

    /// With these fields in the query, which is part of the URL too.
    #[must_use]
    pub fn query(mut self, fields: &[(&str, &str)]) -> Self {
        self.query = owned(fields);
        self
    }

    /// With this header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_lowercase(), value.into()));
        self
    }
}

fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Encoding and segments in a simple measure: ASCII counts as GSM-7, anything else as UCS-2. The host is more exact.
fn text_content(text: &str) -> TextContent {
    let (encoding, units, single, joined) = match text.is_ascii() {
        true => (TextEncoding::Gsm7, text.len(), 160, 153),
        false => (TextEncoding::Ucs2, text.encode_utf16().count(), 70, 67),
    };
    let segments = if units <= single { 1 } else { units.div_ceil(joined) };
    TextContent {
        text: Sealed::of(Source::Text),
        encoding,
        segments: segments.try_into().unwrap_or(u32::MAX),
        units: units.try_into().unwrap_or(u32::MAX),
    }
}

fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

impl<C> Parameters for Harness<C> {
    fn get(&self, key: &str) -> Option<String> {
        self.plain.get(key).cloned()
    }

    fn has_secret(&self, key: &str) -> bool {
        self.values.secrets.contains_key(key)
    }
}
