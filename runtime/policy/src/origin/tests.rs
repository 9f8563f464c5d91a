use super::*;
use proptest::prelude::*;

fn parameters(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn what_parses_is_written_back() {
    for text in [
        "https://api.example.com",
        "https://api.example.com:8443",
        "http://api.example.com",
        "https://*.example.com",
        "https://api.{edge}.{region}.twilio.com",
        "https://sms-{region}.example.com:444",
        "https://192.0.2.1",
        "https://[2001:db8::1]:8443",
        "{endpoint}",
    ] {
        assert_eq!(OriginPattern::parse(text).unwrap().to_string(), text);
    }
    for (text, canonical) in [
        ("HTTPS://API.Example.com:443", "https://api.example.com"),
        ("https://bücher.example.com", "https://xn--bcher-kva.example.com"),
        ("https://0x7f.1", "https://127.0.0.1"),
    ] {
        assert_eq!(OriginPattern::parse(text).unwrap().to_string(), canonical);
    }
}

#[test]
fn what_does_not_parse() {
    use PatternError::*;
    for (text, error) in [
        ("", Scheme),
        ("api.example.com", Scheme),
        ("ftp://api.example.com", Scheme),
        ("https:/api.example.com", Scheme),
        ("https://", Host),
        ("https://a..example.com", Host),
        ("https://api.example.com/", MoreThanOrigin),
        ("https://api.example.com/v1", MoreThanOrigin),
        ("https://api.example.com?x", MoreThanOrigin),
        ("https://user@api.example.com", MoreThanOrigin),
        ("https://api.example.com:0", Port),
        ("https://api.example.com:65536", Port),
        ("https://api.example.com:+1", Port),
        ("https://api.example.com:", Port),
        ("https://*", Wildcard),
        ("https://*.com", Wildcard),
        ("https://a.*.com", Wildcard),
        ("https://a*.example.com", Wildcard),
        ("https://{tenant}.com", Placeholder),
        ("https://api.{tenant}.com", Placeholder),
        ("https://{tenant}", Placeholder),
        ("https://{a}{b}.example.com", Placeholder),
        ("https://{a.example.com", Placeholder),
        ("https://a}.example.com", Placeholder),
        ("https://{}.example.com", Placeholder),
        ("https://{a b}.example.com", MoreThanOrigin),
        ("{}", Placeholder),
        ("{a}{b}", Placeholder),
        ("https://*.0.1", Host),
    ] {
        assert_eq!(OriginPattern::parse(text), Err(error), "{text}");
    }
}

#[test]
fn filling() {
    let pattern = OriginPattern::parse("https://api.{edge}.{region}.twilio.com").unwrap();
    assert_eq!(pattern.parameters(), ["edge", "region"]);
    let fill = |pairs: &[(&str, &str)]| pattern.fill(&parameters(pairs)).map(|origin| origin.map(|o| o.to_string()));
    assert_eq!(
        fill(&[("edge", "dublin"), ("region", "ie1")]),
        Ok(Some("https://api.dublin.ie1.twilio.com".to_owned()))
    );
    assert_eq!(fill(&[("edge", "dublin")]), Ok(None));
    assert_eq!(fill(&[("edge", "dublin"), ("region", "")]), Ok(None));
    for bad in ["a.b", "IE1", "-a", "a-", "a/b", "a@b", "a:1", "ü", "*", " ", "a\n", "evil.com#", &"a".repeat(64)] {
        let error = fill(&[("edge", bad), ("region", "ie1")]).unwrap_err();
        assert_eq!(error, PatternError::Value { parameter: "edge".to_owned() }, "{bad}");
    }
    // Including the literal text around it in the label.
    let pattern = OriginPattern::parse("https://a-{edge}.example.com").unwrap();
    let fill = |length: usize| pattern.fill(&parameters(&[("edge", &"x".repeat(length))]));
    assert!(fill(61).is_ok());
    assert_eq!(fill(62), Err(PatternError::Value { parameter: "edge".to_owned() }));
}

#[test]
fn endpoints() {
    let pattern = OriginPattern::parse("{endpoint}").unwrap();
    assert_eq!(pattern.parameters(), ["endpoint"]);
    let fill = |url: &str| pattern.fill(&parameters(&[("endpoint", url)]));
    for (url, origin) in [
        ("https://sms.example.com/hook?token=1", "https://sms.example.com/hook"),
        ("https://SMS.example.com.:8443", "https://sms.example.com:8443/"),
        ("http://sms.example.com/a/../b", "http://sms.example.com/b"),
        ("https://2130706433/x", "https://127.0.0.1/x"),
    ] {
        assert_eq!(fill(url).unwrap().unwrap().to_string(), origin, "{url}");
    }
    for bad in [
        "sms.example.com",
        "ftp://sms.example.com/",
        "https://user@sms.example.com/",
        "https://user:pw@sms.example.com/",
        "https://sms.example.com/#x",
        "https:sms.example.com",
        "https:\\\\sms.example.com",
        " https://sms.example.com",
        "https://sms.exa\nmple.com",
        "https://",
        "https://sms.example.com:0/",
        "javascript:alert(1)",
    ] {
        let error = fill(bad).unwrap_err();
        assert_eq!(error, PatternError::Endpoint { parameter: "endpoint".to_owned() }, "{bad}");
    }
    assert_eq!(fill(""), Ok(None));
}

#[test]
fn an_error_does_not_quote_the_value() {
    let pattern = OriginPattern::parse("{endpoint}").unwrap();
    let error = pattern.fill(&parameters(&[("endpoint", "https://u:hunter2@h/")])).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn origins_of_a_grant_are_read_back() {
    for text in
        ["https://a.example.com", "https://*.example.com:1", "https://a.example.com/", "https://a.example.com/hook"]
    {
        assert_eq!(Origin::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(Origin::parse("https://{x}.example.com"), Err(PatternError::Placeholder));
    assert_eq!(Origin::parse("https://a.example.com/x?y"), Err(PatternError::MoreThanOrigin));
}

#[test]
fn covering() {
    for (wide, narrow, covers) in [
        ("https://*.example.com", "https://a.example.com", true),
        ("https://*.example.com", "https://{x}.example.com", true),
        ("https://{x}.example.com", "https://a.example.com", false),
        ("https://{x}.example.com", "https://{y}.example.com", false),
        ("https://a.example.com", "https://*.example.com", false),
        ("https://a.example.com", "http://a.example.com", false),
        ("https://a.example.com", "https://a.example.com:1", false),
        ("{endpoint}", "{endpoint}", true),
        ("{endpoint}", "https://a.example.com", false),
    ] {
        let (wide, narrow) = (OriginPattern::parse(wide).unwrap(), OriginPattern::parse(narrow).unwrap());
        assert_eq!(wide.covers(&narrow), covers, "{wide} {narrow}");
    }
}

proptest! {
    /// Whatever a tenant enters, the host ends with the two labels in the manifest.
    #[test]
    fn a_value_never_chooses_the_domain(value in ".{0,70}") {
        let pattern = OriginPattern::parse("https://api.{x}.example.com").unwrap();
        if let Ok(Some(origin)) = pattern.fill(&parameters(&[("x", &value)])) {
            let url = Url::parse(&origin.to_string()).unwrap();
            let host = url.host_str().unwrap();
            prop_assert!(host.starts_with("api.") && host.ends_with(".example.com"));
            prop_assert_eq!(host.split('.').count(), 4);
            prop_assert_eq!(url.path(), "/");
        }
    }
}
