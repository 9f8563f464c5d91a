//! The choice between a provider's templates, for providers that approve them separately for mainland China and for
//! everywhere else.

use serde_json::Value;

use crate::failure::{Failure, FailureClass};

/// The maximum length of a template's id, in characters.
const ID_MAX: usize = 64;

/// The id of the template for a recipient in `country` (ISO 3166-1 alpha-2), from what the tenant entered: one id for every
/// number, or `{"china": …, "overseas": …}`.
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

fn not_a_template() -> Failure {
    rejected("the template must be an id, or an object with the ids `china` and `overseas`")
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
        ] {
            let failure = template_for_country(template, country, "SMS_1").unwrap_err();
            assert_eq!(failure.class, FailureClass::TemplateRejected, "{template}");
            assert!(failure.text.as_ref().is_some_and(|text| text.contains(word)), "{template}: {failure:?}");
        }
    }
}
