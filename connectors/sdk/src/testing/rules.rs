//! The rules of a request, as far as they can be checked without the host.
//!
//! Checked here:
//! - the metadata allows the host, method and path;
//! - headers are allowed, each is there once;
//! - a secret goes only to a host that it is bound to, and in the way that it is bound;
//! - the number, in its declared format, and the content are at their declared places, once each, and nowhere else;
//! - no request follows the one that carries the message.
//!
//! Checked by the host only: numbers in literals, which `X-…` headers are refused, sizes and counts, content types, places in
//! XML, arrays of recipients, duplicate keys, the exact path of an endpoint that is a parameter.

use std::collections::BTreeMap;

use serde_json::Value;

use super::cleartext::Values;
use super::harness::ClearRequest;
use crate::http::Request;
use crate::metadata::{HostNeed, MessagePlaces, Metadata, NumberFormat, SecretUse, Step};
use crate::sealed::{Expression, Part, Parts, Sealed, Source};

/// The parts of the message and the secrets that a request contains.
#[derive(Default)]
struct SealedContents {
    recipient: Vec<NumberFormat>,
    text: usize,
    variables: Vec<usize>,
    client_ip: usize,
    secrets: Vec<(String, SecretUse)>,
    /// Whether it contains a digest or a signature of a part of the message.
    hashed_message: bool,
}

impl SealedContents {
    fn of(request: &Request) -> Self {
        let mut carried = Self::default();
        carried.parts(&request.url, false);
        request.headers.iter().for_each(|(_, value)| carried.parts(value, false));
        carried.parts(&request.body, false);
        carried
    }

    fn parts(&mut self, parts: &Parts, hashed: bool) {
        for part in parts.as_slice() {
            if let Part::Sealed(value) = part {
                self.value(value, hashed);
            }
        }
    }

    fn value(&mut self, value: &Sealed, hashed: bool) {
        match &*value.0 {
            Expression::Source(source) => self.source(source, hashed),
            Expression::Encode(data, _) | Expression::Decode(data, _) => self.value(data, hashed),
            Expression::Digest(data, _) => self.value(data, true),
            Expression::Hmac { data, key, .. } => {
                self.value(data, true);
                self.value(key, true);
            }
            Expression::Join(parts) => self.parts(parts, hashed),
        }
    }

    fn source(&mut self, source: &Source, hashed: bool) {
        match (source, hashed) {
            (Source::Secret(key), true) => self.secrets.push((key.clone(), SecretUse::SigningOnly)),
            (Source::Secret(key), false) => self.secrets.push((key.clone(), SecretUse::Sent)),
            (_, true) => self.hashed_message = true,
            (Source::RecipientE164, false) => self.recipient.push(NumberFormat::E164),
            (Source::RecipientDigits, false) => self.recipient.push(NumberFormat::Digits),
            (Source::RecipientNational, false) => self.recipient.push(NumberFormat::National),
            (Source::Text, false) => self.text += 1,
            (Source::Variable(index), false) => self.variables.push(*index),
            (Source::ClientIp, false) => self.client_ip += 1,
            // There are no received values in a send.
            _ => {}
        }
    }

    fn has_message(&self) -> bool {
        !self.recipient.is_empty() || self.text > 0 || !self.variables.is_empty() || self.client_ip > 0
    }
}

/// Checks one request. Returns whether it carries the message, or the rule that it breaks.
pub(super) fn check(
    request: &Request,
    clear: &ClearRequest,
    metadata: &Metadata,
    plain: &BTreeMap<String, String>,
    values: &Values,
) -> Result<bool, String> {
    headers(clear)?;
    let need = need(clear, metadata, plain)?;
    let carried = SealedContents::of(request);
    for (key, usage) in &carried.secrets {
        let bound = need.secrets.iter().find(|(bound, _)| bound == key).map(|(_, usage)| *usage);
        match (bound, usage) {
            (None, _) => return Err(format!("the secret `{key}` is not bound to {}", need.origin)),
            (Some(SecretUse::SigningOnly), SecretUse::Sent) => {
                return Err(format!("the secret `{key}` may be used only to sign"));
            }
            _ => {}
        }
    }
    match &need.message {
        Some(places) if carried.has_message() => message(&carried, places, clear, values).map(|()| true),
        None if carried.has_message() || carried.hashed_message => {
            Err(format!("the metadata declares no place of the message for {}", need.origin))
        }
        _ => Ok(false),
    }
}

