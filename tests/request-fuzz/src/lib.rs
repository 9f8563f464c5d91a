//! Checks that a request that the policy permits is the one message that it claims to be, with requests made from bytes.
//!
//! The bytes become a request of literal text and sealed values, with the places that its connector declares, and two sets of
//! sealed contents. The policy judges and confirms it, and common server parsers read its bytes again. [`check`] finds
//! - a judgement that differs between two readings of a request, or that depends on sealed contents;
//! - a permitted request that does not contain recipient and content, whole and once, in their places;
//! - a permitted request that contains a literal number of 7 digits;
//! - a permitted request whose other values depend on sealed contents.
//!
//! A fuzzer calls it (`tests/fuzz`), and so does `cargo test` with the inputs that the fuzzer found.
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
use sendbox_policy::{
    Carries, CompositionViolation, ContentKind, JudgedRequest, Mark, MessageRule, RequestBytes, header,
};
use url::Url;

use crate::provider::{Sent, Values};
use crate::request::Request;
use crate::sealed::{Contents, PROBES, SETS};

/// The number of bytes at the end of an input that are the sealed contents, so that a change of either part does not affect the
/// other one. A third of a short input.
const SEALED_BYTES: usize = 96;

/// A request that the policy should not have permitted, or that it judges inconsistently.
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

/// How the policy judged the request of an input, when nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Checked {
    /// It was refused for its composition.
    Refused,
    /// It was refused for its bytes, with each set of contents.
    NotConfirmed,
    /// It is permitted, without a message.
    LeavesEmpty,
    /// It is permitted, with the message.
    Leaves,
}

/// Makes a request from bytes, and checks everything that the policy promises about it.
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
                // A hexadecimal signature that is written as a number without quotes may have an exponent: no provider accepts
                // that.
                Err(what) if what.contains("number out of range") => {}
                Err(what) => return Err(format!("under contents {set}, {what}")),
            }
        }
        self.beside_the_message(&values)?;
        Ok(if judged.carries == Carries::Message { Checked::Leaves } else { Checked::LeavesEmpty })
    }

    /// A judged request can be read again, and has the shape that it was judged with.
    fn shape(&self, judged: &JudgedRequest) -> Result<(), String> {
        let view = self.request.view();
        let shape = view.shape(&self.rule());
        if shape.as_ref() != Ok(&judged.shape) {
            return Err(format!("its shape is {shape:?}, and was judged as {:?}", judged.shape));
        }
        // The host's own values add one more reading, and trying every reading takes longer than everything else here.
        if self.request.host_gave_digits {
            view.readings(&self.rule()).map_err(|error| format!("it was judged, and cannot be read: {error}"))?;
        }
        Ok(())
    }

    /// The bytes with one set of contents, as the sandbox would send them. `None` where it refuses them before they are judged.
    fn sent(&self, set: usize) -> Option<Sent<'_>> {
        let url = Url::parse(std::str::from_utf8(self.request.url.bytes(set)?).ok()?).ok()?;
        header::check_names(self.request.headers.iter().map(|(name, _)| name.as_str())).ok()?;
        let mut headers = Vec::new();
        for (name, value) in &self.request.headers {
            let value = value.bytes(set)?;
            header::check_value(value).ok()?;
            headers.push((name.as_str(), std::str::from_utf8(value).ok()?));
        }
        // A body that is not text is judged too, and never permitted.
        let body = std::str::from_utf8(self.request.body.bytes(set)?).unwrap_or("\u{fffd}");
        Some(Sent { url, headers, body })
    }

    /// Whether the bytes are confirmed. Both judgements must agree, whatever the sealed contents are.
    fn leaves(
        &self,
        set: usize,
        sent: &Sent<'_>,
        judged: &Result<JudgedRequest, CompositionViolation>,
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

    /// All values. Fails unless recipient and content are in their places, whole and once.
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
            return Err(format!("the recipient's place contains {found:?}"));
        }
        let is_text = self.request.content == ContentKind::Text;
        let content = text(if is_text { &Mark::Text } else { &Mark::Code });
        let found = sent.at(places.content())?;
        let times = found.iter().filter(|value| **value == content).count();
        // Two variables may have the same value; a text occurs once.
        let is_alone = !is_text || found.len() == 1;
        if times == 0 || !is_alone || (PROBES.contains(&set) && times != 1) {
            return Err(format!("the content's place contains {found:?}"));
        }
        Ok(values)
    }

    /// A value without sealed contents is the same for all contents, and is not a number.
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
            // A number that the host gave may be anywhere.
            let own_name = name.rsplit([' ', '/']).next().unwrap_or_default();
            if !self.request.host_gave_digits && (is_number(value) || is_number(own_name)) {
                return Err(format!("`{name}` holds a number: `{value}`"));
            }
        }
        Ok(())
    }
}

/// Whether a text contains seven digits with no letter between them. A date, like the version of an API, does not count.
fn is_number(text: &str) -> bool {
    let is_date = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    let longest = text
        .split(char::is_alphabetic)
        .map(|run| run.chars().filter(char::is_ascii_digit).count())
        .max()
        .unwrap_or_default();
    longest >= 7 && !is_date
}
