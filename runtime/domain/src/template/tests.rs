use proptest::prelude::*;
use serde_json::json;

use super::*;

fn templates(value: Value) -> Vec<Template> {
    read(&value, "/templates").unwrap()
}

fn rendered(content: &str, values: &[(&'static str, &'static str)]) -> (String, Vec<String>) {
    let value = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let rendered = render(content, value).unwrap();
    (rendered.text.to_string(), rendered.unknown.into_iter().collect())
}

#[test]
fn logtos_braces() {
    for (content, want, unknown) in [
        ("{{code}}", "123456", vec![]),
        ("{{ code }} and {{\tcode\n}}", "123456 and 123456", vec![]),
        ("{{{code}}}", "{123456}", vec![]),
        ("{{{{code}}}}", "{{123456}}", vec![]),
        ("{{ code", "{{ code", vec![]),
        ("{{}} {{ }} {{a b}}", "{{}} {{ }} {{a b}}", vec![]),
        ("{{code}}{{name}}", "123456{{name}}", vec!["name"]),
        ("{{ who_1 }}", "{{ who_1 }}", vec!["who_1"]),
        // Inherited in JavaScript, and simply unknown here.
        (
            "{{toString}} {{constructor.name}}",
            "{{toString}} {{constructor.name}}",
            vec!["constructor.name", "toString"],
        ),
        ("[{{code.digits}}]", "[]", vec![]),
        // Not recursive.
        ("{{link}}", "{{code}}", vec![]),
        ("{code} }} {{", "{code} }} {{", vec![]),
        ("Kód {{code}} ✓", "Kód 123456 ✓", vec![]),
    ] {
        let got = rendered(content, &[("code", "123456"), ("link", "{{code}}")]);
        assert_eq!(got, (want.to_owned(), unknown.into_iter().map(str::to_owned).collect()), "{content}");
    }
}

#[test]
fn a_dotted_name_of_its_own_comes_first() {
    assert_eq!(rendered("{{user.name}}", &[("user.name", "Ada")]).0, "Ada");
}

/// A template of a few kilobytes and a variable of two could become megabytes.
#[test]
fn a_text_that_is_longer_than_any_message_is_not_put_together() {
    let (half, all) = ("a".repeat(text::MAX_BYTES / 2), "a".repeat(text::MAX_BYTES));
    let size = |content: &str, value: &str| render(content, |_| Some(value)).map(|rendered| rendered.text.len()).ok();
    for (content, value, expected) in [
        ("{{a}}{{a}}", half.as_str(), Some(text::MAX_BYTES)),
        ("{{a}}{{a}}.", &half, None),
        (&all, "", Some(text::MAX_BYTES)),
        (&format!("{all}."), "", None),
        (&"{{a}}".repeat(1600), &half, None),
    ] {
        assert_eq!(size(content, value), expected, "{} bytes with {}", content.len(), value.len());
    }
}