fn headers(clear: &ClearRequest) -> Result<(), String> {
    const ALLOWED: [&str; 6] =
        ["accept", "accept-language", "authorization", "content-type", "idempotency-key", "user-agent"];
    let mut seen = Vec::new();
    for (name, _) in &clear.headers {
        let name = name.to_ascii_lowercase();
        let allowed = ALLOWED.contains(&name.as_str()) || name.starts_with("webhook-") || name.starts_with("x-");
        if !allowed {
            return Err(format!("a connector cannot set the header `{name}`"));
        }
        if seen.contains(&name) {
            return Err(format!("the header `{name}` is set twice"));
        }
        seen.push(name);
    }
    Ok(())
}

/// The host in the metadata that allows this request; the one with the longest path if there are several.
fn need<'m>(
    clear: &ClearRequest,
    metadata: &'m Metadata,
    plain: &BTreeMap<String, String>,
) -> Result<&'m HostNeed, String> {
    let (origin, path) = origin_and_path(&clear.url);
    let allows = |need: &&HostNeed| {
        let whole = need.origin.starts_with('{') && need.origin.ends_with('}');
        let Some(filled) = fill(need.origin, plain) else { return false };
        let fits = match whole {
            true => origin_and_path(&filled).0.eq_ignore_ascii_case(origin),
            false => host_fits(&filled, origin) && below(path, need.path_prefix),
        };
        fits && need.methods.iter().any(|method| method.as_str() == clear.method)
    };
    let found = metadata.hosts.iter().filter(allows).max_by_key(|need| need.path_prefix.len());
    found.ok_or_else(|| format!("the metadata does not allow {} {origin}{path}", clear.method))
}

/// `https://api.example.com` and `/path`, without the query.
fn origin_and_path(url: &str) -> (&str, &str) {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(start..).and_then(|rest| rest.find(['/', '?'])).map_or(url.len(), |at| start + at);
    let (origin, rest) = url.split_at_checked(end).unwrap_or((url, ""));
    (origin, rest.split('?').next().unwrap_or_default())
}

/// The template with its parameters filled in; `None` when one is not set.
fn fill(template: &str, plain: &BTreeMap<String, String>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (key, after) = after.split_once('}')?;
        filled.push_str(before);
        filled.push_str(plain.get(key)?);
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

fn host_fits(declared: &str, origin: &str) -> bool {
    let (declared, origin) = (declared.split('.'), origin.split('.'));
    declared.clone().count() == origin.clone().count()
        && declared.zip(origin).all(|(declared, label)| {
            declared.eq_ignore_ascii_case(label) || declared.trim_start_matches("https://") == "*"
        })
}

fn below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| prefix.is_empty() || prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
}

fn message(
    carried: &SealedContents,
    places: &MessagePlaces,
    clear: &ClearRequest,
    values: &Values,
) -> Result<(), String> {
    if carried.recipient != [places.recipient_format] {
        return Err(format!(
            "the number must be in the request once, as {:?}; found {:?}",
            places.recipient_format, carried.recipient
        ));
    }
    let number = match places.recipient_format {
        NumberFormat::E164 => Source::RecipientE164,
        NumberFormat::Digits => Source::RecipientDigits,
        NumberFormat::National => Source::RecipientNational,
    };
    check_values_at(&places.recipient, clear, &[values.source(&number).unwrap_or_default()], "the number")?;

    let mut indices = carried.variables.clone();
    indices.sort_unstable();
    indices.dedup();
    let complete = match &values.text {
        Some(_) => carried.text == 1,
        None => indices.len() == carried.variables.len() && (values.variables.is_empty() || !indices.is_empty()),
    };
    if !complete {
        return Err("the text, or each variable, must be in the request once".to_owned());
    }
    let content: Vec<&str> = match &values.text {
        Some(text) => vec![text],
        None => indices.iter().filter_map(|index| values.source(&Source::Variable(*index))).collect(),
    };
    check_values_at(&places.content, clear, &content, "the content")?;

    match (&places.client_ip, carried.client_ip) {
        (_, 0) => Ok(()),
        (Some(steps), 1) => {
            check_values_at(steps, clear, &[values.client_ip.as_deref().unwrap_or_default()], "the end user's address")
        }
        _ => Err("the end user's address may be in the request once, at its declared place".to_owned()),
    }
}

/// Checks that each of `wanted` is a whole value at this place.
fn check_values_at(steps: &[Step], clear: &ClearRequest, wanted: &[&str], what: &str) -> Result<(), String> {
    let Some(mut found) = values_at(steps, clear) else { return Ok(()) };
    for wanted in wanted {
        match found.iter().position(|value| value == wanted) {
            Some(at) => drop(found.swap_remove(at)),
            None => return Err(format!("{what} is not the whole value at {steps:?}")),
        }
    }
    Ok(())
}

