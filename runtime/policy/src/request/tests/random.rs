//! Random requests: a second number in a random notation is refused wherever it is, and honest requests pass.

use proptest::prelude::*;

use super::*;

/// A number that is not close to the clock of these tests.
fn number() -> impl Strategy<Value = String> {
    "[1-9][0-9]{7,14}"
        .prop_filter("not a time or a date", |text| !text.starts_with("17954") && !text.starts_with("202611"))
}

/// How a digit is written, and what follows it.
#[derive(Debug, Clone)]
struct Spelling {
    digit: u8,
    filler: String,
}

fn spelling() -> impl Strategy<Value = Vec<Spelling>> {
    let filler = prop_oneof![
        6 => Just(String::new()),
        1 => "[ ~/()\\[\\],._:;|*#'-]{1,9}",
        1 => "[\u{200B}\u{2063}\u{FE0F}\u{301}\u{AD}\u{3164}\u{A0}]{1,4}",
        1 => "[a-zæ]{1,2}",
        1 => Just("<!-- -->".to_owned()),
        1 => Just("<b></b>".to_owned()),
    ];
    prop::collection::vec((0u8..8, filler).prop_map(|(digit, filler)| Spelling { digit, filler }), 15)
}

/// Escapes are undone one layer per round, so each number uses only one kind.
fn spelt(number: &str, spelling: &[Spelling], escape: u8) -> String {
    number
        .chars()
        .zip(spelling)
        .map(|(digit, Spelling { digit: how, filler })| {
            let value = u32::from(digit) - u32::from('0');
            let written = match (how, escape) {
                (0, _) => char::from_u32(0xFF10 + value).unwrap().to_string(),
                (1, _) => char::from_u32(0x0660 + value).unwrap().to_string(),
                (2, _) => char::from_u32(0x1D7CE + value).unwrap().to_string(),
                (3, 0) => format!("&#{};", u32::from(digit)),
                (3, 1) => format!("\\u{:04x}", u32::from(digit)),
                (3, 2) => format!("%{:02X}", u32::from(digit)),
                _ => digit.to_string(),
            };
            format!("{written}{filler}")
        })
        .collect()
}

