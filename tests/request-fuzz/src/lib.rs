//! Whether a request that the policy lets out is the one message that it says it is: requests made from bytes.
//!
//! Bytes become a request of literal text and sealed values, with the places that its connector declares, and two sets of
//! sealed contents. It is judged and confirmed, and its bytes are read again by parsers that any server uses. [`check`] finds
//! - a judgement that two readings of one request do not share, or that depends on sealed contents;
//! - a request that leaves, and does not hold recipient and content, whole and once, at their places;
//! - a request that leaves with a literal number of 7 digits in it;
//! - a request whose other values change with what is sealed.
//!
//! A fuzzer calls it (`tests/fuzz`), and so does `cargo test`, with inputs that were found so.
//!
//! Must not know: how the policy reads a request.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod provider;
mod request;
mod sealed;
mod text;

use std::fmt;

use arbitrary::Unstructured;
use sendbox_policy::{Carries, CompositionViolation, ContentKind, Judged, Mark, MessageRule, RequestBytes, header};
use url::Url;

use crate::provider::{Sent, Values};
use crate::request::Request;
use crate::sealed::{Contents, PROBES, SETS};

/// The last bytes of an input are the sealed contents, so that a change of either leaves the other as it was: so many, or a third
/// of a short input.
const SEALED_BYTES: usize = 96;

/// A request that the policy should not have let out, or that it judges in two ways.
pub struct Finding {
    what: String,
    request: Box<Request>,
    contents: Box<[Contents; SETS]>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, request, contents } = self;
        writeln!(f, "{what}")?;
        writeln!(f, "places: {}", request.places.as_ref().map(ToString::to_string).unwrap_or_default())?;
        writeln!(f, "made of: {:#?}", request.view())?;
        for (set, contents) in contents.iter().enumerate() {
            let text = |value: &sealed::Value| {
                value.bytes(set).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
            };
            writeln!(f, "{} {}", request.method, text(&request.url))?;
            request.headers.iter().try_for_each(|(name, value)| writeln!(f, "{name}: {}", text(value)))?;
            writeln!(f, "\n{}\n\nwith {contents:?}\n", text(&request.body))?;
        }
        Ok(())
    }
}

/// How the request of an input ended, when nothing was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Checked {
    /// It was refused for what it is made of.
    Refused,
    /// It was refused for its bytes, under each set of contents.
    NotConfirmed,
    /// It may leave, and carries nothing.
    LeavesEmpty,
    /// It may leave with the message.
    Leaves,
}

/// Makes a request of bytes, and checks all that the policy promises of it.
///
/// # Errors
/// What is wrong.
pub fn check(input: &[u8]) -> Result<Checked, Finding> {
    let (request, sealed) = input.split_at(input.len() - SEALED_BYTES.min(input.len() / 3));
    let (one, other) = sealed.split_at(sealed.len() / 2);
    let read = |bytes| Contents::read(&mut Unstructured::new(bytes)).expect("contents follow from any bytes");
    let contents = [read(one), read(other), Contents::probe('q', '1'), Contents::probe('w', '2')];
    let request = request::read(&mut Unstructured::new(request), &contents).expect("a request follows from any bytes");
    let result = Check { request: &request, contents: &contents }.all();
    result.map_err(|what| Finding { what, request: Box::new(request), contents: Box::new(contents) })
}

struct Check<'c> {
    request: &'c Request,
    contents: &'c [Contents; SETS],
}

