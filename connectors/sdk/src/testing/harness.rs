//! A message and a configuration, to run a connector with scripted responses.

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

/// A request in clear text, as the provider would receive it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClearRequest {
    /// The HTTP method: `POST`.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The headers in order, without those that the host sets.
    pub headers: Vec<(String, String)>,
    /// The body. Bytes that are not UTF-8 become replacement characters.
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

    /// The first header of this name; case does not matter.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What a connector did with one message.
#[derive(Debug)]
pub struct Run {
    /// The requests that it sent, in order.
    pub requests: Vec<ClearRequest>,
    /// What it returned.
    pub result: Result<Receipt, Failure>,
    /// The lines that it logged.
    pub log: Vec<(LogLevel, String)>,
}

/// A message and a configuration for connector `C`.
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
    /// A message to `+4512345678` without content, and these parameters, secrets included. The schema's top level says which
    /// are secret and which have a default. Unlike the host, this does not validate the parameters.
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

    /// Sets the recipient: a number in E.164 format, and the calling code that it begins with.
    #[must_use]
    pub fn to(mut self, e164: &str, calling_code: &str) -> Self {
        self.values.e164 = e164.into();
        self.values.calling_code = calling_code.into();
        self
    }

    /// Sets the recipient's country, ISO 3166-1 alpha-2. Default: none.
    #[must_use]
    pub fn country(mut self, country: &str) -> Self {
        self.country = Some(country.into());
        self
    }

    /// Sets the template that the tenant entered, an id or compact JSON, for content kind `Template`.
    #[must_use]
    pub fn template(mut self, template: &str) -> Self {
        self.template = Some(template.into());
        self
    }

    /// Sets the text, for content kind `Text`.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.values.text = Some(text.into());
        self
    }

    /// Sets the variables, for content kinds `Variables` and `Template`.
    #[must_use]
    pub fn variables<'v>(mut self, variables: impl IntoIterator<Item = (&'v str, &'v str)>) -> Self {
        self.values.variables =
            variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        self
    }

    /// Sets the usage. Default: sign-in.
    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// Sets the language, a BCP 47 tag. Default: none.
    #[must_use]
    pub fn locale(mut self, locale: &str) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// Sets the end user's IP address. Default: none.
    #[must_use]
    pub fn client_ip(mut self, address: &str) -> Self {
        self.values.client_ip = Some(address.into());
        self
    }

    /// Sets for how many seconds the code is valid. Default: 600.
    #[must_use]
    pub fn lifetime_seconds(mut self, seconds: u32) -> Self {
        self.lifetime_seconds = seconds;
        self
    }

    /// Sets the message key. The host's has 32 hexadecimal digits.
    #[must_use]
    pub fn message_key(mut self, key: &str) -> Self {
        self.message_key = key.into();
        self
    }

    /// Sets when the attempt began: Unix time in milliseconds.
    #[must_use]
    pub fn started_at(mut self, milliseconds: u64) -> Self {
        self.started_at = milliseconds;
        self
    }

    /// Sets the nonce of the attempt.
    #[must_use]
    pub fn nonce(mut self, nonce: &str) -> Self {
        self.nonce = nonce.into();
        self
    }

    /// Grants the connector to reveal sealed values.
    #[must_use]
    pub fn revealing(mut self) -> Self {
        self.reveals = true;
        self
    }

    /// Runs the connector with these responses to its requests, in order. A further request fails with a reset connection.
    ///
    /// # Panics
    ///
    /// When a request breaks a rule for which the host would end the send. The message names the rule.
    pub fn send(&self, responses: impl IntoIterator<Item = Response>) -> Run {
        self.run(responses.into_iter().map(Ok).collect())
    }

    /// Runs the connector and fails its first request with this error.
    pub fn send_into(&self, error: HttpError) -> Run {
        self.run(VecDeque::from([Err(error)]))
    }

    /// The first request that the connector sends.
    ///
    /// # Panics
    ///
    /// When it sends none. The message is the connector's failure.
    #[must_use]
    #[allow(clippy::panic, reason = "for tests, where a panic is how a test fails")]
    pub fn request(&self) -> ClearRequest {
        let run = self.send([]);
        match run.requests.into_iter().next() {
            Some(request) => request,
            None => panic!("the connector sent no request: {:?}", run.result),
        }
    }

    fn run(&self, responses: VecDeque<Result<Response, HttpError>>) -> Run {
        let mut host = ScriptedHost::new(C::metadata(), &self.values, &self.plain, self.reveals, responses);
        let result = C::send(&self.message(), &Config::new(self), &mut host);
        Run { requests: host.requests, result, log: host.log }
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
    /// Runs the connector with one callback.
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

/// A provider's callback, a `POST`. Unlike on the host, numbers and tokens in it are not replaced.
#[derive(Clone, Debug, Default)]
pub struct Incoming {
    url: String,
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
    body: String,
}

impl Incoming {
    /// A callback to this URL with these form fields.
    #[must_use]
    pub fn form(url: &str, fields: &[(&str, &str)]) -> Self {
        let pairs =
            fields.iter().map(|(name, value)| [crate::form::encode(name), crate::form::encode(value)].join("="));
        Self { form: owned(fields), ..Self::body(url, &pairs.collect::<Vec<_>>().join("&")) }
    }

    /// A callback to this URL with a body that is not a form.
    #[must_use]
    pub fn body(url: &str, body: &str) -> Self {
        Self { url: url.into(), body: body.into(), ..Self::default() }
    }

    /// Sets the query parameters. They must also be in the URL.
    #[must_use]
    pub fn query(mut self, fields: &[(&str, &str)]) -> Self {
        self.query = owned(fields);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_lowercase(), value.into()));
        self
    }
}

fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A text with approximate encoding and length: ASCII counts as GSM-7, anything else as UCS-2. The host is exact.
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
