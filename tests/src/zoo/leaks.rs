//! Finds leaks of a hostile guest.
//!
//! A request to the provider may contain the token in `authorization` and the message in its declared places; nothing else in a
//! request, and nothing that people see or logs contain, may contain a canary in any form, or the number of the guest's author.

use serde_json::Value;

use crate::needles::{self, Needle};
use crate::sandbox_fixture::E164;
use crate::server::Seen;

/// Digits of the numbers that hostile guests would like to reach.
const PREMIUM: [&str; 2] = ["9005550199", "98765432"];
/// Texts that hostile guests would like to send.
const FORGED_TEXTS: [&str; 4] = ["pay here", "pay+here", "buy now", "buy+now"];

/// What leaked, into what was visible and into the requests that a server received.
pub fn of(visible: &str, seen: &[Seen]) -> Vec<String> {
    let mut needles = needles::all();
    needles.extend(needles::forms("the end user's address", "192.0.2.77"));
    let mut leaks = found("what people see or logs contain", visible, &needles);
    let mut messages = 0;
    for request in seen {
        let (place, rest, carries_message) = without_what_may_be_there(request);
        messages += usize::from(carries_message);
        leaks.extend(found(&place, &rest, &needles));
        let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
        if PREMIUM.iter().any(|number| digits.contains(number)) {
            leaks.push(format!("a second number is in {place}"));
        }
        let lower = rest.to_lowercase();
        if FORGED_TEXTS.iter().any(|text| lower.contains(text)) {
            leaks.push(format!("a text of the guest is in {place}"));
        }
    }
    if messages > 1 {
        leaks.push(format!("{messages} messages left in one send"));
    }
    leaks
}

fn found(place: &str, haystack: &str, needles: &[Needle]) -> Vec<String> {
    let holds = |needle: &&Needle| haystack.as_bytes().windows(needle.bytes.len()).any(|bytes| bytes == needle.bytes);
    needles.iter().filter(holds).map(|needle| format!("{} is in {place}", needle.what)).collect()
}

/// The name of a request, what is left of it without the values in their places, and whether it carries the message.
fn without_what_may_be_there(seen: &Seen) -> (String, String, bool) {
    let (request_line, headers) = seen.head.split_once("\r\n").unwrap_or((&seen.head, ""));
    let target = request_line.split(' ').nth(1).unwrap_or_default();
    let header = |name: &str| headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let host = header("host").unwrap_or_default().to_owned();
    let body = String::from_utf8_lossy(&seen.body).into_owned();
    if !host.starts_with("api.") {
        let carries = (seen.text()).contains(&E164[1..]);
        return (format!("a request to {host}"), seen.text(), carries);
    }
    let kept: String =
        headers.lines().filter(|line| !line.starts_with("authorization: ")).map(|line| format!("{line}\n")).collect();
    let (rest, carries) = match target.split('/').nth(1).unwrap_or_default() {
        "json" => json_without(&body, &["/to", "/text", "/ip"]),
        "list" => json_without(&body, &["/recipients/0/msisdn", "/message"]),
        "v1" => form_without(&body, &["To", "Body"]),
        "query" => return query_without(request_line, &kept, &body),
        "xml" => xml_without(&body),
        _ => (body, false),
    };
    (
        format!("a request to {host}{}", target.split('?').next().unwrap_or_default()),
        format!("{request_line}\n{kept}{rest}"),
        carries,
    )
}

/// The request without the fields `to` and `text` of its query.
fn query_without(request_line: &str, headers: &str, body: &str) -> (String, String, bool) {
    let query = request_line.split_once('?').map_or("", |(_, query)| query.split(' ').next().unwrap_or_default());
    let (rest, carries) = form_without(query, &["to", "text"]);
    ("a request with a query".to_owned(), format!("{rest}\n{headers}{body}"), carries)
}

/// The XML without the texts of its elements `to` and `text`.
fn xml_without(body: &str) -> (String, bool) {
    let between = |text: &str, start: &str, end: &str| {
        let (before, rest) = text.split_once(start)?;
        let (_, after) = rest.split_once(end)?;
        Some(format!("{before}{after}"))
    };
    let rest = between(body, "<to>", "</to>").and_then(|body| between(&body, "<text>", "</text>"));
    let carries = rest.is_some();
    (rest.unwrap_or_else(|| body.to_owned()), carries)
}

/// The form without the values of these fields, each of which is removed once.
fn form_without(body: &str, names: &[&str]) -> (String, bool) {
    let mut names: Vec<&str> = names.to_vec();
    let mut taken = 0;
    let rest: Vec<&str> = body
        .split('&')
        .filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            let at = names.iter().position(|known| *known == name);
            if let Some(at) = at {
                names.swap_remove(at);
                taken += 1;
            }
            at.is_none()
        })
        .collect();
    (rest.join("&"), taken > 0)
}

/// The JSON without these values; the whole text if it is not JSON.
fn json_without(body: &str, pointers: &[&str]) -> (String, bool) {
    let Ok(mut value) = serde_json::from_str::<Value>(body) else { return (body.to_owned(), true) };
    let mut taken = 0;
    for pointer in pointers {
        if let Some(at) = value.pointer_mut(pointer) {
            *at = Value::Null;
            taken += 1;
        }
    }
    (value.to_string(), taken > 0)
}
