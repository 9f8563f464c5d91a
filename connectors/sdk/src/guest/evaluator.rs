//! Evaluates sealed expressions on the values of one call, with the host's functions.
//!
//! An expression that is used twice (as a clone) is evaluated once. A value that is not needed any more is dropped: the
//! number of values per send is bounded.

use std::cell::RefCell;
use std::rc::Rc;

use crate::config::Parameters;
use crate::connector::{Host, LogLevel, RevealDenied, Verifier};
use crate::guest::bindings::imports::{config, http_outbound, log, reveal, sealed as wit, signature};
use crate::guest::convert;
use crate::http::{Request, Response, SendError};
use crate::sealed::{Expression, Part, Parts, Sealed, Source};

type Handle = Rc<wit::Sealed>;

/// The connection's parameters. Each secret is fetched from the host once.
#[derive(Default)]
pub(crate) struct HostParameters {
    // A list: connectors have one or two secrets, and the code of a hash map would be a tenth of a component.
    secrets: RefCell<Vec<(String, Option<Handle>)>>,
}

impl HostParameters {
    fn secret(&self, key: &str) -> Option<Handle> {
        if let Some((_, known)) = self.secrets.borrow().iter().find(|(known, _)| known == key) {
            return known.clone();
        }
        let secret = config::secret(key).map(Rc::new);
        self.secrets.borrow_mut().push((key.to_owned(), secret.clone()));
        secret
    }
}

impl Parameters for HostParameters {
    fn get(&self, key: &str) -> Option<String> {
        config::get(key)
    }

    fn has_secret(&self, key: &str) -> bool {
        self.secret(key).is_some()
    }
}

/// The sealed values that the host passed to this call.
#[derive(Default)]
pub(crate) struct CallHandles {
    pub(crate) recipient: Option<[Handle; 3]>,
    pub(crate) text: Option<Handle>,
    pub(crate) variables: Vec<Handle>,
    pub(crate) client_ip: Option<Handle>,
    pub(crate) headers: Vec<Handle>,
    pub(crate) query: Vec<Handle>,
    pub(crate) form: Vec<Handle>,
    pub(crate) url: Option<Handle>,
    pub(crate) body: Option<Handle>,
}

/// The sealed values of one call, and what has been evaluated from them.
pub(crate) struct Evaluator<'a> {
    handles: CallHandles,
    parameters: &'a HostParameters,
    evaluated: Vec<(Sealed, Handle)>,
}

/// A [`Part`] that has been evaluated.
enum EvaluatedPart {
    Text(String),
    Sealed(Handle),
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(handles: CallHandles, parameters: &'a HostParameters) -> Self {
        Self { handles, parameters, evaluated: Vec::new() }
    }

    fn source(&self, source: &Source) -> Result<Handle, SendError> {
        let handles = &self.handles;
        let form = |index: usize| handles.recipient.as_ref().and_then(|forms| forms.get(index)).cloned();
        let (value, name) = match source {
            Source::RecipientE164 => (form(0), "recipient"),
            Source::RecipientDigits => (form(1), "recipient"),
            Source::RecipientNational => (form(2), "recipient"),
            Source::Text => (handles.text.clone(), "text"),
            Source::Variable(index) => (handles.variables.get(*index).cloned(), "variable"),
            Source::ClientIp => (handles.client_ip.clone(), "client ip"),
            Source::Secret(key) => (self.parameters.secret(key), key.as_str()),
            Source::CallbackHeader(index) => (handles.headers.get(*index).cloned(), "header"),
            Source::CallbackQuery(index) => (handles.query.get(*index).cloned(), "query field"),
            Source::CallbackForm(index) => (handles.form.get(*index).cloned(), "form field"),
            Source::CallbackUrl => (handles.url.clone(), "url"),
            Source::CallbackBody => (handles.body.clone(), "body"),
        };
        value.ok_or_else(|| SendError::Missing(name.to_owned()))
    }

