//! Requests made from bytes: most resemble those of a connector, with some oddities.

use std::sync::Arc;

use arbitrary::{Result, Unstructured};
use sendbox_policy::{
    ContentKind, Encoding, HostValue, HostValues, Mark, MessagePlaces, Method, Place, RecipientForm, RequestView, Step,
};

use crate::sealed::{Contents, SETS, Value};
use crate::text::{self, one_in};

/// The headers: names and values.
type Headers = Vec<(String, Value)>;

/// A request, and the rules that it is judged by.
pub struct Request {
    pub method: Method,
    pub url: Value,
    pub headers: Headers,
    pub body: Value,
    /// `None` if the connector declares none.
    pub places: Option<MessagePlaces>,
    pub content: ContentKind,
    pub known: HostValues,
    pub lifetime_seconds: u32,
    pub now_unix_ms: u64,
    /// Whether the host gave the connector digits, so that a literal number may be the host's.
    pub host_gave_digits: bool,
}

impl Request {
    pub fn view(&self) -> RequestView {
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), value.made_of.clone()));
        RequestView {
            method: self.method,
            url: self.url.made_of.clone(),
            headers: headers.collect(),
            body: self.body.made_of.clone(),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Form,
    Json,
    Xml,
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
            Self::Xml => "application/xml",
        }
    }
}

/// The content of a field.
enum Field {
    Value(Value),
    Fields(Vec<(String, Self)>),
    /// Fields that are written into one value, in another format.
    Written(Format, Vec<(String, Self)>),
    List(Vec<Self>),
}

/// The structure of a request, before it is written.
struct Layout {
    path: Option<Value>,
    query: Vec<(String, Field)>,
    header: Option<Value>,
    body: Option<(Format, Vec<(String, Field)>)>,
    recipient: Vec<Step>,
    content: Vec<Step>,
}

pub fn read(u: &mut Unstructured<'_>, contents: &[Contents; SETS]) -> Result<Request> {
    let content = *u.choose(&[ContentKind::Text, ContentKind::Variables, ContentKind::Template])?;
    let host_gave_digits = u.arbitrary()?;
    let known = known(host_gave_digits);
    let mut writer = Writer { u, contents, content, known: known.values() };
    let form = *writer.u.choose(&[RecipientForm::E164, RecipientForm::Digits, RecipientForm::National])?;
    let layout = writer.layout(form)?;
    let places = writer.places(form, &layout)?;
    let (url, headers, body) = writer.write_request(layout)?;
    Ok(Request {
        method: *writer.u.choose(&[Method::Post, Method::Get])?,
        url,
        headers,
        body,
        places,
        content,
        lifetime_seconds: if host_gave_digits { 600 } else { 0 },
        // So far in the future that no number can be a time.
        now_unix_ms: if host_gave_digits { 1_795_421_801_000 } else { u64::MAX / 4 },
        known,
        host_gave_digits,
    })
}