fn form_encoded(text: &str) -> String {
    percent_encoding::percent_encode(text.as_bytes(), percent_encoding::NON_ALPHANUMERIC).to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_second_number_is_refused(
        number in number(), spelling in spelling(), escape in 0u8..3, before in "[A-Za-z ]{0,8}", after in "([A-Za-z ]{0,8}|,x)",
    ) {
        let spelt = format!("{before}{}{after}", spelt(&number, &spelling, escape));
        let value = form_encoded(&spelt);
        let quoted = serde_json::to_string(&spelt).unwrap();
        let json_places = places(RecipientForm::E164, &[json("/to")], &[json("/text")]);
        let form = form_places();
        for (places, view) in [
            (&form, post("https://x.example/", FORM, &[], &format!("To={{e164}}&Body={{text}}&Cc={value}"))),
            (&form, post("https://x.example/", FORM, &[], &format!("{value}=1&To={{e164}}&Body={{text}}"))),
            (&form, post(&format!("https://x.example/a?cc={value}"), FORM, &[], "To={e164}&Body={text}")),
            (&form, post(&format!("https://x.example/{value}/a"), FORM, &[], "To={e164}&Body={text}")),
            (&form, post("https://x.example/", FORM, &[("x-a", &spelt)], "To={e164}&Body={text}")),
            (&json_places, post("https://x.example/", JSON, &[], &format!(r#"{{"to":"{{e164}}","text":"{{text}}","cc":[{quoted}]}}"#))),
            (&json_places, post("https://x.example/", JSON, &[], &format!(r#"{{"to":"{{e164}}","text":"{{text}}",{quoted}:1}}"#))),
        ] {
            let refused = judge(Text, &[("config a", "12345678")], places, &view);
            prop_assert!(matches!(refused, Err(SecondNumber { .. })), "{:?} {}", refused, spelt);
        }
    }

    #[test]
    fn a_json_number_is_refused_by_its_value(number in number(), shift in 0usize..8, negative in any::<bool>()) {
        let point = 1 + shift.min(number.len() - 2);
        let exponent = number.len() - point;
        let (integer, fraction) = number.split_at(point);
        let sign = if negative { "-" } else { "" };
        let places = places(RecipientForm::Digits, &[json("/to")], &[json("/text")]);
        for written in [format!("{sign}{number}"), format!("{sign}{integer}.{fraction}e{exponent}"), format!("{sign}{integer}.{fraction}")] {
            let body = format!(r#"{{"to":"{{digits}}","text":"{{text}}","cc":{written}}}"#);
            let refused = judge(Text, &[], &places, &post("https://x.example/", JSON, &[], &body));
            prop_assert!(matches!(refused, Err(SecondNumber { .. })), "{:?} {}", refused, written);
        }
    }

    #[test]
    fn literals_without_digits_pass(
        key in "[A-Za-z_]{1,10}", other in "[A-Za-z ,:!_-]{0,40}", header in "[A-Za-z =;/,._-]{0,40}",
    ) {
        prop_assume!(!["to", "body"].contains(&key.replace('_', "").to_lowercase().as_str()));
        let json_places = places(RecipientForm::E164, &[json("/to")], &[json("/body")]);
        for (places, content_type, body) in [
            (form_places(), FORM, format!("To={{e164}}&{key}={}&Body={{text}}", form_encoded(&other))),
            (json_places, JSON, format!(r#"{{"to":"{{e164}}","{key}":"{other}","body":"{{text}}"}}"#)),
        ] {
            let view = post("https://x.example/send", content_type, &[("x", &header)], &body);
            prop_assert_eq!(judge(Text, &[], &places, &view), Ok(Carries::Message), "{}", body);
        }
    }

    #[test]
    fn a_character_that_touches_the_recipient_is_refused(
        before in "[0-9a-z+ .,;:/()\"'\u{200B}-]{0,3}", after in "[0-9a-z+ .,;:/()\"'\u{200B}-]{0,3}",
    ) {
        prop_assume!(!before.is_empty() || !after.is_empty());
        let (before, after) = (form_encoded(&before), form_encoded(&after));
        let view = post("https://x.example/", FORM, &[], &format!("To={before}{{e164}}{after}&Body={{text}}"));
        prop_assert_eq!(judge(Text, &[], &form_places(), &view), Err(RecipientPlace { declared: at(&[form("To")]) }));
        let view = post("https://x.example/", FORM, &[], &format!("To={{e164}}&Body={before}{{text}}{after}"));
        prop_assert_eq!(judge(Text, &[], &form_places(), &view), Err(ContentPlace { declared: at(&[form("Body")]) }));
    }

    /// Whatever a sealed text is, unencoded it passes only if it is a single field that equals the text.
    #[test]
    fn unencoded_bytes_are_one_field_or_nothing(text in "[ -~æ\\n\\t]{0,12}", secret in "[ -~]{0,12}", kind in 0usize..3) {
        let (content_type, template) = [
            (FORM, "To=45&Body=TEXT&k=KEY"),
            (JSON, r#"{"To":"45","Body":"TEXT","k":"KEY"}"#),
            (XML, "<r><To>45</To><Body>TEXT</Body><k>KEY</k></r>"),
        ][kind];
        let written = template.replace("45", "{digits}").replace("TEXT", "{text}").replace("KEY", "{secret}");
        let view = post("https://x.example/", content_type, &[], &written);
        let body = template.replace("TEXT", "\u{1}").replace("KEY", &secret).replace('\u{1}', &text);
        let headers = [("content-type", content_type.as_bytes())];
        let value_of = |mark: &Mark| match mark {
            Mark::Recipient(_) => Some(b"45".as_slice()),
            Mark::Text => Some(text.as_bytes()),
            _ => None,
        };
        let bytes = RequestBytes { url: "https://x.example/", headers: &headers, body: body.as_bytes(), value_of: &value_of };
        if view.confirm(&bytes).is_ok() {
            match content_type {
                FORM => {
                    let pairs: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).collect();
                    prop_assert_eq!(pairs.len(), 3);
                    prop_assert_eq!(&pairs[1], &("Body".into(), text.as_str().into()));
                }
                JSON => {
                    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
                    prop_assert_eq!(value.as_object().unwrap().len(), 3);
                    prop_assert_eq!(value["Body"].as_str(), Some(text.as_str()));
                }
                _ => {
                    let document = roxmltree::Document::parse(&body).unwrap();
                    let body = document.descendants().find(|node| node.has_tag_name("Body")).unwrap();
                    prop_assert_eq!(body.text().unwrap_or_default(), &text);
                    prop_assert_eq!(document.root_element().children().count(), 3);
                }
            }
        }
    }

    #[test]
    fn nothing_panics(url in "[^«]{0,60}", text in "[^«]{0,120}", hole in 0usize..120, kind in 0usize..4) {
        let mut text = text;
        let at = (0..=hole.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.insert_str(at, "{e164}{text}");
        let content_type = [FORM, JSON, XML, ""][kind];
        let _ = judge(Text, &[("nonce", NONCE)], &form_places(), &post(&url, content_type, &[("x", &text)], &text));
        let view = post("https://x.example/", content_type, &[], &text);
        let _ = judge(Text, &[("nonce", NONCE)], &form_places(), &view);
        let value_of = |_: &Mark| Some(b"45".as_slice());
        let headers = [("Content-Type", content_type.as_bytes())];
        let _ = view.confirm(&RequestBytes { url: &url, headers: &headers, body: text.as_bytes(), value_of: &value_of });
    }
}
