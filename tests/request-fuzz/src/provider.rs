//! A request as a provider reads it: with common server parsers, from the bytes alone.

use percent_encoding::percent_decode_str;
use roxmltree::{Document, Node};
use sendbox_policy::{Place, Step};
use serde_json::Value as Json;
use url::{Url, form_urlencoded};

/// A request in bytes.
pub struct Sent<'s> {
    pub url: Url,
    pub headers: Vec<(&'s str, &'s str)>,
    pub body: &'s str,
}

/// The values of a request in order, each with its name.
pub type Values = Vec<(String, String)>;

impl Sent<'_> {
    fn segments(&self) -> Vec<String> {
        let segments = self.url.path_segments().into_iter().flatten();
        segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
    }

    fn query(&self) -> Vec<(String, String)> {
        self.url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    }

    /// All values.
    ///
    /// # Errors
    /// The body cannot be parsed as its declared type.
    pub fn values(&self) -> Result<Values, String> {
        let mut values = Values::new();
        for (index, segment) in self.segments().into_iter().enumerate() {
            values.push((format!("segment {index}"), segment));
        }
        values.extend(self.query().into_iter().map(|(name, value)| (format!("query {name}"), value)));
        values.extend(self.headers.iter().map(|(name, value)| (format!("header {name}"), (*value).to_owned())));
        let is = |text: &str| {
            let mut types = self.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            types.any(|(_, value)| value.to_ascii_lowercase().contains(text))
        };
        if self.body.is_empty() {
            return Ok(values);
        }
        if is("form") {
            values.extend(pairs(self.body).into_iter().map(|(name, value)| (format!("form {name}"), value)));
        } else if is("json") {
            add_json(&serde_json::from_str(self.body).map_err(|error| error.to_string())?, "json ", &mut values);
        } else {
            let document = Document::parse(self.body).map_err(|error| error.to_string())?;
            add_element(document.root_element(), "xml ", &mut values);
        }
        Ok(values)
    }

    /// The values at a place.
    ///
    /// # Errors
    /// A value on the path cannot be parsed as the place requires.
    pub fn at(&self, place: &Place) -> Result<Vec<String>, String> {
        let Some((first, rest)) = place.steps().split_first() else { return Ok(Vec::new()) };
        let of_name = |pairs: Vec<(String, String)>, wanted: &str| -> Vec<String> {
            pairs.into_iter().filter(|(name, _)| name == wanted).map(|(_, value)| value).collect()
        };
        let mut found = match first {
            Step::Query(name) => of_name(self.query(), name),
            Step::PathSegment(index) => self.segments().into_iter().skip(*index as usize).take(1).collect(),
            Step::Header(name) => {
                let of_name = self.headers.iter().filter(|(have, _)| have.eq_ignore_ascii_case(name));
                of_name.map(|(_, value)| (*value).to_owned()).collect()
            }
            inside => values_in(self.body, inside)?,
        };
        for step in rest {
            let texts = std::mem::take(&mut found);
            for text in texts {
                found.extend(values_in(&text, step)?);
            }
        }
        Ok(found)
    }
}

fn values_in(text: &str, step: &Step) -> Result<Vec<String>, String> {
    Ok(match step {
        Step::Form(wanted) => {
            pairs(text).into_iter().filter(|(name, _)| name == wanted).map(|(_, value)| value).collect()
        }
        Step::Json(pointer) => {
            let document = serde_json::from_str::<Json>(text).map_err(|error| error.to_string())?;
            let mut found = vec![&document];
            for token in pointer.split('/').skip(1) {
                found = found.into_iter().flat_map(|value| members(value, token)).collect();
            }
            found.into_iter().filter_map(scalar).collect()
        }
        Step::Xml(path) => {
            let document = Document::parse(text).map_err(|error| error.to_string())?;
            let mut found = vec![document.root()];
            for name in path.split('/').skip(1) {
                let children = found.iter().flat_map(Node::children);
                found = children.filter(|child| child.is_element() && child.tag_name().name() == name).collect();
            }
            found.into_iter().map(text_of).collect()
        }
        Step::Query(_) | Step::PathSegment(_) | Step::Header(_) => Vec::new(),
    })
}

fn members<'v>(value: &'v Json, token: &str) -> Vec<&'v Json> {
    match value {
        Json::Object(members) if token == "*" => members.values().collect(),
        Json::Array(items) if token == "*" => items.iter().collect(),
        other => other.pointer(&format!("/{token}")).into_iter().collect(),
    }
}

/// The text of a value that is neither an object nor a list.
fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn add_json(value: &Json, path: &str, values: &mut Values) {
    match value {
        Json::Object(members) => {
            members.iter().for_each(|(name, value)| add_json(value, &format!("{path}/{name}"), values));
        }
        Json::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| add_json(item, &format!("{path}/{index}"), values));
        }
        // Leading and trailing zeros of a number are not significant.
        Json::Number(number) if number.is_f64() => {
            let written = number.to_string();
            let mantissa = written.split(['e', 'E']).next().unwrap_or_default();
            let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
            values.push((path.to_owned(), digits.trim_matches('0').to_owned()));
        }
        other => values.push((path.to_owned(), scalar(other).unwrap_or_else(|| other.to_string()))),
    }
}

fn text_of(node: Node<'_, '_>) -> String {
    node.children().filter(Node::is_text).filter_map(|text| text.text()).collect()
}

fn add_element(node: Node<'_, '_>, path: &str, values: &mut Values) {
    let path = format!("{path}/{}", node.tag_name().name());
    for attribute in node.attributes() {
        values.push((format!("{path}/@{}", attribute.name()), attribute.value().to_owned()));
    }
    values.push((path.clone(), text_of(node)));
    node.children().filter(Node::is_element).for_each(|child| add_element(child, &path, values));
}