/// The values at a place; `None` for XML, which is not parsed here.
fn values_at(steps: &[Step], clear: &ClearRequest) -> Option<Vec<String>> {
    let (first, more) = steps.split_first()?;
    let query = clear.url.split_once('?').map_or("", |(_, query)| query);
    let mut found = match first {
        Step::Query(name) => form_values(query, name),
        Step::PathSegment(position) => {
            let segment = origin_and_path(&clear.url).1.split('/').skip(1).nth(usize::try_from(*position).ok()?);
            segment.map(|segment| decode(segment, false)).into_iter().collect()
        }
        Step::Header(name) => clear.header(name).map(str::to_owned).into_iter().collect(),
        inner => inside(inner, &clear.body)?,
    };
    for step in more {
        found = found.iter().map(|value| inside(step, value)).collect::<Option<Vec<_>>>()?.concat();
    }
    Some(found)
}

fn inside(step: &Step, text: &str) -> Option<Vec<String>> {
    match step {
        Step::Form(name) => Some(form_values(text, name)),
        Step::Json(pointer) => {
            let value: Value = serde_json::from_str(text).unwrap_or_default();
            let tokens: Vec<String> =
                pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
            Some(json_values(&value, &tokens))
        }
        _ => None,
    }
}

fn json_values(value: &Value, tokens: &[String]) -> Vec<String> {
    let Some((token, rest)) = tokens.split_first() else {
        return match value {
            Value::String(text) => vec![text.clone()],
            Value::Number(number) => vec![number.to_string()],
            _ => vec![],
        };
    };
    let children: Vec<&Value> = match (value, token.as_str()) {
        (Value::Object(members), "*") => members.values().collect(),
        (Value::Array(items), "*") => items.iter().collect(),
        (Value::Object(members), name) => members.get(name).into_iter().collect(),
        (Value::Array(items), position) => {
            position.parse().ok().and_then(|at: usize| items.get(at)).into_iter().collect()
        }
        _ => vec![],
    };
    children.into_iter().flat_map(|child| json_values(child, rest)).collect()
}

fn form_values(text: &str, name: &str) -> Vec<String> {
    let pairs = text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(|(key, _)| decode(key, true) == name).map(|(_, value)| decode(value, true)).collect()
}