#[test]
fn both_spellings_are_read() {
    let read = templates(json!([
        {"usage": "sign-in", "content": "{{code}}"},
        {"usageType": "SignIn", "locale": "da", "content": "Din kode er {{ code }}"},
        {"usageType": "Generic", "templateCode": "SMS_1", "type": 2},
        {"usageType": "Register", "templateCode": {"china": "SMS_2", "overseas": "SMS_3"}},
        {"usage": "bind-mfa", "template": 7},
    ]));
    let bodies: Vec<TemplateBody> = read.iter().map(|template| template.body.clone()).collect();
    assert_eq!(read[1].locale.as_deref(), Some("da"));
    assert_eq!(bodies[2], TemplateBody::Provider("SMS_1".into()));
    assert_eq!(bodies[3], TemplateBody::Provider(r#"{"china":"SMS_2","overseas":"SMS_3"}"#.into()));
    assert_eq!(bodies[4], TemplateBody::Provider("7".into()));
}

#[test]
fn everything_wrong_is_named_at_once() {
    let FieldErrors(errors) = read(
        &json!([
            {"usage": "signing", "content": "{{code}}"},
            {"usage": "sign-in", "content": "no place"},
            {"usage": "generic", "locale": "not a tag", "content": "{{code}}"},
            {"usage": "generic", "body": "{{code}}"},
            "text",
            {"usage": "generic", "content": "{{code}}", "template": "1"},
            {"content": "{{code}}"},
            {"usage": "register", "content": "{{code}}"},
            {"usageType": "Register", "content": "{{code}}!"},
            {"usage": "bind-mfa", "content": ""},
            {"usage": "bind-mfa", "locale": "da", "content": "{code} is your code"},
            {"usage": "bind-mfa", "locale": "de", "content": "{{code}}, for {minutes} minutes"},
            {"usage": "bind-mfa", "locale": "fr", "content": format!("{{{{code}}}}{}", "a".repeat(1601))},
            {"usage": "bind-mfa", "locale": "el", "content": format!("{{{{code}}}}{}", "ω".repeat(1601))},
        ]),
        "/templates",
    )
    .unwrap_err();
    let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
    for (field, words) in [
        ("/templates/0/usage", "invalid usage"),
        ("/templates/1/content", "does not hold `{{code}}`"),
        ("/templates/2/locale", "language tag"),
        ("/templates/3/body", "unknown field"),
        ("/templates/3", "neither `content`"),
        ("/templates/4", "must be an object"),
        ("/templates/5", "more than one"),
        ("/templates/6/usage", "is missing"),
        ("/templates/8", "same usage and locale as /templates/7"),
        ("/templates/9/content", "is empty"),
        ("/templates/10/content", "write `{{code}}`, with two braces"),
        ("/templates/11/content", "write `{{minutes}}`, with two braces"),
        ("/templates/12/content", "more than 1600 characters"),
        ("/templates/13/content", "more than 1600 characters"),
    ] {
        let found = errors.iter().any(|error| error.field == field && error.message.contains(words));
        assert!(found, "{field}: {words}\n{}", shown.join("\n"));
    }
    assert_eq!(errors.len(), 14, "{}", shown.join("\n"));
}

#[test]
fn a_text_that_just_fits_is_taken_and_what_a_message_must_bring_is_named() {
    let all = templates(json!([
        {"usage": "generic", "content": format!("{{{{code}}}}{}", "a".repeat(1600))},
        {"usage": "sign-in", "content": "{{app}}: {{code}} for {{minutes}} min {{locale.name}} {{ user.name }} {other}"},
        {"usage": "register", "template": "{{no}}"},
    ]));
    assert_eq!(Vec::from_iter(needed_variables(&all)), ["app", "user.name"]);
}

#[test]
fn usage_then_language_then_generic() {
    let all = templates(json!([
        {"usage": "generic", "content": "{{code}} generic"},
        {"usage": "generic", "locale": "fr", "content": "{{code}} generic fr"},
        {"usage": "sign-in", "content": "{{code}} sign-in"},
        {"usage": "sign-in", "locale": "pt", "content": "{{code}} sign-in pt"},
        {"usage": "sign-in", "locale": "zh-Hant", "content": "{{code}} sign-in zh-Hant"},
        {"usage": "bind-mfa", "locale": "da", "content": "{{code}} bind-mfa da"},
    ]));
    for (usage, locale, want) in [
        (Usage::SignIn, None, "{{code}} sign-in"),
        (Usage::SignIn, Some("pt-BR"), "{{code}} sign-in pt"),
        (Usage::SignIn, Some("PT"), "{{code}} sign-in pt"),
        (Usage::SignIn, Some("zh-Hant-TW"), "{{code}} sign-in zh-Hant"),
        (Usage::SignIn, Some("zh-TW"), "{{code}} sign-in zh-Hant"),
        (Usage::SignIn, Some("zh-Hans"), "{{code}} sign-in"),
        (Usage::SignIn, Some("fr"), "{{code}} sign-in"),
        (Usage::MfaVerification, Some("fr-CA"), "{{code}} generic fr"),
        (Usage::BindMfa, Some("da-DK"), "{{code}} bind-mfa da"),
        (Usage::BindMfa, None, "{{code}} generic"),
    ] {
        let chosen = choose(&all, usage, locale).unwrap();
        assert_eq!(chosen.body, TemplateBody::Text(want.into()), "{usage} {locale:?}");
    }
}

#[test]
fn what_is_missing_and_what_exists() {
    let all = templates(json!([{"usage": "register", "locale": "da", "content": "{{code}}"}]));
    let error = choose(&all, Usage::SignIn, Some("fr")).unwrap_err().to_string();
    assert!(error.contains("`sign-in` in `fr`") && error.contains("register (da)"), "{error}");
    assert!(choose(&[], Usage::SignIn, None).unwrap_err().to_string().contains("there are no templates"));
}

#[test]
fn the_mandatory_ones_are_missed_together() {
    let all = templates(
        json!([{"usage": "sign-in", "content": "{{code}}"}, {"usage": "generic", "locale": "da", "content": "{{code}}"}]),
    );
    let error = check_mandatory(&all, "/templates").unwrap_err().to_string();
    assert!(error.contains("register, forgot-password") && error.contains("without a locale"), "{error}");
    let all: Vec<Template> = MANDATORY_USAGES
        .iter()
        .map(|usage| Template { usage: *usage, locale: None, body: TemplateBody::Text("{{code}}".into()) })
        .collect();
    assert_eq!(check_mandatory(&all, "/templates"), Ok(()));
}

proptest! {
    #[test]
    fn without_braces_nothing_changes(text in "[^{]{0,60}") {
        prop_assert_eq!(rendered(&text, &[("code", "1")]), (text, vec![]));
    }

    #[test]
    fn whatever_the_template_nothing_panics_and_unknown_text_is_kept(text in "[{} a.é]{0,40}") {
        prop_assert_eq!(rendered(&text, &[]).0, text);
    }
}
