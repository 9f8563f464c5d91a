//! The headers and fields that the tenant adds to every request.
//!
//! Their values are plain text. A value that is one placeholder, as a whole, is replaced by something that is known about the
//! message; a placeholder inside other text is refused, because the host recognizes only whole values when it compares the shape of
//! a request. There is no placeholder for the number, the code or another sealed value: these have their fixed places.

use sendbox_connector_sdk::{Config, Failure, Json, Message, Parts};
use serde_json::{Map, Value};

/// Members and fields that the connector writes itself.
const RESERVED: [&str; 6] = ["to", "type", "payload", "code", "locale", "ip"];

/// The placeholders, for messages to the admin.
const PLACEHOLDERS: &str = "`{{type}}`, `{{locale}}`, `{{seconds}}` and `{{id}}`";

/// What the values of headers and fields can refer to.
pub(crate) struct Placeholders<'m> {
    message: &'m Message,
    /// The name of the usage, as the endpoint knows it.
    usage: &'static str,
}

/// A plain value that stands for a placeholder.
enum Known {
    Text(String),
    Number(u32),
}

impl<'m> Placeholders<'m> {
    pub(crate) fn new(message: &'m Message, usage: &'static str) -> Self {
        Self { message, usage }
    }

    /// The headers of the parameter `headers`. A header whose placeholder has no value is left out.
    pub(crate) fn headers(&self, config: &Config<'_>) -> Result<Vec<(String, Parts)>, Failure> {
        let mut headers = Vec::new();
        for (name, value) in config.json::<Map<String, Value>>("headers")?.unwrap_or_default() {
            if let Some(text) = self.text("headers", &name, &value)? {
                headers.push((name, text.into()));
            }
        }
        Ok(headers)
    }

    /// The members of the parameter `fields`, for a JSON object.
    pub(crate) fn members(&self, config: &Config<'_>) -> Result<Vec<(String, Json)>, Failure> {
        let mut members = Vec::new();
        for (name, value) in fields(config)? {
            members.extend(self.json(&name, &value)?.map(|json| (name, json)));
        }
        Ok(members)
    }

    /// The fields of the parameter `fields`, for a form or a query.
    pub(crate) fn pairs(&self, config: &Config<'_>) -> Result<Vec<(String, Parts)>, Failure> {
        let mut pairs = Vec::new();
        for (name, value) in fields(config)? {
            pairs.extend(self.text("fields", &name, &value)?.map(|text| (name, text.into())));
        }
        Ok(pairs)
    }

    fn json(&self, name: &str, value: &Value) -> Result<Option<Json>, Failure> {
        Ok(Some(match value {
            Value::String(text) => match self.known("fields", name, text)? {
                None => return Ok(None),
                Some(Known::Text(text)) => Json::from(text),
                Some(Known::Number(number)) => Json::Literal(number.to_string()),
            },
            Value::Array(items) => {
                let items = items.iter().filter_map(|item| self.json(name, item).transpose());
                Json::Array(items.collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let members = members.iter().filter_map(|(key, value)| {
                    Some(self.json(name, value).transpose()?.map(|json| (key.clone(), json)))
                });
                Json::Object(members.collect::<Result<_, _>>()?)
            }
            literal => Json::Literal(literal.to_string()),
        }))
    }

    fn text(&self, parameter: &str, name: &str, value: &Value) -> Result<Option<String>, Failure> {
        match value {
            Value::String(text) => Ok(match self.known(parameter, name, text)? {
                None => None,
                Some(Known::Text(text)) => Some(text),
                Some(Known::Number(number)) => Some(number.to_string()),
            }),
            Value::Null => Ok(None),
            Value::Bool(_) | Value::Number(_) => Ok(Some(value.to_string())),
            Value::Array(_) | Value::Object(_) => {
                let text = format!("`{name}` in `{parameter}` is a list or an object, which only JSON can contain");
                Err(Failure::configuration(text))
            }
        }
    }

    /// The text itself, or what its placeholder stands for. `None` if that is not known for this message.
    fn known(&self, parameter: &str, name: &str, text: &str) -> Result<Option<Known>, Failure> {
        let given = |text: &str| Some(Known::Text(text.to_owned()));
        match text {
            "{{type}}" => Ok(given(self.usage)),
            "{{locale}}" => Ok(self.message.locale.as_deref().and_then(given)),
            "{{seconds}}" => Ok(Some(Known::Number(self.message.lifetime_seconds))),
            "{{id}}" => Ok(given(&self.message.message_key)),
            text if text.contains("{{") => Err(Failure::configuration(format!(
                "`{name}` in `{parameter}` has an unknown placeholder, or text around one; there are {PLACEHOLDERS}, and the number \
                 and the code have their own places"
            ))),
            text => Ok(given(text)),
        }
    }
}

fn fields(config: &Config<'_>) -> Result<Map<String, Value>, Failure> {
    let fields: Map<String, Value> = config.json("fields")?.unwrap_or_default();
    if let Some(name) = fields.keys().find(|name| is_any_of(name, &RESERVED)) {
        return Err(Failure::configuration(format!(
            "`fields` cannot have `{name}`: Sendbox sends {}, and a server may read these names in any case",
            RESERVED.map(|name| format!("`{name}`")).join(", ")
        )));
    }
    match fields.iter().find(|(name, value)| has_number(name) || has_number_in_names(value)) {
        None => Ok(fields),
        Some((name, _)) => {
            let text = format!(
                "`{name}` in `fields` has a name with {DIGITS_MAX} digits or more, which could be a phone number"
            );
            Err(Failure::configuration(text))
        }
    }
}

/// From so many digits on, the host takes a name for a phone number and ends the send.
const DIGITS_MAX: usize = 7;

fn has_number(name: &str) -> bool {
    name.chars().filter(|character| character.is_numeric()).count() >= DIGITS_MAX
}

fn has_number_in_names(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_number_in_names),
        Value::Object(members) => members.iter().any(|(name, value)| has_number(name) || has_number_in_names(value)),
        _ => false,
    }
}

