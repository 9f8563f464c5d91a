//! Runs a program.

use crate::bindings::exports::sendbox::connector::delivery_reports::{Callback, Field};
use crate::bindings::sendbox::connector::http_outbound::{self, Header, Method, Request};
use crate::bindings::sendbox::connector::log::{self, Level};
use crate::bindings::sendbox::connector::sealed::{self, Encoding, Hash, Part, Sealed};
use crate::bindings::sendbox::connector::types::{Content, Message, Variable};
use crate::bindings::sendbox::connector::{config, reveal, signature};
use crate::observe::observe;
use crate::program::{Piece, Value, pieces, text, value};

/// The sealed values that a call receives, in a fixed order.
pub struct Given<'m>(Vec<&'m Sealed>);

impl<'m> Given<'m> {
    /// The number in its three forms, the content, the client's address.
    pub fn of_message(message: &'m Message) -> Self {
        let recipient = &message.recipient;
        let mut given = vec![&recipient.e164, &recipient.digits, &recipient.national];
        match &message.content {
            Content::Text(content) => given.push(&content.text),
            Content::Template(content) => given.extend(content.variables.iter().map(|variable| &variable.value)),
            Content::Variables(variables) => given.extend(variables.iter().map(|variable| &variable.value)),
        }
        given.extend(&message.client_ip);
        Self(given)
    }

    /// The URL, the body, and every field.
    pub fn of_callback(callback: &'m Callback) -> Self {
        let fields = callback.headers.iter().chain(&callback.query).chain(&callback.form);
        Self(
            [&callback.sealed_url, &callback.sealed_body]
                .into_iter()
                .chain(fields.map(|field| &field.sealed))
                .collect(),
        )
    }
}

/// The state of a running program.
pub struct Machine<'m> {
    given: Given<'m>,
    results: Vec<Option<Sealed>>,
    answered: bool,
}

impl<'m> Machine<'m> {
    /// The state before the first operation.
    pub fn new(given: Given<'m>) -> Self {
        Self { given, results: Vec::new(), answered: false }
    }

    /// Whether a request has received a response.
    pub fn answered(&self) -> bool {
        self.answered
    }

    /// Everything in a message that is not sealed.
    pub fn observe_message(&self, message: &Message) {
        let content = match &message.content {
            Content::Text(text) => format!("{:?} {} {}", text.encoding, text.segments, text.units),
            Content::Template(content) => format!("{} {:?}", content.template, names(&content.variables)),
            Content::Variables(variables) => format!("{:?}", names(variables)),
        };
        observe(&(
            &message.recipient.country,
            &message.recipient.calling_code,
            message.usage,
            &message.locale,
            content,
        ));
        observe(&(message.lifetime_seconds, message.client_ip.is_some(), &message.message_key, message.attempt.number));
        observe(&(message.attempt.started_at, &message.attempt.nonce));
    }

    /// Everything in a callback that is not sealed.
    pub fn observe_callback(&self, callback: &Callback) {
        let clear = |fields: &[Field]| -> Vec<(String, String)> {
            fields.iter().map(|field| (field.name.clone(), field.value.clone())).collect()
        };
        observe(&(&callback.method, &callback.url, &callback.body));
        observe(&(clear(&callback.headers), clear(&callback.query), clear(&callback.form)));
    }

    /// Runs the parameter `program`. A line that is not an operation is ignored.
    pub fn run(&mut self) {
        for line in config::get("program").unwrap_or_default().lines() {
            let mut words = line.split(' ');
            let times = match words.clone().next().and_then(|word| word.strip_prefix('*')).map(str::parse) {
                Some(Ok(times)) => {
                    words.next();
                    times
                }
                _ => 1_u32,
            };
            let words: Vec<&str> = words.collect();
            for _ in 0..times {
                if self.operation(&words).is_none() {
                    observe(&"no operation");
                }
            }
        }
    }

