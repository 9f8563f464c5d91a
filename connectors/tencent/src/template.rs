//! Which template a number gets: one id for all, or one for the mainland and one for everywhere else.
//!
//! The recipient's country decides, never its digits: a number of the United States is `1` and ten digits, and so is a
//! mainland number without its calling code.

use sendbox_connector_sdk::{Failure, FailureClass};
use serde::Deserialize;

#[derive(Deserialize)]
struct ByDestination {
    china: Option<String>,
    overseas: Option<String>,
}

/// The template id for a number of `country`, out of what the tenant gave: an id, or an object as JSON.
pub(crate) fn choose(template: &str, country: Option<&str>) -> Result<String, Failure> {
    let id = if template.starts_with('{') {
        let both: ByDestination = serde_json::from_str(template)
            .map_err(|_| wrong("the template must be an id, or an object with the ids `china` and `overseas`"))?;
        match country {
            Some("CN") => both.china.ok_or_else(|| wrong("the template has no id `china` for mainland numbers")),
            _ => {
                both.overseas.ok_or_else(|| wrong("the template has no id `overseas` for numbers outside the mainland"))
            }
        }?
    } else {
        template.to_owned()
    };
    let fits = (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if fits { Ok(id) } else { Err(wrong("the template id must be as the SMS console shows it, like 449739")) }
}

fn wrong(text: &str) -> Failure {
    Failure::new(FailureClass::TemplateRejected).text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &str = r#"{"china":"SMS_1","overseas":"SMS_2"}"#;

    #[test]
    fn the_country_decides() {
        for (template, country, want) in [
            ("449739", Some("CN"), "449739"),
            ("449739", Some("US"), "449739"),
            (BOTH, Some("CN"), "SMS_1"),
            (BOTH, Some("US"), "SMS_2"),
            (BOTH, Some("HK"), "SMS_2"),
            (BOTH, Some("TW"), "SMS_2"),
            (BOTH, None, "SMS_2"),
            (r#"{"china":"SMS_1"}"#, Some("CN"), "SMS_1"),
        ] {
            assert_eq!(choose(template, country), Ok(want.to_owned()), "{template} {country:?}");
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
            let failure = choose(template, country).unwrap_err();
            assert_eq!(failure.class, FailureClass::TemplateRejected, "{template}");
            assert!(failure.text.as_ref().is_some_and(|text| text.contains(word)), "{template}: {failure:?}");
        }
    }
}
