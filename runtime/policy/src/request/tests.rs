//! Requests in a readable notation: `{…}` stands for a sealed value, `«…»` for a value that was form-encoded as a whole, `b64«…»`
//! for one in base64.

mod confirm;
mod hostile;
mod numbers;
mod places;
mod providers;
mod random;
mod shapes;

use std::sync::Arc;

use super::*;
use crate::composition::{Composition, ContentKind, Encoding, Mark, Piece, RecipientForm};
use crate::manifest::Method;
use crate::placement::{Place, Step};

/// 2026-11-23T08:16:41Z
const NOW_MS: u64 = 1_795_421_801_000;
const NONCE: &str = "45e25e9b0a6f40708c852956eda1b466";
const MESSAGE_KEY: &str = "0f3a9c55512345678901e25e9b0a6f40";

const MARKS: [&str; 9] =
    ["{e164}", "{digits}", "{national}", "{text}", "{code}", "{link}", "{ip}", "{secret}", "{mac}"];

fn mark(name: &str) -> Mark {
    match name {
        "{e164}" => Mark::Recipient(RecipientForm::E164),
        "{digits}" => Mark::Recipient(RecipientForm::Digits),
        "{national}" => Mark::Recipient(RecipientForm::National),
        "{text}" => Mark::Text,
        "{code}" => Mark::Code,
        "{link}" => Mark::Variable("link".into()),
        "{ip}" => Mark::ClientIp,
        "{secret}" => Mark::Secret("k".into()),
        "{mac}" => Mark::Opaque,
        other => panic!("{other} is no mark"),
    }
}

/// Parses the notation. Literal braces of JSON are kept unless they contain one of the names.
fn value(text: &str) -> Composition {
    let mut value = Composition::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let encoded = [("«", Encoding::Form), ("b64«", Encoding::Base64), ("hex«", Encoding::Hex)];
        let encoded = encoded.iter().find_map(|(open, how)| rest.strip_prefix(open).map(|rest| (rest, *how)));
        if let Some((name, after)) = MARKS.iter().find_map(|name| rest.strip_prefix(name).map(|rest| (name, rest))) {
            value.push(Piece::Mark(mark(name)));
            rest = after;
        } else if let Some((inner, how)) = encoded {
            let (inner, after) = until_closed(inner);
            // A literal that is encoded as a whole is what it becomes; these tests write that out themselves.
            value.extend(&self::value(inner).encoded(how, inner.as_bytes()));
            rest = after;
        } else {
            value.push(Piece::Literal(first.to_string()));
            rest = &rest[first.len_utf8()..];
        }
    }
    value
}

fn until_closed(text: &str) -> (&str, &str) {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        depth += i32::from(c == '«') - i32::from(c == '»');
        if depth == 0 {
            return (&text[..at], &text[at + c.len_utf8()..]);
        }
    }
    panic!("an opening « is never closed: {text}")
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const XML: &str = "application/xml";

/// A `POST` with a body of this type.
fn post(url: &str, content_type: &str, headers: &[(&str, &str)], body: &str) -> RequestView {
    let types = [("Content-Type", content_type)].into_iter().filter(|(_, value)| !value.is_empty());
    RequestView {
        method: Method::Post,
        url: value(url),
        headers: types.chain(headers.iter().copied()).map(|(name, text)| (name.to_owned(), value(text))).collect(),
        body: value(body),
    }
}

fn at(steps: &[Step]) -> Place {
    Place::new(steps.to_vec()).unwrap()
}

fn query(name: &str) -> Step {
    Step::Query(name.to_owned())
}

fn form(name: &str) -> Step {
    Step::Form(name.to_owned())
}

fn json(pointer: &str) -> Step {
    Step::Json(pointer.to_owned())
}

fn xml(path: &str) -> Step {
    Step::Xml(path.to_owned())
}

fn places(format: RecipientForm, recipient: &[Step], content: &[Step]) -> MessagePlaces {
    MessagePlaces::new(format, at(recipient), at(content), None).unwrap()
}

/// A form with `To` and `Body`.
fn form_places() -> MessagePlaces {
    places(RecipientForm::E164, &[form("To")], &[form("Body")])
}

fn known(values: &[(&str, &str)]) -> HostValues {
    let value = |(name, value): &(&str, &str)| HostValue { name: (*name).to_owned().into(), value: Arc::from(*value) };
    HostValues::new(values.iter().map(value).collect())
}

fn rule<'k>(content: ContentKind, known: &[&'k HostValues]) -> MessageRule<'k> {
    MessageRule { content, known: known.to_vec(), lifetime_seconds: 600, now_unix_ms: NOW_MS }
}

fn judge(
    content: ContentKind,
    values: &[(&str, &str)],
    places: &MessagePlaces,
    view: &RequestView,
) -> Result<Carries, CompositionViolation> {
    view.judge(Some(places), &rule(content, &[&known(values)])).map(|judged| judged.carries)
}

/// A form to a host that takes a text at `To` and `Body`.
fn text_form(body: &str) -> Result<Carries, CompositionViolation> {
    judge(Text, &[], &form_places(), &post("https://api.example.com/send", FORM, &[], body))
}

use CompositionViolation::*;
use ContentKind::{Template, Text, Variables};