    fn operation(&mut self, words: &[&str]) -> Option<()> {
        let (name, words) = words.split_first()?;
        let word = |index: usize| words.get(index).copied();
        match *name {
            "get" => observe(&config::get(&text(word(0)?))),
            "secret" => {
                let secret = config::secret(&text(word(0)?));
                observe(&secret.is_some());
                self.results.push(secret);
            }
            "encode" => {
                let made = self.sealed(word(0)?)?.encode(encoding(word(1)?)?);
                self.keep(made);
            }
            "decode" => {
                let made = self.sealed(word(0)?)?.decode(encoding(word(1)?)?);
                self.keep(made);
            }
            "digest" => {
                let made = self.sealed(word(0)?)?.digest(hash(word(1)?)?);
                self.keep(made);
            }
            "hmac" => {
                let made = self.sealed(word(0)?)?.hmac(hash(word(1)?)?, self.sealed(word(2)?)?);
                self.keep(made);
            }
            "concat" => {
                let joined = pieces(word(0)?)?;
                let made = sealed::concat(&self.parts(&joined)?);
                self.keep(made);
            }
            "drop" => {
                let slot = self.results.get_mut(word(0)?.parse::<usize>().ok()?)?;
                observe(&slot.take().is_some());
            }
            "send" => return self.send(words),
            "log" => observe(&log::log(Level::Info, &text(word(0)?))),
            "matches" => observe(&signature::matches(self.sealed(word(0)?)?, self.sealed(word(1)?)?)),
            "jwt" => observe(&signature::jwt(self.sealed(word(0)?)?, self.sealed(word(1)?)?)),
            "reveal" => observe(&reveal::reveal(self.sealed(word(0)?)?)),
            "clock" => {
                observe(&wasip2::clocks::wall_clock::now());
                observe(&wasip2::clocks::monotonic_clock::now());
            }
            "timer" => {
                let timer = wasip2::clocks::monotonic_clock::subscribe_duration(word(0)?.parse().ok()?);
                observe(&timer.ready());
                timer.block();
                observe(&wasip2::clocks::monotonic_clock::now());
            }
            // They follow from the nonce of the attempt, which both runs share.
            "random" => {
                observe(&wasip2::random::random::get_random_bytes(word(0)?.parse().ok()?));
                observe(&wasip2::random::insecure::get_insecure_random_u64());
                observe(&wasip2::random::insecure_seed::insecure_seed());
            }
            "environment" => observe(&wasip2::cli::environment::get_environment()),
            "grow" => observe(&grow(word(0)?.parse().ok()?)),
            "spin" => observe(&(0..word(0)?.parse::<u64>().ok()?).fold(0_u64, |sum, step| sum.wrapping_mul(31) ^ step)),
            _ => return None,
        }
        Some(())
    }

    /// `send METHOD URL BODY NAME:VALUE …`
    fn send(&mut self, words: &[&str]) -> Option<()> {
        let [method, url, body, headers @ ..] = words else { return None };
        let (url, body) = (pieces(url)?, pieces(body)?);
        let headers: Option<Vec<(String, Vec<Piece>)>> = headers
            .iter()
            .map(|header| {
                let (name, value) = header.split_once(':')?;
                Some((text(name), pieces(value)?))
            })
            .collect();
        let headers = headers?;
        let request = Request {
            method: if *method == "POST" { Method::Post } else { Method::Get },
            url: self.parts(&url)?,
            headers: headers
                .iter()
                .map(|(name, value)| Some(Header { name: name.clone(), value: self.parts(value)? }))
                .collect::<Option<_>>()?,
            body: self.parts(&body)?,
        };
        let answer = http_outbound::send(&request);
        let answered = answer.is_ok();
        observe(&answer);
        self.answered |= answered;
        Some(())
    }

    fn keep(&mut self, made: Sealed) {
        self.results.push(Some(made));
        observe(&self.results.len());
    }

    fn sealed(&self, word: &str) -> Option<&Sealed> {
        self.at(value(word)?)
    }

    fn at(&self, value: Value) -> Option<&Sealed> {
        match value {
            Value::Given(index) => self.given.0.get(index).copied(),
            Value::Result(index) => self.results.get(index)?.as_ref(),
        }
    }

    fn parts(&self, pieces: &[Piece]) -> Option<Vec<Part<'_>>> {
        pieces
            .iter()
            .map(|piece| {
                Some(match piece {
                    Piece::Text(text) => Part::Text(text.clone()),
                    Piece::Value(value) => Part::Sealed(self.at(*value)?),
                })
            })
            .collect()
    }
}

fn names(variables: &[Variable]) -> Vec<&str> {
    variables.iter().map(|variable| variable.name.as_str()).collect()
}

fn encoding(word: &str) -> Option<Encoding> {
    Some(match word {
        "base64" => Encoding::Base64,
        "base64url" => Encoding::Base64url,
        "hex" => Encoding::Hex,
        "percent" => Encoding::Percent,
        "form" => Encoding::Form,
        "json" => Encoding::JsonString,
        "xml" => Encoding::Xml,
        _ => return None,
    })
}

fn hash(word: &str) -> Option<Hash> {
    Some(match word {
        "md5" => Hash::Md5,
        "sha1" => Hash::Sha1,
        "sha256" => Hash::Sha256,
        "sha512" => Hash::Sha512,
        _ => return None,
    })
}

fn grow(pages: usize) -> usize {
    core::arch::wasm32::memory_grow::<0>(pages)
}