impl Check<'_> {
    fn rule(&self) -> MessageRule<'_> {
        let Request { content, known, lifetime_seconds, now_unix_ms, .. } = self.request;
        MessageRule {
            content: *content,
            known: vec![known],
            lifetime_seconds: *lifetime_seconds,
            now_unix_ms: *now_unix_ms,
        }
    }

    fn all(&self) -> Result<Checked, String> {
        let places = self.request.places.as_ref();
        let judged = self.request.view().judge(places, &self.rule());
        if judged != self.request.view().judge(places, &self.rule()) {
            return Err("judged twice, it is not judged the same".to_owned());
        }
        if let Ok(judged) = &judged {
            self.shape(judged)?;
        }
        let mut left = Vec::new();
        for set in 0..SETS {
            if let Some(sent) = self.sent(set)
                && self.leaves(set, &sent, &judged)?
            {
                left.push((set, sent));
            }
        }
        let Ok(judged) = judged else { return Ok(Checked::Refused) };
        if left.is_empty() {
            return Ok(Checked::NotConfirmed);
        }
        let mut values = Vec::new();
        for (set, sent) in &left {
            let read = self.read(*set, sent, judged.carries);
            match read {
                Ok(read) => values.push((*set, read)),
                // A signature in hexadecimal, as a number without quotes, may be one with an exponent: nobody takes that.
                Err(what) if what.contains("number out of range") => {}
                Err(what) => return Err(format!("under contents {set}, {what}")),
            }
        }
        self.beside_the_message(&values)?;
        Ok(if judged.carries == Carries::Message { Checked::Leaves } else { Checked::LeavesEmpty })
    }

    /// What was judged can be read again, and has the shape that it was judged with.
    fn shape(&self, judged: &Judged) -> Result<(), String> {
        let view = self.request.view();
        let shape = view.shape(&self.rule());
        if shape.as_ref() != Ok(&judged.shape) {
            return Err(format!("its shape is {shape:?}, and was judged as {:?}", judged.shape));
        }
        // Of the host's words there is one reading more, and reading in every way takes longer than all else here.
        if self.request.host_gave_digits {
            view.readings(&self.rule()).map_err(|error| format!("it was judged, and cannot be read: {error}"))?;
        }
        Ok(())
    }

    /// The bytes under one set of contents, as the sandbox would send them. `None` where it refuses them before they are judged.
    fn sent(&self, set: usize) -> Option<Sent<'_>> {
        let url = Url::parse(std::str::from_utf8(self.request.url.bytes(set)?).ok()?).ok()?;
        header::check_names(self.request.headers.iter().map(|(name, _)| name.as_str())).ok()?;
        let mut headers = Vec::new();
        for (name, value) in &self.request.headers {
            let value = value.bytes(set)?;
            header::check_value(value).ok()?;
            headers.push((name.as_str(), std::str::from_utf8(value).ok()?));
        }
        // A body that is no text is judged too, and never leaves.
        let body = std::str::from_utf8(self.request.body.bytes(set)?).unwrap_or("\u{fffd}");
        Some(Sent { url, headers, body })
    }

    /// Whether the bytes are confirmed; and both judgements agree, whatever is sealed.
    fn leaves(
        &self,
        set: usize,
        sent: &Sent<'_>,
        judged: &Result<Judged, CompositionViolation>,
    ) -> Result<bool, String> {
        let headers: Vec<(&str, &[u8])> = sent.headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let contents = &self.contents[set];
        let value_of = |mark: &Mark| match mark {
            Mark::Secret(_) | Mark::Opaque => None,
            mark => Some(contents.bytes(mark)),
        };
        let bytes = RequestBytes {
            url: sent.url.as_str(),
            headers: &headers,
            body: self.request.body.bytes(set).unwrap_or_default(),
            value_of: &value_of,
        };
        let view = self.request.view();
        let both = view.judge_and_confirm(self.request.places.as_ref(), &self.rule(), &bytes);
        let expected = match judged {
            Ok(judged) => view.confirm(&bytes).map(|()| judged.clone()),
            Err(violation) => Err(violation.clone()),
        };
        if both != expected {
            return Err(format!("under contents {set} it is {both:?}, and step by step {expected:?}"));
        }
        Ok(both.is_ok())
    }

    /// Every value; recipient and content stand at their places, whole and once.
    fn read(&self, set: usize, sent: &Sent<'_>, carries: Carries) -> Result<Values, String> {
        let values = sent.values()?;
        if carries == Carries::Nothing {
            return Ok(values);
        }
        let places = self.request.places.as_ref().ok_or("it carries a message to a host without places")?;
        let contents = &self.contents[set];
        let text = |mark: &Mark| String::from_utf8_lossy(contents.bytes(mark)).into_owned();
        let recipient = text(&Mark::Recipient(places.recipient_format()));
        let found = sent.at(places.recipient())?;
        if found != [recipient.as_str()] {
            return Err(format!("at the recipient's place stands {found:?}"));
        }
        let is_text = self.request.content == ContentKind::Text;
        let content = text(if is_text { &Mark::Text } else { &Mark::Code });
        let found = sent.at(places.content())?;
        let times = found.iter().filter(|value| **value == content).count();
        // One variable may say what another says; a text stands alone.
        let is_alone = !is_text || found.len() == 1;
        if times == 0 || !is_alone || (PROBES.contains(&set) && times != 1) {
            return Err(format!("at the content's place stands {found:?}"));
        }
        Ok(values)
    }

    /// What holds nothing sealed is the same whatever is sealed, and no number.
    fn beside_the_message(&self, values: &[(usize, Values)]) -> Result<(), String> {
        let of = |set: usize| values.iter().find(|(have, _)| *have == set).map(|(_, values)| values);
        let [Some(one), Some(other)] = PROBES.map(of) else { return Ok(()) };
        for (set, values) in values {
            let names = |values: &Values| values.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
            if names(values) != names(one) {
                return Err(format!(
                    "under contents {set} it has the values {:?}, else {:?}",
                    names(values),
                    names(one)
                ));
            }
        }
        for (index, (name, value)) in one.iter().enumerate() {
            if *value != other[index].1 {
                continue;
            }
            if let Some((set, values)) = values.iter().find(|(_, values)| values[index].1 != *value) {
                return Err(format!("under contents {set} `{name}` is `{}`, else `{value}`", values[index].1));
            }
            // A number that the host gave may stand anywhere.
            let own_name = name.rsplit([' ', '/']).next().unwrap_or_default();
            if !self.request.host_gave_digits && (is_number(value) || is_number(own_name)) {
                return Err(format!("`{name}` holds a number: `{value}`"));
            }
        }
        Ok(())
    }
}

/// Seven digits with no letter between them. A date like an API's version is none.
fn is_number(text: &str) -> bool {
    let is_date = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    let longest = text
        .split(char::is_alphabetic)
        .map(|run| run.chars().filter(char::is_ascii_digit).count())
        .max()
        .unwrap_or_default();
    longest >= 7 && !is_date
}
