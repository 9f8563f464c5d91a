//! A provider's templates: the choice between them, for providers that approve them separately for mainland China and for
//! everywhere else, and the values of their variables.

use serde_json::Value;

use crate::failure::{Failure, FailureClass};
use crate::message::Message;
use crate::sealed::Parts;

/// The maximum length of a template's id, in characters.
const ID_MAX: usize = 64;

/// The id of the template for a recipient in `country` (ISO 3166-1 alpha-2), from what the tenant entered: one id for every
/// number, `{"template": …}`, or `{"china": …, "overseas": …}`.
///
/// The country decides and never the digits: a number of the United States is `1` and ten digits, and so is a mainland
/// number without its calling code. Hong Kong, Macao and Taiwan are `overseas`. `example` is an id as the provider's
/// console shows it.
///
/// # Errors
///
/// [`TemplateRejected`](FailureClass::TemplateRejected) when there is no id for that country, or when it is not 1 to 64
/// letters, digits, `_` and `-`.
pub fn template_for_country(template: &str, country: Option<&str>, example: &str) -> Result<String, Failure> {
    let id = if template.starts_with('{') {
        // `Value`, because connectors read responses with it too: a map of another type is more code in the component.
        let ids: Value = serde_json::from_str(template).map_err(|_| not_a_template())?;
        let (key, numbers) = match country {
            _ if ids.get("template").is_some() => ("template", "all numbers"),
            Some("CN") => ("china", "numbers in mainland China"),
            _ => ("overseas", "numbers outside mainland China"),
        };
        match ids.get(key) {
            Some(Value::String(id)) => id.clone(),
            None | Some(Value::Null) => {
                return Err(rejected(format!("the template has no id `{key}`, which {numbers} need")));
            }
            Some(_) => return Err(not_a_template()),
        }
    } else {
        template.to_owned()
    };
    let fits = (1..=ID_MAX).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if fits {
        Ok(id)
    } else {
        Err(rejected(format!("enter the template's id as the SMS console shows it, like {example}")))
    }
}

/// The member `variables` of what the tenant entered as a template; `None` if it is an id, or an object without this member.
///
/// # Errors
///
/// [`TemplateRejected`](FailureClass::TemplateRejected) when it begins like an object and is none.
pub fn template_variables(template: &str) -> Result<Option<Value>, Failure> {
    if !template.starts_with('{') {
        return Ok(None);
    }
    match serde_json::from_str(template) {
        Ok(Value::Object(mut members)) => Ok(members.remove("variables")),
        _ => Err(not_a_template()),
    }
}

/// The values for the variables of a provider's template, in the order of `names`: `code`, which must be there once; `minutes`, for
/// how long the code is valid, rounded up; and every other variable that the platform gave with the message.
///
/// # Errors
///
/// [`TemplateRejected`](FailureClass::TemplateRejected) when `code` is missing, or a name occurs twice;
/// [`InvalidRequest`](FailureClass::InvalidRequest) when the message has no such variable.
pub fn template_values(message: &Message, names: &[&str]) -> Result<Vec<Parts>, Failure> {
    if !names.contains(&"code") {
        return Err(rejected("the `variables` of the template must include `code`"));
    }
    let mut values = Vec::new();
    for (index, name) in names.iter().enumerate() {
        if names.iter().take(index).any(|before| before == name) {
            return Err(rejected(format!("the `variables` of the template have `{name}` twice")));
        }
        values.push(match *name {
            "code" => message.code()?.into(),
            "minutes" => message.lifetime_seconds.div_ceil(60).to_string().into(),
            name => match message.variables()?.iter().find(|variable| variable.name == name) {
                Some(variable) => (&variable.value).into(),
                None => {
                    let text = format!("the message has no variable `{name}`, which its template needs");
                    return Err(Failure::new(FailureClass::InvalidRequest).text(text));
                }
            },
        });
    }
    Ok(values)
}

fn not_a_template() -> Failure {
    rejected("the template must be an id, or an object with the ids `china` and `overseas`, or with the id `template`")
}

fn rejected(text: impl Into<String>) -> Failure {
    Failure::new(FailureClass::TemplateRejected).text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &str = r#"{"china":"SMS_1","overseas":"SMS_2"}"#;

    #[test]
    fn the_country_decides() {
        for (template, country, want) in [
            ("SMS_154950909", Some("CN"), "SMS_154950909"),
            ("SMS_154950909", Some("US"), "SMS_154950909"),
            ("449739", Some("CN"), "449739"),
            (BOTH, Some("CN"), "SMS_1"),
            (BOTH, Some("US"), "SMS_2"),
            (BOTH, Some("HK"), "SMS_2"),
            (BOTH, Some("TW"), "SMS_2"),
            (BOTH, None, "SMS_2"),
            (r#"{"china":"SMS_1"}"#, Some("CN"), "SMS_1"),
            (r#"{"china":"SMS_1","overseas":null}"#, Some("CN"), "SMS_1"),
            (r#"{"template":"SMS_3","variables":{}}"#, Some("CN"), "SMS_3"),
            (r#"{"template":"SMS_3"}"#, Some("DK"), "SMS_3"),
        ] {
            let id = template_for_country(template, country, "SMS_1");
            assert_eq!(id, Ok(want.to_owned()), "{template} {country:?}");
        }
    }

    #[test]
    fn a_template_of_the_wrong_shape_says_what_to_change() {
        for (template, country, word) in [
            ("", Some("CN"), "SMS console"),
            ("SMS 1", Some("CN"), "SMS console"),
            ("短信", Some("CN"), "SMS console"),
            ("[\"SMS_1\"]", Some("CN"), "SMS console"),
            ("{", Some("CN"), "object"),
            (r#"{"china":1}"#, Some("CN"), "object"),
            (r#"{"china":"SMS_1"}"#, Some("US"), "`overseas`"),
            (r#"{"overseas":"SMS_1"}"#, Some("CN"), "`china`"),
            (r#"{"china":""}"#, Some("CN"), "SMS console"),
            (r#"{"template":["SMS_1"]}"#, Some("CN"), "object"),
        ] {
            let failure = template_for_country(template, country, "SMS_1").unwrap_err();
            assert_eq!(failure.class, FailureClass::TemplateRejected, "{template}");
            assert!(failure.text.as_ref().is_some_and(|text| text.contains(word)), "{template}: {failure:?}");
        }
    }

    #[test]
    fn variables_are_a_member_of_an_object() {
        for (template, want) in [
            ("SMS_1", Ok(None)),
            (BOTH, Ok(None)),
            (r#"{"template":"SMS_1","variables":["code"]}"#, Ok(Some(serde_json::json!(["code"])))),
            ("{", Err(not_a_template())),
        ] {
            assert_eq!(template_variables(template), want, "{template}");
        }
    }
}