/// The clear values that the host gave the connector.
fn known(digits: bool) -> HostValues {
    let texts = [("config from", "Sendbox"), ("usage", "sign-in"), ("config more", r#"{"region":"north"}"#)];
    let numbers = [
        ("config from", "+4520203030"),
        ("nonce", "45e25e9b0a6f40708c852956eda1b466"),
        ("template", "SMS_154950909"),
        ("calling code", "45"),
        ("config more", r#"{"account":"1234567890","n":7}"#),
    ];
    let given = if digits { numbers.as_slice() } else { texts.as_slice() };
    let value = |(name, value): &(&'static str, &str)| HostValue { name: (*name).into(), value: Arc::from(*value) };
    HostValues::new(given.iter().map(value).collect())
}

struct Writer<'w, 'u> {
    u: &'w mut Unstructured<'u>,
    contents: &'w [Contents; SETS],
    content: ContentKind,
    known: &'w [HostValue],
}

impl Writer<'_, '_> {
    fn mark(&self, mark: Mark) -> Value {
        Value::mark(mark, self.contents)
    }

    fn layout(&mut self, form: RecipientForm) -> Result<Layout> {
        let to = Field::Value(self.recipient(form)?);
        let nothing = Layout {
            path: None,
            query: Vec::new(),
            header: None,
            body: None,
            recipient: Vec::new(),
            content: Vec::new(),
        };
        let form = |name: &str| Step::Form(name.to_owned());
        let query = |name: &str| Step::Query(name.to_owned());
        let json = |pointer: &str| Step::Json(pointer.to_owned());
        let xml = |path: &str| Step::Xml(path.to_owned());
        let named = |name: &str, field| (name.to_owned(), field);
        Ok(match self.u.int_in_range(0..=11_u8)? {
            0 => {
                let text = self.one_content()?;
                let body = Some((Format::Form, vec![named("To", to), named("Body", text)]));
                Layout { body, recipient: vec![form("To")], content: vec![form("Body")], ..nothing }
            }
            1 => {
                let (text, under) = self.contents("/text")?;
                let body = Some((Format::Json, vec![named("to", to), named("text", text)]));
                Layout { body, recipient: vec![json("/to")], content: vec![json(&under)], ..nothing }
            }
            2 => {
                let (text, under) = self.contents("/messages/0/text")?;
                let message = Field::Fields(vec![named("text", text), named("to", Field::List(vec![to]))]);
                let body = Some((Format::Json, vec![named("messages", Field::List(vec![message]))]));
                Layout { body, recipient: vec![json("/messages/0/to/0")], content: vec![json(&under)], ..nothing }
            }
            3 | 4 => {
                let text = self.one_content()?;
                let body = Some((Format::Xml, vec![named("to", to), named("text", text)]));
                Layout { body, recipient: vec![xml("/request/to")], content: vec![xml("/request/text")], ..nothing }
            }
            5 => {
                let text = self.one_content()?;
                let query_fields = vec![named("to", to), named("text", text)];
                Layout { query: query_fields, recipient: vec![query("to")], content: vec![query("text")], ..nothing }
            }
            6 => {
                let (text, under) = self.contents("/text")?;
                let payload = Field::Written(Format::Json, vec![named("text", text)]);
                let body = Some((Format::Form, vec![named("payload", payload), named("to", to)]));
                Layout { body, recipient: vec![form("to")], content: vec![form("payload"), json(&under)], ..nothing }
            }
            7 => {
                let (text, under) = self.contents("/v")?;
                let payload = Field::Written(Format::Json, vec![named("v", text)]);
                let fields = vec![named("PhoneNumbers", to), named("TemplateParam", payload)];
                let content = vec![query("TemplateParam"), json(&under)];
                Layout { query: fields, recipient: vec![query("PhoneNumbers")], content, ..nothing }
            }
            8 => {
                let Field::Value(path) = to else { unreachable!("it was made so") };
                let Field::Value(header) = self.one_content()? else { unreachable!("it was made so") };
                let content = vec![Step::Header("x-text".to_owned())];
                let recipient = vec![Step::PathSegment(1)];
                Layout { path: Some(path), header: Some(header), recipient, content, ..nothing }
            }
            9 => {
                let text = self.one_content()?;
                let inner = Field::Written(Format::Xml, vec![named("to", to), named("text", text)]);
                let body = Some((Format::Json, vec![named("data", inner)]));
                let recipient = vec![json("/data"), xml("/request/to")];
                Layout { body, recipient, content: vec![json("/data"), xml("/request/text")], ..nothing }
            }
            10 => {
                let text = self.one_content()?;
                let inner = Field::Written(Format::Form, vec![named("to", to), named("text", text)]);
                let body = Some((Format::Xml, vec![named("data", inner)]));
                let recipient = vec![xml("/request/data"), form("to")];
                Layout { body, recipient, content: vec![xml("/request/data"), form("text")], ..nothing }
            }
            _ => {
                let format = *self.u.choose(&[Format::Form, Format::Json, Format::Xml])?;
                let body = Some((format, vec![named("key", Field::Value(self.other_value()?))]));
                Layout { body, recipient: vec![form("To")], content: vec![form("Body")], ..nothing }
            }
        })
    }

    /// Mostly the places that the request was made for.
    fn places(&mut self, form: RecipientForm, layout: &Layout) -> Result<Option<MessagePlaces>> {
        if one_in(self.u, 32)? {
            return Ok(None);
        }
        let (mut recipient, mut content) = (layout.recipient.clone(), layout.content.clone());
        if one_in(self.u, 32)? {
            recipient = vec![self.step()?];
        }
        if one_in(self.u, 32)? {
            content.push(self.step()?);
        }
        let client_ip = if self.u.arbitrary()? { Some(vec![self.step()?]) } else { None };
        let place = |steps: Vec<Step>| Place::new(steps).ok();
        let (Some(recipient), Some(content)) = (place(recipient), place(content)) else { return Ok(None) };
        Ok(MessagePlaces::new(form, recipient, content, client_ip.and_then(place)).ok())
    }

    fn step(&mut self) -> Result<Step> {
        let name = text::name(self.u)?;
        Ok(match self.u.int_in_range(0..=5_u8)? {
            0 => Step::Form(name),
            1 => Step::Json(format!("/{name}")),
            2 => Step::Query(name),
            3 => Step::Xml(format!("/request/{name}")),
            4 => Step::PathSegment(self.u.int_in_range(0..=3)?),
            _ => Step::Header("x-text".to_owned()),
        })
    }

    fn recipient(&mut self, form: RecipientForm) -> Result<Value> {
        let forms = [RecipientForm::E164, RecipientForm::Digits, RecipientForm::National];
        let form = if one_in(self.u, 32)? { *self.u.choose(&forms)? } else { form };
        self.alone(Mark::Recipient(form))
    }

    /// A mark, mostly without anything beside it.
    fn alone(&mut self, mark: Mark) -> Result<Value> {
        let mut value = Value::literal("");
        if one_in(self.u, 48)? {
            value.push_text(&text::literal(self.u)?);
        }
        value.push(&self.mark(mark));
        if one_in(self.u, 48)? {
            value.push_text(&text::literal(self.u)?);
        }
        Ok(value)
    }

    fn one_content(&mut self) -> Result<Field> {
        let mark = if self.content == ContentKind::Text { Mark::Text } else { Mark::Code };
        let mark = if one_in(self.u, 32)? { Mark::Variable("link".into()) } else { mark };
        self.alone(mark).map(Field::Value)
    }

    /// A text, or the variables under any names, with the pointer to it.
    fn contents(&mut self, pointer: &str) -> Result<(Field, String)> {
        if self.content == ContentKind::Text {
            return Ok((self.one_content()?, pointer.to_owned()));
        }
        let marks = [Mark::Code, Mark::Variable("link".into()), Mark::Variable("name".into())];
        let count = self.u.int_in_range(1..=3)?;
        let mut values = Vec::new();
        for mark in marks.into_iter().take(count) {
            let name = match &mark {
                Mark::Variable(name) => name.to_string(),
                _ => "code".to_owned(),
            };
            values.push((name, Field::Value(self.alone(mark)?)));
        }
        if one_in(self.u, 8)? {
            values.push((text::name(self.u)?, Field::Value(self.other_value()?)));
        }
        let field = if one_in(self.u, 4)? {
            Field::List(values.into_iter().map(|(_, value)| value).collect())
        } else {
            Field::Fields(values)
        };
        Ok((field, format!("{pointer}/*")))
    }

    /// The value of a field other than those of the message.
    fn other_value(&mut self) -> Result<Value> {
        let mut value = Value::literal("");
        for _ in 0..=self.u.int_in_range(0..=2_u8)? {
            let part = match self.u.int_in_range(0..=11_u8)? {
                0..=3 => Value::literal(&text::literal(self.u)?),
                4 | 5 => {
                    let known = self.u.choose(self.known)?;
                    Value::literal(&known.value)
                }
                6 | 7 => self.mark(Mark::Secret("k".into())),
                8 => self.mark(Mark::Opaque).encode(Encoding::Hex),
                9 => self.mark(Mark::Opaque).encode(Encoding::Base64),
                10 => {
                    let encoding = *self.u.choose(&[Encoding::Base64, Encoding::Percent, Encoding::Hex])?;
                    let of_literal = self.u.arbitrary()?;
                    let value =
                        if of_literal { Value::literal("NDU5OA==") } else { self.mark(Mark::Secret("k".into())) };
                    value.decode(encoding)
                }
                _ if one_in(self.u, 4)? => {
                    let marks = [Mark::ClientIp, Mark::Text, Mark::Code, Mark::Variable("name".into())];
                    let mark = self.u.choose(&marks)?.clone();
                    self.mark(mark)
                }
                _ => self.mark(Mark::ClientIp),
            };
            value.push(&part);
        }
        if one_in(self.u, 4)? {
            value = self.encoded(&value)?;
        }
        Ok(value)
    }

    fn encoded(&mut self, value: &Value) -> Result<Value> {
        let encodings = [
            Encoding::Base64,
            Encoding::Base64Url,
            Encoding::Hex,
            Encoding::Percent,
            Encoding::Form,
            Encoding::JsonString,
            Encoding::Xml,
        ];
        Ok(value.encode(*self.u.choose(&encodings)?))
    }

    /// Mostly in the encoding that a field of this format needs.
    fn fitting(&mut self, value: &Value, encoding: Encoding) -> Result<Value> {
        if !one_in(self.u, 8)? {
            return Ok(value.encode(encoding));
        }
        match self.u.int_in_range(0..=3_u8)? {
            0 | 1 => Ok(value.clone()),
            2 => self.encoded(value),
            _ => {
                let once = self.encoded(value)?;
                Ok(once.encode(encoding))
            }
        }
    }

    /// Rarely adds something between two fields that a connector could write there.
    fn oddity(&mut self, value: &mut Value) -> Result<()> {
        if one_in(self.u, 64)? {
            value.push_text(&text::literal(self.u)?);
        }
        Ok(())
    }

    /// Adds other fields, in any position.
    fn with_others(&mut self, mut fields: Vec<(String, Field)>) -> Result<Vec<(String, Field)>> {
        while one_in(self.u, 3)? {
            let field = (text::name(self.u)?, Field::Value(self.other_value()?));
            let last = fields.len();
            let at = if self.u.arbitrary()? { last } else { self.u.int_in_range(0..=last)? };
            fields.insert(at, field);
        }
        Ok(fields)
    }

    fn fields(&mut self, format: Format, fields: Vec<(String, Field)>) -> Result<Value> {
        let fields = self.with_others(fields)?;
        let mut written = Value::literal("");
        match format {
            Format::Form => self.pairs(fields, &mut written)?,
            Format::Json => self.object(fields, &mut written)?,
            Format::Xml => {
                written.push_text(if one_in(self.u, 8)? { "<?xml version=\"1.0\" encoding=\"utf-8\"?>" } else { "" });
                self.elements("request", fields, &mut written)?;
            }
        }
        Ok(written)
    }

    fn pairs(&mut self, fields: Vec<(String, Field)>, written: &mut Value) -> Result<()> {
        for (index, (name, field)) in fields.into_iter().enumerate() {
            self.oddity(written)?;
            if index > 0 {
                written.push_text("&");
            }
            let name = self.fitting(&Value::literal(&name), Encoding::Form)?;
            written.push(&name);
            written.push_text("=");
            let encoding = *self.u.choose(&[Encoding::Form, Encoding::Percent])?;
            match field {
                Field::Value(value) => written.push(&self.fitting(&value, encoding)?),
                Field::Written(inner, fields) => {
                    let inner = self.fields(inner, fields)?;
                    written.push(&self.fitting(&inner, encoding)?);
                }
                Field::Fields(fields) => self.pairs(fields, written)?,
                Field::List(items) => {
                    self.pairs(items.into_iter().map(|item| (String::new(), item)).collect(), written)?;
                }
            }
        }
        self.oddity(written)
    }

    fn object(&mut self, fields: Vec<(String, Field)>, written: &mut Value) -> Result<()> {
        written.push_text("{");
        for (index, (name, field)) in fields.into_iter().enumerate() {
            if index > 0 {
                written.push_text(",");
            }
            self.oddity(written)?;
            written.push_text("\"");
            let name = self.fitting(&Value::literal(&name), Encoding::JsonString)?;
            written.push(&name);
            written.push_text("\":");
            self.json(field, written)?;
            self.oddity(written)?;
        }
        written.push_text("}");
        Ok(())
    }

    fn json(&mut self, field: Field, written: &mut Value) -> Result<()> {
        match field {
            Field::Value(value) if one_in(self.u, 12)? => written.push(&value),
            Field::Value(_) if one_in(self.u, 24)? => {
                let scalars = ["true", "null", "0", "1.5e10", "-4520", "1e-7", "12345.67", "[]", "{}", "19005550199.0"];
                written.push_text(self.u.choose(&scalars)?);
            }
            Field::Value(value) => {
                written.push_text("\"");
                written.push(&self.fitting(&value, Encoding::JsonString)?);
                written.push_text("\"");
            }
            Field::Fields(fields) => {
                let fields = self.with_others(fields)?;
                self.object(fields, written)?;
            }
            Field::Written(inner, fields) => {
                let inner = self.fields(inner, fields)?;
                written.push_text("\"");
                written.push(&self.fitting(&inner, Encoding::JsonString)?);
                written.push_text("\"");
            }
            Field::List(items) => {
                written.push_text("[");
                for (index, item) in items.into_iter().enumerate() {
                    if index > 0 {
                        written.push_text(",");
                    }
                    self.json(item, written)?;
                    if one_in(self.u, 24)? {
                        written.push_text(",");
                        let other = Field::Value(self.other_value()?);
                        self.json(other, written)?;
                    }
                }
                written.push_text("]");
            }
        }
        Ok(())
    }

    fn elements(&mut self, name: &str, fields: Vec<(String, Field)>, written: &mut Value) -> Result<()> {
        written.push_text(&format!("<{name}"));
        if one_in(self.u, 12)? {
            let value = self.other_value()?;
            let attribute = *self.u.choose(&["to", "a", "xmlns", "xmlns:to", "xml:lang"])?;
            written.push_text(&format!(" {attribute}=\""));
            written.push(&self.fitting(&value, Encoding::Xml)?);
            written.push_text("\"");
        }
        written.push_text(">");
        for (name, field) in fields {
            self.oddity(written)?;
            match field {
                Field::Value(value) => {
                    let section = one_in(self.u, 24)?;
                    written.push_text(&format!("<{name}>{}", if section { "<![CDATA[" } else { "" }));
                    self.oddity(written)?;
                    let value = if section { value } else { self.fitting(&value, Encoding::Xml)? };
                    written.push(&value);
                    self.oddity(written)?;
                    written.push_text(&format!("{}</{name}>", if section { "]]>" } else { "" }));
                }
                Field::Written(inner, fields) => {
                    let inner = self.fields(inner, fields)?;
                    written.push_text(&format!("<{name}>"));
                    written.push(&self.fitting(&inner, Encoding::Xml)?);
                    written.push_text(&format!("</{name}>"));
                }
                Field::Fields(fields) => self.elements(&name, fields, written)?,
                Field::List(items) => {
                    let items = items.into_iter().map(|item| (name.clone(), item)).collect();
                    self.elements(&name, items, written)?;
                }
            }
        }
        written.push_text(&format!("</{name}>"));
        Ok(())
    }

    fn write_request(&mut self, layout: Layout) -> Result<(Value, Headers, Value)> {
        let mut url = Value::literal("https://api.example.com/");
        if let Some(path) = &layout.path {
            url.push_text("send/");
            url.push(&self.fitting(path, Encoding::Percent)?);
        } else if one_in(self.u, 8)? {
            let path = text::literal(self.u)?;
            url.push(&self.fitting(&Value::literal(&path), Encoding::Percent)?);
        }
        if !layout.query.is_empty() || one_in(self.u, 6)? {
            url.push_text("?");
            let query = self.with_others(layout.query)?;
            self.pairs(query, &mut url)?;
        }
        let mut headers = Vec::new();
        let mut body = Value::literal("");
        if let Some((format, fields)) = layout.body {
            body = self.fields(format, fields)?;
            headers.push(("Content-Type".to_owned(), Value::literal(format.content_type())));
            if one_in(self.u, 16)? {
                let types = [
                    "application/json; charset=utf-8",
                    "text/xml",
                    "application/x-www-form-urlencoded;charset=\"UTF-8\"",
                    "text/plain",
                ];
                headers[0].1 = Value::literal(self.u.choose(&types)?);
            }
        }
        if let Some(value) = layout.header {
            headers.push(("X-Text".to_owned(), value));
        }
        while one_in(self.u, 4)? {
            let name = *self.u.choose(&["Authorization", "X-Signature", "Accept", "x-to", "X-Text"])?;
            headers.push((name.to_owned(), self.other_value()?));
        }
        Ok((url, headers, body))
    }
}