    fn evaluate(&mut self, value: &Sealed) -> Result<Handle, SendError> {
        if let Expression::Source(source) = &*value.0 {
            return self.source(source);
        }
        if let Some((_, known)) = self.evaluated.iter().find(|(expression, _)| Rc::ptr_eq(&expression.0, &value.0)) {
            return Ok(known.clone());
        }
        let handle = match &*value.0 {
            Expression::Source(source) => return self.source(source),
            Expression::Encode(data, encoding) => Rc::new(self.evaluate(data)?.encode(convert::encoding(*encoding))),
            Expression::Decode(data, encoding) => Rc::new(self.evaluate(data)?.decode(convert::encoding(*encoding))),
            Expression::Digest(data, hash) => Rc::new(self.evaluate(data)?.digest(convert::hash(*hash))),
            Expression::Hmac { data, hash, key } => {
                let key = self.evaluate(key)?;
                Rc::new(self.evaluate(data)?.hmac(convert::hash(*hash), &key))
            }
            Expression::Join(parts) => {
                let parts = self.parts(parts)?;
                Rc::new(wit::concat(&lower(&parts)))
            }
        };
        if value.is_shared() {
            self.evaluated.push((value.clone(), handle.clone()));
        }
        Ok(handle)
    }

    fn parts(&mut self, parts: &Parts) -> Result<Vec<EvaluatedPart>, SendError> {
        parts
            .as_slice()
            .iter()
            .map(|part| match part {
                Part::Text(text) => Ok(EvaluatedPart::Text(text.clone())),
                Part::Sealed(value) => self.evaluate(value).map(EvaluatedPart::Sealed),
            })
            .collect()
    }
}

fn lower(parts: &[EvaluatedPart]) -> Vec<wit::Part<'_>> {
    parts
        .iter()
        .map(|part| match part {
            EvaluatedPart::Text(text) => wit::Part::Text(text.clone()),
            EvaluatedPart::Sealed(value) => wit::Part::Sealed(value),
        })
        .collect()
}

impl Host for Evaluator<'_> {
    fn send(&mut self, request: &Request) -> Result<Response, SendError> {
        let url = self.parts(&request.url)?;
        let mut headers = Vec::with_capacity(request.headers.len());
        for (name, value) in &request.headers {
            headers.push((name, self.parts(value)?));
        }
        let body = self.parts(&request.body)?;
        let lowered = http_outbound::Request {
            method: convert::method(request.method),
            url: lower(&url),
            headers: headers
                .iter()
                .map(|(name, value)| http_outbound::Header { name: (*name).clone(), value: lower(value) })
                .collect(),
            body: lower(&body),
        };
        match http_outbound::send(&lowered) {
            Ok(answer) => Ok(Response { status: answer.status, headers: answer.headers, body: answer.body }),
            Err(error) => Err(SendError::Http(convert::http_error(error))),
        }
    }

    fn log(&mut self, level: LogLevel, message: &str) {
        log::log(convert::level(level), message);
    }

    fn reveal(&mut self, value: &Sealed) -> Result<Vec<u8>, RevealDenied> {
        let value = self.evaluate(value).map_err(|_| RevealDenied)?;
        reveal::reveal(&value).map_err(|_| RevealDenied)
    }
}

impl Verifier for Evaluator<'_> {
    fn matches(&mut self, computed: &Sealed, received: &Sealed) -> bool {
        match (self.evaluate(computed), self.evaluate(received)) {
            (Ok(computed), Ok(received)) => signature::matches(&computed, &received),
            // A missing value equals nothing.
            _ => false,
        }
    }

    fn jwt(&mut self, token: &Sealed, key: &Sealed) -> Option<String> {
        let token = self.evaluate(token).ok()?;
        let key = self.evaluate(key).ok()?;
        signature::jwt(&token, &key)
    }
}