/// Whether a lenient server may take the name for one of these.
pub(crate) fn is_any_of(name: &str, reserved: &[&str]) -> bool {
    reserved.contains(&loose(name).as_str())
}

/// The name as the most lenient server reads it: the letters and digits, in lower case.
fn loose(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use crate::HttpSms;
    use sendbox_connector_sdk::FailureClass;
    use sendbox_connector_sdk::testing::Harness;
    use serde_json::{Value, json};

    const ENDPOINT: &str = "https://sms.example.com/send";

    fn harness(parameters: Value) -> Harness<HttpSms> {
        Harness::new(parameters).variables([("code", "123456")]).message_key("k1").lifetime_seconds(300)
    }

    #[test]
    fn fields_follow_the_members_of_the_message() {
        let fields = json!({
            "from": "MyShop", "ttl": "{{seconds}}", "reference": "{{id}}", "usage": "{{type}}", "language": "{{locale}}",
            "test": false, "none": null, "options": { "to": ["{{locale}}", 1, "{{id}}"] }
        });
        let harness = || harness(json!({ "endpoint": ENDPOINT, "fields": fields }));
        let start = r#"{"to":"4512345678","type":"SignIn","payload":{"code":"123456""#;
        assert_eq!(
            harness().locale("da").request().body,
            [
                start,
                r#","locale":"da"},"from":"MyShop","language":"da","none":null,"options":{"to":["da",1,"k1"]},"#,
                r#""reference":"k1","test":false,"ttl":300,"usage":"SignIn"}"#
            ]
            .concat()
        );
        let body = harness().request().body;
        assert!(body.contains(r#""options":{"to":[1,"k1"]}"#) && !body.contains("language"), "{body}");
    }

    #[test]
    fn fields_of_a_form_and_of_a_query() {
        let fields =
            json!({ "from": "My Shop", "ttl": "{{seconds}}", "language": "{{locale}}", "test": true, "none": null });
        let form = harness(json!({ "formEndpoint": ENDPOINT, "fields": fields })).request();
        assert_eq!(form.body, "to=4512345678&type=SignIn&code=123456&from=My+Shop&test=true&ttl=300");
        let query = harness(json!({ "endpoint": ENDPOINT, "method": "GET", "fields": fields })).request();
        assert_eq!(query.url, format!("{ENDPOINT}?{}", form.body));
    }

    #[test]
    fn headers_are_added() {
        let headers = json!({ "x-tenant": "shop", "idempotency-key": "{{id}}", "accept-language": "{{locale}}" });
        let harness = || harness(json!({ "endpoint": ENDPOINT, "headers": headers }));
        let request = harness().locale("da").request();
        for (name, value) in [("x-tenant", "shop"), ("idempotency-key", "k1"), ("accept-language", "da")] {
            assert_eq!(request.header(name), Some(value));
        }
        assert_eq!(harness().request().header("accept-language"), None);
    }

    #[test]
    fn what_cannot_be_added_is_refused_before_sending() {
        for (parameters, word) in [
            (json!({ "endpoint": ENDPOINT, "fields": { "to": "x" } }), "`to`"),
            (json!({ "endpoint": ENDPOINT, "fields": { "T-O": "x" } }), "`T-O`"),
            (json!({ "endpoint": ENDPOINT, "fields": { "Pay_load": {} } }), "`Pay_load`"),
            (json!({ "formEndpoint": ENDPOINT, "fields": { "CODE": "1" } }), "`CODE`"),
            (json!({ "endpoint": ENDPOINT, "fields": { "a4512345678": 1 } }), "digits"),
            (json!({ "endpoint": ENDPOINT, "fields": { "a": [{ "45-12 345.678": 1 }] } }), "digits"),
            (json!({ "endpoint": ENDPOINT, "fields": { "text": "{{code}}" } }), "placeholder"),
            (json!({ "endpoint": ENDPOINT, "fields": { "a": { "b": ["{{to}}"] } } }), "placeholder"),
            (json!({ "endpoint": ENDPOINT, "fields": { "text": "id {{id}}" } }), "placeholder"),
            (json!({ "endpoint": ENDPOINT, "headers": { "x-a": "{{code}}" } }), "placeholder"),
            (json!({ "formEndpoint": ENDPOINT, "fields": { "a": [] } }), "only JSON"),
            (json!({ "endpoint": ENDPOINT, "method": "GET", "fields": { "a": {} } }), "only JSON"),
        ] {
            let run = harness(parameters.clone()).send([]);
            let failure = run.result.unwrap_err();
            assert!(run.requests.is_empty(), "{parameters}");
            assert_eq!(failure.class, FailureClass::ConfigurationInvalid, "{parameters}");
            assert!(failure.text.as_ref().is_some_and(|text| text.contains(word)), "{failure:?}");
        }
    }
}