/// Decodes `%XX`, and `+` where it means a space.
fn decode(text: &str, plus: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let escaped = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let escaped = escaped.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| *byte == b'%');
        bytes.push(match (escaped, byte) {
            (Some(byte), _) => byte,
            (None, b'+') if plus => b' ',
            (None, byte) => *byte,
        });
        rest = after.get(if escaped.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;
    use crate::testing::{example_host, example_metadata};
    use crate::{Json, form, parts, percent};

    fn metadata(message: Option<MessagePlaces>) -> Metadata {
        let need = HostNeed {
            origin: "https://api.{region}.example.com",
            path_prefix: "/send",
            message,
            secrets: vec![("token", SecretUse::Sent), ("key", SecretUse::SigningOnly)],
            ..example_host()
        };
        let side = HostNeed { origin: "https://side.example.com", path_prefix: "", message: None, ..need.clone() };
        Metadata { hosts: vec![need, side], ..example_metadata() }
    }

    fn values(text: Option<&str>) -> Values {
        Values {
            e164: "+4512345678".into(),
            calling_code: "45".into(),
            text: text.map(str::to_owned),
            variables: vec![("code".into(), "123456".into()), ("link".into(), "a&b".into())],
            client_ip: Some("203.0.113.7".into()),
            secrets: ["token", "key", "other"].map(|key| (key.to_owned(), "s3".to_owned())).into(),
            ..Values::default()
        }
    }

    fn checked(places: MessagePlaces, values: &Values, request: &Request) -> Result<bool, String> {
        let plain = BTreeMap::from([("region".to_owned(), "eu".to_owned())]);
        let clear = ClearRequest::of(request, values).unwrap();
        check(request, &clear, &metadata(Some(places)), &plain, values)
    }

    fn source(source: Source) -> Sealed {
        Sealed::of(source)
    }

    fn post(body: Parts) -> Request {
        Request::post("https://api.eu.example.com/send/sms").body(body)
    }

    fn form_places() -> MessagePlaces {
        MessagePlaces::form(NumberFormat::E164, "To", "Body").client_ip([Step::Form("Ip")])
    }

    fn to() -> (&'static str, Parts) {
        ("To", source(Source::RecipientE164).into())
    }

    fn text() -> (&'static str, Parts) {
        ("Body", source(Source::Text).into())
    }

    #[test]
    fn a_request_with_everything_at_its_place_is_sent() {
        let number = || Json::from(source(Source::RecipientDigits));
        let code = || Json::from(source(Source::Variable(0)));
        let nested = Json::object([("code", code())]).to_parts().seal();
        for (places, text_given, request) in [
            (form_places(), Some("a b+c"), post(form([to(), text(), ("Ip", source(Source::ClientIp).into())]))),
            (form_places(), Some("x"), post(form([to(), ("From", "+4599999999".into()), text()]))),
            (
                MessagePlaces::json(NumberFormat::Digits, "/to/0/n~1r", "/text"),
                Some("\"x\"\n"),
                post(
                    Json::object([
                        ("to", Json::array([Json::object([("n/r", number())])])),
                        ("text", Json::from(source(Source::Text))),
                    ])
                    .to_parts(),
                ),
            ),
            (
                MessagePlaces::new(NumberFormat::National, [Step::Query("to")], [Step::Query("p"), Step::Json("/*")]),
                None,
                Request::post(parts![
                    "https://api.eu.example.com/send?to=",
                    percent(source(Source::RecipientNational)),
                    "&p=",
                    percent(&nested)
                ]),
            ),
            (
                MessagePlaces::new(NumberFormat::Digits, [Step::PathSegment(1)], [Step::Header("X-Code")]),
                None,
                Request::post(parts!["https://api.eu.example.com/send/", percent(source(Source::RecipientDigits))])
                    .header("x-code", source(Source::Variable(0))),
            ),
        ] {
            assert_eq!(checked(places, &values(text_given), &request), Ok(true));
        }
        let session =
            post("grant=x".into()).header("authorization", parts!["Bearer ", source(Source::Secret("token".into()))]);
        assert_eq!(checked(form_places(), &values(Some("x")), &session), Ok(false));
    }

    #[test]
    fn a_broken_rule_is_named() {
        let honest = || post(form([to(), text()]));
        let secret = |key: &str| source(Source::Secret(key.into()));
        for (rule, request) in [
            ("number is not the whole value", post(form([("Too", to().1), text()]))),
            ("number is not the whole value", post(form([("To", parts!["+1", to().1]), text()]))),
            ("number must be in the request once", post(form([text()]))),
            ("number must be in the request once", post(form([to(), text(), ("Cc", to().1)]))),
            (
                "number must be in the request once",
                post(form([("To", source(Source::RecipientDigits).into()), text()])),
            ),
            ("text, or each variable", post(form([to()]))),
            ("text, or each variable", post(form([to(), text(), text()]))),
            ("content is not the whole value", post(form([to(), ("Body", parts![text().1, "!"])]))),
            ("content is not the whole value", post(form([to(), ("Note", text().1)]))),
            ("address is not the whole value", post(form([to(), text(), ("Ip2", source(Source::ClientIp).into())]))),
            ("does not allow", Request { url: "https://api.us.example.com/send".into(), ..honest() }),
            ("does not allow", Request { url: "https://api.eu.example.com/sender".into(), ..honest() }),
            ("does not allow", Request { method: Method::Put, ..honest() }),
            ("declares no place of the message", Request { url: "https://side.example.com/".into(), ..honest() }),
            (
                "declares no place of the message",
                Request::post("https://side.example.com/")
                    .body(source(Source::Text).digest(crate::Hash::Md5).encode(crate::Encoding::Hex)),
            ),
            ("cannot set the header `range`", honest().header("Range", "bytes=0-1")),
            ("`x-a` is set twice", honest().header("x-a", "1").header("X-A", "2")),
            ("`other` is not bound", honest().header("authorization", secret("other"))),
            ("`key` may be used only to sign", honest().header("authorization", secret("key"))),
        ] {
            let broken = checked(form_places(), &values(Some("x")), &request).unwrap_err();
            assert!(broken.contains(rule), "{rule}: {broken}");
        }
        let signed = honest().header(
            "x-signature",
            text().1.seal().hmac(crate::Hash::Sha1, &secret("key")).encode(crate::Encoding::Hex),
        );
        assert_eq!(checked(form_places(), &values(Some("x")), &signed), Ok(true));
    }

    #[test]
    fn escapes_are_decoded_once() {
        for (text, plus, want) in [
            ("a%20b+c", true, "a b c"),
            ("a+b%2B", false, "a+b+"),
            ("%", true, "%"),
            ("%zz%4", true, "%zz%4"),
            ("%2541", true, "%41"),
        ] {
            assert_eq!(decode(text, plus), want);
        }
    }
}
